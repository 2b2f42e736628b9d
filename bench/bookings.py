"""Bookings a second over the API: one process, SQLite with an fsync before every answer, many clients at once.

The workers run as in production: every booking writes mails and reminders, and the mails are being sent to a mail
server on the client's side while bookings come in. Afterwards every row is counted.

Run: python -m bench.bookings
"""

import asyncio
import random
import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from bench import bank
from bench.client import Client, clients
from bench.ports import free_port
from bench.server import Server, own_seconds_of_cpu
from bench.smtp import sink
from bench.table import Row, alone, median, quantile

ADVISERS = 300
WARM = 200  # bookings before it counts
MAILS = 2  # a booking: the customer's and the adviser's
REMINDERS = 4  # a booking: two to each of them


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

    @property
    def is_complete(self) -> bool:
        """Whether every booking has its appointment, mails and reminders, and every mail arrived."""
        mails = MAILS * self.booked
        return (self.appointments, self.mails, self.sent) == (self.booked, mails, mails) and (
            self.reminders == REMINDERS * self.booked
        )


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
        async with Server.serve(configuration, port) as server:
            async with clients(port, at_once, bank.AUTH) as opened:
                starts = (await opened[0].get("/api/v1/services/talk/starts")).json()["starts"]
                await _book(opened, starts, WARM, "warm")
                before = server.seconds_of_cpu(), own_seconds_of_cpu(), mails.taken.total()
                began = time.perf_counter()
                latencies = await _book(opened, starts, count, "load")
                seconds = time.perf_counter() - began
                server_cores = (server.seconds_of_cpu() - before[0]) / seconds
                client_cores = (own_seconds_of_cpu() - before[1]) / seconds
                sent_meanwhile = mails.taken.total() - before[2]
            total = MAILS * (count + WARM)
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
        appointments - WARM,
        queued - MAILS * WARM,
        reminders - REMINDERS * WARM,
        drained,
        sent - MAILS * WARM,
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


def main(short: bool = False) -> list[Row]:
    """The table's row: the median of some runs."""
    outcomes = []
    for _ in range(1 if short else 3):
        with tempfile.TemporaryDirectory(prefix="presence-bench-") as directory:
            outcomes.append(asyncio.run(run(Path(directory), 300 if short else 2500)))
    got = sorted(outcomes, key=lambda one: one.per_second)[len(outcomes) // 2]
    complete = all(one.is_complete for one in outcomes)
    return [
        Row(
            "Bookings a second on one process, SQLite synchronous=FULL, 64 clients, no pending mail lost",
            ">= 500/s",
            f"{got.per_second:.0f}/s (median of {len(outcomes)}; {min(one.per_second for one in outcomes):.0f} to "
            f"{max(one.per_second for one in outcomes):.0f}), p50 {median(got.latencies):.0f}, "
            f"p99 {quantile(got.latencies, 0.99):.0f} ms, {got.server_cores * 1000 / got.per_second:.2f} ms of CPU each; "
            + ("every row and mail counted" if complete else f"INCOMPLETE: {[one[6:] for one in outcomes]}"),
            got.per_second >= 500 and complete,
        )
    ]


if __name__ == "__main__":
    alone(main)
