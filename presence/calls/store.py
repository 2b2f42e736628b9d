"""Calls' queries: the same on SQLite and PostgreSQL."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, and_, delete, insert, select, update

from presence.calls.model import Call, Place, Role
from presence.calls.rules import Meeting, Seen, number_of
from presence.storage.tables import (
    appointment,
    appointment_adviser,
    call,
    call_key,
    call_place,
    conversation,
    lease,
    service,
    visitor,
)

LIVE = ("ringing", "waiting", "held", "admitted")
_LISTS = ("rung", "declined")
_FIELDS = tuple(name for name in Call.__struct_fields__ if name not in _LISTS)


def add(connection: Connection, values: Mapping[str, Any]) -> int:
    """Store a call; returns its id."""
    return int(connection.execute(insert(call).values(_stored(values)).returning(call.c.id)).scalar_one())


def by_uid(connection: Connection, uid: str, *, lock: bool = False) -> Call | None:
    """A call. Locked, what is read is the last word until the transaction ends."""
    if not uid.isalnum():  # what the outside sends may hold what PostgreSQL cannot compare
        return None
    return _one(connection, select(call).where(call.c.uid == uid), lock=lock)


def by_id(connection: Connection, id_: int, *, lock: bool = False) -> Call | None:
    """A call."""
    return _one(connection, select(call).where(call.c.id == id_), lock=lock)


def by_request_key(connection: Connection, key: str, *, lock: bool = False) -> Call | None:
    """The call that the same request has already made."""
    return _one(connection, select(call).where(call.c.request_key == key), lock=lock)


def of_appointment(connection: Connection, appointment_id: int, *, lock: bool = False) -> Call | None:
    """The call of an appointment, once somebody has opened its room."""
    return _one(connection, select(call).where(call.c.appointment_id == appointment_id), lock=lock)


def save(connection: Connection, before: Call, after: Call) -> bool:
    """Store what has changed of a call; False: nothing."""
    values = {name: getattr(after, name) for name in Call.__struct_fields__}
    changed = {name: value for name, value in values.items() if value != getattr(before, name)}
    if changed:
        connection.execute(update(call).where(call.c.id == before.id).values(_stored(changed)))
    return bool(changed)


def _stored(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: msgspec.json.encode(value).decode() if name in _LISTS else value for name, value in values.items()}


def _one(connection: Connection, query: Select[Any], *, lock: bool) -> Call | None:
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    return of_row(row) if row is not None else None


def of_row(row: Any) -> Call:
    """A call from its row."""
    values: dict[str, Any] = {name: getattr(row, name) for name in _FIELDS}
    return Call(**values | {name: tuple(msgspec.json.decode(getattr(row, name))) for name in _LISTS})


# -- places and keys ------------------------------------------------------------------------------------------------


def put(connection: Connection, call_id: int, place: Place) -> None:
    """Store who has a place now."""
    values = {name: getattr(place, name) for name in ("person", "connection", "inst", "ready", "arrived_at", "left_at")}
    mine = and_(call_place.c.call_id == call_id, call_place.c.role == place.role)
    if connection.execute(update(call_place).where(mine).values(values)).rowcount == 0:
        connection.execute(insert(call_place).values(call_id=call_id, role=place.role, **values))


def leave(connection: Connection, call_id: int, connection_id: str, now: int) -> bool:
    """A connection gives its place up, if it still has it."""
    mine = and_(call_place.c.call_id == call_id, call_place.c.connection == connection_id)
    return connection.execute(update(call_place).where(mine).values(connection="", left_at=now)).rowcount > 0


def set_ready(connection: Connection, call_id: int, connection_id: str, ready: bool) -> bool:
    """Whoever has a place with this connection is ready, or is no more; False: that is no news."""
    mine = and_(call_place.c.call_id == call_id, call_place.c.connection == connection_id)
    news = update(call_place).where(mine, call_place.c.ready != ready).values(ready=ready)
    return connection.execute(news).rowcount > 0


def empty(connection: Connection, call_id: int) -> None:
    """Nobody has ever been there."""
    connection.execute(delete(call_place).where(call_place.c.call_id == call_id))


def drop_dead(connection: Connection, now: int) -> set[int]:
    """Empty the places whose connections' leases have ended, such as those of a node that died; their calls' ids."""
    found = connection.execute(_dead(now)).all()
    for call_id, connection_id in found:
        leave(connection, call_id, connection_id, now)
    return {call_id for call_id, _ in found}


def dead(connection: Connection, now: int) -> bool:
    """Whether there are such places."""
    return connection.execute(_dead(now).limit(1)).first() is not None


def _dead(now: int) -> Select[Any]:
    alive = select(lease.c.id).where(lease.c.id == call_place.c.connection, lease.c.expires_at > now).exists()
    return (
        select(call_place.c.call_id, call_place.c.connection)
        .join_from(call, call_place)
        .where(call.c.state.in_(LIVE), call_place.c.connection != "", ~alive)
    )


def add_key(connection: Connection, call_id: int, visitor_id: int, fingerprint: str, now: int) -> None:
    """Let a browser into the customer's place."""
    connection.execute(
        insert(call_key).values(fingerprint=fingerprint, call_id=call_id, visitor_id=visitor_id, created_at=now)
    )


def key_of(connection: Connection, call_id: int, fingerprint: str) -> int | None:
    """The visitor whom a key lets into a call."""
    return connection.execute(
        select(call_key.c.visitor_id).where(call_key.c.fingerprint == fingerprint, call_key.c.call_id == call_id)
    ).scalar_one_or_none()


