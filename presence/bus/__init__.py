"""Between processes: hints that something changed. What changed is read from the database, so a lost hint only delays."""

from collections.abc import Callable
from typing import Protocol

Hear = Callable[[str, str], None]  # topic, text


class Bus(Protocol):
    """Hints to every other process, and from them."""

    async def open(self, hear: Hear) -> None:
        """Begin to hear; `hear` is called on the event loop."""
        ...

    def publish(self, topic: str, text: str) -> None:
        """Tell the others, some time soon; never waits and never fails."""
        ...

    async def close(self) -> None:
        """Hear and tell no more."""
        ...
