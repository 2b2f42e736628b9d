"""The page of experts over HTTP: 600 advisers, a month that is filled, 50,000 rated conversations.

Run: python -m bench.experts
"""

import asyncio
import random
import re
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import insert, select
from sqlalchemy.engine import make_url

from bench import bank
from bench.client import Client
from bench.ports import free_port
from bench.server import Server
from bench.smtp import sink
from bench.table import Row, alone, median, quantile
from presence.storage.database import sqlite_writer_engine
from presence.storage.tables import adviser, conversation

ADVISERS = 600
RATED = 50_000
SERVICES = ("talk", "loan", "savings")
TOPICS = ("Mortgages", "Savings", "Insurance", "Moving an account", "Retirement", "Inheritance", "Shares", "Leasing")
WALK = ("/experts", "/experts?topic=shares", "/experts?spoken=en", "/experts?q=adviser%203")


class Outcome(NamedTuple):
    """Milliseconds: of a process's first page, of others, and of those that the first one leads on to."""

    first: list[float]
    warm: list[float]
    following: list[float]


async def run(directory: Path, *, asked: int, restarts: int) -> Outcome:
    """Look at a bank's experts."""
    port, configuration = free_port(), directory / "bank.toml"
    url = f"sqlite:///{directory / 'presence.db'}"
    async with sink() as mails:
        bank.write_configuration(
            configuration,
            port=port,
            database=url,
            smtp_port=mails.port,
            advisers=[_expert(number) for number in range(ADVISERS)],
            services=[bank.service_entry(slug) for slug in SERVICES],
        )
        server = Server.serve(configuration, port)
        async with server:  # adds the people and services
            pass
        bank.fill(url, int(time.time()), 30)
        _rate(url, int(time.time()))
        first = []
        for _ in range(restarts):
            async with server:
                first.append(await _timed(await Client.connect(port), "/experts"))
        async with server:
            client = await Client.connect(port)
            page = (await client.get("/experts")).body
            found = re.search(rb'id="more" href="([^"]+)"', page)
            assert found
            onward = found[1].decode().replace("&amp;", "&")
            warm = [await _timed(client, WALK[number % len(WALK)]) for number in range(asked)]
            following = [await _timed(client, onward) for _ in range(asked // 4)]
    return Outcome(first, warm, following)


def _expert(number: int) -> dict[str, Any]:
    return bank.adviser_entry(number, topics=[TOPICS[number % 8], TOPICS[(number * 3 + 1) % 8]])


def _rate(url: str, now: int) -> None:
    """Conversations that were rated, as rows. The server must not run."""
    chance = random.Random(1)
    engine = sqlite_writer_engine(make_url(url))
    with engine.begin() as connection:
        advisers = connection.execute(select(adviser.c.id)).scalars().all()
        rows = [
            {
                "uid": f"rated-{number}",
                "person_key": f"person-{number}",
                "state": "closed",
                "language": "fr",
                "adviser_id": chance.choice(advisers),
                "last_seq": 9,
                "customer_seen": 9,
                "adviser_seen": 9,
                "mailed_seq": 0,
                "rating": chance.choice((3, 4, 5, 5)),
                "created_at": now,
                "updated_at": now,
                "closed_at": now,
            }
            for number in range(RATED)
        ]
        connection.execute(insert(conversation), rows)
    engine.dispose()


async def _timed(client: Client, path: str) -> float:
    began = time.perf_counter()
    answer = await client.get(path)
    assert answer.status == 200, answer.body[:500]
    return (time.perf_counter() - began) * 1000


def main(short: bool = False) -> list[Row]:
    """The table's row."""
    with tempfile.TemporaryDirectory(prefix="presence-bench-") as directory:
        got = asyncio.run(run(Path(directory), asked=40 if short else 1000, restarts=1 if short else 5))
    p95 = quantile(got.warm + got.following, 0.95)
    return [
        Row(
            "Page of experts, 600 advisers, 24 a page, looked for and paged",
            "p95 < 100 ms warm",
            f"p95 {p95:.0f} ms, median {median(got.warm):.0f} ms; a process's first one {median(got.first):.0f} ms",
            p95 < 100,
        )
    ]


if __name__ == "__main__":
    alone(main)
