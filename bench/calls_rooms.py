"""How many rooms one process carries: people come into them all at once, and connect again and again.

The media of a call does not pass the service; what does is the room, what the browsers tell each other before they see each
other, and the figures they send after it.

Run: python -m bench.calls_rooms [--short]
"""

import asyncio
import tempfile
import time
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple, Self

import msgspec
import uvloop
from sqlalchemy import Connection, insert

from bench.chat_bank import Bank, prepare
from bench.chat_crowd import resident
from bench.chat_socket import Socket
from bench.table import Row, alone, median, quantile
from presence.clock import SystemClock
from presence.storage.database import Database
from presence.storage.tables import call

OFFER = {"type": "offer", "sdp": "x" * 5_000}  # sound, camera and screen, as Chromium describes them
CANDIDATES = 8  # a browser's: two networks, a relay by three ways
CANDIDATE = {
    "candidate": "candidate:842163049 1 udp 1677729535 203.0.113.141 46154 typ srflx raddr 192.168.1.20 rport 46154 generation 0",
    "sdpMid": "0",
}
REST = 0.5  # seconds between two connections of a room: more than thirty frames a second are no browser's
_numbers = count()


class Seat:
    """One side of a room. It negotiates whenever it is told another generation: the adviser begins."""

    def __init__(self, uid: str, role: str) -> None:
        self.uid = uid
        self.role = role
        self.gen = 0
        self.met = asyncio.Event()  # both are there, and ready
        self.done: asyncio.Event = asyncio.Event()  # this generation's negotiation
        self._candidates = 0
        self._described = False
        self._decoder = msgspec.json.Decoder(list[dict[str, Any]])

    async def come(self, bank: Bank, who: str) -> Self:
        self.socket = await Socket.connect(bank.port, "/live", self._hear)
        hello = {"t": "hello", "v": 1, "token": bank.entry(who), "call": self.uid, "inst": f"i{next(_numbers)}"}
        self.say(hello, {"t": "ready"})
        return self

    def say(self, *frames: dict[str, Any]) -> None:
        self.socket.send(msgspec.json.encode(frames))

    def _hear(self, message: bytes) -> None:
        for frame in self._decoder.decode(message):
            match frame["t"]:
                case "room":
                    if frame["peer"]["here"] and frame["peer"]["ready"]:
                        self.met.set()
                        self._begin(frame["gen"])
                case "sdp" if frame["gen"] == self.gen:
                    self._described = True
                    if self.role == "customer":
                        self._describe("answer")
                case "ice" if frame["gen"] == self.gen:
                    self._candidates += 1
            if self._described and self._candidates >= CANDIDATES and not self.done.is_set():
                self.done.set()
                self.say({"t": "quality", "gen": self.gen, "first_frame": 400, "relayed": False})

    def _begin(self, gen: int) -> None:
        if gen == self.gen:
            return
        self.gen, self._candidates, self._described = gen, 0, False
        self.done.clear()
        if self.role == "adviser":
            self._describe("offer")

    def _describe(self, kind: str) -> None:
        self.say({"t": "sdp", "gen": self.gen, "description": {**OFFER, "type": kind}})
        for _ in range(CANDIDATES):  # each is found, and told, by itself
            self.say({"t": "ice", "gen": self.gen, "candidate": CANDIDATE})


class Figures(NamedTuple):
    """What one run found."""

    came: float  # seconds until everybody was in their room and saw the other side
    kib: float  # a room
    calm: list[float]  # milliseconds from the wish for a connection to the end of its negotiation, one after the other
    rate: float  # a second, in all rooms at once
    cpu: float  # milliseconds of the server's for each


