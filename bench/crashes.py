"""kill -9 at a random moment under booking load, again and again, with a ledger on the client's side.

Clients book and cancel; each remembers what it was told, and asks again with the same key for what it was not told. Mails
are being sent and reminders fall due meanwhile. In the end every appointment, cell, mail and reminder is counted.

Run: python -m bench.crashes
"""

import asyncio
import random
import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from bench import bank
from bench.client import Client, clients
from bench.ports import free_port
from bench.server import Server
from bench.smtp import Sink, sink
from bench.table import Row, alone, median

CLIENTS = 16
ADVISERS = 60
PEOPLE = 2  # who are written to: the customer and the adviser
REMINDERS = 2  # for each of them
DRAIN = 180.0  # seconds in which the last mail must be sent


class Ledger:
    """What the clients were told, and what they do not know."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.starts: list[str] = []
        self.booked: dict[str, dict[str, Any]] = {}  # key -> the appointment as it was answered
        self.cancelled: set[str] = set()  # keys
        self.unsure: dict[str, dict[str, Any]] = {}  # key -> what was asked and not answered
        self.unsure_of_end: set[str] = set()  # keys whose cancelling was not answered
        self.wrong: list[str] = []
        self._numbers = iter(range(10**9))

    def order(self) -> tuple[str, dict[str, Any]]:
        """A new wish of a new customer, and its key."""
        number = next(self._numbers)
        start = self.chance.choice(self.starts[len(self.starts) // 5 :])
        return f"order-{number}", bank.somebody(number) | {"service": "talk", "start": start}


class Outcome(NamedTuple):
    """`wrong` tells of everything that was lost, doubled or damaged."""

    rounds: int
    booked: int
    cancelled: int
    repeated: int  # asked again after a kill
    mails: int
    extra: Counter[int]  # copies -> mails that came so often
    reminders: int  # that became mails
    restarts: list[float]  # seconds to the first answer
    wrong: list[str]


async def run(directory: Path, rounds: int, *, seed: int) -> Outcome:
    """Kill the server `rounds` times, then wait until every mail is sent."""
    file, port, configuration = directory / "presence.db", free_port(), directory / "bank.toml"
    ledger, repeated, restarts = Ledger(seed), 0, list[float]()
    async with sink() as mails:
        bank.write_configuration(
            configuration,
            port=port,
            database=f"sqlite:///{file}",
            smtp_port=mails.port,
            advisers=[bank.adviser_entry(number) for number in range(ADVISERS)],
            services=[bank.service_entry(reminders=[1440, 60])],
        )
        server = Server.serve(configuration, port)
        for number in range(rounds):
            if number % 2:
                make_reminders_due(file, ledger.chance)
            restarts.append(await asyncio.to_thread(server.start))
            async with clients(port, CLIENTS, bank.AUTH) as opened:
                if not ledger.starts:
                    ledger.starts = (await opened[0].get("/api/v1/services/talk/starts")).json()["starts"]
                repeated += len(ledger.unsure)
                await _ask_again(opened[0], ledger)
                load = asyncio.gather(*(_customer(one, ledger) for one in opened))
                await asyncio.sleep(ledger.chance.uniform(0.02, 0.8))
                server.kill()
                await load
        let_leases_run_out(file)
        restarts.append(await asyncio.to_thread(server.start))
        async with clients(port, 1, bank.AUTH) as (client,):
            await _ask_again(client, ledger)
        await until_sent(file)
        await asyncio.to_thread(server.stop)
    wrong = ledger.wrong + list(damages(file, ledger, mails))
    with closing(sqlite3.connect(file)) as connection:
        ((reminded,),) = connection.execute("SELECT count(*) FROM reminder WHERE state = 'queued'").fetchall()
    return Outcome(
        rounds,
        len(ledger.booked),
        len(ledger.cancelled),
        repeated,
        mails.taken.total(),
        Counter(mails.taken.values()),
        reminded,
        restarts[1:],
        wrong,
    )


async def _customer(client: Client, ledger: Ledger) -> None:
    """Book, and cancel now and then, until the connection is lost."""
    while True:
        key, body = ledger.order()
        try:
            await _book(client, ledger, key, body)
        except ConnectionError:
            ledger.unsure[key] = body
            return
        if key in ledger.booked and ledger.chance.random() < 0.15:
            try:
                await _cancel(client, ledger, key)
            except ConnectionError:
                ledger.unsure_of_end.add(key)
                return


async def _book(client: Client, ledger: Ledger, key: str, body: dict[str, Any]) -> None:
    answer = await client.post("/api/v1/appointments", body, key=key)
    if answer.status in {200, 201}:
        ledger.booked[key] = answer.json()
    elif answer.status != 409:
        ledger.wrong.append(f"{key}: {answer.status} {answer.body[:200]!r}")


async def _cancel(client: Client, ledger: Ledger, key: str) -> None:
    answer = await client.post(f"/api/v1/appointments/{ledger.booked[key]['token']}/cancel", {})
    if answer.status == 200 and answer.json()["state"] == "cancelled":
        ledger.cancelled.add(key)
    else:
        ledger.wrong.append(f"cancelling {key}: {answer.status} {answer.body[:200]!r}")


async def _ask_again(client: Client, ledger: Ledger) -> None:
    """As a browser or a site does that was not answered: the same again, with the same key."""
    unsure, ledger.unsure = ledger.unsure, {}
    for key, body in unsure.items():
        await _book(client, ledger, key, body)
    for key in ledger.unsure_of_end:
        await _cancel(client, ledger, key)
    ledger.unsure_of_end = set()


def make_reminders_due(file: Path, chance: random.Random) -> None:
    """Let some reminders fall due now: the clock cannot be turned, so their hour is."""
    now = int(time.time())
    with closing(sqlite3.connect(file)) as connection, connection:
        pending = connection.execute("SELECT id FROM reminder WHERE state = 'pending'").fetchall()
        chosen = chance.sample(pending, min(len(pending), 60))
        connection.executemany(
            f"UPDATE reminder SET due_at = {now - 1}, expires_at = {now + 7200} WHERE id = ?", chosen
        )


def let_leases_run_out(file: Path) -> None:
    """What dead workers held may be claimed again at once, not in a minute and a half."""
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE outbox SET leased_until = 0 WHERE state = 'attempting'")


async def until_sent(file: Path) -> None:
    """Wait until nothing is left to be sent."""
    until = time.monotonic() + DRAIN
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
        while time.monotonic() < until:
            waiting = connection.execute(
                "SELECT (SELECT count(*) FROM outbox WHERE state IN ('queued', 'attempting'))"
                " + (SELECT count(*) FROM reminder WHERE state = 'pending' AND due_at <= unixepoch())"
            ).fetchone()[0]
            if not waiting:
                return
            await asyncio.sleep(0.2)


def damages(file: Path, ledger: Ledger, mails: Sink) -> Iterator[str]:
    """Everything that is not as it must be, now that the server has ended."""
    with closing(sqlite3.connect(file)) as connection:
        connection.row_factory = sqlite3.Row

        def rows(query: str) -> list[sqlite3.Row]:
            return connection.execute(query).fetchall()

        yield from (f"integrity: {row[0]}" for row in rows("PRAGMA integrity_check") if row[0] != "ok")
        yield from (f"foreign key: {tuple(row)}" for row in rows("PRAGMA foreign_key_check"))
        yield from _lost_or_doubled({row["uid"]: row for row in rows("SELECT * FROM appointment")}, ledger)
        yield from (
            f"appointment {row[0]}: {row[1]} cells"
            for row in rows(
                "SELECT a.id, (SELECT count(*) FROM busy_interval b JOIN adviser_cell c ON c.busy_id = b.id"
                " WHERE b.appointment_id = a.id) AS cells, a.state FROM appointment a"
                " WHERE cells <> CASE a.state WHEN 'confirmed' THEN 6 ELSE 0 END"
            )
        )
        told = {
            (row[0], row[1]): row[2] for row in rows("SELECT appointment_id, kind, count(*) FROM outbox GROUP BY 1, 2")
        }
        planned = {row[0]: row[1] for row in rows("SELECT appointment_id, count(*) FROM reminder GROUP BY 1")}
        for row in rows("SELECT id, state FROM appointment"):
            for kind in ("confirmation", *(("cancelled",) if row["state"] == "cancelled" else ())):
                if told.get((row["id"], kind), 0) != PEOPLE:
                    yield f"appointment {row['id']}: {told.get((row['id'], kind), 0)} mails of {kind}"
            if planned.get(row["id"], 0) != PEOPLE * REMINDERS:
                yield f"appointment {row['id']}: {planned.get(row['id'], 0)} reminders"
        yield from _reminders(rows)
        yield from _mails(rows("SELECT message_id, state, attempts FROM outbox"), mails)


def _lost_or_doubled(stored: dict[str, sqlite3.Row], ledger: Ledger) -> Iterator[str]:
    for key, one in ledger.booked.items():
        row = stored.get(one["uid"])
        if row is None:
            yield f"{key} was acknowledged and is lost"
        elif row["state"] != ("cancelled" if key in ledger.cancelled else "confirmed"):
            yield f"{key} is {row['state']}"
    often = Counter(row["email"] for row in stored.values())
    yield from (f"{email} has {count} appointments" for email, count in often.items() if count > 1)
    known = {one["uid"] for one in ledger.booked.values()}
    yield from (f"{uid} was never acknowledged, though all was asked again" for uid in stored.keys() - known)


def _reminders(rows: Any) -> Iterator[str]:
    """A reminder that became a mail is one row of the outbox; none became two."""
    counted = rows(
        "SELECT (SELECT count(*) FROM reminder WHERE state = 'queued'),"
        " (SELECT count(*) FROM outbox WHERE kind = 'reminder' AND state <> 'withdrawn'),"
        " (SELECT count(*) FROM outbox WHERE kind = 'reminder'),"
        " (SELECT count(*) FROM reminder WHERE state NOT IN ('pending', 'queued', 'cancelled'))"
    )[0]
    queued, standing, all_mails, other = counted
    if not standing <= queued <= all_mails or queued != all_mails or other:
        yield f"{queued} reminders became {all_mails} mails ({standing} stand), {other} are neither sent nor waiting"


def _mails(outbox: list[sqlite3.Row], mails: Sink) -> Iterator[str]:
    """Every mail arrived; a kill made at most one more copy of one, so there are no more copies than tries."""
    for row in outbox:
        copies = mails.taken[row["message_id"]]
        if row["state"] not in {"sent", "withdrawn"}:
            yield f"a mail is {row['state']}"
        if row["state"] == "sent" and not copies:
            yield "a mail is marked as sent, and nobody has it"
        if copies > row["attempts"]:
            yield f"{copies} copies of a mail in {row['attempts']} tries"
    yield from ("a mail that is not in the outbox" for _ in mails.taken.keys() - {row["message_id"] for row in outbox})


def main(short: bool = False) -> list[Row]:
    """The table's rows."""
    with tempfile.TemporaryDirectory(prefix="presence-bench-") as directory:
        got = asyncio.run(run(Path(directory), 5 if short else 100, seed=int(time.time())))
    doubled = sum(count for copies, count in got.extra.items() if copies > 1)
    return [
        Row(
            "kill -9 at a random moment under booking load, a ledger on the client's side",
            "100 rounds: 0 acknowledged lost, 0 double, 0 reminders or mails lost, integrity ok",
            f"{got.rounds} rounds, {got.booked:,} bookings and {got.cancelled:,} cancellations acknowledged, "
            f"{got.repeated} asked again: {len(got.wrong)} lost, doubled or damaged"
            + (f"; first: {got.wrong[0][:200]}" if got.wrong else ""),
            not got.wrong,
        ),
        Row(
            "the same: mails sent meanwhile, and the way back",
            "at most 1 extra copy of a mail a kill, with the same Message-ID; restart < 2 s",
            f"{got.mails:,} mails, {got.reminders:,} reminders among them; {doubled} of them in more than one copy, none "
            f"in more than there were tries ({max(got.extra, default=0)} at most); restart p50 {median(got.restarts):.2f} s, "
            f"at most {max(got.restarts):.2f} s",
            not got.wrong and median(got.restarts) < 2,
        ),
    ]


if __name__ == "__main__":
    alone(main)
