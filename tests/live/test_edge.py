"""The WebSocket itself, byte by byte (RFC 6455), against a server of our own and a bare socket."""

import asyncio
import base64
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
import websockets
from starlette.applications import Starlette
from starlette.routing import Route, WebSocketRoute
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from presence.live import edge
from presence.live.edge import Edge
from presence.live.frames import MAX_MESSAGE

SOON = 5.0
MASK = b"\x01\x02\x03\x04"


class Echo:
    """Sends back what comes, and remembers the edges and what each ended with."""

    def __init__(self) -> None:
        self.edges: list[Edge] = []
        self.ended: list[int] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert (await receive())["type"] == "websocket.connect"
        await send({"type": "websocket.accept"})
        one: Edge = scope["extensions"]["presence.edge"]["edge"]
        self.edges.append(one)
        while messages := await one.receive():
            for message in messages:
                one.send(message)
        self.ended.append(one.code)


class Served:
    """A server, and the bare connections to it."""

    def __init__(self, server: uvicorn.Server, echo: Echo) -> None:
        self.server, self.echo = server, echo
        self.port: int = server.servers[0].sockets[0].getsockname()[1]
        self.wires: list[Wire] = []

    async def open(self, path: str = "/echo", version: str = "13") -> tuple["Wire", str]:
        """A connection, and the status line and headers that answered its handshake."""
        wire = Wire(*await asyncio.open_connection("127.0.0.1", self.port))
        self.wires.append(wire)
        wire.writer.write(
            f"GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: {version}\r\n\r\n".encode()
        )
        async with asyncio.timeout(SOON):
            return wire, (await wire.reader.readuntil(b"\r\n\r\n")).decode()

    def hang_up(self) -> None:
        for wire in self.wires:
            wire.writer.close()


async def refuse(one: WebSocket) -> None:
    await one.close()


async def break_down(_one: WebSocket) -> None:
    raise ZeroDivisionError


@asynccontextmanager
async def serving() -> AsyncIterator[Served]:
    echo = Echo()
    routes = [WebSocketRoute("/echo", echo), WebSocketRoute("/no", refuse), WebSocketRoute("/broken", break_down)]
    app = Starlette(routes=[*routes, Route("/page", lambda _request: None)])
    server = uvicorn.Server(uvicorn.Config(app, port=0, ws=Edge, log_config=None, lifespan="off"))
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    found = Served(server, echo)
    try:
        yield found
    finally:
        server.should_exit = True
        await task


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    async with serving() as found:
        yield found
        found.hang_up()


def framed(first: int, payload: bytes, *, masked: bool = True) -> bytes:
    """A frame as clients send it; `first` is its first byte."""
    size = len(payload)
    head = bytes([size]) if size < 126 else b"\x7e" + (size & 0xFFFF).to_bytes(2, "big")
    if size >= 0x10000:
        head = b"\x7f" + size.to_bytes(8, "big")
    if masked:
        head = bytes([head[0] | 0x80]) + head[1:] + MASK
        payload = bytes(byte ^ MASK[at % 4] for at, byte in enumerate(payload))
    return bytes([first]) + head + payload


class Wire:
    """A bare connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def send(self, first: int, payload: bytes, *, masked: bool = True) -> None:
        self.writer.write(framed(first, payload, masked=masked))

    async def read(self) -> tuple[int, bytes]:
        """A frame of the server's: its first byte, and what is in it."""
        async with asyncio.timeout(SOON):
            first, size = await self.reader.readexactly(2)
            if size >= 126:
                size = int.from_bytes(await self.reader.readexactly(2 if size == 126 else 8), "big")
            return first, await self.reader.readexactly(size)

    async def ended(self) -> bool:
        async with asyncio.timeout(SOON):
            return await self.reader.read() == b""


async def test_the_handshake_of_the_rfc(served: Served) -> None:
    _, answer = await served.open()
    assert answer.startswith("HTTP/1.1 101 ")
    assert "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in answer


async def test_another_version_is_told_which_one(served: Served) -> None:
    wire, answer = await served.open(version="8")
    assert answer.startswith("HTTP/1.1 426 ")
    assert "sec-websocket-version: 13\r\n" in answer
    assert await wire.ended()


@pytest.mark.parametrize(("path", "status"), [("/no", 403), ("/nothing-here", 403), ("/page", 403), ("/broken", 500)])
async def test_what_is_not_accepted_is_answered_over_http(served: Served, path: str, status: int) -> None:
    wire, answer = await served.open(path)
    assert answer.startswith(f"HTTP/1.1 {status} ")
    assert await wire.ended()


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, MAX_MESSAGE])
async def test_messages_of_every_length_come_back(served: Served, size: int) -> None:
    async with websockets.connect(f"ws://127.0.0.1:{served.port}/echo", compression=None) as client:
        text = base64.b64encode(os.urandom(size)).decode()[:size]
        await client.send(text)
        assert await client.recv() == text