async def run(bank: Bank, rooms: int, seconds: float) -> Figures:
    """Fill the rooms; then connect anew in one, and in all of them at once, again and again for so long."""
    before, began = resident(bank.server.pid), time.perf_counter()
    pairs = await asyncio.gather(*(_come(bank, number) for number in range(rooms)))
    async with asyncio.timeout(120):
        await asyncio.gather(*(seat.met.wait() for pair in pairs for seat in pair))
        came = time.perf_counter() - began
        await asyncio.gather(*(seat.done.wait() for pair in pairs for seat in pair))
    kib = (resident(bank.server.pid) - before) / rooms
    calm = await _again(*pairs[0], time.perf_counter() + seconds / 3)
    cpu, began = bank.server.seconds_of_cpu(), time.perf_counter()
    many = sum(map(len, await asyncio.gather(*(_again(*pair, began + seconds) for pair in pairs))))
    spent, cpu = time.perf_counter() - began, bank.server.seconds_of_cpu() - cpu
    for pair in pairs:
        for seat in pair:
            seat.socket.vanish()
    await asyncio.gather(*(seat.socket.closed for pair in pairs for seat in pair))
    return Figures(came, kib, calm, many / spent, 1000 * cpu / many)


async def _come(bank: Bank, number: int) -> tuple[Seat, Seat]:
    talk, uid = bank.talks[number], f"room{number:06}"
    return await asyncio.gather(
        Seat(uid, "adviser").come(bank, f"adviser:{talk.adviser}"),
        Seat(uid, "customer").come(bank, f"visitor:{talk.visitor}"),
    )


async def _again(adviser: Seat, customer: Seat, until: float) -> list[float]:
    """Give the connection up and make another one, until the time is over; milliseconds of each."""
    took = []
    while time.perf_counter() < until:
        began, gen = time.perf_counter(), adviser.gen
        adviser.done.clear()
        customer.done.clear()
        customer.say({"t": "rebuild", "gen": gen})
        async with asyncio.timeout(60):
            await adviser.done.wait()
            await customer.done.wait()
        took.append(1000 * (time.perf_counter() - began))
        await asyncio.sleep(REST)
    return took


async def _lay_on(bank: Bank) -> None:
    """A call for each conversation, which its adviser has accepted."""
    now, database = SystemClock().now(), Database(bank.config.database.url)
    rows = [
        {
            "uid": f"room{number:06}",
            "request_key": f"bench {number}",
            "origin": "customer",
            "conversation_id": talk.visitor,
            "visitor_id": talk.visitor,
            "adviser_id": talk.adviser,
            "state": "admitted",
            "medium": "video",
            "language": "en",
            "gen": 1,
            "created_at": now,
            "admitted_at": now,
            "closes_at": now + 3600,
            "called_back": False,
        }
        for number, talk in enumerate(bank.talks)
    ]

    def work(connection: Connection) -> None:
        connection.execute(insert(call), rows)

    await database.open()
    await database.write(work)
    await database.close()


def main(short: bool = False) -> list[Row]:
    """The table's rows."""
    rooms, seconds = (50, 3.0) if short else (500, 15.0)
    with tempfile.TemporaryDirectory(prefix="presence-bench-") as directory:
        bank = prepare(Path(directory), rooms)
        got = uvloop.run(_served(bank, rooms, seconds))
    return [
        Row(
            f"{rooms} rooms fill at once, one process, SQLite",
            "all in, and told of each other, within 10 s",
            f"{got.came:.1f} s; {got.kib:.0f} KiB of server memory a room with both sides in it",
            got.came < 10,
        ),
        Row(
            f"Connections negotiated again and again in {rooms} rooms",
            "> 50 a second: all 500 begin within 10 s",
            f"{got.rate:.0f} a second, {got.cpu:.1f} ms of the server's CPU each",
            got.rate > 50,
        ),
        Row(
            f"One of them while the other {rooms - 1} rooms are calm",
            "median < 100 ms, of the second until a picture comes",
            f"median {median(got.calm):.0f} ms, 99 of 100 within {quantile(got.calm, 0.99):.0f} ms",
            median(got.calm) < 100,
        ),
    ]


async def _served(bank: Bank, rooms: int, seconds: float) -> Figures:
    await _lay_on(bank)  # before the server: it alone may write then
    async with bank.server:
        return await run(bank, rooms, seconds)


if __name__ == "__main__":
    alone(main)
