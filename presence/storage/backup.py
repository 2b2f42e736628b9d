"""A consistent copy of the database, and the way back."""

import contextlib
import os
import secrets
import shutil
import sqlite3
import subprocess
from pathlib import Path

from sqlalchemy.engine import URL, make_url

from presence.errors import ConfigError


def backup(url: str, file: Path) -> None:
    """Copy the database to a file while it is in use; the copy is checked before it takes its name."""
    address = make_url(url)
    half = file.with_name(file.name + ".part")
    half.unlink(missing_ok=True)
    if address.get_backend_name() == "sqlite":
        _copy(_path(address), half)
        _check(half)
    else:
        _run("pg_dump", "--format=custom", f"--file={half}", f"--dbname={_plain(address)}")
    with half.open("rb") as stream:
        os.fsync(stream.fileno())
    half.replace(file)


def restore(url: str, file: Path, *, force: bool = False) -> None:
    """Put a backup in the place of the database; the service must not be running. `ConfigError` when it is not safe."""
    address = make_url(url)
    if not file.is_file():
        raise ConfigError(f"{file}: there is no such backup")
    if address.get_backend_name() != "sqlite":
        options = ["--clean", "--if-exists"] if force else []
        _run("pg_restore", "--single-transaction", "--no-owner", *options, f"--dbname={_plain(address)}", str(file))
        _run("psql", "--quiet", f"--dbname={_plain(address)}", f"--command={_new_epoch()}")
        return
    path = _path(address)
    _check(file)
    if path.exists() and path.stat().st_size and not force:
        raise ConfigError(f"{path}: there is a database already; --force replaces it")
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(path.name + ".part")
    shutil.copyfile(file, half)
    with contextlib.closing(sqlite3.connect(half)) as connection:
        connection.execute(_new_epoch())
        connection.commit()
    with half.open("rb") as stream:
        os.fsync(stream.fileno())
    for rest in ("-wal", "-shm"):  # of the database that is replaced: they would be played into the new one
        path.with_name(path.name + rest).unlink(missing_ok=True)
    half.replace(path)


def _new_epoch() -> str:
    """What was there before is another past: live clients forget what they have of it."""
    return f"UPDATE installation SET epoch = '{secrets.token_hex(8)}'"  # noqa: S608 - digits


def _path(address: URL) -> Path:
    return Path(address.database or "")


def _copy(source: Path, target: Path) -> None:
    if not source.is_file():
        raise ConfigError(f"{source}: there is no database")
    reader, writer = sqlite3.connect(f"file:{source}?mode=ro", uri=True), sqlite3.connect(target)
    try:
        reader.backup(writer)
    finally:
        reader.close()
        writer.close()


def _check(file: Path) -> None:
    connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    try:
        found = connection.execute("PRAGMA integrity_check").fetchone()[0]
        connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.DatabaseError as error:
        raise ConfigError(f"{file}: not a backup of presence ({error})") from None
    finally:
        connection.close()
    if found != "ok":
        raise ConfigError(f"{file}: the copy is damaged ({found})")


def _plain(address: URL) -> str:
    return address.set(drivername="postgresql").render_as_string(hide_password=False)


def _run(*command: str) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - our own words
    except FileNotFoundError:
        raise ConfigError(f"{command[0]} is needed; it is in PostgreSQL's client package") from None
    except subprocess.CalledProcessError as error:
        raise ConfigError(f"{command[0]}: {error.stderr.strip().splitlines()[-1]}") from None
