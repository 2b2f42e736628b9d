"""Queries about calls that were rung for: the same on SQLite and PostgreSQL."""

from collections.abc import Iterable

from sqlalchemy import Connection, select

from presence.calls import store
from presence.calls.model import Call
from presence.roster import leases
from presence.roster.board import ENTERING
from presence.storage.tables import call, visitor


def ringing(connection: Connection) -> list[Call]:
    """Every call that rings, the oldest first."""
    rows = connection.execute(select(call).where(call.c.state == "ringing").order_by(call.c.id))
    return [store.of_row(row) for row in rows]


def going_on(connection: Connection, visitor_id: int, now: int) -> list[Call]:
    """Calls of a visitor that ring, or that somebody is in or on the way to, locked."""
    rows = connection.execute(
        select(call)
        .where(
            call.c.visitor_id == visitor_id, call.c.state.in_(("ringing", "admitted")), call.c.origin != "appointment"
        )
        .order_by(call.c.id)
        .with_for_update()
    )
    found = store.seen(connection, map(store.of_row, rows), now)
    return [
        one.call
        for one in found
        if (one.call.state == "ringing" and (one.call.rings_until or 0) > now)
        or (one.call.state == "admitted" and (one.call.admitted_at or 0) > now - ENTERING)
        or any(place.here for place in one.places.values())
    ]


def lock_visitor(connection: Connection, visitor_id: int) -> None:
    """Let nobody else ring for or at them in this transaction's time."""
    connection.execute(select(visitor.c.id).where(visitor.c.id == visitor_id).with_for_update())


def is_beside_appointment(connection: Connection, conversation_id: int) -> bool:
    """Whether a conversation is beside an appointment's room: its customer has that page, and no other that could be rung."""
    query = select(call.c.id).where(call.c.conversation_id == conversation_id, call.c.appointment_id.is_not(None))
    return connection.execute(query.limit(1)).first() is not None


def connected_until(connection: Connection, calls: Iterable[Call]) -> dict[str, int]:
    """Until when those are connected whom calls ring at, or who ring: "adviser:ID", "visitor:ID"."""
    people = set()
    for one in calls:
        people |= {f"adviser:{id_}" for id_ in (*one.rung, one.adviser_id) if id_ is not None}
        people.add(f"visitor:{one.visitor_id}")
    return leases.last_until(connection, people) if people else {}
