"""What people do with rooms, one use case a method: a transaction, and after it everybody in the room is told."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

import msgspec
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from presence.calls import beside, figures, opening, rules, store
from presence.calls.happened import happened
from presence.calls.model import Call, Role
from presence.calls.relay import Relay
from presence.calls.rules import Act, Meeting, Seen
from presence.chat import log
from presence.chat import store as chat_store
from presence.chat.journal import Journal
from presence.chat.log import Outcome
from presence.chat.model import Entry, Visitor
from presence.clock import Clock
from presence.errors import FieldError, Invalid, NotFound, NotPossible
from presence.i18n import N_
from presence.live import frames
from presence.roster.board import Board
from presence.storage.database import Database
from presence.tokens import fingerprint, random_token

T = TypeVar("T")


class Entered(NamedTuple):
    """A place that has been taken, or a call that is over and may be read of."""

    call_id: int
    role: Role


class Opened(NamedTuple):
    """A room whose link has been used: its address, and what lets the browser in."""

    uid: str
    key: str


class Guest(NamedTuple):
    """Who a browser in the customer's place is."""

    seen: Seen
    visitor: Visitor


class Rooms:
    """The use cases of rooms."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        journal: Journal,
        board: Board,
        relay: Relay,
        *,
        grace: int,
        presence_changed: Callable[[], None],
    ) -> None:
        self._database = database
        self._clock = clock
        self._journal = journal
        self._board = board
        self._relay = relay
        self._presence_changed = presence_changed
        self.grace = grace  # seconds after an appointment's end in which its room stays open

    # -- doors ----------------------------------------------------------------------------------------------------

    async def door(self, appointment_id: int) -> rules.Door:
        """What stands at an appointment's room now."""
        now = self._clock.now()

        def work(connection: Connection) -> rules.Door:
            meeting = _meeting(connection, appointment_id)
            return rules.door(meeting, store.of_appointment(connection, appointment_id), now, self.grace)

        return await self._database.read(work)

    async def open_for_customer(self, appointment_id: int) -> Opened | rules.Door:
        """The link is used: the room, and a key for this browser; or why it cannot be entered."""
        now, key = self._clock.now(), random_token()

        def work(connection: Connection) -> Opened | rules.Door:
            meeting = _meeting(connection, appointment_id)
            call = opening.opened(connection, meeting, now, self.grace)
            if not isinstance(call, Call):
                return call
            call = opening.with_visitor(connection, call, meeting, now)
            assert call.visitor_id is not None
            store.add_key(connection, call.id, call.visitor_id, fingerprint(key), now)
            return Opened(call.uid, key)

        return await self._made(work)

    async def open_for_adviser(self, appointment_id: int) -> Call | rules.Door:
        """The call of an appointment, for its adviser; or why its room cannot be entered."""
        now = self._clock.now()

        def work(connection: Connection) -> Call | rules.Door:
            return opening.opened(connection, _meeting(connection, appointment_id), now, self.grace)

        return await self._made(work)

    async def _made(self, work: Callable[[Connection], T]) -> T:
        try:
            return await self._database.write(work)
        except IntegrityError:  # both sides at once: the other one's is there now
            return await self._database.write(work)

    # -- who may be in it -----------------------------------------------------------------------------------------

    async def customer(self, uid: str, key: str, visitor: Visitor | None) -> Guest:
        """Who a browser is in a room: by the key that its link gave it, or as the visitor of the chat; `NotFound`."""
        now = self._clock.now()

        def work(connection: Connection) -> Guest:
            seen = _found(connection, uid, now)
            keyed = store.key_of(connection, seen.call.id, fingerprint(key)) if key else None
            one = chat_store.visitor_by_id(connection, keyed) if keyed is not None else visitor
            if one is None or not rules.role_of(seen, f"visitor:{one.id}", keyed=keyed is not None, now=now):
                raise NotFound()
            return Guest(seen, one)

        return await self._database.read(work)

    async def adviser(self, uid: str, adviser_id: int) -> Seen:
        """A room that an adviser may be in; `NotFound`."""
        now = self._clock.now()

        def work(connection: Connection) -> Seen:
            seen = _found(connection, uid, now)
            if not rules.role_of(seen, f"adviser:{adviser_id}", keyed=False, now=now):
                raise NotFound()
            return seen

        return await self._database.read(work)

    async def beside(self, guest: Guest) -> str:
        """The uid of the conversation beside a room, made when there is none."""
        now, at, call_id = self._clock.now(), self._clock.now_ms(), guest.seen.call.id
        is_open = await self._database.read(lambda connection: beside.is_open(connection, guest.seen.c))
        if is_open:  # who only comes back, with many others perhaps, writes nothing
            return guest.seen.c

        def work(connection: Connection) -> tuple[str, list[Outcome]]:
            before = store.by_id(connection, call_id, lock=True)
            if before is None:
                raise NotFound()
            (seen,) = store.seen(connection, [before], now)
            if before.state == "ended" and seen.c:
                return seen.c, []
            call, entries = beside.laid(connection, seen, guest.visitor, now)
            store.save(connection, before, call)
            adviser = self._board.members.get(beside.adviser_in(seen) or 0)
            if adviser is not None:
                entries += beside.joined(connection, call, adviser, now)
            outcomes = log.append(connection, entries, at) if entries else []
            found = chat_store.by_id(connection, call.conversation_id or 0)
            assert found is not None
            return found.uid, outcomes

        try:
            uid = await self._journal.change(work)
        except IntegrityError:  # the customer has begun to write at the same instant: it is there now
            uid = await self._journal.change(work)
        if uid != guest.seen.c:
            self._relay.changed(call_id)
        return uid

    # -- places ---------------------------------------------------------------------------------------------------

    async def look_in(self, uid: str, person: str) -> None:
        """`NotFound` when there is no such room for them: a stranger who knocks at many writes nothing."""
        now = self._clock.now()
        await self._database.read(lambda connection: _role(connection, _found(connection, uid, now), person, now))

    async def enter(self, uid: str, person: str, connection_id: str, inst: str) -> Entered:
        """Take a place, from whoever has it; the customer knocks by it. `NotFound` when there is no such room for them.

        The connection holds a lease already.
        """
        now, at = self._clock.now(), self._clock.now_ms()

        def work(connection: Connection) -> tuple[Entered, list[Outcome]]:
            seen = _found(connection, uid, now, lock=True)
            role = _role(connection, seen, person, now)
            if seen.call.state == "ended":
                return Entered(seen.call.id, role), []
            call, place = rules.taken(seen.call, seen.places.get(role), role, person, connection_id, inst, now)
            entries: list[Entry] = []
            if role == "adviser":
                call = msgspec.structs.replace(call, adviser_id=rules.number_of(person))
                member = self._board.members.get(rules.number_of(person))
                entries = beside.joined(connection, call, member, now) if member else []
            store.put(connection, call.id, place)
            store.save(connection, seen.call, call)
            return Entered(call.id, role), log.append(connection, entries, at) if entries else []

        entered = await self._journal.change(work)
        self._told(entered.call_id)
        return entered

    async def leave(self, call_id: int, connection_id: str) -> None:
        """A connection has ended, or its person has left."""
        now = self._clock.now()
        if await self._database.write(lambda connection: store.leave(connection, call_id, connection_id, now)):
            self._told(call_id)

    async def ready(self, call_id: int, connection_id: str, on: bool) -> None:
        """Their devices have been looked at."""
        if await self._database.write(lambda connection: store.set_ready(connection, call_id, connection_id, on)):
            self._relay.changed(call_id)

    # -- acts -----------------------------------------------------------------------------------------------------

    async def act(self, uid: str, person: str, act: Act, text: str = "") -> Call:
        """Admit, hold, reject, finish: from the room or from the dashboard. `NotFound`; `NotPossible` when it is too late.

        What has been done already is fine.
        """
        now, at, text = self._clock.now(), self._clock.now_ms(), rules.said(text, rules.MAX_TEXT)

        def work(connection: Connection) -> tuple[tuple[Call, Call], list[Outcome]]:
            seen = _found(connection, uid, now, lock=True)
            role = _role(connection, seen, person, now)
            after = rules.done(seen.call, act, role, text, now)
            if after is None:
                if rules.is_done(seen.call, act):
                    return (seen.call, seen.call), []
                raise NotPossible(N_("This call is over, or nobody is there yet"))
            if act == "admit" and seen.meeting is not None and role == "adviser":
                after = msgspec.structs.replace(after, adviser_id=rules.number_of(person))
            store.save(connection, seen.call, after)
            entries = self._entries(after)
            return (seen.call, after), log.append(connection, entries, at) if entries else []

        before, after = await self._journal.change(work)
        if after != before:
            figures.moved(before, after)
            self._told(after.id)
        return after

    def _entries(self, call: Call) -> list[Entry]:
        """What an act means to the conversation."""
        member = self._board.members.get(call.adviser_id or 0)
        name = member.name if member else ""
        if call.conversation_id is None:
            return []
        if call.state == "admitted":
            return [happened(call, call.conversation_id, "started", name=name)]
        if call.state == "ended" and call.admitted_at is not None:
            return [happened(call, call.conversation_id, "ended", name=name, seconds=beside.talked(call))]
        if call.outcome == "cancelled" and call.origin == "adviser":
            return [happened(call, call.conversation_id, "cancelled", name=name)]
        return []

    async def rebuild(self, call_id: int, gen: int) -> None:
        """Begin the connection between the browsers anew, unless it has been begun anew already."""

        def work(connection: Connection) -> bool:
            before = store.by_id(connection, call_id, lock=True)
            after = rules.rebuilt(before, gen) if before is not None else None
            return before is not None and after is not None and store.save(connection, before, after)

        if await self._database.write(work):
            self._relay.changed(call_id)

    async def measure(self, call_id: int, told: frames.Quality) -> None:
        """Keep how a call is, for figures."""
        now = self._clock.now()

        def work(connection: Connection) -> tuple[Call, Call] | None:
            before = store.by_id(connection, call_id, lock=True)
            if before is None:
                return None
            after = rules.measured(before, told, now)
            store.save(connection, before, after)
            return before, after

        moved = await self._database.write(work)
        if moved is not None:
            figures.moved(*moved)

    async def rate(self, guest: Guest, rating: int, comment: str) -> None:
        """Say how it was: 1 to 5, once they have talked, and once; the same again is fine."""
        if not 1 <= rating <= 5:
            raise Invalid({"rating": FieldError("From one to five")})
        call_id = guest.seen.call.id

        def work(connection: Connection) -> None:
            before = store.by_id(connection, call_id, lock=True)
            if before is None or before.admitted_at is None:
                raise NotPossible(N_("This call is not over yet"))
            if before.rating is not None and before.rating != rating:
                raise NotPossible(N_("This call has been rated already"))
            after = msgspec.structs.replace(
                before, rating=rating, comment=before.comment or rules.said(comment, rules.MAX_COMMENT)
            )
            store.save(connection, before, after)

        await self._database.write(work)

    # -- what happens by itself -----------------------------------------------------------------------------------

    async def look(self) -> None:
        """End what is over, follow appointments that were changed, and free places whose connections have died."""
        now, at = self._clock.now(), self._clock.now_ms()
        stale, dead, leftover = await self._database.read(
            lambda connection: (
                [one.call.id for one in store.live(connection, now) if self._after(one, now) != one.call],
                store.dead(connection, now),
                beside.leftover(connection, now),
            )
        )
        if not (stale or dead or leftover):
            return

        def work(connection: Connection) -> tuple[tuple[set[int], list[tuple[Call, Call]]], Sequence[Outcome]]:
            changed, moved, entries = store.drop_dead(connection, now), list[tuple[Call, Call]](), list[Entry]()
            for id_ in stale:
                before = store.by_id(connection, id_, lock=True)
                if before is None:
                    continue
                (seen,) = store.seen(connection, [before], now)
                after = self._after(seen, now)
                if store.save(connection, before, after):
                    moved.append((before, after))
                    entries += self._entries(after) if after.state == "ended" else []
            outcomes = log.append(connection, entries, at) if entries else []
            return (changed, moved), [*outcomes, *beside.put_away(connection, leftover, now, at)]

        changed, moved = await self._journal.change(work)
        for before, after in moved:
            figures.moved(before, after)
        for id_ in changed | {after.id for _, after in moved}:
            self._told(id_)

    def _after(self, seen: Seen, now: int) -> Call:
        """A call as it should be now."""
        if seen.call.state not in {"waiting", "held", "admitted"}:
            return seen.call
        call = rules.followed(seen.call, seen.meeting, now, self.grace) if seen.meeting else seen.call
        return rules.expired(msgspec.structs.replace(seen, call=call), now) or call

    def _told(self, call_id: int) -> None:
        """Everybody in the room, and whoever sees whether its adviser is busy."""
        self._relay.changed(call_id)
        self._presence_changed()


def _meeting(connection: Connection, appointment_id: int) -> Meeting:
    found = store.meetings_of(connection, [appointment_id]).get(appointment_id)
    if found is None:
        raise NotFound()
    return found


def _role(connection: Connection, seen: Seen, person: str, now: int) -> Role:
    keyed = person.startswith("visitor:") and store.has_key(connection, seen.call.id, rules.number_of(person))
    role = rules.role_of(seen, person, keyed=keyed, now=now)
    if role is None:
        raise NotFound()
    return role


def _found(connection: Connection, uid: str, now: int, *, lock: bool = False) -> Seen:
    found = store.seen_by_uid(connection, uid, now, lock=lock)
    if found is None:
        raise NotFound()
    return found
