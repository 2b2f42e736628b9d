"""What comes after an appointment that is running: how much longer it may take, and when its advisers are next expected."""

from typing import NamedTuple

from sqlalchemy import Connection, bindparam, func, or_, select

from presence.booking import rules
from presence.booking.model import CELL, Appointment
from presence.storage.tables import adviser_cell, busy_interval

STEP = 5  # minutes; a cell
MOST = 30  # minutes that an appointment may be extended by at once
FAR = 12 * 3600  # seconds; what begins later than that hurries nobody


class Ahead(NamedTuple):
    """When the next appointment of one of its advisers starts (an instant), and how many minutes may be added."""

    next_at: int | None
    extend: int


_NEXT = select(func.min(busy_interval.c.starts_at)).where(
    busy_interval.c.adviser_id.in_(bindparam("advisers", expanding=True)),
    busy_interval.c.end_cell.between(bindparam("since"), bindparam("until")),
    busy_interval.c.appointment_id != bindparam("own"),  # a hold, which has none, is no appointment yet
    busy_interval.c.starts_at >= bindparam("ends_at"),
)
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


def ahead(connection: Connection, appointment: Appointment, now: int) -> Ahead:
    """Two look-ups by index, for a room asks at each of its changes."""
    advisers = [one.id for one in appointment.advisers]
    since, until = appointment.ends_at // CELL, (appointment.ends_at + FAR) // CELL
    wanted = {"advisers": advisers, "since": since, "until": until}
    next_at = connection.execute(_NEXT, {**wanted, "own": appointment.id, "ends_at": appointment.ends_at}).scalar_one()
    return Ahead(next_at, _extend(connection, appointment, advisers, now))


def _extend(connection: Connection, appointment: Appointment, advisers: list[int], now: int) -> int:
    if not rules.may_extend(appointment, MOST, now):
        return 0
    end = end_cell(appointment)
    wanted = {"advisers": advisers, "since": end, "until": end + MOST // STEP, "now": now}
    taken = connection.execute(_FIRST_TAKEN, wanted).scalar_one()
    free = MOST if taken is None else (taken - end) * STEP
    return free if rules.may_extend(appointment, free, now) else 0


def end_cell(appointment: Appointment) -> int:
    """One past the last cell that an appointment takes, the buffer after it included."""
    duration = (appointment.ends_at - appointment.starts_at) // 60
    return rules.cells(appointment.service, appointment.starts_at, duration)[1]