def has_key(connection: Connection, call_id: int, visitor_id: int) -> bool:
    """Whether a visitor has a key of a call."""
    query = select(call_key.c.fingerprint).where(call_key.c.call_id == call_id, call_key.c.visitor_id == visitor_id)
    return connection.execute(query.limit(1)).first() is not None


# -- calls with all that belongs to them ----------------------------------------------------------------------------


def seen(connection: Connection, found: Iterable[Call], now: int) -> list[Seen]:
    """Calls with their places, appointments and the rest: a few queries, however many calls."""
    calls = list(found)
    places = _places(connection, [one.id for one in calls], now)
    meetings = meetings_of(connection, [one.appointment_id for one in calls if one.appointment_id is not None])
    uids = _uids(connection, [one.conversation_id for one in calls if one.conversation_id is not None])
    names = _names(connection, [one.visitor_id for one in calls if one.visitor_id is not None])
    whole = [
        Seen(
            call=one,
            places=places.get(one.id, {}),
            meeting=meetings.get(one.appointment_id or 0),
            c=uids.get(one.conversation_id or 0, ""),
            visitor=names.get(one.visitor_id or 0, ""),
        )
        for one in calls
    ]
    engaged = in_call(connection, [one.adviser_id for one in whole if one.adviser_id is not None], now)
    return [
        msgspec.structs.replace(one, elsewhere=True) if engaged.get(one.adviser_id or 0, set()) - {one.call.id} else one
        for one in whole
    ]


def seen_by_ids(connection: Connection, ids: Collection[int], now: int) -> dict[int, Seen]:
    """Calls by their ids."""
    if not ids:
        return {}
    rows = connection.execute(select(call).where(call.c.id.in_(ids)))
    return {one.call.id: one for one in seen(connection, map(of_row, rows), now)}


def seen_by_uid(connection: Connection, uid: str, now: int, *, lock: bool = False) -> Seen | None:
    """A call by the uid in its room's address."""
    found = by_uid(connection, uid, lock=lock)
    return seen(connection, [found], now)[0] if found is not None else None


def live(connection: Connection, now: int) -> list[Seen]:
    """Every call that has not ended, but for those that ring."""
    rows = connection.execute(select(call).where(call.c.state.in_(("waiting", "held", "admitted"))))
    return seen(connection, map(of_row, rows), now)


def in_call(connection: Connection, adviser_ids: Collection[int], now: int) -> dict[int, set[int]]:
    """The admitted calls that advisers are in now, by adviser."""
    people = [f"adviser:{id_}" for id_ in adviser_ids]
    rows = connection.execute(
        select(call_place.c.person, call_place.c.call_id)
        .join_from(call_place, call)
        .join(lease, and_(lease.c.id == call_place.c.connection, lease.c.expires_at > now))
        .where(call_place.c.role == "adviser", call_place.c.person.in_(people), call.c.state == "admitted")
    )
    found: dict[int, set[int]] = defaultdict(set)
    for person, call_id in rows:
        found[number_of(person)].add(call_id)
    return found


def _places(connection: Connection, call_ids: Collection[int], now: int) -> dict[int, dict[Role, Place]]:
    rows = connection.execute(
        select(call_place, lease.c.id.label("alive"))
        .outerjoin(lease, and_(lease.c.id == call_place.c.connection, lease.c.expires_at > now))
        .where(call_place.c.call_id.in_(call_ids))
    )
    found: dict[int, dict[Role, Place]] = defaultdict(dict)
    for row in rows:
        found[row.call_id][row.role] = Place(
            role=row.role,
            person=row.person,
            connection=row.connection,
            inst=row.inst,
            ready=row.ready,
            here=row.alive is not None,
            arrived_at=row.arrived_at,
            left_at=row.left_at,
        )
    return found


def meetings_of(connection: Connection, ids: Collection[int]) -> dict[int, Meeting]:
    """Appointments as rooms need them, by id."""
    if not ids:
        return {}
    advisers: dict[int, list[int]] = defaultdict(list)
    for appointment_id, adviser_id in connection.execute(
        select(appointment_adviser.c.appointment_id, appointment_adviser.c.adviser_id)
        .where(appointment_adviser.c.appointment_id.in_(ids))
        .order_by(appointment_adviser.c.adviser_id)
    ):
        advisers[appointment_id].append(adviser_id)
    return {
        row.id: Meeting(
            id=row.id,
            uid=row.uid,
            state=row.state,
            service=row.slug,
            starts_at=row.starts_at,
            ends_at=row.ends_at,
            medium=row.medium,
            adviser_ids=tuple(advisers[row.id]),
            site_id=row.site_id,
            customer_id=row.customer_id,
            name=row.name,
            email=row.email,
            phone=row.phone,
            language=row.language,
            zone=row.zone,
        )
        for row in connection.execute(
            select(appointment, service.c.slug).join_from(appointment, service).where(appointment.c.id.in_(ids))
        )
    }


def _uids(connection: Connection, ids: Collection[int]) -> dict[int, str]:
    rows = connection.execute(select(conversation.c.id, conversation.c.uid).where(conversation.c.id.in_(ids)))
    return {row.id: row.uid for row in rows}


def _names(connection: Connection, ids: Collection[int]) -> dict[int, str]:
    rows = connection.execute(select(visitor.c.id, visitor.c.name).where(visitor.c.id.in_(ids)))
    return {row.id: row.name for row in rows}
