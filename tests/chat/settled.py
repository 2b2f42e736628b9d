"""Databases in which the bank's people are already: what takes a second to make is made once, and copied for each test."""

import asyncio
import shutil
import uuid
from pathlib import Path

import pytest
from sqlalchemy import update

from presence.app import sow
from presence.clock import SystemClock
from presence.storage.database import Database
from presence.storage.tables import adviser, customer
from tests.chat.cast import configuration, quick_hash
from tests.conftest import _execute


async def _settle(url: str) -> None:
    database = Database(url)
    await database.open()
    await sow(database, configuration(url, Path()), SystemClock().now())
    await database.write(lambda sql: sql.execute(update(adviser).values(password_hash=quick_hash())) and None)
    await database.close()


@pytest.fixture(scope="session")
def settled_sqlite(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the bank's people in it, to be copied."""
    file = tmp_path_factory.mktemp("settled") / "presence.db"
    shutil.copyfile(migrated, file)
    asyncio.run(_settle(f"sqlite:///{file}"))
    return file


@pytest.fixture(scope="session")
def settled_postgres(postgres_template: str) -> str:
    """The address of a PostgreSQL database with the bank's people in it, to be copied."""
    _execute(postgres_template, "CREATE DATABASE template_bank TEMPLATE template_presence")
    asyncio.run(_settle(postgres_template.format(name="template_bank")))
    return postgres_template


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database with the bank's people in it: the same test on both."""
    if request.param == "sqlite":
        return _copy(request, tmp_path)
    address: str = request.getfixturevalue("settled_postgres")
    name = f"t{uuid.uuid4().hex}"
    _execute(address, f"CREATE DATABASE {name} TEMPLATE template_bank")
    return address.format(name=name)


@pytest.fixture
def sqlite_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """For tests to which the kind of database makes no difference."""
    return _copy(request, tmp_path)


def _copy(request: pytest.FixtureRequest, directory: Path) -> str:
    shutil.copyfile(request.getfixturevalue("settled_sqlite"), directory / "presence.db")
    return f"sqlite:///{directory / 'presence.db'}"
