"""500 pairs talk: as much as a server takes, then 1,000 messages a second; ours and two peers, with the same load, one by one.

The server has one core and the load another. What is stored is counted afterwards.

Run: python -m bench.chat_talk
"""

import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

import uvloop

from bench import chat_peers
from bench.chat_bank import prepare
from bench.chat_load import Dialect, Frames, Load, Outcome, Place, SocketIo
from bench.server import Server, own_seconds_of_cpu
from bench.table import Row, alone, median

PAIRS = 500
AT_ONCE = 4  # messages of each of the thousand that are on their way at once
STEADY = 1000  # messages a second


class Figures(NamedTuple):
    """What one server did. Seconds of CPU tell more than the clock where others work too."""

    saturated: Outcome
    steady: Outcome
    per_cpu: float  # messages taken and given out per second of the server's CPU
    load_cores: float
    stored: int


@contextmanager
def served(server: Server) -> Iterator[Server]:
    """A server on a core of its own, the load on another one."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, cores[:1])
    try:
        server.start()
        os.sched_setaffinity(0, cores[1:] or cores)
        yield server
    finally:
        os.sched_setaffinity(0, cores)
        server.stop()


async def run(server: Server, dialect: Dialect, places: list[Place], seconds: float) -> Figures:
    """Talk at a server that runs."""
    async with Load(server.port, dialect, places) as load:
        await load.steadily(STEADY, seconds / 2)  # warm
        steady = await load.steadily(STEADY, seconds)
        before = server.seconds_of_cpu(), own_seconds_of_cpu()
        saturated = await load.saturate(seconds, AT_ONCE)
        server_cpu, load_cpu = server.seconds_of_cpu() - before[0], own_seconds_of_cpu() - before[1]
        return Figures(saturated, steady, saturated.sent / server_cpu, load_cpu / saturated.seconds, load.sent)


def ours(seconds: float) -> Figures:
    """presence: SQLite, FULL."""
    with tempfile.TemporaryDirectory(prefix="presence-bench-") as directory:
        bank = prepare(Path(directory), PAIRS)
        people = [(one.uid, f"visitor:{one.visitor}") for one in bank.talks]
        people += [(one.uid, f"adviser:{one.adviser}") for one in bank.talks]
        with served(bank.server) as server:
            places = [Place(uid, bank.entry(who)) for uid, who in people]
            figures = uvloop.run(run(server, Frames(), places, seconds))
        return _counted(figures, bank.file)


def socket_io(seconds: float) -> Figures:
    """socket.io 4: nothing is stored."""
    with (
        tempfile.TemporaryDirectory(prefix="presence-bench-") as directory,
        served(chat_peers.socket_io(Path(directory))) as server,
    ):
        return uvloop.run(run(server, SocketIo(), _places(), seconds))


def ws_sqlite(seconds: float) -> Figures:
    """ws and better-sqlite3: SQLite, FULL, a commit for each group."""
    with tempfile.TemporaryDirectory(prefix="presence-bench-") as directory:
        file = Path(directory) / "chat.db"
        with served(chat_peers.ws_sqlite(Path(directory), file)) as server:
            figures = uvloop.run(run(server, Frames(), _places(), seconds))
        return _counted(figures, file)


def _places() -> list[Place]:
    return [Place(f"talk{number % PAIRS:06}", "") for number in range(2 * PAIRS)]


def _counted(figures: Figures, file: Path) -> Figures:
    with closing(sqlite3.connect(file)) as connection:
        (stored,) = connection.execute("SELECT count(*) FROM event WHERE kind = 'text'").fetchone()
    if stored != figures.stored:
        raise RuntimeError(f"{figures.stored} sent, {stored} stored")
    return figures


def main(short: bool = False) -> list[Row]:
    """The table's rows: the median of three runs, the servers taking turns."""
    rounds, seconds = (1, 2.0) if short else (3, 5.0)
    why_not = chat_peers.install()
    servers: dict[str, Callable[[float], Figures]] = {"presence": ours}
    if not why_not:
        servers |= {"socket.io 4, in memory": socket_io, "ws + better-sqlite3, FULL, grouped": ws_sqlite}
    runs = [{name: talk(seconds) for name, talk in servers.items()} for _ in range(rounds)]
    rows = [row for name in servers for row in _rows(name, [one[name] for one in runs])]
    if why_not:
        rows.append(Row("Chat: the peers", "side by side", f"could not be installed: {why_not}", met=False))
    return rows


def _rows(name: str, runs: list[Figures]) -> Iterator[Row]:
    rate = median([one.saturated.per_second for one in runs])
    half, most = (median([one.steady.latency(share) for one in runs]) for share in (0.5, 0.99))
    ours = name == "presence"
    stored = "" if name.startswith("socket.io") else f"; {sum(one.stored for one in runs):,} sent, as many stored"
    yield Row(
        f"Chat, {PAIRS} pairs, {name}: delivered/s at saturation",
        ">= 8,000, stored before acknowledged" if ours else "beside it, same load",
        f"{rate:,.0f}/s ({median([one.per_cpu for one in runs]):,.0f} per second of server CPU; "
        f"load {median([one.load_cores for one in runs]):.2f} cores){stored}",
        not ours or rate >= 8000,
    )
    yield Row(
        f"Chat, {PAIRS} pairs, {name}: from one side to the other at {STEADY:,}/s",
        "p50 < 5 ms, p99 < 30 ms" if ours else "beside it, same load",
        f"p50 {half:.1f} ms, p99 {most:.1f} ms",
        not ours or (half < 5 and most < 30),
    )


if __name__ == "__main__":
    alone(main)
