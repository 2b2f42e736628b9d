"""The calls that concern somebody now, as their pages list them, pushed whenever they change (frame `calls`).

Every process computes the same from the same rows: everybody's whole list, which is told when it is another than before. So
a lost hint, a reconnect and a restart need nothing of their own.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import structlog
from sqlalchemy import Connection as Sql
from sqlalchemy import and_, or_, select
from sqlalchemy.exc import SQLAlchemyError

from presence.calls import store
from presence.calls.attendance import late
from presence.calls.model import TOLD, Call, Row
from presence.calls.rules import Seen
from presence.chat import store as chat_store
from presence.chat.model import Visitor
from presence.clock import Clock
from presence.errors import Unavailable
from presence.live import frames
from presence.live.connection import Connection
from presence.live.frames import Calls
from presence.live.hub import Hub
from presence.roster.board import Board, advisers_on_call
from presence.roster.keeping import LeaseKeeper
from presence.storage.database import Database
from presence.storage.tables import appointment, appointment_adviser, call, service

log = structlog.get_logger("presence.calls")

PACE = 1.0  # seconds between looks when nothing wakes us
TOGETHER = 0.02  # seconds in which changes are pushed as one
_DAY = 86_400

Lists = dict[str, list[Row]]  # by person


class CallLists:
    """Tells the people who are connected here."""

    def __init__(self, database: Database, clock: Clock, board: Board, hub: Hub, leases: LeaseKeeper) -> None:
        self._database = database
        self._clock = clock
        self._board = board
        self._hub = hub
        self._leases = leases
        self._greeted: dict[str, set[Connection]] = {}
        self._told: dict[str, list[Row]] = {}
        self._wake = asyncio.Event()
        self._stopped = False

    async def greet(self, connection: Connection) -> None:
        """Somebody has come: they are told at once if another page of theirs has been, else soon."""
        self._greeted.setdefault(connection.who, set()).add(connection)
        told = self._told.get(connection.who)
        if told is not None:
            connection.push_encoded(self._frame(told))
        self.wake()

    def wake(self) -> None:
        """A call has changed, here or elsewhere."""
        self._wake.set()

    async def run(self) -> None:
        """Tell whoever's list has changed, until stopped: soon after a hint, and every second, for hours strike by themselves."""
        while not self._stopped:
            try:
                async with asyncio.timeout(PACE):
                    await self._wake.wait()
                await asyncio.sleep(TOGETHER)
            except TimeoutError:
                pass
            self._wake.clear()
            try:
                await self.look()
            except (Unavailable, SQLAlchemyError, OSError) as error:
                log.warning("lists of calls could not be read", error=type(error).__name__)

    def stop(self) -> None:
        """Tell nobody any more."""
        self._stopped = True
        self._wake.set()

    async def look(self) -> None:
        """Once: whoever's list is another than they were told is told."""
        self._forget()
        if not self._greeted:
            return
        asked, found = set(self._greeted), await self.read()
        for person in asked & self._greeted.keys():
            rows = found.get(person, [])
            if self._told.get(person) != rows:
                self._told[person] = rows
                data = self._frame(rows)
                for connection in self._greeted[person]:
                    connection.push_encoded(data)
        for person in found.keys() & self._greeted.keys():
            if person.startswith("visitor:"):
                await self._count(person)

    async def _count(self, person: str) -> None:
        """A customer with a call counts as being here, conversation or not: else nobody would know that they have left."""
        for connection in tuple(self._greeted.get(person, ())):
            if not connection.ended and connection in self._hub.of(person):  # else nobody would close the lease
                await self._leases.open(connection.id, person, connection.engaged)

    async def read(self) -> Lists:
        """Everybody's."""
        now, names = self._clock.now(), {id_: one.name for id_, one in self._board.members.items()}
        return await self._database.read(lambda sql: lists(sql, names, now))

    def _forget(self) -> None:
        """Who has gone is told nothing any more, and everything when they come again."""
        for person, connections in tuple(self._greeted.items()):
            connections.difference_update([one for one in connections if one.ended])
            if not connections:
                del self._greeted[person]
                self._told.pop(person, None)

    def _frame(self, rows: Sequence[Row]) -> bytes:
        shown = [msgspec.Raw(msgspec.json.encode(row)) for row in rows]
        return frames.encode(Calls(shown, self._clock.now_ms()))


# -- reading --------------------------------------------------------------------------------------------------------


def lists(sql: Sql, names: Mapping[int, str], now: int) -> Lists:
    """Everybody's calls, the oldest first. `names`: the advisers'."""
    found: Lists = defaultdict(list)
    concerning = _concerning(sql, now)
    people = _people(sql, concerning)
    services = _services(sql, [one.meeting.id for one in concerning if one.meeting is not None])
    on_call = advisers_on_call(sql, now)
    for one in concerning:
        visitor = people.get(one.call.visitor_id or 0)
        if one.meeting is not None:
            shown = _at_appointment(one, visitor, services.get(one.meeting.id, {}), now)
        else:
            shown = _rung_for(one, visitor, names, on_call)
        for person, row in shown.items():
            found[person].append(row)
    for person, row in _awaited(sql, now):
        found[person].append(row)
    return dict(found)


def _concerning(sql: Sql, now: int) -> list[Seen]:
    """Calls that are not over, and those that were rung for and ended just now."""
    lately = and_(
        call.c.state == "ended",
        call.c.closes_at > now - TOLD,
        call.c.ended_at > now - TOLD,
        call.c.appointment_id.is_(None),
    )
    rows = sql.execute(select(call).where(or_(call.c.state.in_(store.LIVE), lately)).order_by(call.c.id))
    return store.seen(sql, map(store.of_row, rows), now)


