"""The bank with its chat, on a real port; and people who talk over real sockets."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from presence.clock import SystemClock
from presence.config import Config
from tests.chat.cast import Adviser, Bank, Customer, bank_at, configuration

People = Callable[..., Awaitable[Customer]]


@pytest.fixture
def config(database_url: str, tmp_path: Path) -> Config:
    return configuration(database_url, tmp_path)


@pytest.fixture
async def bank(config: Config) -> AsyncIterator[Bank]:
    """The service on a port of its own."""
    async with bank_at(config, SystemClock()) as served:
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
