"""What the tests of calls begin with."""

from collections.abc import AsyncIterator

import pytest

from presence.booking.requests import Booked
from tests.calls.cast import Host, Visitor, booked, in_time
from tests.chat.cast import Bank
from tests.chat.stage import bank, config, database_url, settled_postgres, settled_sqlite

__all__ = ["alice", "bank", "carol", "config", "database_url", "one", "settled_postgres", "settled_sqlite"]


@pytest.fixture
async def one(bank: Bank) -> Booked:
    """Carol's appointment with Alice, which begins in ten minutes."""
    made = await booked(bank)
    in_time(bank, made)
    return made


@pytest.fixture
async def carol(bank: Bank, one: Booked) -> AsyncIterator[Visitor]:
    """Carol with the link from her mail."""
    async with Visitor(bank, one) as there:
        yield there


@pytest.fixture
async def alice(bank: Bank, one: Booked) -> AsyncIterator[Host]:
    """Alice, signed in."""
    async with Host(bank, "alice", one) as there:
        yield there
