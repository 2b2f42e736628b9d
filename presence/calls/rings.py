"""What people do with calls that ring, one use case a method: a transaction, and after it everybody concerned is told.

A ring is a row with an end. Under its lock the first to accept has it, on whichever process; who comes after is told who
that is. What nobody does ends it all the same: any process that finds its time over ends it.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec
import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from presence.calls import figures, ring_store, ringing, store
from presence.calls.aftermath import Aftermath, TellsTeam, Turn
from presence.calls.exchange import Exchange
from presence.calls.model import Call
from presence.calls.ringing import Choice
from presence.chat import rules as chat_rules
from presence.chat import store as chat_store
from presence.chat.desk.service import visible
from presence.chat.journal import Journal
from presence.chat.model import Refusal, Stored, Visitor
from presence.chat.service import MAX_COMMENT, MAX_PAGE, introduced, tidied
from presence.clock import Clock
from presence.errors import Busy, Calling, FieldError, Invalid, Nobody, NotFound, NotPossible, Over, Taken, Unavailable
from presence.i18n import N_
from presence.roster import leases
from presence.roster.board import Board, Member, advisers_on_call
from presence.roster.model import Medium
from presence.storage.database import Database

log = structlog.get_logger("presence.calls")

PACE = 1.0  # seconds between looks: other processes' rings end too, should these have died
FAR = 60 * 86_400  # seconds ahead for which somebody may ask to be called

T = TypeVar("T")


class RingRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A call that a customer wants now. The same `id` again is the same call."""

    id: str
    medium: Medium
    name: str = ""
    email: str = ""
    language: str = "en"
    adviser: str = ""  # slug: them, and nobody else
    team: str = ""  # slug
    page: str = ""


class CallBackRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Where and when somebody wants to be called, since nobody answered."""

    phone: str = ""
    email: str = ""
    at: int | None = None  # milliseconds
    text: str = ""


class Rung(msgspec.Struct, frozen=True):
    """A call that rings, or has been answered by now. `repeated`: it had been there before."""

    call: Call
    repeated: bool


class _Unheard(Exception):
    """Nobody can be rung."""

    def __init__(self, choice: Choice) -> None:
        super().__init__(choice.why)
        self.choice = choice


class Rings:
    """The use cases of calls that ring. `changed` is told the ids of calls after each commit; `expected` knows when who
    is asked for ("site:", "team:SLUG", "adviser:SLUG") is next there, in milliseconds."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        journal: Journal,
        board: Board,
        mailing: TellsTeam,
        *,
        seconds: int,
        changed: Callable[[int], None],
        presence_changed: Callable[[], None],
        expected: Callable[[str], Awaitable[int | None]],
    ) -> None:
        self._database = database
        self._clock = clock
        self._journal = journal
        self._board = board
        self._mailing = mailing
        self._aftermath = Aftermath(board, mailing)
        self._exchange = Exchange(board, self._aftermath, seconds)
        self._changed = changed
        self._presence_changed = presence_changed
        self._expected = expected
        self._wake = asyncio.Event()
        self._stopped = False

    # -- the customer ---------------------------------------------------------------------------------------------

    async def ring(self, one: Visitor, request: RingRequest) -> Rung:
        """Ring at who can answer. `Nobody` and `Busy` when there is none; `Calling` when another call of theirs is on.

        Whoever is being rung by an adviser just now has answered by it.
        """
        name, email = tidied(request.name or one.name, request.email or one.email)
        if not chat_rules.named(request.id):
            raise Invalid({"id": FieldError("This is needed")})
        key = f"visitor:{one.id} {request.id}"
        asked = self._board.by_slug.get(request.adviser)
        if request.adviser and asked is None:
            raise Nobody()

        def step(turn: Turn) -> Rung:
            ring_store.lock_visitor(turn.connection, one.id)
            before = store.by_request_key(turn.connection, key)
            if before is not None:
                return Rung(before, repeated=True)
            visitor = introduced(turn.connection, one, name, email, turn.now)
            for other in ring_store.going_on(turn.connection, one.id, turn.now):
                if other.state == "ringing" and ringing.meets(other, asked.id if asked else None):
                    return Rung(
                        self._exchange.taken_up(turn, other, self._exchange.member(other.adviser_id)), repeated=True
                    )
                raise Calling(other.uid, f"/room/{other.uid}" if other.state == "admitted" else "")
            conversation = chat_store.current_of(turn.connection, visitor)
            need = self._exchange.need(
                turn,
                visitor,
                conversation,
                asked=asked,
                team_id=self._board.teams.get(request.team),
                language=request.language,
            )
            choice = self._exchange.chosen(turn, need)
            if not choice.rung:
                raise _Unheard(choice)
            return Rung(
                self._exchange.add(
                    turn,
                    {
                        "request_key": key,
                        "origin": "customer",
                        "conversation_id": conversation.id if conversation else None,
                        "site_id": visitor.site_id,
                        "visitor_id": visitor.id,
                        "customer_id": visitor.customer_id,
                        "team_id": need.team_id,
                        "rung": choice.rung,
                        "medium": request.medium,
                        "name": visitor.name,
                        "language": request.language,
                        "page": chat_rules.plain(request.page)[:MAX_PAGE],
                    },
                ),
                repeated=False,
            )

        try:
            return await self._do(step)
        except _Unheard as error:
            if error.choice.why == "busy":
                raise Busy() from None
            what = f"adviser:{request.adviser}" if asked else f"team:{request.team}"
            raise Nobody(
                await self._expected(what if asked or request.team in self._board.teams else "site:")
            ) from None

    async def answer(self, one: Visitor, uid: str) -> Call:
        """The customer accepts an adviser's ring."""

        def step(turn: Turn) -> Call:
            call = _theirs(turn, one, uid)
            if call.origin != "adviser":
                raise NotFound()
            match ringing.answering(call, turn.now):
                case "go":
                    return self._exchange.taken_up(turn, call, self._exchange.member(call.adviser_id))
                case "over":
                    raise Over()
            return call

        return await self._do(step)

    async def leave(self, one: Visitor, uid: str) -> Call:
        """The customer cancels their ring, or declines an adviser's; over already is fine."""
        return await self._do(lambda turn: self._exchange.withdrawn(turn, _theirs(turn, one, uid), "customer"))

    async def call_back(self, one: Visitor, uid: str, request: CallBackRequest) -> Call:
        """The customer asks to be called, once nobody has answered. `Invalid` names the fields; the same again is fine."""
        name, email = tidied(one.name, request.email or one.email)
        phone, text = " ".join(request.phone.split()), chat_rules.plain(request.text)[:MAX_COMMENT]
        wrong = _wrong_with(phone, email, request.at, self._clock.now())
        if wrong:
            raise Invalid(wrong)

        def step(turn: Turn) -> Call:
            call = _theirs(turn, one, uid)
            if call.outcome not in {"missed", "declined", "busy"} or call.origin != "customer":
                raise NotPossible(N_("This call has been answered, or is still ringing"))
            if call.called_back:
                return call
            introduced(turn.connection, one, name, email, turn.now)
            id_ = self._aftermath.asked_back(turn, call, phone, request.at, text)
            return turn.move(call, called_back=True, conversation_id=id_)

        return await self._do(step)

    # -- the adviser ----------------------------------------------------------------------------------------------

    async def ring_customer(self, me: Member, c: str, medium: Medium, id_: str) -> Call:
        """Ring at a conversation's customer. `Nobody` when no page of theirs can ring; `Busy` when they are on a call.

        Whoever is being rung by this customer just now has answered by it, and a call of the two that is on is this one.
        """
        if not chat_rules.named(id_):
            raise Invalid({"id": FieldError("This is needed")})
        key = f"adviser:{me.id} {id_}"

        def step(turn: Turn) -> Call:
            before = store.by_request_key(turn.connection, key)
            if before is not None:
                return before
            conversation = visible(turn.connection, me, c)
            if conversation.state == "closed":
                raise NotPossible(N_("This conversation is closed"))
            visitor = chat_store.visitor_by_id(turn.connection, conversation.visitor_id or 0)
            if visitor is None or ring_store.is_beside_appointment(turn.connection, conversation.id):
                raise Nobody()
            ring_store.lock_visitor(turn.connection, visitor.id)
            engaged = advisers_on_call(turn.connection, turn.now)
            for other in ring_store.going_on(turn.connection, visitor.id, turn.now):
                if other.adviser_id == me.id:
                    return other
                if other.state == "ringing" and me.id in other.rung and me.id not in engaged:
                    return self._exchange.taken_up(turn, other, me)
                raise Busy(N_("They are on a call just now"))
            if me.id in engaged:
                raise NotPossible(N_("You are on another call"))
            if not leases.reachable(turn.connection, [f"visitor:{visitor.id}"], turn.now):
                raise Nobody()
            return self._exchange.add(
                turn,
                {
                    "request_key": key,
                    "origin": "adviser",
                    "conversation_id": conversation.id,
                    "site_id": conversation.site_id,
                    "visitor_id": visitor.id,
                    "customer_id": visitor.customer_id,
                    "team_id": conversation.team_id,
                    "adviser_id": me.id,
                    "medium": medium,
                    "name": visitor.name,
                    "language": conversation.language,
                    "page": conversation.page,
                },
            )

        return await self._do(step)

    async def accept(self, me: Member, uid: str) -> Call:
        """The first to accept has the call, and the conversation with it. `Taken` names who was faster."""

        def step(turn: Turn) -> Call:
            call = store.by_uid(turn.connection, uid, lock=True)
            if call is None or call.origin != "customer" or me.id not in call.rung:
                raise NotFound()
            engaged = me.id in advisers_on_call(turn.connection, turn.now)
            match ringing.accepting(call, me.id, engaged=engaged, now=turn.now):
                case "go":
                    return self._exchange.taken_up(turn, call, me)
                case "taken":
                    colleague = self._board.members.get(call.adviser_id or 0)
                    raise Taken(N_("%(name)s has taken this call"), name=colleague.name if colleague else "")
                case "over":
                    raise Over()
                case "engaged":
                    raise NotPossible(N_("You are on another call"))
            return call

        return await self._do(step)

    async def decline(self, me: Member, uid: str) -> Call:
        """Let colleagues answer. When all decline it is over."""

        def step(turn: Turn) -> Call:
            call = store.by_uid(turn.connection, uid, lock=True)
            if call is None or call.origin != "customer" or me.id not in call.rung:
                raise NotFound()
            if call.state != "ringing" or me.id in call.declined:
                return call
            call = turn.move(call, declined=(*call.declined, me.id))
            self._exchange.settle(turn, [call])
            return store.by_id(turn.connection, call.id) or call

        return await self._do(step)

    async def cancel(self, me: Member, uid: str) -> Call:
        """The adviser gives up ringing at a customer; over already is fine."""

        def step(turn: Turn) -> Call:
            call = store.by_uid(turn.connection, uid, lock=True)
            if call is None or call.origin != "adviser" or call.adviser_id != me.id:
                raise NotFound()
            return self._exchange.withdrawn(turn, call, "adviser")

        return await self._do(step)

    async def _do(self, step: Callable[[Turn], T]) -> T:
        """Run a step in a transaction, and tell of it once that is durable."""

        def work(connection: Connection) -> tuple[tuple[T, Turn], list[Stored | Refusal]]:
            turn = Turn(connection, self._clock.now_ms())
            return (step(turn), turn), turn.outcomes

        try:
            result, turn = await self._journal.change(work)
        except IntegrityError:  # the same at once, elsewhere: it is there now
            result, turn = await self._journal.change(work)
        if turn.moved:
            self._tell(turn)
        return result

    def _tell(self, turn: Turn) -> None:
        for before, after in turn.moved:
            figures.moved(before, after)
        for id_ in {after.id for _, after in turn.moved}:
            self._changed(id_)
        self._presence_changed()
        self._mailing.wake()
        self._wake.set()

    # -- by itself ------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """End rings in time, until stopped."""
        while not self._stopped:
            wait = PACE
            try:
                wait = await self.look()
            except (Unavailable, SQLAlchemyError, OSError) as error:
                log.warning("rings could not be looked at", error=type(error).__name__)
            try:
                async with asyncio.timeout(wait):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()

    async def look(self) -> float:
        """Once: end what is over; the seconds until something may be."""
        now = self._clock.now()

        def find(connection: Connection) -> tuple[list[Call], bool]:
            calls = ring_store.ringing(connection)
            until = ring_store.connected_until(connection, calls)
            on_call = advisers_on_call(connection, now) if calls else set()
            return calls, any(ringing.become(one, until, on_call, now) for one in calls)

        calls, over = await self._database.read(find)
        if over:
            await self._do(lambda turn: self._exchange.settle(turn, ring_store.ringing(turn.connection)))
        at = self._clock.now_ms()
        return min([PACE, *(max((one.rings_until or 0) - at / 1000, 0.05) for one in calls)])

    def stop(self) -> None:
        """Look no more."""
        self._stopped = True
        self._wake.set()


def _theirs(turn: Turn, one: Visitor, uid: str) -> Call:
    """A visitor's own call that was rung for, locked; `NotFound` for any other."""
    call = store.by_uid(turn.connection, uid, lock=True)
    if call is None or call.origin == "appointment" or call.visitor_id != one.id:
        raise NotFound()
    return call


_PHONE = re.compile(r"\+?[0-9][0-9 ().\-/]{3,28}[0-9]")


def _wrong_with(phone: str, email: str, at: int | None, now: int) -> dict[str, FieldError]:
    """What is wrong with how somebody wants to be called, by field."""
    wrong = {}
    if phone and not _PHONE.fullmatch(phone):
        wrong["phone"] = FieldError("This is not a telephone number")
    if not phone and not email:
        wrong["phone"] = FieldError("Please leave a telephone number or an email address")
    if at is not None and not now - 60 <= at // 1000 <= now + FAR:
        wrong["at"] = FieldError("Please choose an hour in the coming weeks")
    return wrong
