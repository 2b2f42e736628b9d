"""Every start that is offered can be booked: random offers are taken at their word while nobody else books.

Each client has a branch of its own, so that nobody books there but itself: advisers in several zones with days off, limits
and languages, and services with buffers, notice, several durations and grids, or several advisers together.

Run: python -m bench.offers
"""

import asyncio
import datetime as dt
import random
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

from bench import bank
from bench.client import Client, clients
from bench.ports import free_port
from bench.server import Server
from bench.smtp import sink
from bench.table import Row, alone

BRANCHES = 8
ADVISERS = 16  # a branch
ZONES = (
    "Europe/Paris",
    "Europe/London",
    "America/New_York",
    "Indian/Reunion",
    "Pacific/Auckland",
    "America/Martinique",
)


class Outcome(NamedTuple):
    """What became of the offers; `refused` tells of each that was not kept."""

    taken: int
    seconds: float
    refused: list[str]


async def run(directory: Path, count: int) -> Outcome:
    """Take `count` offers, in all branches at once."""
    port, configuration = free_port(), directory / "offers.toml"
    async with sink() as mails:
        bank.write_configuration(
            configuration,
            port=port,
            database=f"sqlite:///{directory / 'presence.db'}",
            smtp_port=mails.port,
            advisers=[_adviser(branch, number) for branch in range(BRANCHES) for number in range(ADVISERS)],
            services=[one for branch in range(BRANCHES) for one in _services(branch)],
        )
        async with Server.serve(configuration, port), clients(port, BRANCHES, bank.AUTH) as opened:
            refused: list[str] = []
            numbers = iter(range(count))
            began = time.perf_counter()
            await asyncio.gather(*(_take(one, branch, numbers, refused) for branch, one in enumerate(opened)))
            return Outcome(count, time.perf_counter() - began, refused)


def _adviser(branch: int, number: int) -> dict[str, Any]:
    whole = bank.adviser_entry(branch * ADVISERS + number, zone=ZONES[number % len(ZONES)], teams=[f"branch-{branch}"])
    today = dt.datetime.now(dt.UTC).date()
    if number % 4 == 1:
        whole |= {"daily_limit": 9, "weekly_limit": 40}
    if number % 5 == 2:
        whole["exceptions"] = [{"day": str(today + dt.timedelta(days=3 + number)), "ranges": ["07:00-12:00"]}]
    if number % 3 == 2:
        whole["media"] = ["audio", "text"]
    return whole


def _services(branch: int) -> list[dict[str, Any]]:
    pool = {"team": f"branch-{branch}"}
    team: dict[str, Any] = {"pool": pool, "horizon": 60}
    pair = [{"adviser": f"adviser-{branch * ADVISERS + number}"} for number in (0, 3)]
    return [
        bank.service_entry(f"talk-{branch}", **team, durations=[30, 45, 20], grid=5, reminders=[60]),
        bank.service_entry(f"loan-{branch}", **team, durations=[60], buffer_before=10, buffer_after=15, notice=300),
        bank.service_entry(f"fair-{branch}", pool=pool | {"lead_threshold": 5}, horizon=60, grid=20),
        bank.service_entry(f"both-{branch}", pool={"advisers": pair, "collective": True}, horizon=90, grid=10),
    ]


async def _take(client: Client, branch: int, numbers: Iterator[int], refused: list[str]) -> None:
    """Ask for what is offered in some random way, and book one of it in the same way."""
    chance = random.Random(branch)
    for number in numbers:
        wanted = await _offer(client, branch, chance)
        body = bank.somebody(number) | wanted
        if chance.random() < 0.2:
            held = await client.post("/api/v1/holds", wanted)
            if held.status != 201:
                refused.append(f"hold {wanted}: {held.status} {held.body!r}")
                continue
            body = bank.somebody(number) | {"hold": held.json()["token"]}
        booked = await client.post("/api/v1/appointments", body)
        if booked.status != 201:
            refused.append(f"{wanted}: {booked.status} {booked.body!r}")


async def _offer(client: Client, branch: int, chance: random.Random) -> dict[str, Any]:
    """Something that is offered now, as a hold or a booking asks for it."""
    while True:
        kind = chance.choices(("talk", "loan", "fair", "both"), (5, 3, 3, 1))[0]
        slug = f"{kind}-{branch}"
        asked: dict[str, Any] = {"duration": chance.choice((30, 45, 20))} if kind == "talk" else {}
        if chance.random() < 0.3:
            asked["medium"] = chance.choice(("video", "audio", "text"))
        if chance.random() < 0.2 and kind != "both":
            asked["spoken"] = "en"
        if chance.random() < 0.2 and kind != "both":
            asked["adviser"] = f"adviser-{branch * ADVISERS + chance.randrange(ADVISERS)}"
        since = dt.datetime.now(dt.UTC) + dt.timedelta(days=chance.randrange(50))
        window = {"since": since.isoformat(), "until": (since + dt.timedelta(days=2)).isoformat()}
        answer = await client.get(f"/api/v1/services/{slug}/starts?{urlencode(asked | window)}")
        starts = answer.json()["starts"]
        if starts:  # at the ends is where rules that differ would show
            start = chance.choice((starts[0], starts[-1], chance.choice(starts), chance.choice(starts)))
            return asked | {"service": slug, "start": start}


def main(short: bool = False) -> list[Row]:
    """The table's row."""
    with tempfile.TemporaryDirectory(prefix="presence-bench-") as directory:
        got = asyncio.run(run(Path(directory), 200 if short else 10_000))
    return [
        Row(
            "Every start that is offered can be booked",
            "10,000 random offers, 0 refused when nobody else books",
            f"{got.taken:,} offers, {len(got.refused)} refused"
            + (f"; first: {got.refused[0][:300]}" if got.refused else ""),
            not got.refused,
        )
    ]


if __name__ == "__main__":
    alone(main)
