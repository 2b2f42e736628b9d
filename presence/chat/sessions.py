"""Live connections of customers and advisers: what their frames mean."""

import contextlib
import time
from collections.abc import Awaitable, Callable

from sqlalchemy import Connection as Sql
from sqlalchemy.exc import SQLAlchemyError

from presence.chat import rules, store
from presence.chat.channels import Channels
from presence.chat.desk.dispatcher import Dispatcher
from presence.chat.desk.service import may_see, visible
from presence.chat.journal import Journal
from presence.chat.log import Outcome
from presence.chat.model import CUSTOMER, Conversation, Refusal, Visitor, adviser_sender
from presence.chat.service import owned
from presence.clock import Clock
from presence.errors import NotFound, Unauthorised, Unavailable
from presence.live import frames
from presence.live.connection import Connection
from presence.live.endpoint import Session, Welcoming
from presence.live.frames import (
    Ack,
    Beat,
    Close,
    Fetch,
    Heads,
    Hello,
    Inbound,
    Join,
    Leave,
    Refused,
    Send,
    Typed,
    Typing,
    Watch,
    Welcome,
)
from presence.live.hub import Hub
from presence.live.passes import Pass, Passes
from presence.roster.board import Board, Member
from presence.roster.keeping import LeaseKeeper
from presence.roster.sign_in import still_signed_in
from presence.roster.watching import Watching
from presence.storage.database import Database

TRY_AGAIN = 1000  # milliseconds after which what could not be stored may be sent again
MAX_JOINED = 200  # conversations that one connection listens to


class Reception:
    """Welcomes connections: everything that their sessions share."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        hub: Hub,
        passes: Passes,
        leases: LeaseKeeper,
        board: Board,
        watching: Watching,
        journal: Journal,
        channels: Channels,
        dispatcher: Dispatcher,
        presence_changed: Callable[[], None],
        tell_others: Callable[[str, str], None],
    ) -> None:
        self.database = database
        self.clock = clock
        self.hub = hub
        self.passes = passes
        self.leases = leases
        self.board = board
        self.watching = watching
        self.journal = journal
        self.channels = channels
        self.dispatcher = dispatcher
        self.presence_changed = presence_changed  # somebody has come or gone
        self.tell_others = tell_others  # by a hint: topic, text
        self._sign_ins: dict[Connection, str] = {}
        self.epoch = ""
        self.rooms: Welcoming | None = None  # welcomes who is in a call, once there are calls
        self.greetings: list[Callable[[Connection], Awaitable[None]]] = []  # what a session begins with, besides

    async def welcome(self, connection: Connection, hello: Hello) -> Session:
        """A session for whom the pass names; `Unauthorised`."""
        found = self.passes.read(hello.token, self.clock.now())
        session = await self._session(connection, found)
        connection.who, connection.call = found.who, hello.call
        self.hub.add(connection)
        if found.session:
            self._sign_ins[connection] = found.session
        try:
            now = self.clock.now_ms()
            connection.push(Welcome(frames.VERSION, self.epoch, now, frames.BEAT, session.you))
            if hello.call and self.rooms is not None:
                return await self.rooms(connection, hello)
            await session.opened()
            if session.you:
                for greet in self.greetings:
                    await greet(connection)
            known = hello.have if hello.epoch in {"", self.epoch} else dict.fromkeys(hello.have, 0)
            for c, after in list(known.items())[:MAX_JOINED]:
                await session.receive(Join(c, after))
        except BaseException:  # nobody else knows of the session yet
            self.hub.remove(connection)
            await session.gone()
            raise
        return session

    async def _session(self, connection: Connection, found: Pass) -> "ChatSession":
        kind, _, number = found.who.partition(":")
        if kind == "onlooker":
            return Onlooker(self, connection)
        if kind != "adviser":
            return await CustomerSession.of(self, connection, int(number), found.only)
        member = self.board.members.get(int(number))
        if member is None:
            raise Unauthorised()
        return AdviserSession(self, connection, member)

    def forget(self, connection: Connection) -> None:
        """It has ended."""
        self._sign_ins.pop(connection, None)

    async def end_silent(self) -> None:
        """End the connections that nothing was heard of for too long. No grace: they had longer than a page change takes."""
        silent = self.hub.silent(time.monotonic())
        for connection in silent:
            connection.end(Close.SILENT, "no beat")
            await self.leases.lose(connection.id)
        if silent:
            self.presence_changed()

    async def end_signed_out(self) -> None:
        """End the connections whose sign-in has ended: run out, or ended elsewhere while no hint of it arrived."""
        sign_ins = dict(self._sign_ins)
        if not sign_ins:
            return
        now, prints = self.clock.now(), set(sign_ins.values())
        lasting = await self.database.read(lambda sql: still_signed_in(sql, prints, now))
        for connection, print_ in sign_ins.items():
            if print_ not in lasting:
                connection.end(Close.SIGNED_OUT, "signed out")


class ChatSession:
    """What both sides have in common."""

    def __init__(self, reception: Reception, connection: Connection, sender: str, *, internal: bool) -> None:
        self._all = reception
        self._connection = connection
        self._sender = sender
        self._internal = internal
        self._known: dict[str, int] = {}
        self.you = sender

    async def opened(self) -> None:
        """The connection has been welcomed."""
        await self._all.leases.open(self._connection.id, self._connection.who, self._connection.engaged)
        self._all.presence_changed()

    async def receive(self, frame: Inbound) -> None:
        match frame:
            case Send():
                await self._send(frame)
            case Beat():
                await self._beat(frame)
            case Typing(c=c):
                id_ = await self._find(c)
                if id_ is not None:
                    self._all.channels.tell(id_, Typed(c, self._sender), but=self._connection)
                    self._all.tell_others("typing", f"{id_} {c} {self._sender}")
            case Join(c=c, after=after) | Fetch(c=c, after=after):
                await self._join(c, after)
            case Leave(c=c):
                self._all.channels.leave(self._connection, c)
                self._known.pop(c, None)  # whoever looks at many in a day joins no more than they may
            case Watch(what=what):
                await self._all.watching.watch(self._connection, what)

    async def _send(self, frame: Send) -> None:
        id_ = await self._find(frame.c)
        made = rules.entry(id_ or 0, self._sender, frame.id, frame.kind, bytes(frame.body))
        if id_ is None or isinstance(made, Refusal):
            code = made.code if isinstance(made, Refusal) else "unknown"
            self._connection.push(Refused(frame.c, frame.id[: rules.MAX_ID], code))
            return

        def answer(outcome: Outcome) -> None:
            if isinstance(outcome, Refusal):
                again = TRY_AGAIN if outcome.code == "unavailable" else None
                self._connection.push(Refused(frame.c, frame.id, outcome.code, again))
            elif not self._all.channels.listens(self._connection, frame.c):  # else it has been acknowledged in its turn
                self._connection.push(Ack(frame.c, frame.id, outcome.seq, outcome.at))

        if not self._all.journal.hand_in(made, self._connection, answer):
            self._connection.push(Refused(frame.c, frame.id, "unavailable", TRY_AGAIN))

    async def _beat(self, frame: Beat) -> None:
        heads = self._all.channels.heads(self._connection)
        self._connection.push(Heads(self._all.clock.now_ms(), heads))
        if await self._all.leases.engage(self._connection.id, frame.on):
            self._all.presence_changed()

    async def _join(self, c: str, after: int) -> None:
        id_ = await self._find(c)
        if id_ is None or len(self._known) > MAX_JOINED:
            self._connection.push(Refused(c, "", "unknown"))
            return
        self._all.channels.join(self._connection, id_, c, after, internal=self._internal)
        place = self._all.dispatcher.place(id_)
        if place is not None and not self._internal:
            self._connection.push(place)

    async def _find(self, uid: str) -> int | None:
        """The id of a conversation that this side may see."""
        known = self._known.get(uid)
        if known is not None:
            return known
        if not rules.named(uid):
            return None
        try:
            found = await self._all.database.read(lambda sql: self._visible(sql, uid))
        except NotFound:
            return None
        self._known[uid] = found.id
        return found.id

    def _visible(self, sql: Sql, uid: str) -> Conversation:
        raise NotImplementedError

    async def gone(self) -> None:
        self._all.channels.gone(self._connection)
        self._all.forget(self._connection)
        await self._all.leases.close(self._connection.id)
        self._all.presence_changed()


class CustomerSession(ChatSession):
    """A visitor's connection: their own conversations, or `only` one, without what is internal."""

    def __init__(self, reception: Reception, connection: Connection, visitor: Visitor, only: str) -> None:
        super().__init__(reception, connection, CUSTOMER, internal=False)
        self._visitor = visitor
        self._only = only
        self._counts = False  # as being here

    @classmethod
    async def of(
        cls, reception: Reception, connection: Connection, visitor_id: int, only: str = ""
    ) -> "CustomerSession":
        """`Unauthorised` when there is no such visitor."""
        visitor = await reception.database.read(lambda sql: store.visitor_by_id(sql, visitor_id))
        if visitor is None:
            raise Unauthorised()
        return cls(reception, connection, visitor, only)

    def _visible(self, sql: Sql, uid: str) -> Conversation:
        if self._only and uid != self._only:
            raise NotFound()
        return owned(sql, self._visitor, uid)

    async def opened(self) -> None:
        """Only a visitor who has a conversation counts as being here: others hold no lease."""

    async def _join(self, c: str, after: int) -> None:
        await super()._join(c, after)
        if self._known and not self._counts:
            self._counts = True
            await self._all.leases.open(self._connection.id, self._connection.who, self._connection.engaged)
            self._here()

    async def gone(self) -> None:
        await super().gone()
        self._here()

    def _here(self) -> None:
        for id_ in self._known.values():
            self._all.journal.touched(id_)
        self._all.dispatcher.wake()