async def test_a_message_that_comes_byte_by_byte_in_fragments_with_a_ping_between(served: Served) -> None:
    wire, _ = await served.open()
    for byte in framed(0x01, b"Hel") + framed(0x89, b"there?") + framed(0x80, b"lo"):
        wire.writer.write(bytes([byte]))
        await wire.writer.drain()
        await asyncio.sleep(0)
    assert await wire.read() == (0x8A, b"there?")
    assert await wire.read() == (0x81, b"Hello")


async def test_many_messages_at_once_come_back_in_order(served: Served) -> None:
    wire, _ = await served.open()
    texts = [f"{number}".encode() for number in range(10 * edge.UNREAD)]
    wire.writer.write(b"".join(framed(0x81, text) for text in texts))
    assert [(await wire.read())[1] for _ in texts] == texts


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        ([(0x81, b"no mask", False)], 1002),
        ([(0xC1, b"an extension", True)], 1002),
        ([(0x83, b"a reserved opcode", True)], 1002),
        ([(0x8B, b"a reserved control", True)], 1002),
        ([(0x80, b"goes on with nothing", True)], 1002),
        ([(0x01, b"begins", True), (0x81, b"begins again", True)], 1002),
        ([(0x09, b"a ping in fragments", True)], 1002),
        ([(0x89, b"p" * 126, True)], 1002),
        ([(0x81, b"x" * (MAX_MESSAGE + 1), True)], 1009),
        ([(0x01, b"x" * MAX_MESSAGE, True), (0x80, b"x", True)], 1009),
        ([(0x01, b"", True), *[(0x00, b"", True)] * edge.FRAGMENTS], 1009),
    ],
)
async def test_what_breaks_the_protocol_is_told_so_and_no_longer_listened_to(
    served: Served, frames: list[tuple[int, bytes, bool]], code: int
) -> None:
    wire, _ = await served.open()
    for first, payload, masked in frames:
        wire.send(first, payload, masked=masked)
    first, payload = await wire.read()
    assert (first, int.from_bytes(payload[:2], "big")) == (0x88, code)
    assert await wire.ended()  # at once, so that nobody waits for an answer that is not looked at
    wire.writer.close()
    async with asyncio.timeout(SOON):
        while served.echo.ended != [code]:
            await asyncio.sleep(0.01)


async def test_a_close_is_answered_and_the_code_kept(served: Served) -> None:
    wire, _ = await served.open()
    wire.send(0x88, (1001).to_bytes(2, "big") + b"leaving")
    assert await wire.read() == (0x88, (1001).to_bytes(2, "big"))
    assert await wire.ended()
    assert served.echo.ended == [1001]


async def test_our_close_waits_for_theirs_and_takes_nothing_more(served: Served) -> None:
    wire, _ = await served.open()
    served.echo.edges[0].close(4410, "signed out")
    assert await wire.read() == (0x88, (4410).to_bytes(2, "big") + b"signed out")
    wire.send(0x81, b"too late")
    wire.send(0x88, (4410).to_bytes(2, "big"))
    assert await wire.ended()
    assert served.echo.ended == [4410]


async def test_who_does_not_answer_a_close_is_cut_off(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge, "STUCK", 0.05)
    wire, _ = await served.open()
    served.echo.edges[0].close(4408)
    await wire.read()
    assert await wire.ended()


async def test_who_reads_nothing_is_sent_no_pongs(served: Served) -> None:
    wire, _ = await served.open()
    served.echo.edges[0].full = True
    wire.send(0x89, b"are you there?")
    wire.send(0x81, b"after it")
    assert await wire.read() == (0x81, b"after it")


async def test_who_reads_nothing_fills_it_and_is_cut_off(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge, "STUCK", 0.2)
    wire, _ = await served.open()
    one, rooms = served.echo.edges[0], list[bool]()
    one.on_room = lambda: rooms.append(one.full)
    wire.writer.transport.pause_reading()  # type: ignore[attr-defined]
    while not one.full:
        one.send(b"x" * 60_000)
    async with asyncio.timeout(SOON):
        while one.state != "gone":
            await asyncio.sleep(0.01)
    assert rooms == [False]
    assert served.echo.ended == [1006]


async def test_a_stop_of_the_server_says_goodbye() -> None:
    async with serving() as found:
        wire, _ = await found.open()
        found.server.should_exit = True
        assert await wire.read() == (0x88, (1012).to_bytes(2, "big"))
        found.hang_up()
