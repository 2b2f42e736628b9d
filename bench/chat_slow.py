"""Somebody reads slowly, in conversations in which much is said: what it costs the others, and what becomes of them.

The same is said to a reader who takes everything and to one who takes nothing, by turns; the others' latencies are compared.

Run: python -m bench.chat_slow
"""

import asyncio
import tempfile
from pathlib import Path
from typing import NamedTuple

import msgspec
import uvloop

from bench.chat_bank import Bank, prepare
from bench.chat_crowd import resident
from bench.chat_load import Frames, Load, Place
from bench.chat_socket import Socket
from bench.chat_talk import served
from bench.table import Row, alone, median

OTHERS = 50  # pairs
BUSY = 8  # conversations in which long texts are said
LONG = "All of this has to be read. " * 250  # 7,000 characters
A_SECOND = 25  # in each of them: less than what one connection may say
RESYNC = 4409


class Figures(NamedTuple):
    """Others' p99 in milliseconds beside a reader who reads, and beside one who does not, for each round."""

    beside_quick: list[float]
    beside_slow: list[float]
    codes: list[int]  # what slow readers were closed with
    grown: int  # KiB that the server grew by while it had them


class Reader:
    """An adviser's device that listens to all busy conversations."""

    def __init__(self, bank: Bank) -> None:
        self._bank = bank
        self._welcomed = asyncio.Event()
        self.socket: Socket

    async def open(self) -> "Reader":
        self.socket = await Socket.connect(self._bank.port, "/live", self._hear)
        who = f"adviser:{self._bank.talks[0].adviser}"
        have = {talk.uid: 0 for talk in self._bank.talks[:BUSY]}
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
    figures, a_second = Figures([], [], [], 0), 5 * len(places)
    async with Load(bank.port, Frames(), places) as load:
        stop = asyncio.Event()
        saying = [asyncio.create_task(_say(bank, talk.uid, talk.visitor, stop)) for talk in bank.talks[:BUSY]]
        await load.steadily(a_second, 1)
        before = resident(bank.server.pid)
        for _ in range(rounds):
            quick = await Reader(bank).open()
            figures.beside_quick.append((await load.steadily(a_second, seconds)).latency(0.99))
            quick.socket.vanish()
            slow = await Reader(bank).open()
            slow.socket.transport.pause_reading()
            figures.beside_slow.append((await load.steadily(a_second, seconds)).latency(0.99))
            slow.socket.transport.resume_reading()
            figures.codes.append(await slow.socket.closed)
        grown = resident(bank.server.pid) - before
        stop.set()
        await asyncio.gather(*saying)
    return figures._replace(grown=grown)


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
    rounds, seconds = (1, 3.0) if short else (5, 4.0)
    with tempfile.TemporaryDirectory(prefix="presence-bench-") as directory:
        bank = prepare(Path(directory), BUSY + OTHERS)
        with served(bank.server):
            got = uvloop.run(run(bank, rounds, seconds))
    quick, slow = median(got.beside_quick), median(got.beside_slow)
    return [
        Row(
            f"A reader who takes nothing of {BUSY * A_SECOND} long messages a second",
            "the others' p99 within 10 %, closed with 4409, memory bounded",
            f"p99 {slow:.1f} ms beside them, {quick:.1f} ms beside one who reads ({(slow / quick - 1) * 100:+.0f} %); closed with "
            f"{', '.join(map(str, sorted(set(got.codes))))}; the server grew by {got.grown / 1024:.1f} MB over {rounds} of them",
            slow <= 1.1 * quick and set(got.codes) == {RESYNC},
        )
    ]


if __name__ == "__main__":
    alone(main)
