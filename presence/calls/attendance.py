"""Who has come to an appointment's room, who is late, and who did not come. Pure: `now` is an argument."""

from typing import Literal

import msgspec

LATE = 2 * 60  # seconds after the start from which somebody is late

Attendance = Literal["fine", "customer_late", "adviser_late", "customer_missed", "adviser_missed"]


class Attended(msgspec.Struct, frozen=True, kw_only=True):
    """An appointment and who has come to its room. Instants; None: not yet, or not at all."""

    starts_at: int
    ends_at: int
    customer_at: int | None = None
    adviser_at: int | None = None
    connected_at: int | None = None  # they saw or heard each other


def came(arrived_at: int | None, left_at: int | None, starts_at: int) -> int | None:
    """When somebody came who first arrived then, and left then for the last time (None: is there).

    Whoever only looked in before the start has not come: they tried their camera, or the appointment has been moved since.
    """
    return None if left_at is not None and left_at < starts_at else arrived_at


def late(starts_at: int, ends_at: int, customer_at: int | None, now: int) -> bool:
    """Whether the customer should be there by now and is not."""
    return customer_at is None and starts_at + LATE <= now < ends_at


def attendance(one: Attended, now: int, missed_after: int) -> Attendance:
    """What to make of who has come. `missed_after` in seconds from the start; 0: nobody is ever said to have missed it.

    Who did not come has missed it only when the other side did: if neither came, they may have met elsewhere.
    """
    if one.connected_at is not None or (one.customer_at is not None and one.adviser_at is not None):
        return "fine"
    missed = missed_after > 0 and now >= one.starts_at + missed_after
    if one.customer_at is not None:
        return "adviser_missed" if missed else _while_it_lasts(one, now, "adviser_late")
    if one.adviser_at is not None and missed:
        return "customer_missed"
    return _while_it_lasts(one, now, "customer_late")


def _while_it_lasts(one: Attended, now: int, standing: Attendance) -> Attendance:
    return standing if one.starts_at + LATE <= now < one.ends_at else "fine"


def took_place(one: Attended, now: int) -> bool:
    """Whether an appointment was held, and is over."""
    return one.connected_at is not None and now >= one.ends_at
