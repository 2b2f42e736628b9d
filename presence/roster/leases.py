"""Leases: a row for each connection that counts as presence, kept alive by the node it is connected to.

A node that dies renews nothing, and what it held ends by itself; there is nothing to clean up after it.
"""

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, Integer, cast, delete, func, insert, select, update

from presence.roster.presence import LEASE
from presence.storage.tables import lease

_MANY = 1000  # in one statement
_ENGAGED = cast(lease.c.engaged, Integer)


def open_lease(connection: Connection, id_: str, node: str, person: str, engaged: bool, now: int) -> None:
    """A connection begins to count."""
    values = {"id": id_, "node": node, "person": person, "engaged": engaged, "expires_at": now + LEASE}
    connection.execute(insert(lease).values(values))


def engage(connection: Connection, id_: str, engaged: bool) -> None:
    """Somebody looks at it, or does not any more."""
    connection.execute(update(lease).where(lease.c.id == id_).values(engaged=engaged))


def close_lease(connection: Connection, id_: str, until: int) -> None:
    """The connection has closed: it counts until then, for it may only be a page change."""
    connection.execute(update(lease).where(lease.c.id == id_).values(node="", expires_at=until))


def end_leases(connection: Connection, person: str) -> None:
    """They have signed out: nothing counts any more."""
    connection.execute(delete(lease).where(lease.c.person == person))


def renew(connection: Connection, node: str, held: Mapping[str, tuple[str, bool]], now: int) -> None:
    """Keep a node's leases (id: person, engaged), and sweep what has long ended.

    One that is not there any more was swept while its node slept or could not reach the database: it counts again.
    """
    ids = list(held)
    for first in range(0, len(ids), _MANY):
        some = ids[first : first + _MANY]
        kept = set(
            connection.execute(
                update(lease)
                .where(lease.c.node == node, lease.c.id.in_(some))
                .values(expires_at=now + LEASE)
                .returning(lease.c.id)
            ).scalars()
        )
        for id_ in some:
            if id_ not in kept:
                open_lease(connection, id_, node, *held[id_], now)
    connection.execute(delete(lease).where(lease.c.expires_at < now - LEASE))


def reachable(connection: Connection, people: Iterable[str], now: int) -> dict[str, bool]:
    """Those who are reachable, and whether any of their devices is engaged."""
    rows = connection.execute(
        select(lease.c.person, func.max(_ENGAGED))
        .where(lease.c.person.in_(list(people)), lease.c.expires_at > now)
        .group_by(lease.c.person)
    )
    return {person: bool(engaged) for person, engaged in rows}


def last_until(connection: Connection, people: Iterable[str]) -> dict[str, int]:
    """Until when people are reachable, or have been a moment ago; those who have never been are left out."""
    rows = connection.execute(
        select(lease.c.person, func.max(lease.c.expires_at))
        .where(lease.c.person.in_(list(people)))
        .group_by(lease.c.person)
    )
    return {row.person: row[1] for row in rows}


def reachable_advisers(connection: Connection, now: int) -> dict[int, bool]:
    """Advisers who are reachable, and whether any of their devices is engaged."""
    rows = connection.execute(
        select(lease.c.person, func.max(_ENGAGED))
        .where(lease.c.person.like("adviser:%"), lease.c.expires_at > now)
        .group_by(lease.c.person)
    )
    return {int(person.partition(":")[2]): bool(engaged) for person, engaged in rows}
