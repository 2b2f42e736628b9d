"""Conversations as this process delivers them: to each listener every event once, in order, without a gap.

A listener is behind, or level. Whoever is behind is brought level from the database, page by page, at the pace its
connection takes them; whoever is level is given events as they are committed. Hints from other processes, and events
that come out of turn, only set listeners behind: no event is ever kept here.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

import msgspec
import structlog
from sqlalchemy.exc import SQLAlchemyError

from presence.chat.model import INTERNAL, Stored
from presence.errors import Unavailable
from presence.live import frames
from presence.live.connection import Connection
from presence.live.frames import Ack, Caught, Close, Event, Outbound, Raw

log = structlog.get_logger("presence.chat")

PAGE = 200  # events
ROOM = 64 * 1024  # bytes that resuming lets wait for a connection: it goes no faster than the other side takes them
_NOTHING = Raw(b"null")

Read = Callable[[int, int, int], Awaitable[Sequence[Stored]]]  # conversation, after, limit


class Committed(NamedTuple):
    """An event that is durable, and the connection that is waiting for its acknowledgement."""

    stored: Stored
    origin: Connection | None = None


class Listener:
    """One connection's place in one conversation."""

    __slots__ = ("behind", "connection", "internal", "sent")

    def __init__(self, connection: Connection, internal: bool, sent: int) -> None:
        self.connection = connection
        self.internal = internal  # is shown what customers never see
        self.sent = sent
        self.behind: asyncio.Task[None] | None = None


class Channel:
    """A conversation that somebody here listens to."""

    __slots__ = ("head", "id", "listeners", "uid")

    def __init__(self, id_: int, uid: str) -> None:
        self.id = id_
        self.uid = uid
        self.head = 0  # the highest seq heard of
        self.listeners: dict[Connection, Listener] = {}


class Channels:
    """Every conversation that somebody listens to here."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._channels: dict[int, Channel] = {}
        self._of: dict[Connection, dict[str, Channel]] = {}

    def join(self, connection: Connection, conversation_id: int, uid: str, after: int, *, internal: bool) -> None:
        """Listen from the event after `after`; joining again starts over from there."""
        self.leave(connection, uid)
        channel = self._channels.setdefault(conversation_id, Channel(conversation_id, uid))
        listener = Listener(connection, internal, max(after, 0))
        channel.listeners[connection] = listener
        self._of.setdefault(connection, {})[uid] = channel
        self._catch_up(channel, listener)

    def leave(self, connection: Connection, uid: str) -> None:
        """Listen no more."""
        channel = self._of.get(connection, {}).pop(uid, None)
        if channel is None:
            return
        listener = channel.listeners.pop(connection)
        if listener.behind is not None:
            listener.behind.cancel()
        if not channel.listeners:
            del self._channels[channel.id]

    def gone(self, connection: Connection) -> None:
        """The connection has ended."""
        for uid in tuple(self._of.get(connection, ())):
            self.leave(connection, uid)
        self._of.pop(connection, None)

    def listens(self, connection: Connection, uid: str) -> bool:
        """Whether it has joined."""
        return uid in self._of.get(connection, ())

    def heads(self, connection: Connection) -> dict[str, int]:
        """The last seq of everything it listens to."""
        return {uid: channel.head for uid, channel in self._of.get(connection, {}).items()}

    def deliver(self, committed: Sequence[Committed]) -> None:
        """Give out what has been committed, in the order of its commits."""
        for stored, origin in committed:
            if origin is not None:
                self._acknowledge(stored, origin)
            channel = None if stored.repeated else self._channels.get(stored.conversation_id)
            if channel is None:
                continue
            channel.head = max(channel.head, stored.seq)
            whole = hidden = b""
            for listener in tuple(channel.listeners.values()):
                if listener.behind is not None or stored.seq <= listener.sent:
                    continue
                if stored.seq != listener.sent + 1:
                    self._catch_up(channel, listener)
                    continue
                listener.sent = stored.seq
                if listener.connection is origin:
                    continue
                if listener.internal or stored.kind not in INTERNAL:
                    whole = whole or frames.encode(as_event(channel.uid, stored, internal=True))
                    listener.connection.push_encoded(whole)
                else:
                    hidden = hidden or frames.encode(as_event(channel.uid, stored, internal=False))
                    listener.connection.push_encoded(hidden)

    def _acknowledge(self, stored: Stored, origin: Connection) -> None:
        channel = self._channels.get(stored.conversation_id)
        if channel is not None and origin in channel.listeners:
            origin.push(Ack(channel.uid, stored.client_id, stored.seq, stored.at))

    def hint(self, conversation_id: int, head: int) -> None:
        """Another process committed up to `head`; or a look at the database found it there."""
        channel = self._channels.get(conversation_id)
        if channel is None:
            return
        channel.head = max(channel.head, head)
        for listener in tuple(channel.listeners.values()):
            if listener.sent < head:
                self._catch_up(channel, listener)

    def known(self) -> dict[int, int]:
        """Conversations that are listened to, with the last seq heard of."""
        return {channel.id: channel.head for channel in self._channels.values()}

    def tell(self, conversation_id: int, frame: Outbound, *, but: Connection | None = None) -> None:
        """Push what is not stored, such as typing, to everybody who listens."""
        channel = self._channels.get(conversation_id)
        if channel is not None:
            data = frames.encode(frame)
            for connection in tuple(channel.listeners):
                if connection is not but:
                    connection.push_encoded(data)

    def _catch_up(self, channel: Channel, listener: Listener) -> None:
        if listener.behind is None:
            listener.behind = asyncio.create_task(self._bring_level(channel, listener))

    async def _bring_level(self, channel: Channel, listener: Listener) -> None:
        try:
            begun = False
            while True:
                head = channel.head
                # The first look is also for the event that they say they have: who has more than there is starts over.
                last = listener.sent if begun else max(listener.sent - 1, 0)
                page = await self._read(channel.id, last, PAGE)
                if not begun and listener.sent and (not page or page[0].seq != listener.sent):
                    listener.sent = 0
                    continue
                begun = True
                for stored in page:
                    while listener.connection.waiting > ROOM:
                        await listener.connection.finished()
                    if stored.seq > listener.sent:
                        listener.connection.push(as_event(channel.uid, stored, internal=listener.internal))
                        listener.sent = stored.seq
                if len(page) < PAGE and channel.head in {head, listener.sent}:
                    # Nothing is awaited from here to the end: the next event finds the listener level. A hint that told
                    # of more than there is was wrong.
                    channel.head = listener.sent
                    break
                await listener.connection.finished()
                if listener.connection.ended:
                    return
            listener.connection.push(Caught(channel.uid, listener.sent))
        except (Unavailable, SQLAlchemyError, OSError) as error:
            log.warning("a resume failed", error=type(error).__name__)
            listener.connection.end(Close.RESYNC, "database")
        finally:
            listener.behind = None


def as_event(uid: str, stored: Stored, *, internal: bool) -> Event:
    """An event as one side sees it: an internal one is only its seq to customers."""
    if stored.kind in INTERNAL and not internal:
        return Event(uid, stored.seq, stored.at, "system", "", "hidden", _NOTHING)
    return Event(
        uid, stored.seq, stored.at, stored.sender, stored.client_id, stored.kind, msgspec.Raw(stored.body.encode())
    )
