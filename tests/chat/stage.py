"""The bank with its chat, on a real port; and people who talk over real sockets.

What takes a second to make, a database with the bank's people in it, is made once and copied for each test.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from presence.clock import SystemClock
from presence.config import Config
from presence.first import first_of, sow
from presence.storage.database import Database
from tests.chat.cast import Adviser, Bank, Customer, bank_at, configuration
from tests.conftest import copied_postgres, execute
from tests.support import FrozenClock

People = Callable[..., Awaitable[Customer]]
_SETTLED: set[str] = set()  # servers that have the bank's people


async def _settle(url: str) -> None:
    database = Database(url)
    await database.open()
    await sow(database, first_of(configuration(url, Path())), SystemClock().now())
    await database.close()


@pytest.fixture(scope="session")
def settled_sqlite(migrated: Path) -> Path:
    """A SQLite file with the bank's people in it, to be copied."""
    file = migrated.with_name("settled.db")
    if not file.exists():  # else another directory's tests have made it
        shutil.copyfile(migrated, file)
        asyncio.run(_settle(f"sqlite:///{file}"))
    return file


@pytest.fixture(scope="session")
def settled_postgres(postgres_template: str) -> str:
    """The pattern of addresses of a server that has a database with the bank's people in it, to be copied."""
    if postgres_template not in _SETTLED:  # else another directory's tests have made it
        _SETTLED.add(postgres_template)
        execute(postgres_template, "CREATE DATABASE template_bank TEMPLATE template_presence")
        asyncio.run(_settle(postgres_template.format(name="template_bank")))
    return postgres_template


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database with the bank's people in it: the same test on both."""
    if request.param == "sqlite":
        yield copied_sqlite(request.getfixturevalue("settled_sqlite"), tmp_path)
    else:
        with copied_bank(request.getfixturevalue("settled_postgres")) as address:
            yield address


def copied_sqlite(settled: Path, directory: Path) -> str:
    """The address of a file of its own with the bank's people in it."""
    shutil.copyfile(settled, directory / "presence.db")
    return f"sqlite:///{directory / 'presence.db'}"


def copied_bank(address: str) -> AbstractContextManager[str]:
    """The address of a PostgreSQL database of its own with the bank's people in it."""
    return copied_postgres(address, "template_bank")


@pytest.fixture
def config(database_url: str, tmp_path: Path) -> Config:
    return configuration(database_url, tmp_path)


@pytest.fixture
async def bank(config: Config, clock: FrozenClock) -> AsyncIterator[Bank]:
    """The service on a port of its own. Its clock stands still until a test moves it."""
    async with bank_at(config, clock) as served:
        yield served


@pytest.fixture
async def alice(bank: Bank) -> AsyncIterator[Adviser]:
    """Alice at her dashboard."""
    async with Adviser(bank, "alice") as there:
        yield there


@pytest.fixture
async def carol(bank: Bank) -> AsyncIterator[Customer]:
    """Carol on the chat page."""
    async with Customer(bank, "Carol") as there:
        yield there