def _rung_for(one: Seen, visitor: Visitor | None, names: Mapping[int, str], on_call: set[int]) -> dict[str, Row]:
    """A call without an appointment, to both sides."""
    this, place = one.call, one.places.get("adviser")
    by_customer = this.origin == "customer"
    answering = names.get(this.adviser_id or 0, "")
    only = names.get(this.rung[0], "") if len(this.rung) == 1 else ""
    common: dict[str, Any] = {
        "call": this.uid,
        "origin": this.origin,
        "state": this.state,
        "outcome": this.outcome,
        "medium": this.medium,
        "since": this.created_at * 1000,
        "until": this.rings_until * 1000 if this.state == "ringing" and this.rings_until else None,
        "c": one.c,
    }
    shown = {}
    if this.visitor_id is not None:
        room = f"/room/{this.uid}" if this.state == "admitted" else ""
        shown[f"visitor:{this.visitor_id}"] = Row(
            **common, way="out" if by_customer else "in", name=answering or only, room=room
        )
    for id_ in _advisers(this, on_call):
        shown[f"adviser:{id_}"] = Row(
            **common,
            way="in" if by_customer else "out",
            name=this.name or (visitor.name if visitor else ""),
            page=this.page,
            language=this.language,
            verified=bool(visitor and visitor.verified),
            room=f"/desk/room/{this.uid}" if this.state == "admitted" else "",
            here=place is not None and place.here and place.person == f"adviser:{id_}",
        )
    return shown


def _advisers(this: Call, on_call: set[int]) -> set[int]:
    """Whom a call without an appointment concerns: while it rings, who can still answer; then whose it is."""
    theirs = {this.adviser_id} if this.adviser_id is not None else set()
    match this.state:
        case "ringing":
            return theirs | (set(this.rung) - set(this.declined) - on_call)
        case "ended" if this.adviser_id is None:
            return set(this.rung)
    return theirs


def _at_appointment(one: Seen, visitor: Visitor | None, named: dict[str, str], now: int) -> dict[str, Row]:
    """An appointment's room, to its advisers: the customer waits there, or is late; or they are in it themselves."""
    this, meeting = one.call, one.meeting
    if meeting is None:
        return {}
    customer, place = one.places.get("customer"), one.places.get("adviser")
    present = customer is not None and customer.here
    shown = {}
    for id_ in meeting.adviser_ids:
        mine = place is not None and place.person == f"adviser:{id_}"
        here = mine and place is not None and place.here
        is_late = meeting.state == "confirmed" and late(meeting.starts_at, meeting.ends_at, this.knocked_at, now)
        if not (here or (this.state == "admitted" and mine) or (this.state != "admitted" and (present or is_late))):
            continue
        shown[f"adviser:{id_}"] = Row(
            call=this.uid,
            way="in",
            origin="appointment",
            state=this.state,
            medium=this.medium,
            name=one.customer,
            since=this.knocked_at * 1000 if present and this.knocked_at else None,
            c=one.c,
            language=meeting.language,
            verified=bool(visitor and visitor.verified),
            starts_at=meeting.starts_at * 1000,
            appointment=meeting.id,
            service=named,
            room=f"/desk/room/{this.uid}",
            here=here,
        )
    return shown


def _awaited(sql: Sql, now: int) -> list[tuple[str, Row]]:
    """Appointments whose customer should have come, and whose room nobody has opened; to their advisers."""
    rows = sql.execute(
        select(
            appointment.c.id,
            appointment.c.starts_at,
            appointment.c.ends_at,
            appointment.c.medium,
            appointment.c.name,
            appointment.c.language,
            appointment_adviser.c.adviser_id,
            service.c.definition,
        )
        .join_from(appointment_adviser, appointment)
        .join(service)
        .join(call, call.c.appointment_id == appointment.c.id, isouter=True)
        .where(
            appointment_adviser.c.starts_at.between(now - _DAY, now),
            appointment.c.ends_at > now,
            appointment.c.state == "confirmed",
            call.c.id.is_(None),
        )
        .order_by(appointment.c.starts_at, appointment.c.id)
    )
    found = []
    for one in rows:
        definition = msgspec.json.decode(one.definition)
        # Who meets elsewhere does not knock here: nobody knows whether they have come.
        if not definition.get("room") and late(one.starts_at, one.ends_at, None, now):
            found.append((f"adviser:{one.adviser_id}", _late(one, definition["name"])))
    return found


def _late(one: Any, named: dict[str, str]) -> Row:
    return Row(
        call="",
        way="in",
        origin="appointment",
        state="waiting",
        medium=one.medium,
        name=one.name,
        language=one.language,
        starts_at=one.starts_at * 1000,
        appointment=one.id,
        service=named,
        room=f"/agenda/appointments/{one.id}/room",
    )


def _people(sql: Sql, found: Sequence[Seen]) -> dict[int, Visitor]:
    ids = {one.call.visitor_id for one in found if one.call.visitor_id is not None}
    return chat_store.visitors_by_ids(sql, ids)


def _services(sql: Sql, ids: Sequence[int]) -> dict[int, dict[str, str]]:
    """The names of appointments' services, by appointment."""
    if not ids:
        return {}
    rows = sql.execute(
        select(appointment.c.id, service.c.definition).join_from(appointment, service).where(appointment.c.id.in_(ids))
    )
    return {row.id: msgspec.json.decode(row.definition)["name"] for row in rows}
