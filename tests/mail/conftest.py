"""What the mail tests share."""

from collections.abc import AsyncIterator

import pytest

from tests.mail.cast import FakeTime, MailServer


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with MailServer() as server:
        yield server
