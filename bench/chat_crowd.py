"""Ten thousand who only look: what each costs in memory, and how soon a change of status reaches five thousand of them.

Run: python -m bench.chat_crowd
"""

import asyncio
import resource
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import msgspec
import uvloop

from bench.chat_bank import Bank, prepare
from bench.chat_socket import Socket
from bench.chat_talk import served
from bench.table import Row, alone, median

BEAT = 20.0  # seconds
WHAT = "adviser:adviser-0"


class Figures(NamedTuple):
    """KiB each, and milliseconds until the last of the watchers was reached, for each change."""

    kib: float
    changes: list[float]


class Watcher:
    """Somebody with a page open. `seen` is the state of what they watch, and when they heard of it."""

    def __init__(self) -> None:
        self.welcomed = asyncio.Event()
        self.seen = ("", 0.0)
        self.socket: Socket

    async def open(self, bank: Bank, who: str) -> "Watcher":
        self.socket = await Socket.connect(bank.port, "/live", self._hear)
        self.say({"t": "hello", "v": 1, "token": bank.entry(who)})
        async with asyncio.timeout(30):
            await self.welcomed.wait()
        return self

    def say(self, frame: dict[str, object]) -> None:
        self.socket.send(msgspec.json.encode([frame]))

    def _hear(self, message: bytes) -> None:
        for frame in msgspec.json.decode(message):
            if frame["t"] == "welcome":
                self.welcomed.set()
            elif frame["t"] == "presence" and frame["what"] == WHAT:
                self.seen = frame["state"], time.perf_counter()


async def run(bank: Bank, count: int, watching: int, changes: int) -> Figures:
    """At a bank that is served."""
    warm = [await Watcher().open(bank, f"visitor:{number}") for number in range(1, 101)]
    for one in warm:
        one.socket.vanish()
    await asyncio.gather(*(one.socket.closed for one in warm))
    adviser = await Watcher().open(bank, f"adviser:{bank.talks[0].adviser}")
    before = resident(bank.server.pid)
    crowd: list[Watcher] = []
    beating = asyncio.create_task(_beat(crowd))
    for first in range(1, count + 1, 50):
        visitors = range(first, min(first + 50, count + 1))
        crowd += await asyncio.gather(*(Watcher().open(bank, f"visitor:{number}") for number in visitors))
    kib = (resident(bank.server.pid) - before) / count
    for one in crowd[:watching]:
        one.say({"t": "watch", "what": [WHAT]})
    await _all_see(crowd[:watching], "available")
    took = []
    for number in range(changes):
        began, state = time.perf_counter(), ("available", "away")[(number + 1) % 2]
        adviser.say({"t": "beat", "on": state == "available"})
        await _all_see(crowd[:watching], state)
        took.append(1000 * (max(one.seen[1] for one in crowd[:watching]) - began))
        await asyncio.sleep(0.3)
    beating.cancel()
    for one in (adviser, *crowd):
        one.socket.vanish()
    await asyncio.gather(*(one.socket.closed for one in crowd))
    return Figures(kib, took)


async def _all_see(crowd: list[Watcher], state: str) -> None:
    async with asyncio.timeout(20):
        while any(one.seen[0] != state for one in crowd):
            await asyncio.sleep(0.01)


async def _beat(crowd: list[Watcher]) -> None:
    while True:
        await asyncio.sleep(BEAT)
        for number, one in enumerate(tuple(crowd)):
            one.say({"t": "beat", "on": True})
            if number % 100 == 0:
                await asyncio.sleep(0)


def resident(pid: int) -> int:
    """KiB of a process that are in memory."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


def main(short: bool = False) -> list[Row]:
    """The table's rows."""
    count, watching = (500, 250) if short else (10_000, 5_000)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(count + 2_000, 4_096), most), most))
    with tempfile.TemporaryDirectory(prefix="presence-bench-") as directory:
        bank = prepare(Path(directory), 5, visitors=count)
        with served(bank.server):
            got = uvloop.run(run(bank, count, watching, 4 if short else 10))
    last = median(got.changes)
    return [
        Row(
            f"Idle live connection, {count:,} of them",
            "<= 40 KiB of server memory each",
            f"{got.kib:.1f} KiB",
            got.kib <= 40,
        ),
        Row(
            f"One change of status to {watching:,} watchers",
            "the last one reached < 250 ms",
            f"median {last:.0f} ms, at most {max(got.changes):.0f} ms, of {len(got.changes)} changes, from the adviser's browser on",
            last < 250,
        ),
    ]


if __name__ == "__main__":
    alone(main)
