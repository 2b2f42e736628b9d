"""Booking's queries: plain functions of a connection, the same on SQLite and PostgreSQL."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Row, bindparam, delete, func, insert, select, update

from presence.booking.model import Appointment, AppointmentState, Busy, Person, Service
from presence.roster import store as roster_store
from presence.roster.model import Adviser, Medium
from presence.storage.rows import Rows
from presence.storage.tables import (
    adviser,
    adviser_cell,
    agenda_clock,
    appointment,
    appointment_adviser,
    appointment_event,
    busy_interval,
    guest,
    hold,
    service,
    team,
    team_member,
)


class StoredService(NamedTuple):
    """A service with its row's id and its pool's members: adviser id -> (priority, weight)."""

    id: int
    service: Service
    members: Mapping[int, tuple[int, int]]


class Versions(NamedTuple):
    """What the agenda clock says."""

    version: int
    roster_version: int


class HoldRow(NamedTuple):
    """A hold as it stands in the database."""

    id: int
    service_id: int
    starts_at: int
    ends_at: int
    medium: Medium
    spoken: str
    expires_at: int
    adviser_ids: tuple[int, ...]


# -- the agenda clock ---------------------------------------------------------------------------------------------

_READ_CLOCK = select(agenda_clock.c.version, agenda_clock.c.roster_version).where(agenda_clock.c.id == 1)
_RAISE_CLOCK = (
    update(agenda_clock)
    .where(agenda_clock.c.id == 1)
    .values(version=agenda_clock.c.version + 1)
    .returning(agenda_clock.c.version, agenda_clock.c.roster_version)
)
_TOUCH = update(adviser).where(adviser.c.id == bindparam("touched")).values(agenda_version=bindparam("now_at"))


def versions(connection: Connection) -> Versions:
    """The agenda clock, read."""
    return Versions(*connection.execute(_READ_CLOCK).one())


def raise_clock(connection: Connection) -> Versions:
    """Raise the agenda clock: on PostgreSQL this is where transactions that change agendas queue up."""
    return Versions(*connection.execute(_RAISE_CLOCK).one())


def touch(connection: Connection, adviser_ids: Iterable[int], version: int) -> None:
    """Mark that these advisers' agendas changed at `version`."""
    touched = [{"touched": id_, "now_at": version} for id_ in adviser_ids]
    if touched:
        connection.execute(_TOUCH, touched)


# -- services and agendas -----------------------------------------------------------------------------------------


def services(connection: Connection) -> tuple[StoredService, ...]:
    """The active services in their order, with the ids of their pools' members."""
    rows = connection.execute(
        select(service.c.id, service.c.definition).where(service.c.active).order_by(service.c.position, service.c.id)
    ).all()
    ids = {row.slug: row.id for row in connection.execute(select(adviser.c.slug, adviser.c.id)).all()}
    teams: dict[str, dict[int, tuple[int, int]]] = defaultdict(dict)
    members = select(team.c.slug, team_member.c.adviser_id, team_member.c.priority, team_member.c.weight)
    for slug, adviser_id, priority, weight in connection.execute(members.join(team)).all():
        teams[slug][adviser_id] = (priority, weight)
    stored = []
    for id_, definition in rows:
        one = msgspec.json.decode(definition, type=Service)
        chosen = {ids[m.adviser]: (m.priority, m.weight) for m in one.pool.advisers if m.adviser in ids}
        stored.append(StoredService(id_, one, (teams[one.pool.team] | chosen) if one.pool.team else chosen))
    return tuple(stored)


def add_service(connection: Connection, one: Service) -> int:
    """Add a service at the end of the list; the caller raises the clock."""
    position = connection.execute(select(func.coalesce(func.max(service.c.position), 0) + 1)).scalar_one()
    return int(
        connection.execute(
            insert(service)
            .values(
                slug=one.slug,
                definition=msgspec.json.encode(one).decode(),
                position=position,
                active=True,
                version=0,
            )
            .returning(service.c.id)
        ).scalar_one()
    )


def service_slugs(connection: Connection) -> set[str]:
    """Every service's slug, active or not."""
    return set(connection.execute(select(service.c.slug)).scalars())


