"""For one process: nobody else is there. Several of them in one process, as in tests, share a room."""

import asyncio

from presence.bus import Hear


class Room:
    """What memory buses of one process share."""

    def __init__(self) -> None:
        self.buses: set[MemoryBus] = set()


class MemoryBus:
    """Hands hints to the other buses of its room."""

    def __init__(self, room: Room | None = None) -> None:
        self._room = room or Room()
        self._hear: Hear = lambda topic, text: None

    async def open(self, hear: Hear) -> None:
        self._hear = hear
        self._room.buses.add(self)

    def publish(self, topic: str, text: str) -> None:
        loop = asyncio.get_running_loop()
        for other in self._room.buses:
            if other is not self:
                loop.call_soon(other._hear, topic, text)

    async def close(self) -> None:
        self._room.buses.discard(self)
