"""Two processes without a bus between them do not share a database."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from presence.errors import ConfigError
from presence.storage.claim import LOCK, Claim
from presence.storage.tenancy import tenancy
from tests.conftest import copied_postgres


@pytest.mark.parametrize(("first", "second"), [(False, False), (False, True), (True, False)])
async def test_a_process_without_a_bus_is_alone(database_url: str, first: bool, second: bool) -> None:
    url = make_url(database_url)
    async with tenancy(url, shared=first):
        with pytest.raises(ConfigError, match="redis_url"):
            async with tenancy(url, shared=second):
                pass
    async with tenancy(url, shared=second):
        pass


async def test_processes_with_a_bus_share(database_url: str) -> None:
    url = make_url(database_url)
    async with tenancy(url, shared=True), tenancy(url, shared=True):
        pass


SOON = 10.0  # seconds after which what was waited for is not going to come
HOLDERS = (
    "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


@pytest.fixture
def address(postgres_template: str) -> Iterator[str]:
    """A PostgreSQL database's address."""
    with copied_postgres(postgres_template, "template_presence") as copied:
        yield copied


@pytest.fixture
async def operator(address: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection that looks at who holds what."""
    connection = await asyncpg.connect(address)
    yield connection
    await connection.close()


async def held_by_another_than(operator: asyncpg.Connection, before: int) -> int:
    async with asyncio.timeout(SOON):
        while True:
            holders = [row["pid"] for row in await operator.fetch(HOLDERS)]
            if holders and holders != [before]:
                return int(holders[0])


def unexpected() -> None:
    raise AssertionError("nobody else had it")


@pytest.mark.postgres
async def test_what_went_with_its_connection_is_taken_again(address: str, operator: asyncpg.Connection) -> None:
    url = make_url(address)
    async with tenancy(url, shared=False, lost=unexpected):
        before = await operator.fetchval(HOLDERS)
        await operator.fetchval("SELECT pg_terminate_backend($1)", before)
        await held_by_another_than(operator, before)
        with pytest.raises(ConfigError, match="redis_url"):
            async with tenancy(url, shared=True):
                pass


@pytest.mark.postgres
async def test_who_finds_it_taken_meanwhile_is_told(address: str, operator: asyncpg.Connection) -> None:
    lost, rival = asyncio.Event(), await asyncpg.connect(address)
    async with tenancy(make_url(address), shared=False, lost=lost.set):
        waiting = asyncio.create_task(rival.execute(f"SELECT pg_advisory_lock({LOCK})"))
        before = await operator.fetchval(HOLDERS)
        async with asyncio.timeout(SOON):
            while not await operator.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
                pass
        await operator.fetchval("SELECT pg_terminate_backend($1)", before)
        await waiting
        await asyncio.wait_for(lost.wait(), SOON)
    await rival.close()


@pytest.mark.postgres
async def test_a_session_that_died_unheard_is_not_in_its_own_way(address: str, operator: asyncpg.Connection) -> None:
    async with Claim(make_url(address), shared=False) as claim:
        assert await claim.take()
        before, dead = await operator.fetchval(HOLDERS), claim._connection
        claim._connection = None  # as when the way to it broke, and PostgreSQL still has it
        assert await claim.take()
        assert await operator.fetchval(HOLDERS) != before
        async with Claim(make_url(address), shared=False) as other:
            assert not await other.take()
        assert dead is not None
        dead.terminate()
