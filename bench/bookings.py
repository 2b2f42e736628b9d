"""Bookings a second over the API: one process, SQLite with an fsync before every answer, many clients at once.

The workers run as in production: every booking writes mails and reminders, and the mails are being sent to a mail
server on the client's side while bookings come in. Afterwards every row is counted.
"""

import asyncio
import random
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from bench import bank
from bench.client import Client, clients
from bench.server import Server, free_port, own_seconds_of_cpu
from bench.smtp import sink

ADVISERS = 300
MAILS = 2  # a booking: the customer's and the adviser's


class Outcome(NamedTuple):
    """What a run gave; `latencies` in milliseconds, in order."""

    booked: int
    seconds: float
    latencies: list[float]
    server_cores: float
    client_cores: float
    sent_meanwhile: int
    appointments: int
    mails: int
    reminders: int
    drained: float  # seconds until the last mail was sent
    sent: int

    @property
    def per_second(self) -> float:
        return self.booked / self.seconds


async def run(directory: Path, count: int, at_once: int = 64) -> Outcome:
    """Book `count` random free starts with `at_once` clients, then wait until every mail is sent."""
    file, port = directory / "presence.db", free_port()
    configuration = directory / "bank.toml"
    async with sink() as mails:
        bank.write_configuration(
            configuration,
            port=port,
            database=f"sqlite:///{file}",
            smtp_port=mails.port,
            advisers=[bank.adviser_entry(number) for number in range(ADVISERS)],
            services=[bank.service_entry()],
        )
        with Server.serve(configuration, port) as server:
            async with clients(port, at_once, bank.AUTH) as opened:
                starts = (await opened[0].get("/api/v1/services/talk/starts")).json()["starts"]
                await _book(opened, starts, 200, "warm")
                before = server.seconds_of_cpu(), own_seconds_of_cpu(), mails.taken.total()
                began = time.perf_counter()
                latencies = await _book(opened, starts, count, "load")
                seconds = time.perf_counter() - began
                server_cores = (server.seconds_of_cpu() - before[0]) / seconds
                client_cores = (own_seconds_of_cpu() - before[1]) / seconds
                sent_meanwhile = mails.taken.total() - before[2]
            total = MAILS * (count + 200)
            while mails.taken.total() < total and time.perf_counter() - began < 600:
                await asyncio.sleep(0.05)
            drained = time.perf_counter() - began - seconds
        appointments, queued, reminders = counted(file)
        sent = len(mails.taken)
    return Outcome(
        count,
        seconds,
        sorted(latencies),
        server_cores,
        client_cores,
        sent_meanwhile,
        appointments - 200,
        queued - MAILS * 200,
        reminders - 4 * 200,
        drained,
        sent - MAILS * 200,
    )


async def _book(opened: list[Client], starts: list[str], count: int, name: str) -> list[float]:
    chance = random.Random(name)
    orders = iter([(number, chance.choice(starts[len(starts) // 10 :])) for number in range(count)])
    latencies: list[float] = []

    async def customer(client: Client) -> None:
        for number, start in orders:
            body = {
                "service": "talk",
                "start": start,
                "name": f"Carol {name} {number}",
                "email": f"carol-{name}-{number}@example.org",
                "language": "fr",
                "zone": "Europe/Paris",
            }
            began = time.perf_counter()
            answer = await client.post("/api/v1/appointments", body, key=f"{name}-{number}")
            latencies.append((time.perf_counter() - began) * 1000)
            if answer.status != 201:
                raise RuntimeError(f"{answer.status}: {answer.body!r}")

    await asyncio.gather(*map(customer, opened))
    return latencies


def counted(file: Path) -> tuple[int, int, int]:
    """Rows of a database whose server has ended: appointments, mails, reminders."""
    with closing(sqlite3.connect(file)) as connection:
        (appointments,) = connection.execute("SELECT count(*) FROM appointment").fetchone()
        (mails,) = connection.execute("SELECT count(*) FROM outbox").fetchone()
        (reminders,) = connection.execute("SELECT count(*) FROM reminder").fetchone()
    return appointments, mails, reminders
