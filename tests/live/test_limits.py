"""What one connection may ask for: so many frames, so much that waits, so long a silence."""

import asyncio
import json
import socket
from collections.abc import Callable

import websockets

from presence.chat.model import CUSTOMER, Entry, Stored
from presence.live import frames
from presence.live.connection import WAITING_BYTES
from presence.live.endpoint import BURST
from presence.live.frames import Close
from tests.chat.cast import SOON, Adviser, Bank, Customer, Frame

PAGE = json.dumps({"text": "x" * 8_000})


async def test_too_many_frames_end_it_and_the_code_says_so(bank: Bank, carol: Customer) -> None:
    await carol.connect()
    for _ in range(int(BURST) // 60 + 1):
        await carol.send(*[{"t": "beat", "on": True}] * 60)
    assert await carol.closed() == Close.TOO_MUCH


async def test_who_does_not_read_is_let_go_and_resumes_while_others_are_served(
    bank: Bank, carol: Customer, alice: Adviser
) -> None:
    c = await carol.begin()
    await alice.take(c)
    token = await alice.token()
    address = f"ws://127.0.0.1:{bank.port}/live"
    before = bank.chat.hub.of(f"adviser:{alice.id}")
    small = socket.create_connection(("127.0.0.1", bank.port))
    small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    async with websockets.connect(
        address, sock=small, origin=websockets.Origin(bank.url), compression=None, max_queue=1
    ) as tablet:  # it reads until it is level, and then nothing any more; who resumes is not sent more than they take
        await tablet.send(json.dumps([{"t": "hello", "v": 1, "token": token, "have": {c: 0}}]))
        while '"caught"' not in str(await tablet.recv()):
            pass
        (stuck,) = bank.chat.hub.of(f"adviser:{alice.id}") - before
        (id_,) = bank.chat.channels.known()
        last, number = 0, 0
        async with asyncio.timeout(SOON):
            while not stuck.ended:
                number += 1
                many = [Entry(id_, CUSTOMER, f"{number}-{n}", "text", PAGE) for n in range(20)]
                stored = await bank.chat.journal.append(*many)
                last = max(one.seq for one in stored if isinstance(one, Stored))
                await alice.until(at(last), since=len(alice.frames) - 1)
                assert stuck.waiting <= WAITING_BYTES
        tablet.transport.abort()  # a polite end would be read first
    assert [event["seq"] for event in alice.events(c)] == list(range(1, last + 1))
    async with Adviser(bank, "alice") as again:
        await again.send({"t": "join", "c": c, "after": last - 5})
        await again.until(lambda f: f["t"] == "caught")
        assert [event["seq"] for event in again.events(c)] == list(range(last - 4, last + 1))


def at(seq: int) -> Callable[[Frame], bool]:
    return lambda frame: frame["t"] == "event" and frame["seq"] == seq


async def test_a_silent_connection_is_given_up_at_once_and_counts_no_more(
    bank: Bank, carol: Customer, alice: Adviser
) -> None:
    await carol.connect()
    await carol.send({"t": "watch", "what": ["adviser:alice"]})
    await carol.until(lambda f: f["t"] == "presence" and f["state"] == "available")
    (hers,) = bank.chat.hub.of(f"adviser:{alice.id}")
    hers.heard_at -= frames.LOST_AFTER + 1
    await bank.chat.reception.end_silent()
    assert await alice.closed() == Close.SILENT
    await carol.until(lambda f: f["t"] == "presence" and f["state"] == "offline")  # no clock has moved


async def test_everything_that_waits_after_a_commit_leaves_in_one_message(
    bank: Bank, carol: Customer, alice: Adviser
) -> None:
    c = await carol.begin()
    await alice.take(c)
    alice.messages.clear()
    carol.messages.clear()
    texts = [{"t": "send", "c": c, "id": f"i{n}", "kind": "text", "body": {"text": f"{n}"}} for n in range(50)]
    await carol.send(*texts)
    await carol.until(lambda f: f["t"] == "ack" and f["id"] == "i49")
    await alice.event("text", text="49")
    acks = [batch for batch in carol.messages if batch[0]["t"] == "ack"]
    events = [batch for batch in alice.messages if batch[0]["t"] == "event"]
    assert len(acks) <= 3
    assert len(events) <= 3
    assert sum(map(len, events)) == 50
