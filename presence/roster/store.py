"""The roster's queries: advisers with their hours, teams, customers. Few queries, however many advisers."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Row, Select, bindparam, delete, func, insert, select, update

from presence.roster.model import Absence, Adviser, DayException, Medium, WeeklyHours
from presence.storage.tables import (
    absence,
    adviser,
    agenda_clock,
    customer,
    day_exception,
    team,
    team_member,
)


class Account(NamedTuple):
    """What sign-in needs of an adviser."""

    adviser_id: int
    password_hash: str


def advisers(connection: Connection) -> tuple[Adviser, ...]:
    """Every active adviser."""
    return tuple(_whole(connection, select(adviser).where(adviser.c.active).order_by(adviser.c.id), None).values())


def advisers_by_id(connection: Connection, ids: Collection[int]) -> dict[int, Adviser]:
    """Advisers by id, active or not, in the order of their ids."""
    if not ids:
        return {}
    return _whole(connection, select(adviser).where(adviser.c.id.in_(ids)).order_by(adviser.c.id), ids)


def _whole(connection: Connection, query: Select[Any], ids: Collection[int] | None) -> dict[int, Adviser]:
    exceptions: dict[int, list[DayException]] = defaultdict(list)
    some = select(day_exception).order_by(day_exception.c.day)
    if ids is not None:
        some = some.where(day_exception.c.adviser_id.in_(ids))
    for row in connection.execute(some).all():
        ranges = msgspec.json.decode(row.ranges, type=tuple[str, ...])
        exceptions[row.adviser_id].append(DayException(row.day, ranges, row.note))
    absences: dict[int, list[Absence]] = defaultdict(list)
    away = select(absence).order_by(absence.c.starts_at)
    if ids is not None:
        away = away.where(absence.c.adviser_id.in_(ids))
    for row in connection.execute(away).all():
        absences[row.adviser_id].append(Absence(row.starts_at, row.ends_at, row.note))
    return {
        row.id: _adviser(row, tuple(exceptions.get(row.id, ())), tuple(absences.get(row.id, ())))
        for row in connection.execute(query).all()
    }


_HOURS: dict[str, WeeklyHours] = {}


def _hours(text: str) -> WeeklyHours:
    """Hours from their JSON; advisers share few, and checking them costs more than finding them."""
    known = _HOURS.get(text)
    if known is None:
        if len(_HOURS) > 10_000:
            _HOURS.clear()
        known = _HOURS[text] = msgspec.json.decode(text, type=WeeklyHours)
    return known


def _adviser(row: Row[Any], exceptions: tuple[DayException, ...], absences: tuple[Absence, ...]) -> Adviser:
    return Adviser(
        id=row.id,
        slug=row.slug,
        name=row.name,
        email=row.email,
        zone=row.zone,
        languages=msgspec.json.decode(row.languages, type=tuple[str, ...]),
        media=msgspec.json.decode(row.media, type=tuple[Medium, ...]),
        hours=_hours(row.hours),
        holidays=row.holidays,
        daily_limit=row.daily_limit,
        weekly_limit=row.weekly_limit,
        exceptions=exceptions,
        absences=absences,
        supervisor=row.supervisor,
        room=row.room,
    )


def supervisors_of(connection: Connection, adviser_ids: Collection[int]) -> tuple[Adviser, ...]:
    """Active supervisors who share a team with one of these advisers."""
    theirs = team_member.alias()
    ids = connection.execute(
        select(adviser.c.id)
        .join_from(adviser, team_member)
        .join(theirs, theirs.c.team_id == team_member.c.team_id)
        .where(adviser.c.supervisor, adviser.c.active, theirs.c.adviser_id.in_(adviser_ids))
        .distinct()
    ).scalars()
    return tuple(advisers_by_id(connection, ids.all()).values())


def raise_clock(connection: Connection) -> int:
    """Raise the agenda clock for a change of the roster; everybody then reads advisers, teams and services anew."""
    version = agenda_clock.c.version + 1
    return int(
        connection.execute(
            update(agenda_clock)
            .where(agenda_clock.c.id == 1)
            .values(version=version, roster_version=version)
            .returning(agenda_clock.c.version)
        ).scalar_one()
    )


def add_adviser(connection: Connection, values: dict[str, Any]) -> int:
    """Store an adviser; the caller raises the clock."""
    return int(connection.execute(insert(adviser).values(values).returning(adviser.c.id)).scalar_one())


def change_adviser(connection: Connection, adviser_id: int, version: int, **values: Any) -> None:
    """Change columns of an adviser at a version of the clock."""
    connection.execute(update(adviser).where(adviser.c.id == adviser_id).values(agenda_version=version, **values))


def slugs(connection: Connection) -> set[str]:
    """Every adviser's slug."""
    return set(connection.execute(select(adviser.c.slug)).scalars())


