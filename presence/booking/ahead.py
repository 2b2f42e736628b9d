"""What comes after an appointment that is running: how much longer it may take, and when its advisers are next expected."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, func, or_, select

from presence.booking import rules
from presence.booking.model import CELL, Appointment, AppointmentState
from presence.storage.tables import adviser_cell, busy_interval

STEP = 5  # minutes; a cell
MOST = 30  # minutes that an appointment may be extended by at once
FAR = 12 * 3600  # seconds; what begins later than that hurries nobody


class Running(NamedTuple):
    """What is needed of an appointment."""

    id: int
    state: AppointmentState
    starts_at: int
    ends_at: int
    adviser_ids: tuple[int, ...]

    @classmethod
    def of(cls, one: Appointment) -> "Running":
        """An appointment's."""
        return cls(one.id, one.state, one.starts_at, one.ends_at, tuple(adviser.id for adviser in one.advisers))


class Ahead(NamedTuple):
    """When the next appointment of one of its advisers starts (an instant), and how many minutes may be added."""

    next_at: int | None
    extend: int


_NEXT = select(func.min(busy_interval.c.starts_at)).where(
    busy_interval.c.adviser_id.in_(bindparam("advisers", expanding=True)),
    busy_interval.c.end_cell.between(bindparam("since"), bindparam("until")),
    busy_interval.c.appointment_id.is_not(None),  # a hold is no appointment yet
    busy_interval.c.starts_at >= bindparam("after"),
)
_END = select(func.max(busy_interval.c.end_cell)).where(busy_interval.c.appointment_id == bindparam("own"))
_FIRST_TAKEN = (
    select(func.min(adviser_cell.c.cell))
    .join_from(adviser_cell, busy_interval)
    .where(
        adviser_cell.c.adviser_id.in_(bindparam("advisers", expanding=True)),
        adviser_cell.c.cell >= bindparam("since"),
        adviser_cell.c.cell < bindparam("until"),
        or_(busy_interval.c.expires_at.is_(None), busy_interval.c.expires_at > bindparam("now")),
    )
)


def ahead(connection: Connection, one: Running, now: int) -> Ahead:
    """Three look-ups by index, for a room asks at each of its changes."""
    return Ahead(next_start(connection, one.adviser_ids, one.ends_at), _extend(connection, one, now))


def next_start(connection: Connection, adviser_ids: Sequence[int], after: int) -> int | None:
    """When the next appointment of one of these advisers starts, if that is soon; instants."""
    wanted = {"advisers": list(adviser_ids), "since": after // CELL, "until": (after + FAR) // CELL, "after": after}
    found: int | None = connection.execute(_NEXT, wanted).scalar_one()
    return found


def _extend(connection: Connection, one: Running, now: int) -> int:
    if not rules.may_extend(one.state, one.starts_at, one.ends_at, MOST, now):
        return 0
    end = connection.execute(_END, {"own": one.id}).scalar_one()  # with the buffer after it
    if end is None:
        return 0
    wanted = {"advisers": list(one.adviser_ids), "since": end, "until": end + MOST // STEP, "now": now}
    taken = connection.execute(_FIRST_TAKEN, wanted).scalar_one()
    free = MOST if taken is None else (taken - end) * STEP
    return free if rules.may_extend(one.state, one.starts_at, one.ends_at, free, now) else 0
