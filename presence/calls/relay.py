"""Rooms as this process serves them: who of a room is connected here, told whenever it changes; and what one side sends
the other.

The truth is in the rows. A hint ("call 7") makes every process with somebody in that room read it anew and tell them; a
lost hint is made good by a look every few seconds. What browsers tell each other goes to one connection: here, or as one
message over the bus. It is neither stored nor logged.
"""

import asyncio
import itertools
from collections.abc import Callable, Collection
from typing import Protocol

import structlog
from sqlalchemy import Connection as Sql
from sqlalchemy.exc import SQLAlchemyError

from presence.calls import figures, store
from presence.calls.model import Role
from presence.calls.rules import Seen
from presence.clock import Clock
from presence.errors import Unavailable
from presence.storage.database import Database

log = structlog.get_logger("presence.calls")

Ahead = Callable[[Sql, Seen, int], Seen]  # adds what comes after the appointment: transaction, call, now


class Inside(Protocol):
    """Somebody of this process in a room."""

    call_id: int
    role: Role

    @property
    def connection_id(self) -> str: ...

    def told(self, seen: Seen) -> None:
        """The room as it is now."""
        ...

    def signalled(self, gen: int, frame: bytes) -> None:
        """A frame of the other side's, of a generation."""
        ...


class Relay:
    """Sessions by call, and the way to the other side."""

    def __init__(self, database: Database, clock: Clock, publish: Callable[[str, str], None], ahead: Ahead) -> None:
        self._database = database
        self._clock = clock
        self._publish = publish  # to the other processes: topic, text
        self._ahead = ahead
        self.on_change: list[Callable[[], None]] = []  # a call has changed, here or elsewhere
        self._rooms: dict[int, dict[str, Inside]] = {}
        self._inside: dict[str, Inside] = {}
        self._advisers: dict[int, int | None] = {}  # of the calls that somebody is in here
        self._dirty: set[int] = set()
        self._telling: asyncio.Task[None] | None = None
        self._numbers = itertools.count()

    def add(self, one: Inside) -> None:
        """They have entered."""
        self._rooms.setdefault(one.call_id, {})[one.connection_id] = one
        self._inside[one.connection_id] = one
        figures.rooms(len(self._rooms))

    def remove(self, one: Inside) -> None:
        """Their connection has ended."""
        self._inside.pop(one.connection_id, None)
        room = self._rooms.get(one.call_id, {})
        room.pop(one.connection_id, None)
        if not room:
            self._rooms.pop(one.call_id, None)
            self._advisers.pop(one.call_id, None)
        figures.rooms(len(self._rooms))

    @property
    def served(self) -> Collection[int]:
        """The calls that somebody is in here."""
        return self._rooms.keys()

    # -- the room -------------------------------------------------------------------------------------------------

    def changed(self, call_id: int) -> None:
        """A call has changed: everybody in its room is told, here and elsewhere. After the commit."""
        self._publish("call", str(call_id))
        self._heard(call_id)

    def hear(self, text: str) -> None:
        """The hint of another process."""
        if text.isdigit():
            self._heard(int(text))

    def _heard(self, call_id: int) -> None:
        self.look(call_id)
        for hear in self.on_change:
            hear()

    def look(self, *call_ids: int) -> None:
        """Read calls anew, soon, and tell who is in them here."""
        self._dirty |= self._rooms.keys() & call_ids
        if self._dirty and self._telling is None:
            self._telling = asyncio.create_task(self._tell(), name="rooms")

    def standings_changed(self, adviser_ids: Collection[int]) -> None:
        """Advisers have come, gone, or have more or less to do: who waits for them sees it."""
        self.look(*(id_ for id_, adviser_id in self._advisers.items() if adviser_id in adviser_ids))

    async def _tell(self) -> None:
        try:
            while self._dirty:
                dirty, self._dirty = self._dirty, set()
                await self._tell_all(dirty)
        except (Unavailable, SQLAlchemyError, OSError) as error:
            log.warning("rooms could not be read", error=type(error).__name__)
        finally:
            self._telling = None

    async def _tell_all(self, ids: Collection[int]) -> None:
        # Who enters while it is read is not among them: what is read may be older than their entering.
        inside = [one for id_ in ids for one in self._rooms.get(id_, {}).values()]
        found = await self._read(ids, {one.call_id for one in inside if one.role == "adviser"})
        for one in inside:
            if one.call_id in found and one.connection_id in self._inside:
                self._advisers[one.call_id] = found[one.call_id].adviser_id
                one.told(found[one.call_id])

    async def _read(self, ids: Collection[int], looking_ahead: Collection[int]) -> dict[int, Seen]:
        """Calls as they are, and for some of them what comes after."""
        now = self._clock.now()

        def work(connection: Sql) -> dict[int, Seen]:
            found = store.seen_by_ids(connection, ids, now)
            return {
                id_: self._ahead(connection, one, now) if id_ in looking_ahead else one for id_, one in found.items()
            }

        return await self._database.read(work)

    # -- what one side sends the other ----------------------------------------------------------------------------

    def signal(self, connection_id: str, gen: int, frame: bytes) -> None:
        """Pass a frame on to a connection, wherever it is. Each has a number, for the bus takes what is equal for the same."""
        here = self._inside.get(connection_id)
        if here is not None:
            here.signalled(gen, frame)
        else:
            self._publish("signal", f"{connection_id} {gen} {next(self._numbers)} {frame.decode()}")

    def hear_signal(self, text: str) -> None:
        """A frame from another process."""
        connection_id, gen, _, frame = text.split(" ", 3)
        here = self._inside.get(connection_id)
        if here is not None:
            here.signalled(int(gen), frame.encode())

    async def settled(self) -> None:
        """Wait until everybody here has been told of what has changed so far."""
        while self._telling is not None:
            await asyncio.wait({self._telling})
