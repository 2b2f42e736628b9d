"""A way to a UDP server that loses what it is told to: a poor connection."""

import asyncio
import random
from typing import Any, Self

Address = tuple[str, int]


class _Back(asyncio.DatagramProtocol):
    """What the server answers one client."""

    def __init__(self, way: "Lossy", client: Address) -> None:
        self._way = way
        self._client = client

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._way.give(data, self._client)


class Lossy(asyncio.DatagramProtocol):
    """`share` of what goes either way is lost."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._chance = random.Random(1)
        self._clients: dict[Address, asyncio.Future[asyncio.DatagramTransport]] = {}
        self._transport: asyncio.DatagramTransport | None = None
        self._opening: set[asyncio.Task[None]] = set()
        self.share = 0.0
        self.port = 0

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        self.port = self._transport.get_extra_info("sockname")[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._transport is not None
        self._transport.close()
        for one in self._clients.values():
            (await one).close()

    def datagram_received(self, data: bytes, addr: Any) -> None:
        client: Address = addr
        if client not in self._clients:
            self._clients[client] = asyncio.get_running_loop().create_future()
            self._later(self._open(client))
        if self._chance.random() >= self.share:
            self._later(self._pass(data, client))

    def give(self, data: bytes, client: Address) -> None:
        if self._transport is not None and self._chance.random() >= self.share:
            self._transport.sendto(data, client)

    async def _open(self, client: Address) -> None:
        loop = asyncio.get_running_loop()
        opened, _ = await loop.create_datagram_endpoint(
            lambda: _Back(self, client), remote_addr=("127.0.0.1", self._to)
        )
        self._clients[client].set_result(opened)

    async def _pass(self, data: bytes, client: Address) -> None:
        (await self._clients[client]).sendto(data)

    def _later(self, what: Any) -> None:
        task = asyncio.create_task(what)
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)