_CHANGED = (
    select(
        adviser.c.id,
        busy_interval.c.first_cell,
        busy_interval.c.end_cell,
        busy_interval.c.starts_at,
        busy_interval.c.appointment_id,
        busy_interval.c.hold_id,
        busy_interval.c.expires_at,
    )
    .select_from(
        adviser.outerjoin(
            busy_interval,
            (busy_interval.c.adviser_id == adviser.c.id) & (busy_interval.c.end_cell > bindparam("base")),
        )
    )
    .where(adviser.c.agenda_version > bindparam("since"))
)


def busy_since(connection: Connection, since: int, base: int) -> dict[int, list[Busy]]:
    """The busy intervals, from cell `base` on, of every adviser whose agenda changed after version `since`."""
    agendas: dict[int, list[Busy]] = {}
    for id_, first, end, starts_at, appointment_id, hold_id, expires_at in connection.execute(
        _CHANGED, {"since": since, "base": base}
    ).all():
        busy = agendas.setdefault(id_, [])
        if first is not None:
            busy.append(Busy(first, end, owner_of(appointment_id, hold_id), starts_at, expires_at))
    return agendas


def owner_of(appointment_id: int | None, hold_id: int | None) -> str:
    """How the engine names whom a busy interval belongs to."""
    return f"appointment:{appointment_id}" if appointment_id is not None else f"hold:{hold_id}"


_BOOKED = (
    select(appointment_adviser.c.adviser_id, func.count(), func.max(appointment_adviser.c.booked_at))
    .where(
        appointment_adviser.c.adviser_id.in_(bindparam("ids", expanding=True)),
        appointment_adviser.c.booked_at > bindparam("since"),
    )
    .group_by(appointment_adviser.c.adviser_id)
)


def booked(connection: Connection, adviser_ids: Collection[int], since: int) -> dict[int, tuple[int, int]]:
    """Per adviser: appointments made since an instant, and when the latest was made."""
    rows = connection.execute(_BOOKED, {"ids": list(adviser_ids), "since": since}).all()
    return {id_: (count, latest) for id_, count, latest in rows}


# -- taking time --------------------------------------------------------------------------------------------------

_DROP_EXPIRED = delete(hold).where(hold.c.expires_at <= bindparam("now"))
_TAKE = insert(busy_interval).returning(busy_interval.c.id)
_CELLS = Rows(adviser_cell, "adviser_id", "cell", "busy_id")


def drop_expired_holds(connection: Connection, now: int) -> None:
    """Holds end by themselves; their cells go with them."""
    connection.execute(_DROP_EXPIRED, {"now": now})


def take(
    connection: Connection,
    adviser_ids: Iterable[int],
    first: int,
    end: int,
    *,
    starts_at: int,
    appointment_id: int | None = None,
    hold_id: int | None = None,
    expires_at: int | None = None,
) -> None:
    """Give cells `first` to `end` of advisers to an appointment or a hold; the primary key refuses a second owner."""
    for adviser_id in adviser_ids:
        busy_id = connection.execute(
            _TAKE,
            {
                "adviser_id": adviser_id,
                "first_cell": first,
                "end_cell": end,
                "starts_at": starts_at,
                "appointment_id": appointment_id,
                "hold_id": hold_id,
                "expires_at": expires_at,
            },
        ).scalar_one()
        _CELLS.add(connection, [(adviser_id, cell, busy_id) for cell in range(first, end)])


def is_taken(connection: Connection, adviser_id: int, first: int, end: int) -> bool:
    """Whether any of an adviser's cells from `first` to `end` belongs to somebody."""
    mine = (adviser_cell.c.adviser_id == adviser_id) & (adviser_cell.c.cell >= first) & (adviser_cell.c.cell < end)
    return connection.execute(select(adviser_cell.c.cell).where(mine).limit(1)).first() is not None


def lengthen(connection: Connection, appointment_id: int, cells: int) -> None:
    """Let an appointment take so many cells more of its advisers; the primary key refuses those of another owner."""
    own = busy_interval.c.appointment_id == appointment_id
    columns = (busy_interval.c.id, busy_interval.c.adviser_id, busy_interval.c.end_cell)
    for busy_id, adviser_id, before in connection.execute(select(*columns).where(own)).all():
        _CELLS.add(connection, [(adviser_id, cell, busy_id) for cell in range(before, before + cells)])
    connection.execute(update(busy_interval).where(own).values(end_cell=busy_interval.c.end_cell + cells))


