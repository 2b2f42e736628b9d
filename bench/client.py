"""A small HTTP/1.1 client: one keep-alive connection, one request at a time.

It takes about a twentieth of what httpx takes, so that on a machine with few cores the server is what is measured.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple, Self

import msgspec

_END = b"\r\n\r\n"


class Answer(NamedTuple):
    """Status, headers (names in lower case) and body."""

    status: int
    headers: dict[bytes, bytes]
    body: bytes

    def json(self) -> Any:
        return msgspec.json.decode(self.body)


class Client(asyncio.Protocol):
    """One connection. `ConnectionError` when it is lost before the answer is whole: nobody knows what became of it."""

    def __init__(self, host: str, headers: Mapping[str, str]) -> None:
        self._fixed = f"Host: {host}\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[Answer] | None = None
        self._buffer = b""

    @classmethod
    async def connect(cls, port: int, headers: Mapping[str, str] | None = None) -> Self:
        """A connection to loopback; `headers` go with every request."""
        loop = asyncio.get_running_loop()
        _, client = await loop.create_connection(lambda: cls(f"localhost:{port}", headers or {}), "127.0.0.1", port)
        return client

    async def request(
        self, method: str, path: str, body: bytes = b"", *, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send a request and wait for its answer."""
        if self._transport is None or self._transport.is_closing():
            raise ConnectionError("closed")
        more = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
        head = f"{method} {path} HTTP/1.1\r\n{self._fixed}{more}Content-Length: {len(body)}\r\n\r\n"
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(head.encode() + body)
        return await self._answer

    async def get(self, path: str) -> Answer:
        return await self.request("GET", path)

    async def post(self, path: str, body: Any, key: str = "") -> Answer:
        """Send JSON; `key` is an Idempotency-Key."""
        headers = {"Content-Type": "application/json"} | ({"Idempotency-Key": key} if key else {})
        return await self.request("POST", path, msgspec.json.encode(body), headers=headers)

    async def form(self, path: str, fields: str) -> Answer:
        """Send a form's encoded fields."""
        return await self.request(
            "POST", path, fields.encode(), headers={"Content-Type": "application/x-www-form-urlencoded"}
        )

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    # -- asyncio's side -------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionError(f"lost: {error}"))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(_END)
        if end < 0 or self._answer is None or self._answer.done():
            return
        status, *lines = self._buffer[:end].split(b"\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(b": ") for line in lines)}
        length = int(headers.get(b"content-length", b"0"))
        whole = end + len(_END) + length
        if len(self._buffer) >= whole:
            body, self._buffer = self._buffer[whole - length : whole], self._buffer[whole:]
            self._answer.set_result(Answer(int(status[9:12]), headers, body))


@asynccontextmanager
async def clients(port: int, count: int, headers: Mapping[str, str] | None = None) -> AsyncIterator[list[Client]]:
    """Several connections, each its own."""
    opened = await asyncio.gather(*(Client.connect(port, headers) for _ in range(count)))
    try:
        yield opened
    finally:
        for one in opened:
            one.close()
