"""Bring a database to the schema of this release."""

import asyncio
from pathlib import Path

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from presence.errors import ConfigError
from presence.storage.database import driver_url, sqlite_writer_engine

_LOCK = 7_353_641_289  # any number, the same in every process


def migrate(url: str) -> None:
    """Migrate to the newest schema; one process at a time. `ConfigError` when the database is newer than this release."""
    address = make_url(url)
    if address.get_backend_name() == "sqlite":
        engine = sqlite_writer_engine(address)
        with engine.begin() as connection:
            _upgrade(connection)
        engine.dispose()
    else:
        asyncio.run(_migrate_postgres(url))


async def _migrate_postgres(url: str) -> None:
    engine = create_async_engine(driver_url(make_url(url)))
    try:
        async with engine.begin() as connection:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            await connection.run_sync(_upgrade)
    finally:
        await engine.dispose()


def _upgrade(connection: Connection) -> None:
    config, current, head = _revisions(connection)
    if current != head:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def behind(connection: Connection) -> str | None:
    """What a database lacks of this release's schema, if anything. `ConfigError` when it is newer than this release."""
    _, current, head = _revisions(connection)
    return (
        None if current == head else f"its schema is {current or 'not there'}; `presence migrate` brings it to {head}"
    )


def _revisions(connection: Connection) -> tuple[AlembicConfig, str | None, str | None]:
    """Where the migrations are, and the schema the database has and should have."""
    config = AlembicConfig()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    scripts = ScriptDirectory.from_config(config)
    current = MigrationContext.configure(connection).get_current_revision()
    if current is not None and current not in {script.revision for script in scripts.walk_revisions()}:
        raise ConfigError(f"database.url: its schema {current} is newer than this release of presence")
    return config, current, scripts.get_current_head()
