"""Builds calls on top of chat and the live connection, and runs what they do by themselves."""

import asyncio
import time
from collections.abc import Coroutine
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError

from presence.calls import rules, turn
from presence.calls.model import Role
from presence.calls.relay import Ahead, Relay
from presence.calls.rings import Rings
from presence.calls.rooms import Rooms
from presence.calls.rows import CallLists
from presence.calls.rules import Seen
from presence.calls.session import RoomSession
from presence.chat.assembly import Assembly
from presence.chat.rules import named
from presence.clock import Clock
from presence.config import CallsConfig
from presence.errors import NotFound, TooMany, Unavailable
from presence.live import frames
from presence.live.connection import Connection
from presence.live.frames import Bye, Close, Hello, Quality, Turn
from presence.storage.database import Database
from presence.web.limits import Limits

log = structlog.get_logger("presence.calls")

FIRST = 10.0  # seconds in which who enters a room is told of it, or may come again
LOOK = 5.0  # seconds between looks for what is over, for what a lost hint would have told, and for what has died


class Calls:
    """Everything of calls in one process, wired together."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        chat: Assembly,
        config: CallsConfig,
        *,
        ahead: Ahead = lambda _connection, seen, _now: seen,
    ) -> None:
        self._clock = clock
        self._chat = chat
        self._config = config
        self.relay = Relay(database, clock, chat.reception.tell_others, ahead)
        self.rooms = Rooms(
            database,
            clock,
            chat.journal,
            chat.board,
            self.relay,
            grace=config.grace_minutes * 60,
            presence_changed=chat.presence_changed,
        )
        self.lists = CallLists(database, clock, chat.board, chat.hub, chat.leases)
        self.relay.on_change.append(self.lists.wake)
        chat.reception.greetings.append(self.lists.greet)
        self.rings = Rings(
            database,
            clock,
            chat.journal,
            chat.board,
            chat.mailing,
            seconds=config.ring_seconds,
            changed=self.relay.changed,
            presence_changed=chat.presence_changed,
            expected=self._expected,
        )
        self._writes = Limits({"room": 60})
        self._stop = asyncio.Event()
        self._small: set[asyncio.Task[None]] = set()
        chat.hears["call"] = self.relay.hear
        chat.hears["signal"] = self.relay.hear_signal
        chat.reception.rooms = self.welcome
        chat.board.on_change.append(self.relay.standings_changed)

    def start(self, group: asyncio.TaskGroup) -> None:
        """Run what every process does by itself, as a task of a group."""
        group.create_task(self._run(), name="calls")
        group.create_task(self.rings.run(), name="rings")
        group.create_task(self.lists.run(), name="lists of calls")

    async def stop(self) -> None:
        """End it."""
        self._stop.set()
        self.rings.stop()
        self.lists.stop()
        await self.settled()

    async def settled(self) -> None:
        """Wait until everybody here has been told of what has changed so far."""
        await self.relay.settled()
        while self._small:
            await asyncio.wait(self._small)
            await self.relay.settled()

    async def _run(self) -> None:
        while not self._stop.is_set():
            try:
                async with asyncio.timeout(LOOK):
                    await self._stop.wait()
            except TimeoutError:
                try:
                    await self.look()
                except (Unavailable, SQLAlchemyError, OSError) as error:
                    log.warning("calls could not be looked at", error=type(error).__name__)

    async def look(self) -> None:
        """Once: what is over ends, and rooms are told what they have not heard of."""
        await self.rooms.look()
        self.relay.look(*self.relay.served)

    async def _expected(self, what: str) -> int | None:
        """When somebody is next there, in milliseconds."""
        shown = await self._chat.watching.shown(what)
        return shown.until if shown is not None else None

    # -- the live connection --------------------------------------------------------------------------------------

    async def welcome(self, connection: Connection, hello: Hello) -> RoomSession:
        """A session in a room, for who has been welcomed. One that there is no such room for is told, and ended."""
        inst = hello.inst if named(hello.inst) else connection.id
        try:
            await self.rooms.look_in(hello.call, connection.who)
            await self._chat.leases.open(connection.id, connection.who, connection.engaged)
            entered = await self.rooms.enter(hello.call, connection.who, connection.id, inst)
        except NotFound:
            connection.push(Bye("gone"))
            connection.end(Close.SIGNED_OUT, "no such room")
            return RoomSession(self, connection, 0, hello.call, "customer", inst)
        session = RoomSession(self, connection, entered.call_id, hello.call, entered.role, inst)
        self.relay.add(session)
        self.relay.look(entered.call_id)
        try:
            async with asyncio.timeout(FIRST):
                await session.begun.wait()  # before anything that they say means something
        except BaseException as error:  # nobody else knows of the session yet
            self.relay.remove(session)
            if isinstance(error, TimeoutError):
                raise Unavailable() from None
            raise
        return session

    def room(self, seen: Seen, role: Role) -> frames.Room:
        """A room from one side."""
        adviser = self._chat.board.members.get(seen.adviser_id or 0)
        presence = rules.presence_of(seen, self._chat.board.standings.get(seen.adviser_id or 0))
        peer = seen.customer if role == "adviser" else adviser.name if adviser else ""
        return rules.room(seen, role, peer, presence, self._clock.now_ms())

    def turn(self, person: str) -> Turn:
        """Servers that help them through networks."""
        return turn.ice(self._config, self._clock.now(), person)

    def turn_for_check(self, person: str) -> Turn:
        """The same for who only looks at their network."""
        return turn.ice(self._config, self._clock.now(), person, lasts=turn.CHECK_LASTS)

    def signal(self, connection_id: str, gen: int, frame: bytes) -> None:
        """Pass a frame on."""
        self.relay.signal(connection_id, gen, frame)

    def look_at(self, call_id: int) -> None:
        """Read a room anew, and tell everybody here who is in it."""
        self.relay.look(call_id)

    def again(self, one: RoomSession) -> None:
        """Let a session take its place once more."""
        self._run_small(one.again())

    async def renew(self) -> None:
        """Whoever is connected to this process counts as being here."""
        await self._chat.leases.renew()

    async def engaged(self, connection_id: str, on: bool) -> None:
        """Whether somebody looks at it."""
        if await self._chat.leases.engage(connection_id, on):
            self._chat.presence_changed()

    async def measured(self, call_id: int, told: Quality) -> None:
        """How a call is."""
        await self.rooms.measure(call_id, told)

    async def gone(self, one: RoomSession) -> None:
        """A session's connection has ended."""
        self.relay.remove(one)
        self._chat.reception.forget(one.connection)
        await self._chat.leases.close(one.connection_id)
        try:
            if one.call_id:
                await self.rooms.leave(one.call_id, one.connection_id)
        except (Unavailable, SQLAlchemyError, OSError) as error:  # an error of the database repeats what others stored
            log.warning("a place is emptied by itself", error=type(error).__name__)
        self._chat.presence_changed()

    def may_write(self, connection_id: str) -> bool:
        """Whether what a page says so often may still be written down: a burst, then once a second."""
        try:
            self._writes.take("room", connection_id, time.monotonic())
        except TooMany:
            return False
        return True

    def now_ms(self) -> int:
        """The present instant."""
        return self._clock.now_ms()

    def _run_small(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._small.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._small.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.warning("a place could not be taken again", error=type(task.exception()).__name__)
