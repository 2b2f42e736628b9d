"""Time enters the program here and nowhere else.

Inside, an instant is an `int`: seconds since the Unix epoch, UTC. Zones appear only at the edge, where people read.
"""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the present instant."""

    def now(self) -> int:
        """Seconds since the Unix epoch."""
        ...

    def now_ms(self) -> int:
        """Milliseconds since the Unix epoch."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> int:
        return int(time.time())

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000


def utc(instant: int) -> datetime:
    """The aware UTC datetime of an instant."""
    return datetime.fromtimestamp(instant, UTC)


def instant(moment: datetime) -> int:
    """The instant of an aware datetime, whole seconds (rounded down)."""
    if moment.tzinfo is None:
        raise ValueError("a naive datetime names no instant")
    return int(moment.timestamp())