class Onlooker(ChatSession):
    """The connection of a page that shows who is there: it watches, nobody knows it, and it has no conversation."""

    def __init__(self, reception: Reception, connection: Connection) -> None:
        super().__init__(reception, connection, "", internal=False)

    async def opened(self) -> None:
        """Whoever only looks is here for nobody: no lease."""

    async def _find(self, uid: str) -> int | None:
        return None

    async def gone(self) -> None:
        """Nothing was kept of it."""


class AdviserSession(ChatSession):
    """An adviser's connection: what they may see, notes included."""

    def __init__(self, reception: Reception, connection: Connection, member: Member) -> None:
        super().__init__(reception, connection, adviser_sender(member.id), internal=True)
        self._member = member
        self.you = f"adviser:{member.slug}"

    async def _beat(self, frame: Beat) -> None:
        await super()._beat(frame)
        with contextlib.suppress(Unavailable, SQLAlchemyError, OSError):  # the next beat looks again
            await self._look_again()

    async def _look_again(self) -> None:
        """What was handed to a team that is not theirs is not theirs to hear any more."""
        self._member = member = self._all.board.members.get(self._member.id, self._member)
        ids = list(self._known.values())
        found = await self._all.database.read(lambda sql: store.by_ids(sql, ids)) if ids else []
        for one in found:
            if not may_see(member, one):
                self._known.pop(one.uid, None)
                self._all.channels.leave(self._connection, one.uid)
                self._connection.push(Refused(one.uid, "", "unknown"))

    def _visible(self, sql: Sql, uid: str) -> Conversation:
        return visible(sql, self._member, uid)
