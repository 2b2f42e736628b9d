"""What the mail tests share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from presence.storage.database import Database, sqlite_writer_engine
from presence.storage.tables import metadata
from tests.mail.cast import FakeTime, MailServer


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    url = f"sqlite:///{tmp_path / 'presence.db'}"
    engine = sqlite_writer_engine(make_url(url))
    metadata.create_all(engine)
    engine.dispose()
    database = Database(url)
    await database.open()
    yield database
    await database.close()


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with MailServer() as server:
        yield server
