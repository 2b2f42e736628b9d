"""A connection is opened: by our own pages, with a pass that is right, and with hello first."""

import asyncio
import json
from typing import Any

import pytest
import websockets

from presence.live import endpoint, frames
from presence.live.endpoint import same_site
from presence.live.frames import Close
from presence.live.passes import LASTS, Passes
from tests.chat.cast import SOON, Adviser, Bank, Customer
from tests.support import FrozenClock


async def opened(bank: Bank, origin: str | None = None) -> websockets.ClientConnection:
    address = f"ws://127.0.0.1:{bank.port}/live"
    return await websockets.connect(address, origin=websockets.Origin(origin or bank.url), compression=None)


async def ended(bank: Bank, message: str | bytes) -> int:
    """The code with which a connection ends whose first message this is."""
    socket = await opened(bank)
    await socket.send(message)
    async with asyncio.timeout(SOON):
        while socket.protocol.close_rcvd is None:
            await asyncio.sleep(0)
    socket.transport.abort()  # after a message that is too large the server reads nothing more, not even our answer
    return socket.protocol.close_rcvd.code


def hello(token: str, **more: Any) -> str:
    return json.dumps([{"t": "hello", "v": 1, "token": token, **more}])


async def test_another_pages_socket_is_refused(bank: Bank) -> None:
    for origin in ("https://mallory.example", "null", bank.url + ".mallory.example", bank.url.replace("http", "https")):
        with pytest.raises(websockets.InvalidStatus) as refused:
            await opened(bank, origin)
        assert refused.value.response.status_code == 403, origin
    with pytest.raises(websockets.InvalidStatus) as refused:
        await websockets.connect(f"ws://127.0.0.1:{bank.port}/live")
    assert refused.value.response.status_code == 403


def test_an_origin_is_ours_to_the_letter() -> None:
    allowed = same_site("https://bank.example")
    assert allowed("https://bank.example", "10.0.0.7:8000")
    assert allowed("https://BANK.example", "bank.example")
    for origin in (
        "http://bank.example",
        "https://bank.example:8443",
        "https://bank.example.mallory.example",
        "null",
        "",
    ):
        assert not allowed(origin, "bank.example"), origin
    assert not allowed("https://", "")


async def test_a_pass_that_is_wrong_old_or_of_nobody_is_refused(bank: Bank, clock: FrozenClock) -> None:
    passes, now = bank.chat.passes, clock.now()
    good, until = passes.issue("visitor:1", now)
    assert until == now + LASTS
    payload, _, signature = good.partition(".")
    others, _ = Passes("another key " * 4).issue("adviser:1", now)
    old, _ = passes.issue("adviser:1", now - LASTS)
    nobody, _ = passes.issue("visitor:999", now)
    nobody_either, _ = passes.issue("adviser:999", now)
    for token in (
        "",
        "x",
        ".",
        payload,
        f"{payload}.",
        f"{payload}.é",
        f"A{payload}.{signature}",
        others,
        old,
        nobody,
        nobody_either,
    ):
        assert await ended(bank, hello(token)) == Close.UNAUTHORISED, token
    assert len(bank.chat.hub) == 0


async def test_hello_comes_first_and_speaks_our_version(bank: Bank) -> None:
    token, _ = bank.chat.passes.issue("adviser:1", bank.clock.now())
    for message in (
        "",
        "[]",
        "{}",
        "null",
        "not json",
        b"\xff\xfe",
        '[{"t":"beat","on":true}]',
        '[{"t":"hello"}]',
        '[{"t":"nothing"}]',
        hello(token, v=2),
        hello(token, have={"c": -1}),
        hello(token, have={"c": 2**70}),
        json.dumps([{"t": "beat"}] * 65),
        '[{"t":"send","c":"c","id":"i","kind":"text","body":' + "[" * 60_000,
    ):
        assert await ended(bank, message) == Close.BAD_FRAME, message[:60]
    assert await ended(bank, hello(token, more="x" * frames.MAX_MESSAGE)) == 1009
    assert len(bank.chat.hub) == 0


async def test_who_says_nothing_is_not_waited_for(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    assert endpoint.FIRST_FRAME == 10.0
    monkeypatch.setattr(endpoint, "FIRST_FRAME", 0.01)
    socket = await opened(bank)
    await socket.wait_closed()
    assert socket.close_code == Close.SILENT


async def test_an_unreadable_frame_ends_an_open_connection(bank: Bank, carol: Customer) -> None:
    welcome = await carol.connect()
    assert (welcome["v"], welcome["beat"], welcome["you"]) == (1, frames.BEAT, "customer")
    await carol.send({"t": "join", "c": "abc", "after": "one"})
    assert await carol.closed() == Close.BAD_FRAME


async def test_who_was_not_welcomed_whole_is_not_kept(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Adviser(bank, "alice") as alice:
        await alice.hang_up()
        token = await alice.token()

        async def fails(*_: object) -> None:
            raise OSError

        monkeypatch.setattr(bank.chat.leases, "open", fails)
        assert await ended(bank, hello(token)) == Close.RESYNC
    assert len(bank.chat.hub) == 0
