"""A private PostgreSQL from Debian's packages, in a temporary directory, for as long as it is measured."""

import asyncio
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg


class Postgres:
    """A server that listens on a socket in its directory alone."""

    def __init__(self, directory: Path, binaries: Path) -> None:
        self._directory = directory
        self._binaries = binaries
        options = f"-c listen_addresses='' -c unix_socket_directories={directory} -c max_connections=50"
        self._start = ("pg_ctl", "-D", directory / "data", "-w", "-o", options, "-l", directory / "log", "start")

    def database(self, name: str) -> str:
        """Make an empty database; returns its address."""

        async def create() -> None:
            connection = await asyncpg.connect(self._address("postgres"))
            await connection.execute(f"CREATE DATABASE {name}")
            await connection.close()

        asyncio.run(create())
        return self._address(name)

    def _address(self, name: str) -> str:
        return f"postgresql://presence@/{name}?host={self._directory}"

    def initialise(self) -> None:
        self._run("initdb", "-D", self._directory / "data", "-U", "presence", "-A", "trust", "-E", "UTF8")

    def start(self) -> None:
        self._run(*self._start)

    def stop(self, mode: str = "immediate") -> None:
        """End it; "immediate" as a crash does, "fast" as an administrator does."""
        self._run("pg_ctl", "-D", self._directory / "data", "-m", mode, "stop")

    def _run(self, program: str, *arguments: object) -> None:
        words = [str(self._binaries / program), *map(str, arguments)]
        if os.geteuid() == 0:  # the server refuses to be run by root
            words = [shutil.which("runuser") or "runuser", "-u", "postgres", "--", *words]
        done = subprocess.run(words, check=False, capture_output=True, text=True, cwd="/")
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stdout} {done.stderr}")


@contextmanager
def postgres() -> Iterator[Postgres]:
    """A server that runs, with an fsync at every commit."""
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    if not binaries:
        raise RuntimeError("PostgreSQL is missing: apt-get install postgresql")
    directory = Path(tempfile.mkdtemp(prefix="presence-postgres-"))
    if os.geteuid() == 0:
        account = pwd.getpwnam("postgres")
        os.chown(directory, account.pw_uid, account.pw_gid)
    server = Postgres(directory, binaries[-1])
    try:
        server.initialise()
        server.start()
        yield server
        server.stop()
    finally:
        shutil.rmtree(directory, ignore_errors=True)