def mails(connection: Connection) -> set[str]:
    """Every adviser's address."""
    return set(connection.execute(select(adviser.c.email)).scalars())


def account(connection: Connection, email: str) -> Account | None:
    """The account of an active adviser's address."""
    row = connection.execute(
        select(adviser.c.id, adviser.c.password_hash).where(adviser.c.email == email, adviser.c.active)
    ).one_or_none()
    return Account(*row) if row else None


def add_team(connection: Connection, slug: str, name: dict[str, str]) -> int:
    """Store a team, or find it; returns its id."""
    known = connection.execute(select(team.c.id).where(team.c.slug == slug)).scalar_one_or_none()
    if known is not None:
        return int(known)
    values = {"slug": slug, "name": msgspec.json.encode(name).decode()}
    return int(connection.execute(insert(team).values(values).returning(team.c.id)).scalar_one())


def join_team(connection: Connection, team_id: int, adviser_id: int, priority: int, weight: int) -> None:
    """Make an adviser a member of a team."""
    connection.execute(
        insert(team_member).values(team_id=team_id, adviser_id=adviser_id, priority=priority, weight=weight)
    )


def set_exception(connection: Connection, adviser_id: int, one: DayException) -> None:
    """Replace what is exceptional about one of an adviser's days."""
    drop_exception(connection, adviser_id, one.day)
    connection.execute(
        insert(day_exception).values(
            adviser_id=adviser_id,
            day=one.day,
            ranges=msgspec.json.encode(one.ranges).decode(),
            note=one.note,
        )
    )


def drop_exception(connection: Connection, adviser_id: int, day: str) -> None:
    """One of an adviser's days is as every week again."""
    connection.execute(
        delete(day_exception).where(day_exception.c.adviser_id == adviser_id, day_exception.c.day == day)
    )


def add_absence(connection: Connection, adviser_id: int, one: Absence) -> None:
    """An adviser is away for a time."""
    connection.execute(
        insert(absence).values(adviser_id=adviser_id, starts_at=one.starts_at, ends_at=one.ends_at, note=one.note)
    )


def drop_absence(connection: Connection, adviser_id: int, starts_at: int, ends_at: int) -> None:
    """An adviser is not away after all."""
    connection.execute(
        delete(absence).where(
            absence.c.adviser_id == adviser_id,
            absence.c.starts_at == starts_at,
            absence.c.ends_at == ends_at,
        )
    )


# -- customers ----------------------------------------------------------------------------------------------------


_CUSTOMER = select(customer.c.id, customer.c.personal_adviser_id).where(customer.c.email == bindparam("email"))
_ADD_CUSTOMER = insert(customer).returning(customer.c.id)


def upsert_customer(
    connection: Connection,
    *,
    email: str,
    name: str,
    language: str,
    zone: str,
    phone: str,
    now: int,
) -> tuple[int, int | None]:
    """The customer of a mail address, made when they are new: (id, personal adviser's id or None)."""
    row = connection.execute(_CUSTOMER, {"email": email}).one_or_none()
    if row is not None:
        return row.id, row.personal_adviser_id
    values = {
        "email": email,
        "name": name,
        "language": language,
        "zone": zone,
        "phone": phone,
        "created_at": now,
    }
    # Another process may have added the same customer meanwhile; on PostgreSQL the agenda clock's lock excludes it.
    return int(connection.execute(_ADD_CUSTOMER, values).scalar_one()), None


def assign(connection: Connection, email: str, adviser_id: int | None) -> bool:
    """Give a customer their personal adviser; False when no such customer is known."""
    found = connection.execute(update(customer).where(customer.c.email == email).values(personal_adviser_id=adviser_id))
    return found.rowcount == 1


def teams_of(connection: Connection, slugs: Iterable[str]) -> dict[str, int]:
    """Ids of teams by slug."""
    rows = connection.execute(select(team.c.slug, team.c.id).where(team.c.slug.in_(list(slugs)))).all()
    return {row.slug: row.id for row in rows}


def count(connection: Connection) -> int:
    """How many active advisers there are."""
    return int(connection.execute(select(func.count()).select_from(adviser).where(adviser.c.active)).scalar_one())
