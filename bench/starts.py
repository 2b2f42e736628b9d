"""Free starts over HTTP: 300 advisers, 30 days, any adviser; warm, after a booking, and as a process's first answer.

Run: python -m bench.starts
"""

import asyncio
import random
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from bench import bank
from bench.client import Client, clients
from bench.ports import free_port
from bench.server import Server
from bench.smtp import sink
from bench.table import Row, alone, median, quantile

ADVISERS = 300
DAYS = 30
STARTS = "/api/v1/services/talk/starts"


class Outcome(NamedTuple):
    """Milliseconds of each kind of request, and how many came a second from 8 clients."""

    warm: list[float]
    booked: list[float]  # the first after a booking
    first: list[float]  # of a process
    per_second: float
    starts: int
    bytes: int


async def run(directory: Path, *, asked: int, booked: int, restarts: int, seconds: float) -> Outcome:
    """Ask a bank whose month is filled for its free starts."""
    port, configuration = free_port(), directory / "bank.toml"
    url = f"sqlite:///{directory / 'presence.db'}"
    async with sink() as mails:
        bank.write_configuration(
            configuration,
            port=port,
            database=url,
            smtp_port=mails.port,
            advisers=[bank.adviser_entry(number) for number in range(ADVISERS)],
            services=[bank.service_entry(horizon=DAYS)],
        )
        server = Server.serve(configuration, port)
        async with server:  # adds the people and services
            pass
        bank.fill(url, int(time.time()), DAYS)
        first = [await _first_of(server, port) for _ in range(restarts)]
        async with server, clients(port, 8, bank.AUTH) as opened:
            answer = await opened[0].get(STARTS)
            starts = answer.json()["starts"]
            warm = [await _timed(opened[0]) for _ in range(asked)]
            after = [await _after_booking(opened[0], starts, number) for number in range(booked)]
            per_second = await _rate(opened, seconds)
    return Outcome(warm, after, first, per_second, len(starts), len(answer.body))


async def _timed(client: Client) -> float:
    began = time.perf_counter()
    answer = await client.get(STARTS)
    taken = (time.perf_counter() - began) * 1000
    if answer.status != 200:
        raise RuntimeError(f"{answer.status}: {answer.body[:200]!r}")
    return taken


async def _first_of(server: Server, port: int) -> float:
    async with server, clients(port, 1, bank.AUTH) as (client,):
        return await _timed(client)


async def _after_booking(client: Client, starts: list[str], number: int) -> float:
    """Book, so that what readers know has an older version, and ask."""
    body = bank.somebody(number) | {"service": "talk", "start": random.Random(number).choice(starts)}
    answer = await client.post("/api/v1/appointments", body)
    if answer.status != 201:
        raise RuntimeError(f"{answer.status}: {answer.body!r}")
    return await _timed(client)


async def _rate(opened: list[Client], seconds: float) -> float:
    count, until = 0, time.perf_counter() + seconds

    async def ask(client: Client) -> None:
        nonlocal count
        while time.perf_counter() < until:
            await _timed(client)
            count += 1

    began = time.perf_counter()
    await asyncio.gather(*map(ask, opened))
    return count / (time.perf_counter() - began)


def main(short: bool = False) -> list[Row]:
    """The table's rows."""
    with tempfile.TemporaryDirectory(prefix="presence-bench-") as directory:
        sizes = {"asked": 50, "booked": 10, "restarts": 1, "seconds": 1.0}
        if not short:
            sizes = {"asked": 500, "booked": 100, "restarts": 5, "seconds": 5.0}
        got = asyncio.run(run(Path(directory), **sizes))  # type: ignore[arg-type]
    cold = max(*got.first, quantile(got.booked, 0.95))
    return [
        Row(
            f"Free starts over HTTP, {ADVISERS} advisers, {DAYS} days, any adviser, warm",
            "p95 < 50 ms",
            f"p50 {median(got.warm):.1f}, p95 {quantile(got.warm, 0.95):.1f} ms; {got.per_second:.0f} requests/s "
            f"({got.starts} starts, {got.bytes / 1024:.0f} KB)",
            quantile(got.warm, 0.95) < 50,
        ),
        Row(
            "the same, cold: the first answer after a start; the first after a booking",
            "< 400 ms",
            f"{max(got.first):.0f} ms at most; p50 {median(got.booked):.1f}, p95 {quantile(got.booked, 0.95):.1f} ms",
            cold < 400,
        ),
    ]


if __name__ == "__main__":
    alone(main)
