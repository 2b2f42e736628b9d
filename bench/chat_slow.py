"""Somebody reads slowly, in conversations in which much is said: what it costs the others, and what becomes of them.

The same is said to a reader who takes everything and to one who takes nothing, by turns; the others' latencies are compared.

Run: python -m bench.chat_slow
"""

import asyncio
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import msgspec
import uvloop

from bench.chat_bank import Bank, prepare
from bench.chat_crowd import resident
from bench.chat_load import Frames, Load, Place
from bench.chat_socket import Socket
from bench.chat_talk import served
from bench.table import Row, alone, median, quantile

OTHERS = 50  # pairs
BUSY = 8  # conversations in which long texts are said
LONG = "All of this has to be read. " * 250  # 7,000 characters
A_SECOND = 15  # in each of them: less than what one connection may say
RESYNC = 4409


class Figures(NamedTuple):
    """Others' latencies in milliseconds beside readers who read, and beside readers who do not, of all rounds."""

    beside_quick: list[float]
    beside_slow: list[float]
    codes: list[int]  # what slow readers were closed with
    grown: list[int]  # KiB that the server grew by beside each of them


class Reader:
    """An adviser's device that listens to all busy conversations."""

    def __init__(self, bank: Bank) -> None:
        self._bank = bank
        self._welcomed = asyncio.Event()
        self.socket: Socket

    async def open(self) -> "Reader":
        self.socket = await Socket.connect(self._bank.port, "/live", self._hear)
        who = f"adviser:{self._bank.talks[0].adviser}"
        with closing(sqlite3.connect(self._bank.file)) as connection:
            have = dict(connection.execute("SELECT uid, last_seq FROM conversation WHERE id <= ?", (BUSY,)).fetchall())
        self.socket.send(msgspec.json.encode([{"t": "hello", "v": 1, "token": self._bank.entry(who), "have": have}]))
        async with asyncio.timeout(20):
            await self._welcomed.wait()
        return self

    def _hear(self, message: bytes) -> None:
        if b'"welcome"' in message:
            self._welcomed.set()


async def run(bank: Bank, rounds: int, seconds: float, others: int = OTHERS) -> Figures:
    """At a bank that is served."""
    talks = bank.talks[BUSY : BUSY + others]
    places = [Place(talk.uid, bank.entry(f"visitor:{talk.visitor}")) for talk in talks]
    places += [Place(talk.uid, bank.entry(f"adviser:{talk.adviser}")) for talk in talks]
    figures, a_second = Figures([], [], [], []), 5 * len(places)
    async with Load(bank.port, Frames(), places) as load:
        stop = asyncio.Event()
        saying = [asyncio.create_task(_say(bank, talk.uid, talk.visitor, stop)) for talk in bank.talks[:BUSY]]
        await load.steadily(a_second, 1)
        for _ in range(rounds):
            quick = await Reader(bank).open()
            figures.beside_quick.extend((await load.steadily(a_second, seconds)).latencies)
            if quick.socket.closed.done():
                raise RuntimeError("a reader who reads was closed")
            quick.socket.vanish()
            before = resident(bank.server.pid)
            slow = await Reader(bank).open()
            slow.socket.transport.pause_reading()
            figures.beside_slow.extend((await load.steadily(a_second, seconds)).latencies)
            figures.grown.append(resident(bank.server.pid) - before)
            slow.socket.transport.resume_reading()
            figures.codes.append(await slow.socket.closed)
        stop.set()
        await asyncio.gather(*saying)
    return figures


async def _say(bank: Bank, c: str, visitor: int, stop: asyncio.Event) -> None:
    talking = await Socket.connect(bank.port, "/live", lambda _: None)
    hello = {"t": "hello", "v": 1, "token": bank.entry(f"visitor:{visitor}")}
    talking.send(msgspec.json.encode([hello]))
    number = 0
    while not stop.is_set():
        number += 1
        body = {"text": LONG}
        talking.send(msgspec.json.encode([{"t": "send", "c": c, "id": f"long{number}", "kind": "text", "body": body}]))
        await asyncio.sleep(1 / A_SECOND)
    talking.vanish()
    await talking.closed


def main(short: bool = False) -> list[Row]:
    """The table's row."""
    rounds, seconds = (2, 2.0) if short else (12, 2.0)
    with tempfile.TemporaryDirectory(prefix="presence-bench-") as directory:
        bank = prepare(Path(directory), BUSY + OTHERS)
        with served(bank.server):
            got = uvloop.run(run(bank, rounds, seconds))
    quick, slow = quantile(got.beside_quick, 0.99), quantile(got.beside_slow, 0.99)
    return [
        Row(
            f"A reader who takes nothing of {BUSY * A_SECOND} long messages a second",
            "the others' p99 within 10 %, closed with 4409, memory bounded",
            f"p99 {slow:.1f} ms beside them, {quick:.1f} ms beside one who reads ({(slow / quick - 1) * 100:+.0f} %); closed with "
            f"{', '.join(map(str, sorted(set(got.codes))))}; the server grew by {median(got.grown) / 1024:.1f} MB meanwhile",
            slow <= 1.1 * quick and set(got.codes) == {RESYNC},
        )
    ]


if __name__ == "__main__":
    alone(main)
