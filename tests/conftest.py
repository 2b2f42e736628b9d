"""Real databases for every test that wants one: SQLite in a file, PostgreSQL from Debian's packages."""

import asyncio
import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import uvicorn.server
from argon2 import PasswordHasher

from presence.roster import passwords
from presence.storage.database import Database
from presence.storage.migrate import migrate
from tests.live.redis import Redis
from tests.support import FrozenClock

ROOM = 2**30  # bytes that a server and its copies may need


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> None:
    """The same hash with the least work: what a password costs to guess is not what the tests ask."""
    passwords._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class _Hasty:
    """asyncio, whose sleeps are over in a twentieth of the time."""

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)

    async def sleep(self, delay: float) -> None:
        await asyncio.sleep(delay / 20)


@pytest.fixture(scope="session", autouse=True)
def quick_stops() -> None:
    """The same stop of a server, looked for more often: uvicorn's naps were a quarter of a second for each test."""
    setattr(uvicorn.server, "asyncio", _Hasty())  # noqa: B010


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file, to be copied."""
    file = tmp_path_factory.mktemp("template") / "presence.db"
    migrate(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A private server; its address without a database. Durability is not what the tests ask of it."""
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    if not binaries:
        pytest.fail("PostgreSQL is missing: apt-get install postgresql")
    # Not in pytest's own directory: another run would close that to the account the server needs.
    directory = Path(tempfile.mkdtemp(prefix="presence-postgres-", dir=_memory()))
    as_root = os.geteuid() == 0
    if as_root:
        account = pwd.getpwnam("postgres")
        os.chown(directory, account.pw_uid, account.pw_gid)
    data, run = directory / "data", _runner(as_root)
    run(binaries[-1] / "initdb", "-D", data, "-U", "presence", "-A", "trust", "-E", "UTF8", "--no-sync")
    options = f"-c listen_addresses='' -c unix_socket_directories={directory} -c fsync=off -c max_connections=50"
    options += " -c wal_level=minimal -c max_wal_senders=0 -c autovacuum=off"
    run(binaries[-1] / "pg_ctl", "-D", data, "-w", "-o", options, "-l", directory / "log", "start")
    yield f"postgresql://presence@/{{name}}?host={directory}"
    run(binaries[-1] / "pg_ctl", "-D", data, "-m", "immediate", "stop")
    shutil.rmtree(directory)


def _memory() -> Path | None:
    """Where files never come to a disk, if there is room: a database is copied there in a tenth of the time."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > ROOM
    return memory if roomy else None


def _runner(as_root: bool):  # type: ignore[no-untyped-def]
    def run(*command: object) -> None:
        words = [str(word) for word in command]
        if as_root:  # the server refuses to be run by root
            words = [shutil.which("runuser") or "runuser", "-u", "postgres", "--", *words]
        done = subprocess.run(words, check=False, capture_output=True, text=True, cwd="/")
        if done.returncode:
            raise RuntimeError(f"{words[-1]}: {done.stdout} {done.stderr}")

    return run


@pytest.fixture(scope="session")
def postgres_template(postgres: str) -> str:
    """The address of a migrated database, to be copied."""
    execute(postgres, "CREATE DATABASE template_presence")
    migrate(postgres.format(name="template_presence"))
    return postgres


def execute(address: str, statement: str) -> None:
    """Run a statement at a server, outside of any of the tests' databases."""

    async def run() -> None:
        connection = await asyncpg.connect(address.format(name="postgres"))
        await connection.execute(statement)
        await connection.close()

    asyncio.run(run())


@contextmanager
def copied_postgres(address: str, template: str) -> Iterator[str]:
    """The address of a database of its own, which is as the template is and goes with the block."""
    name = f"t{uuid.uuid4().hex}"
    execute(address, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    yield address.format(name=name)
    execute(address, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty, migrated database: the same test on both."""
    if request.param == "sqlite":
        file = tmp_path / "presence.db"
        shutil.copyfile(request.getfixturevalue("migrated"), file)
        yield f"sqlite:///{file}"
    else:
        with copied_postgres(request.getfixturevalue("postgres_template"), "template_presence") as address:
            yield address


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An open database."""
    opened = Database(database_url)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Redis]:
    """A Redis of the test's own."""
    server = Redis(tmp_path)
    yield server
    server.kill()
