"""What commands do to the database: they change it only while no service runs, and look at it at any time."""

import asyncio
import datetime as dt
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar
from zoneinfo import ZoneInfo

import typer
from sqlalchemy.engine import make_url

from presence.clock import SystemClock, instant
from presence.config import load
from presence.errors import ConfigError
from presence.first import first_of, sow
from presence.storage.database import Database
from presence.storage.migrate import behind, migrate
from presence.storage.tenancy import alone

T = TypeVar("T")
Work = Callable[[Database], Awaitable[T]]

ConfigFile = Annotated[Path | None, typer.Option("--config", "-c", help="the TOML file", envvar="PRESENCE_CONFIG")]


def change(config: Path | None, work: Work[T]) -> T:
    """Do something to the database, and first add what the configuration brings along. `ConfigError` while it is in use."""
    settings = load(config, os.environ)
    first = first_of(settings)

    async def run() -> T:
        database = Database(settings.database.url)
        await database.open()
        try:
            await sow(database, first, SystemClock().now())
            return await work(database)
        finally:
            await database.close()

    with alone(make_url(settings.database.url)):
        migrate(settings.database.url)
        return asyncio.run(run())


def look(config: Path | None, work: Work[T]) -> T:
    """Look at something in the database, also while the service runs. `ConfigError` when it is of another release."""
    url = load(config, os.environ).database.url

    async def run() -> T:
        database = Database(url)
        try:
            schema = await database.read(behind)
            if schema:
                raise ConfigError(f"the database: {schema}")
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(run())


def instant_of(at: str, zone: str) -> int:
    """The instant of what somebody wrote after --at. `ConfigError` when it is none."""
    try:
        moment = dt.datetime.fromisoformat(at)
    except ValueError:
        raise ConfigError(f"--at: found {at!r}; a time such as 2026-11-26T14:30") from None
    return instant(moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone)))
