"""Delivery in one process: to each listener every event once, in order, without a gap, whatever comes when."""

import asyncio
from collections.abc import Sequence

import msgspec

from presence.chat.channels import PAGE, Channels, Committed
from presence.chat.model import Stored
from presence.live.connection import Connection
from presence.live.frames import Close
from tests.live.test_ending import Recorded


class Log:
    """A log that is read at the pace of the test."""

    def __init__(self, events: int = 0) -> None:
        self.events = [event(seq) for seq in range(1, events + 1)]
        self.reading = asyncio.Event()
        self.go = asyncio.Event()
        self.go.set()
        self.reads = 0
        self.fails = False

    def add(self, count: int = 1) -> list[Stored]:
        new = [event(len(self.events) + n) for n in range(1, count + 1)]
        self.events += new
        return new

    async def read(self, _id: int, after: int, limit: int) -> Sequence[Stored]:
        found = [one for one in self.events if one.seq > after][:limit]
        self.reads += 1
        self.reading.set()
        await self.go.wait()
        if self.fails:
            raise OSError
        return found


def event(seq: int, kind: str = "text") -> Stored:
    return Stored(1, seq, 0, "adviser:1", f"id{seq}", kind, '{"text":"x"}')


class Ear:
    """A connection, and what it was sent."""

    def __init__(self) -> None:
        self.socket = Recorded()
        self.connection = Connection(self.socket, 0.0)

    async def frames(self) -> list[dict[str, object]]:
        for _ in range(10):  # turns of the loop
            await asyncio.sleep(0)
        return [frame for message in self.socket.sent for frame in msgspec.json.decode(message)]

    async def seqs(self) -> list[object]:
        return [frame["seq"] for frame in await self.frames() if frame["t"] == "event"]


def committed(events: Sequence[Stored], origin: Connection | None = None) -> list[Committed]:
    return [Committed(one, origin) for one in events]


async def test_a_resume_from_any_cursor_brings_the_rest() -> None:
    log = Log(2 * PAGE + 5)
    for after in (0, 1, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE + 4, 2 * PAGE + 5):
        channels, ear = Channels(log.read), Ear()
        channels.join(ear.connection, 1, "c", after, internal=True)
        assert await ear.seqs() == list(range(after + 1, 2 * PAGE + 6)), after
        assert (await ear.frames())[-1] == {"t": "caught", "c": "c", "seq": 2 * PAGE + 5}


async def test_what_is_committed_while_it_reads_comes_once_and_in_order() -> None:
    log, ear = Log(3), Ear()
    channels = Channels(log.read)
    log.go.clear()
    channels.join(ear.connection, 1, "c", 0, internal=True)
    await log.reading.wait()  # it has seen three
    channels.deliver(committed(log.add(2)))
    assert await ear.seqs() == []
    log.go.set()
    assert await ear.seqs() == [1, 2, 3, 4, 5]
    channels.deliver(committed(log.add()))
    assert await ear.seqs() == [1, 2, 3, 4, 5, 6]


async def test_what_was_read_before_it_is_given_out_is_not_given_out_again() -> None:
    log, ear = Log(3), Ear()
    channels = Channels(log.read)
    new = log.add()  # committed, and not yet given out
    channels.join(ear.connection, 1, "c", 2, internal=True)
    assert await ear.seqs() == [3, 4]
    channels.deliver(committed(new))
    assert await ear.seqs() == [3, 4]


async def test_out_of_turn_and_by_a_hint_the_missing_is_fetched() -> None:
    log, ear = Log(1), Ear()
    channels = Channels(log.read)
    channels.join(ear.connection, 1, "c", 1, internal=True)
    assert await ear.seqs() == []
    lost, late = log.add(2)
    channels.deliver(committed([late]))  # another process committed the one before
    assert await ear.seqs() == [2, 3]
    log.add(2)
    channels.hint(1, 5)
    channels.hint(1, 4)
    channels.deliver(committed([lost]))
    assert await ear.seqs() == [2, 3, 4, 5]


async def test_a_beats_head_shows_what_was_lost_on_the_way() -> None:
    log, ear = Log(4), Ear()
    channels = Channels(log.read)
    channels.join(ear.connection, 1, "c", 4, internal=True)
    await ear.frames()
    channels.deliver(committed(log.add()))
    assert channels.heads(ear.connection) == {"c": 5}


async def test_a_cursor_beyond_the_log_starts_over_and_troubles_nobody_else() -> None:
    log, liar, other = Log(3), Ear(), Ear()
    channels = Channels(log.read)
    channels.join(other.connection, 1, "c", 3, internal=True)
    channels.join(liar.connection, 1, "c", 2**53, internal=True)
    assert await liar.seqs() == [1, 2, 3]
    assert channels.heads(other.connection) == {"c": 3}
    channels.deliver(committed(log.add()))
    assert await other.seqs() == [4]
    assert await liar.seqs() == [1, 2, 3, 4]


async def test_a_hint_of_more_than_there_is_reads_once_and_is_forgotten() -> None:
    log, ear = Log(3), Ear()
    channels = Channels(log.read)
    channels.join(ear.connection, 1, "c", 3, internal=True)
    await ear.frames()
    before = log.reads
    channels.hint(1, 1000)
    await ear.frames()
    assert log.reads <= before + 2
    assert channels.known() == {1: 3}


async def test_the_sender_is_acknowledged_after_what_came_before_and_gets_no_event() -> None:
    log, sender, other = Log(), Ear(), Ear()
    channels = Channels(log.read)
    for ear in (sender, other):
        channels.join(ear.connection, 1, "c", 0, internal=True)
        await ear.frames()
    first, own = log.add(2)
    channels.deliver([Committed(first), Committed(own, sender.connection)])
    assert [(frame["t"], frame["seq"]) for frame in (await sender.frames())[1:]] == [("event", 1), ("ack", 2)]
    assert await other.seqs() == [1, 2]
    channels.deliver([Committed(msgspec.structs.replace(own, repeated=True), sender.connection)])
    assert (await sender.frames())[-1]["t"] == "ack"
    assert await other.seqs() == [1, 2]


async def test_what_is_internal_is_only_a_number_to_customers() -> None:
    log, customer, adviser = Log(), Ear(), Ear()
    log.events = [event(1), event(2, "note"), event(3, "tagged")]
    channels = Channels(log.read)
    channels.join(customer.connection, 1, "c", 0, internal=False)
    channels.join(adviser.connection, 1, "c", 0, internal=True)
    await customer.frames()
    note = event(4, "note")
    log.events.append(note)
    channels.deliver(committed([note]))
    kinds = [
        (frame["kind"], frame["by"], frame["id"], frame["body"])
        for frame in await customer.frames()
        if frame["t"] == "event"
    ]
    assert kinds[1:] == [("hidden", "system", "", None)] * 3
    assert [f["kind"] for f in await adviser.frames() if f["t"] == "event"] == ["text", "note", "tagged", "note"]


async def test_a_resume_that_fails_sends_the_client_round_again() -> None:
    log, ear = Log(3), Ear()
    log.fails = True
    channels = Channels(log.read)
    channels.join(ear.connection, 1, "c", 0, internal=True)
    await ear.frames()
    assert ear.socket.closed == Close.RESYNC


async def test_nobody_is_remembered_who_has_gone() -> None:
    log, ear = Log(3), Ear()
    channels = Channels(log.read)
    channels.join(ear.connection, 1, "c", 0, internal=True)
    channels.gone(ear.connection)
    assert channels.known() == {}
    channels.deliver(committed(log.add()))
    assert await ear.seqs() == []
