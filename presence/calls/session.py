"""A live connection in a room: what its frames do. Whatever cannot be read, or may not be done now, does nothing."""

import asyncio
from typing import Protocol

import msgspec

from presence.calls import rules
from presence.calls.model import Role
from presence.calls.rooms import Rooms
from presence.calls.rules import Act, Seen
from presence.errors import NotFound, NotPossible
from presence.live import frames
from presence.live.connection import Connection
from presence.live.frames import (
    Admit,
    Beat,
    Bye,
    Close,
    Finish,
    Heads,
    HoldOn,
    Ice,
    Inbound,
    Media,
    Quality,
    Ready,
    Rebuild,
    Refresh,
    Reject,
    Sdp,
    Turn,
)

MAX_CANDIDATE = 4 * 1024  # bytes
EARLY = 64  # frames of a generation that this side has not been told of, kept until it has


class Around(Protocol):
    """What the sessions of a process share."""

    rooms: Rooms

    def room(self, seen: Seen, role: Role) -> frames.Room:
        """A room from one side."""
        ...

    def turn(self, person: str) -> Turn:
        """Servers that help them through networks."""
        ...

    def signal(self, connection_id: str, gen: int, frame: bytes) -> None:
        """Pass a frame on."""
        ...

    def look_at(self, call_id: int) -> None:
        """Read a room anew, and tell everybody here who is in it."""
        ...

    def again(self, one: "RoomSession") -> None:
        """Let a session take its place once more."""
        ...

    async def renew(self) -> None:
        """Whoever is connected to this process counts as being here."""
        ...

    async def engaged(self, connection_id: str, on: bool) -> None:
        """Whether somebody looks at it."""
        ...

    async def measured(self, call_id: int, told: Quality) -> None:
        """How a call is."""
        ...

    async def gone(self, one: "RoomSession") -> None:
        """A session's connection has ended."""
        ...

    def may_write(self, connection_id: str) -> bool:
        """Whether what a page says so often may still be written down."""
        ...

    def now_ms(self) -> int: ...


class RoomSession:
    """One side of a room, as one connection has it."""

    def __init__(self, around: "Around", connection: Connection, call_id: int, uid: str, role: Role, inst: str) -> None:
        self._all = around
        self.connection = connection
        self._uid = uid
        self._inst = inst
        self._seen: Seen | None = None
        self._room: frames.Room | None = None
        self._early: list[tuple[int, bytes]] = []
        self.begun = asyncio.Event()  # it has been told of its room
        self._left = False  # their part is over; they may come back with another connection
        self._has_turn = False
        self.call_id = call_id
        self.role = role

    @property
    def connection_id(self) -> str:
        return self.connection.id

    # -- what it is told ------------------------------------------------------------------------------------------

    def told(self, seen: Seen) -> None:
        """The room as it is now."""
        self.begun.set()
        if self.connection.ended:
            return
        if seen.call.state != "ended" and not self._keeps(seen):
            return
        self._seen = seen
        if seen.call.state == "admitted" and not self._has_turn:
            self._help()
        room = self._all.room(seen, self.role)
        before, self._room = self._room, room
        if before is None or msgspec.structs.replace(before, now=room.now) != room:
            self.connection.push(room)
        early, self._early = self._early, []
        for gen, frame in early:
            self.signalled(gen, frame)

    def _keeps(self, seen: Seen) -> bool:
        """Whether this connection still has the place; else it is told why, or takes it again."""
        place, meeting = seen.places.get(self.role), seen.meeting
        person = self.connection.who
        if meeting is not None and self.role == "adviser" and rules.number_of(person) not in meeting.adviser_ids:
            self._bye("gone")
            return False
        if self._left or (place is not None and place.connection == self.connection_id):
            return True
        if place is not None and not place.connection and (place.person, place.inst) == (person, self._inst):
            self._all.again(self)  # its lease had run out: this process slept, or could not reach the database
            return False
        self._bye("taken-over")
        return False

    def _bye(self, why: str) -> None:
        if why == "taken-over":
            self.connection.push(Bye("taken-over"))
            self.connection.end(Close.TAKEN_OVER, "taken over")
        else:
            self.connection.push(Bye("gone"))
            self.connection.end(Close.SIGNED_OUT, "no such room")

    async def again(self) -> None:
        """Take the place once more, with the lease."""
        await self._all.renew()
        try:
            await self._all.rooms.enter(self._uid, self.connection.who, self.connection_id, self._inst)
        except NotFound:
            self._bye("gone")

    def signalled(self, gen: int, frame: bytes) -> None:
        """What the other side sends. What is ahead of what this side has been told waits for that, and nothing for long."""
        known = self._seen.call.gen if self._seen is not None else 0
        if gen > known:
            if len(self._early) < EARLY:
                self._early.append((gen, frame))
            self._all.look_at(self.call_id)
        elif gen == known:
            self.connection.push_encoded(frame)

    def _help(self) -> None:
        self._has_turn = True
        self.connection.push(self._all.turn(self.connection.who))

    # -- what it says ---------------------------------------------------------------------------------------------

    async def receive(self, frame: Inbound) -> None:
        if isinstance(frame, Beat):
            self.connection.push(Heads(self._all.now_ms(), {}))
            await self._all.engaged(self.connection_id, frame.on)
            return
        seen = self._seen
        if seen is None or self._left:
            return
        match frame:
            case Ready(on=on):
                await self._all.rooms.ready(self.call_id, self.connection_id, on)
            case Admit():
                await self._act("admit")
            case HoldOn(text=text):
                await self._act("hold", text)
            case Reject(text=text):
                await self._act("reject", text)
            case Finish():
                await self._finish(seen)
            case Rebuild(gen=gen):
                await self._all.rooms.rebuild(self.call_id, gen)
            case Quality():
                await self._all.measured(self.call_id, frame)
            case Refresh() if seen.call.state == "admitted":
                self._help()
            case Sdp(gen=gen, description=raw) if len(raw) <= rules.MAX_DESCRIPTION and _whole(raw):
                self._signal(seen, gen, frame)
            case Ice(gen=gen, candidate=raw) if len(raw) <= MAX_CANDIDATE and _whole(raw):
                self._signal(seen, gen, frame)
            case Media():
                self._signal(seen, seen.call.gen, frame)

    def _signal(self, seen: Seen, gen: int, frame: Sdp | Ice | Media) -> None:
        across = seen.places.get(rules.other(self.role))
        if seen.call.state == "admitted" and gen == seen.call.gen and across is not None and across.connection:
            self._all.signal(across.connection, gen, frames.encode(frame))

    async def _act(self, act: Act, text: str = "") -> None:
        try:
            await self._all.rooms.act(self._uid, self.connection.who, act, text)
        except (NotFound, NotPossible):  # what they see has changed meanwhile; they are told
            self._all.look_at(self.call_id)

    async def _finish(self, seen: Seen) -> None:
        """Ends it, or one's own part in it."""
        if rules.done(seen.call, "finish", self.role, "", self._all.now_ms() // 1000) is not None:
            await self._act("finish")
        else:
            self._left = True
            await self._all.rooms.leave(self.call_id, self.connection_id)

    async def gone(self) -> None:
        await self._all.gone(self)


def _whole(raw: msgspec.Raw) -> bool:
    """Whether what is passed on is JSON from its beginning to its end."""
    try:
        msgspec.json.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    return True
