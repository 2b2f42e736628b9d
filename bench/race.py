"""Fifty clients want the same start: as many get it as there are advisers, the others get the nearest free ones.

Every round is another start. Three quarters of the clients book over the API, the others take a hold, over the API or by
the page's form; each has a connection and a name of its own. On SQLite and on PostgreSQL, through `presence serve`.

Run: python -m bench.race
"""

import asyncio
import datetime as dt
import random
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from bench import bank
from bench.client import Answer, Client, clients
from bench.ports import free_port
from bench.postgres import postgres
from bench.server import Server
from bench.smtp import sink
from bench.table import Row, alone
from presence.storage.database import driver_url
from presence.storage.tables import adviser_cell, appointment, appointment_adviser

CLIENTS = 50
POOLS = {"solo": 1, "trio": 3}  # service -> advisers who can take a start
WON = {201, 303}
OPEN_ALL_DAY = dict.fromkeys(bank.EVERY_DAY, ("00:00-24:00",))


class Outcome(NamedTuple):
    """`wrong` tells of everything that should not be; empty when all is well."""

    rounds: int
    seconds: float
    statuses: Counter[int]
    wrong: list[str]


async def run(directory: Path, database: str, rounds: int) -> Outcome:
    """Let the clients race, round after round, then look at what is stored."""
    port, configuration = free_port(), directory / "race.toml"
    async with sink() as mails:
        bank.write_configuration(
            configuration,
            port=port,
            database=database,
            smtp_port=mails.port,
            advisers=[bank.adviser_entry(number, hours=OPEN_ALL_DAY) for number in range(4)],
            services=[
                bank.service_entry("solo", pool={"advisers": [{"adviser": "adviser-0"}]}, grid=30),
                bank.service_entry(
                    "trio", pool={"advisers": [{"adviser": f"adviser-{n}"} for n in (1, 2, 3)]}, grid=30
                ),
            ],
            hours=OPEN_ALL_DAY,
            holidays="",
        )
        async with Server.serve(configuration, port), clients(port, CLIENTS, bank.AUTH) as opened:
            outcome = await _race(opened, rounds)
    found = await _overlaps(database)
    return outcome._replace(wrong=outcome.wrong + found)


async def _race(opened: list[Client], rounds: int) -> Outcome:
    statuses: Counter[int] = Counter()
    wrong: list[str] = []
    starts = {slug: iter((await opened[0].get(f"/api/v1/services/{slug}/starts")).json()["starts"]) for slug in POOLS}
    began = time.perf_counter()
    for number in range(rounds):
        slug = list(POOLS)[number % len(POOLS)]
        start = next(starts[slug])
        wishes = [_want(one, slug, start, number, place) for place, one in enumerate(opened)]
        random.Random(number).shuffle(wishes)
        answers = await asyncio.gather(*wishes)
        statuses.update(answer.status for answer in answers)
        winners = sum(answer.status in WON for answer in answers)
        if winners != POOLS[slug]:
            wrong.append(f"round {number}: {winners} of {POOLS[slug]} at {start}")
        wrong += [f"round {number}: {told}" for answer in answers if (told := _unfriendly(answer, start))]
    return Outcome(rounds, time.perf_counter() - began, statuses, wrong)


async def _want(client: Client, slug: str, start: str, number: int, place: int) -> Answer:
    """One client's wish, in the way that falls to its place."""
    if place % 8 == 3:
        return await client.post("/api/v1/holds", {"service": slug, "start": start})
    if place % 8 == 7:
        instant = int(dt.datetime.fromisoformat(start).timestamp())
        return await client.form(f"/book/{slug}/hold", f"start={instant}&zone=Europe%2FParis")
    body: dict[str, Any] = bank.somebody(number * CLIENTS + place) | {"service": slug, "start": start}
    return await client.post("/api/v1/appointments", body, key=f"{number}-{place}")


def _unfriendly(answer: Answer, start: str) -> str:
    """What is wrong with a loser's answer: it must be a 409 that offers other starts."""
    if answer.status in WON:
        return ""
    if answer.status != 409:
        return f"answered {answer.status}: {answer.body[:200]!r}"
    if answer.headers.get(b"content-type", b"").startswith(b"text/html"):
        return "" if answer.body.count(b'name="start"') >= 3 else "a page without other starts"
    problem = answer.json()
    nearest = problem.get("nearest", [])
    return "" if problem["type"] == "/problems/slot-taken" and nearest and start not in nearest else f"{problem}"


async def _overlaps(database: str) -> list[str]:
    """What is stored twice: cells cannot be, so appointments of one adviser at one start, or without their cells."""
    engine = create_async_engine(driver_url(make_url(database)))
    async with engine.connect() as connection:
        doubled = await connection.execute(
            select(appointment_adviser.c.adviser_id, appointment_adviser.c.starts_at)
            .group_by(appointment_adviser.c.adviser_id, appointment_adviser.c.starts_at)
            .having(func.count() > 1)
        )
        wrong = [f"adviser {adviser_id} twice at {starts_at}" for adviser_id, starts_at in doubled.all()]
        booked = (await connection.execute(select(func.count()).select_from(appointment))).scalar_one()
        cells = (await connection.execute(select(func.count()).select_from(adviser_cell))).scalar_one()
    await engine.dispose()
    if cells < booked * 6:
        wrong.append(f"{booked} appointments, but {cells} cells")
    return wrong


def measured(rounds: int) -> dict[str, Outcome]:
    """The outcome on each database."""
    outcomes = {}
    with tempfile.TemporaryDirectory(prefix="presence-bench-") as name:
        directory = Path(name)
        outcomes["SQLite"] = asyncio.run(run(directory, f"sqlite:///{directory / 'presence.db'}", rounds))
        with postgres() as server:
            outcomes["PostgreSQL"] = asyncio.run(run(directory, server.database("race"), rounds))
    return outcomes


def main(short: bool = False) -> list[Row]:
    """The table's rows."""
    return [
        Row(
            f"Race on {database}: {CLIENTS} clients on one start, through HTTP; one adviser, and a pool of three",
            "1,000 rounds: exactly 1, exactly 3",
            f"{one.rounds:,} rounds, {len(one.wrong)} with another number of winners, an unfriendly answer or a 5xx; "
            f"{one.statuses.total() / one.seconds:.0f} requests/s" + (f"; first: {one.wrong[0]}" if one.wrong else ""),
            not one.wrong,
        )
        for database, one in measured(20 if short else 1000).items()
    ]


if __name__ == "__main__":
    alone(main)
