"""A connection ends with its session, and a server that stops spreads those who come back."""

import asyncio

import pytest
from prometheus_client import REGISTRY

from presence.live.connection import Connection
from presence.live.frames import Close
from presence.live.hub import Hub
from presence.roster.sign_in import LASTS
from tests.chat.cast import Adviser, Bank
from tests.support import FrozenClock


class Recorded:
    """A socket that takes everything."""

    def __init__(self) -> None:
        self.full = False
        self.on_room = lambda: None
        self.sent: list[bytes] = []
        self.closed: int | None = None

    def send(self, message: bytes) -> None:
        self.sent.append(message)

    def close(self, code: int, reason: str) -> None:
        self.closed = code


async def test_a_stop_spreads_who_comes_back_and_takes_nobody_new() -> None:
    hub, sockets = Hub(), [Recorded() for _ in range(4)]
    connections = [Connection(socket, 0.0) for socket in sockets]
    for connection in connections:
        hub.add(connection)
    hub.drain(2.0)
    for connection in connections:
        await connection.finished()
    assert [socket.sent for socket in sockets] == [
        [b'[{"t":"drain","after":0}]'],
        [b'[{"t":"drain","after":500}]'],
        [b'[{"t":"drain","after":1000}]'],
        [b'[{"t":"drain","after":1500}]'],
    ]
    assert {socket.closed for socket in sockets} == {Close.GOING}
    assert hub.draining


async def test_what_was_pushed_before_the_end_leaves_and_nothing_after_it() -> None:
    socket = Recorded()
    connection = Connection(socket, 0.0)
    connection.push_encoded(b"1")
    connection.push_encoded(b"2")
    connection.end(Close.SIGNED_OUT)
    connection.push_encoded(b"3")
    await connection.finished()
    assert (socket.sent, socket.closed) == ([b"[1,2]"], Close.SIGNED_OUT)


async def test_a_session_that_runs_out_ends_its_connections(bank: Bank, alice: Adviser, clock: FrozenClock) -> None:
    await bank.chat.reception.end_signed_out()
    async with Adviser(bank, "bob") as bob:
        clock.advance(LASTS - 10)
        await bob.sign_in()
        await bob.hang_up()
        await bob.connect()
        clock.advance(10)
        await bank.chat.reception.end_signed_out()
        assert await alice.closed() == Close.SIGNED_OUT
        assert bob.close_code is None


async def test_a_pass_from_before_signing_out_opens_nothing_for_long(bank: Bank, alice: Adviser) -> None:
    token = await alice.token()
    await alice.http.post("/sign-out", data={"csrf": alice.http.headers["X-CSRF-Token"]})
    assert await alice.closed() == Close.SIGNED_OUT

    async def kept() -> str:
        return token

    alice.token = kept  # type: ignore[method-assign]
    await alice.connect()
    await bank.chat.reception.end_signed_out()  # every few seconds
    assert await alice.closed() == Close.SIGNED_OUT
    assert len(bank.chat.hub) == 0


async def test_a_new_password_ends_what_was_open(bank: Bank, alice: Adviser) -> None:
    await bank.app.state.sign_in.set_password(alice.id, "another long password")
    await bank.chat.reception.end_signed_out()
    assert await alice.closed() == Close.SIGNED_OUT
    with pytest.raises(AssertionError):
        await alice.token()


async def test_the_code_that_a_client_makes_up_is_no_label_of_its_own(alice: Adviser) -> None:
    def ended(code: str) -> float | None:
        return REGISTRY.get_sample_value("presence_live_ended_total", {"code": code})

    before = ended("other") or 0
    assert alice._socket is not None
    await alice._socket.close(4999)
    async with asyncio.timeout(10):
        while ended("other") != before + 1:
            await asyncio.sleep(0.01)
    assert ended("4999") is None
