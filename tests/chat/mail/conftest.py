"""The bank of the tests of chat, with mail in and out."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from presence.config import Config
from tests.chat.cast import Bank, configuration
from tests.chat.mail.post import Post, with_mail
from tests.mail.cast import MailServer


@pytest.fixture
async def outside() -> AsyncIterator[MailServer]:
    """The mail server that the bank sends by."""
    async with MailServer() as server:
        yield server


@pytest.fixture
def config(database_url: str, tmp_path: Path, outside: MailServer) -> Config:
    return with_mail(configuration(database_url, tmp_path), tmp_path, outside.port)


@pytest.fixture
def post(bank: Bank, outside: MailServer, tmp_path: Path) -> Post:
    return Post(bank, outside, tmp_path)