def release_appointment(connection: Connection, appointment_id: int) -> None:
    """Give back the time an appointment takes."""
    connection.execute(delete(busy_interval).where(busy_interval.c.appointment_id == appointment_id))


# -- holds --------------------------------------------------------------------------------------------------------


def add_hold(connection: Connection, values: Mapping[str, Any]) -> int:
    """Store a hold; returns its id."""
    return int(connection.execute(insert(hold).returning(hold.c.id), values).scalar_one())


def hold_by(connection: Connection, fingerprint: str) -> HoldRow | None:
    """The hold a token opens, expired or not, with the advisers it takes."""
    rows = connection.execute(
        select(
            hold.c.id,
            hold.c.service_id,
            hold.c.starts_at,
            hold.c.ends_at,
            hold.c.medium,
            hold.c.spoken,
            hold.c.expires_at,
            busy_interval.c.adviser_id,
        )
        .select_from(hold.outerjoin(busy_interval))
        .where(hold.c.fingerprint == fingerprint)
    ).all()
    if not rows:
        return None
    return HoldRow(*rows[0][:7], tuple(row[7] for row in rows if row[7] is not None))


def drop_hold(connection: Connection, hold_id: int) -> None:
    """End a hold and give its cells back."""
    connection.execute(delete(hold).where(hold.c.id == hold_id))


# -- appointments -------------------------------------------------------------------------------------------------

_ADD = insert(appointment).returning(appointment.c.id)
_ADVISERS = Rows(appointment_adviser, "appointment_id", "adviser_id", "starts_at", "booked_at")
_EVENTS = Rows(appointment_event, "appointment_id", "at", "actor", "kind", "detail")
_BY_FINGERPRINT = select(appointment).where(appointment.c.fingerprint == bindparam("value"))
_BY_REQUEST_KEY = select(appointment).where(appointment.c.request_key == bindparam("value"))
_BY_ID = select(appointment).where(appointment.c.id == bindparam("value"))


def add_appointment(
    connection: Connection, values: Mapping[str, Any], adviser_ids: Iterable[int], guests: Sequence[str]
) -> int:
    """Store an appointment with who takes part; returns its id."""
    appointment_id = int(connection.execute(_ADD, values).scalar_one())
    set_advisers(connection, appointment_id, adviser_ids, values["starts_at"], values["created_at"])
    if guests:
        connection.execute(
            insert(guest), [{"appointment_id": appointment_id, "email": email, "name": ""} for email in guests]
        )
    return appointment_id


def set_advisers(
    connection: Connection, appointment_id: int, adviser_ids: Iterable[int], starts_at: int, booked_at: int
) -> None:
    """Say who takes an appointment."""
    _ADVISERS.add(connection, [(appointment_id, id_, starts_at, booked_at) for id_ in adviser_ids])


def replace_advisers(
    connection: Connection, appointment_id: int, adviser_ids: Iterable[int], starts_at: int, booked_at: int
) -> None:
    """Say who takes an appointment after it has moved."""
    connection.execute(delete(appointment_adviser).where(appointment_adviser.c.appointment_id == appointment_id))
    set_advisers(connection, appointment_id, adviser_ids, starts_at, booked_at)


def change(connection: Connection, appointment_id: int, **values: Any) -> None:
    """Change columns of an appointment."""
    connection.execute(update(appointment).where(appointment.c.id == appointment_id).values(**values))


def record(connection: Connection, appointment_id: int, at: int, actor: str, kind: str, detail: str = "") -> None:
    """Add to an appointment's history."""
    _EVENTS.add(connection, [(appointment_id, at, actor, kind, detail)])


def history(connection: Connection, appointment_id: int) -> tuple[tuple[int, str, str, str], ...]:
    """(at, actor, kind, detail) of what happened to an appointment, in order."""
    columns = (
        appointment_event.c.at,
        appointment_event.c.actor,
        appointment_event.c.kind,
        appointment_event.c.detail,
    )
    rows = connection.execute(
        select(*columns).where(appointment_event.c.appointment_id == appointment_id).order_by(appointment_event.c.id)
    ).all()
    return tuple((at, actor, kind, detail) for at, actor, kind, detail in rows)


