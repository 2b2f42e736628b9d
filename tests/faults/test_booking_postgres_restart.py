"""PostgreSQL goes away under booking load and comes back: nothing acknowledged is lost, and bookings go on by themselves."""

import asyncio
import random
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import Connection, func, select

from bench import bank
from bench.client import Client, clients
from bench.ports import free_port
from bench.postgres import Postgres, postgres
from bench.server import Server
from bench.smtp import Sink, sink
from presence.storage.database import Database
from presence.storage.tables import adviser_cell, appointment, appointment_adviser, outbox, reminder

PATIENCE = 5.0  # seconds until bookings go on

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with postgres() as started:
        yield started


class Customers:
    """Clients who book without end, and ask again with the same key for what was not acknowledged."""

    def __init__(self, starts: list[str]) -> None:
        self.acknowledged: dict[str, str] = {}  # key -> UID
        self.last = 0.0  # when something was acknowledged
        self.wrong: list[str] = []
        self.stopped = False
        self._starts = starts
        self._chance = random.Random(1)
        self._numbers = iter(range(10**9))

    async def book(self, client: Client) -> None:
        while not self.stopped:
            number = next(self._numbers)
            start = self._chance.choice(self._starts)
            await self._insist(client, f"k{number}", bank.somebody(number) | {"service": "talk", "start": start})

    async def _insist(self, client: Client, key: str, body: dict[str, str]) -> None:
        while True:
            answer = await client.post("/api/v1/appointments", body, key=key)
            if answer.status in {200, 201}:
                self.acknowledged[key] = answer.json()["uid"]
                self.last = time.monotonic()
                return
            if answer.status == 409:
                return
            if answer.status != 503:
                self.wrong.append(f"{key}: {answer.status} {answer.body[:300]!r}")
                return
            await asyncio.sleep(0.05)  # as a site does that is told to come again


@pytest.mark.parametrize(("rounds", "many"), [(2, 4), pytest.param(30, 16, marks=pytest.mark.long)])
@pytest.mark.parametrize("mode", ["fast", "immediate"])
async def test_bookings_survive_a_restart_of_postgresql(
    tmp_path: Path, server: Postgres, mode: str, rounds: int, many: int
) -> None:
    url = await asyncio.to_thread(server.database, f"restarts_{mode}_{rounds}")
    port, configuration = free_port(), tmp_path / "bank.toml"
    chance = random.Random(rounds)
    async with sink() as mails:
        bank.write_configuration(
            configuration,
            port=port,
            database=url,
            smtp_port=mails.port,
            advisers=[bank.adviser_entry(number) for number in range(40)],
            services=[bank.service_entry(reminders=[1440, 60])],
        )
        async with Server.serve(configuration, port), clients(port, many, bank.AUTH) as opened:
            starts = (await opened[0].get("/api/v1/services/talk/starts")).json()["starts"]
            customers = Customers(starts[len(starts) // 5 :])
            load = asyncio.gather(*map(customers.book, opened))
            for _ in range(rounds):
                await asyncio.sleep(chance.uniform(0.2, 0.8))
                await asyncio.to_thread(server.stop, mode)
                await asyncio.to_thread(server.start)
                back = time.monotonic()
                while customers.last < back:
                    assert time.monotonic() < back + PATIENCE, "bookings did not go on"
                    await asyncio.sleep(0.02)
            await until_alone(url)
            customers.stopped = True
            await load
            await until_sent(url)
        assert customers.wrong == []
        await check(url, customers, mails)


async def until_alone(url: str) -> None:
    """Wait until the server holds the database again: another one without a bus must not begin beside it."""
    operator = await asyncpg.connect(url)
    try:
        async with asyncio.timeout(PATIENCE):
            while not await operator.fetchval("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted"):
                await asyncio.sleep(0.02)
    finally:
        await operator.close()


async def until_sent(url: str) -> None:
    """Wait until the outbox is empty: what was under way when the database went is sent, in the end."""
    database, until = Database(url), time.monotonic() + 180
    try:
        while await database.read(_waiting):
            assert time.monotonic() < until, "mails were not sent"
            await asyncio.sleep(0.2)
    finally:
        await database.close()


def _waiting(connection: Connection) -> int:
    query = select(func.count()).where(outbox.c.state.in_(("queued", "attempting")))
    return int(connection.execute(query).scalar_one())


async def check(url: str, customers: Customers, mails: Sink) -> None:
    """Hold what is stored and sent against what was acknowledged."""
    database = Database(url)
    try:
        await database.read(lambda connection: _check(connection, customers, mails))
    finally:
        await database.close()


def _check(connection: Connection, customers: Customers, mails: Sink) -> None:
    stored = {row.uid: row.email for row in connection.execute(select(appointment.c.uid, appointment.c.email))}
    assert set(customers.acknowledged.values()) == set(stored), "all that was acknowledged is there, and nothing else"
    assert len(set(stored.values())) == len(stored), "nobody has two"
    twice = (
        select(appointment_adviser.c.adviser_id)
        .group_by(appointment_adviser.c.adviser_id, appointment_adviser.c.starts_at)
        .having(func.count() > 1)
    )
    assert connection.execute(twice).all() == []
    for table, each in ((adviser_cell, 6), (outbox, 2), (reminder, 4)):
        assert connection.execute(select(func.count()).select_from(table)).scalar_one() == each * len(stored), (
            table.name
        )
    sent = connection.execute(select(outbox.c.message_id, outbox.c.attempts)).all()
    assert all(1 <= mails.taken[message_id] <= attempts for message_id, attempts in sent)