def by_fingerprint(connection: Connection, fingerprint: str) -> Row[Any] | None:
    """The appointment's row that a customer's link opens."""
    return connection.execute(_BY_FINGERPRINT, {"value": fingerprint}).one_or_none()


def by_uid(connection: Connection, uid: str) -> Row[Any] | None:
    """The appointment's row with an iCalendar UID."""
    return connection.execute(select(appointment).where(appointment.c.uid == uid)).one_or_none()


def by_request_key(connection: Connection, key: str) -> Row[Any] | None:
    """The appointment's row that the same form or call has already made."""
    return connection.execute(_BY_REQUEST_KEY, {"value": key}).one_or_none()


def by_id(connection: Connection, appointment_id: int) -> Row[Any] | None:
    """An appointment's row."""
    return connection.execute(_BY_ID, {"value": appointment_id}).one_or_none()


def by_ids(connection: Connection, ids: Collection[int]) -> Sequence[Row[Any]]:
    """Rows of several appointments."""
    return connection.execute(select(appointment).where(appointment.c.id.in_(ids))).all()


def of_adviser(connection: Connection, adviser_id: int, since: int, until: int) -> Sequence[Row[Any]]:
    """Rows of an adviser's appointments that start in [since, until), in order."""
    return connection.execute(
        select(appointment)
        .join(appointment_adviser)
        .where(
            appointment_adviser.c.adviser_id == adviser_id,
            appointment_adviser.c.starts_at >= since,
            appointment_adviser.c.starts_at < until,
        )
        .order_by(appointment_adviser.c.starts_at)
    ).all()


def one_of_adviser(connection: Connection, adviser_id: int, appointment_id: int) -> Row[Any] | None:
    """An appointment's row, if it is this adviser's."""
    return connection.execute(
        select(appointment)
        .join(appointment_adviser)
        .where(appointment_adviser.c.adviser_id == adviser_id, appointment.c.id == appointment_id)
    ).one_or_none()


def whole(connection: Connection, rows: Sequence[Row[Any]]) -> tuple[Appointment, ...]:
    """Appointments with their service, advisers and guests: four queries, however many rows."""
    if not rows:
        return ()
    ids = [row.id for row in rows]
    taken_by: dict[int, list[int]] = defaultdict(list)
    for appointment_id, adviser_id in connection.execute(
        select(appointment_adviser.c.appointment_id, appointment_adviser.c.adviser_id)
        .where(appointment_adviser.c.appointment_id.in_(ids))
        .order_by(appointment_adviser.c.adviser_id)
    ).all():
        taken_by[appointment_id].append(adviser_id)
    people = roster_store.advisers_by_id(connection, {id_ for some in taken_by.values() for id_ in some})
    guests: dict[int, list[Person]] = defaultdict(list)
    for row in connection.execute(select(guest).where(guest.c.appointment_id.in_(ids)).order_by(guest.c.id)).all():
        guests[row.appointment_id].append(Person(name=row.name, email=row.email))
    definitions = _definitions(connection, {row.service_id for row in rows})
    return tuple(
        of_row(
            row,
            definitions[row.service_id],
            [people[id_] for id_ in taken_by[row.id] if id_ in people],
            guests[row.id],
        )
        for row in rows
    )


def of_row(row: Any, definition: Service, advisers: Iterable[Adviser], guests: Iterable[Person]) -> Appointment:
    """An appointment from its row and who takes part. Guests are written to in the customer's language and zone."""
    state: AppointmentState = row.state
    return Appointment(
        id=row.id,
        uid=row.uid,
        state=state,
        sequence=row.sequence,
        service=definition,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        medium=row.medium,
        customer=Person(name=row.name, email=row.email, language=row.language, zone=row.zone),
        advisers=tuple(advisers),
        guests=tuple(msgspec.structs.replace(one, language=row.language, zone=row.zone) for one in guests),
        phone=row.phone,
        answers=msgspec.json.decode(row.answers, type=dict[str, str]),
        reason=row.reason,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _definitions(connection: Connection, ids: Collection[int]) -> dict[int, Service]:
    rows = connection.execute(select(service.c.id, service.c.definition).where(service.c.id.in_(ids))).all()
    return {id_: msgspec.json.decode(definition, type=Service) for id_, definition in rows}
