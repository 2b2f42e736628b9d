"""Why a start is not offered: the same bitmaps, asked one by one."""

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from presence.booking.availability.calendars import (
    AdviserCalendar,
    Shape,
    cells_taken,
    full_periods,
    opening_bits,
)
from presence.booking.availability.hours import grid_bits, local_date, open_bits
from presence.booking.availability.starts import able_of, earliest, free_at, horizon_end
from presence.booking.model import CELL, Busy, Opening, Service
from presence.public_holidays import is_holiday
from presence.roster.model import WEEKDAYS, Medium

Found = Iterator[tuple[str, dict[str, Any]]]


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """Why not: of one adviser (their slug), or of the service as a whole (None).

    Of a service: empty_pool, before_notice (earliest), beyond_horizon (end), organisation_closed and
    organisation_holiday (day), off_grid (grid). Of an adviser: not_in_pool, inactive, medium (medium), language
    (language), outside_hours and exception (day, hours), holiday (day), absent (from, until), off_grid (grid),
    busy and buffer (kind, from, until), held (from, until, expires), daily_limit and weekly_limit (limit,
    begins). Instants are integers, days ISO dates; a note on an absence is not told.
    """

    adviser: str | None = None
    code: str
    values: dict[str, Any] = {}


def why(
    service: Service,
    duration: int,
    start: int,
    calendars: Sequence[AdviserCalendar],
    opening: Opening,
    now: int,
    *,
    medium: Medium | None = None,
    spoken: str = "",
    ignoring: str = "",
    asked: str = "",
) -> list[Reason]:
    """Every reason against a start; none when it is offered.

    `asked` is the slug of an adviser it is asked of alone; the rest is as for `free_starts`.
    """
    alone = asked and not service.pool.collective
    pool = [one for one in calendars if not alone or one.adviser.slug == asked]
    if free_at(service, duration, start, pool, opening, now, medium=medium, spoken=spoken, ignoring=ignoring):
        return []
    shape = Shape.of(service, duration)
    against = _of_service(service, shape, start, pool, opening, now)
    reasons = [Reason(code=code, values=values) for code, values in against]
    reasons += [Reason(adviser=slug, code=code) for slug, code in _of_outsiders(service, calendars, asked)]
    for one in pool:
        found = [*_of_offer(service, one, medium, spoken), *_of_time(one, shape, start, now, ignoring)]
        reasons += [Reason(adviser=one.adviser.slug, code=code, values=values) for code, values in found]
    return reasons


def _of_service(
    service: Service, shape: Shape, start: int, pool: Sequence[AdviserCalendar], opening: Opening, now: int
) -> Found:
    if not pool:
        yield "empty_pool", {}
        return
    window = pool[0].window
    end = min(horizon_end(service, opening, now), window.ends_at)
    if start < max(earliest(service, now), window.begins_at):
        yield "before_notice", {"earliest": earliest(service, now)}
    if start >= end:
        yield "beyond_horizon", {"end": end}
    if start % CELL:
        yield "off_grid", {"grid": service.grid}
    bit = window.bit(start)
    if bit is not None and _needed(bit, shape) & ~opening_bits(opening, window):
        day = local_date(start, opening.zone)
        code = "organisation_holiday" if is_holiday(opening.holidays, day) else "organisation_closed"
        yield code, {"day": day.isoformat()}


def _of_outsiders(service: Service, calendars: Sequence[AdviserCalendar], asked: str) -> Iterator[tuple[str, str]]:
    """Advisers the service names who have no calendar, and one who was asked for and is not of the pool."""
    known = {one.adviser.slug for one in calendars}
    named = [member.adviser for member in service.pool.advisers]
    for slug in named:
        if slug not in known and (not asked or slug == asked):
            yield slug, "inactive"
    if asked and asked not in known and asked not in named:
        yield asked, "not_in_pool"


def _of_offer(service: Service, calendar: AdviserCalendar, medium: Medium | None, spoken: str) -> Found:
    if not able_of(service, [calendar], medium, ""):
        yield "medium", {"medium": medium or ", ".join(service.media)}
    if spoken and spoken not in calendar.adviser.languages:
        yield "language", {"language": spoken}


def _of_time(calendar: AdviserCalendar, shape: Shape, start: int, now: int, ignoring: str) -> Found:
    bit = calendar.window.bit(start)
    if bit is None:  # said of the service already
        return
    yield from _of_hours(calendar, start, _needed(bit, shape))
    if not grid_bits(calendar.adviser.zone, shape.grid, calendar.window) >> bit & 1:
        yield "off_grid", {"grid": shape.grid}
    busy = calendar.counted(now, ignoring)
    for one in busy:
        yield from _of_busy(one, shape, start // CELL)
    yield from _of_limits(calendar, start, busy)


def _needed(bit: int, shape: Shape) -> int:
    """The cells that the appointment itself would take."""
    return ((1 << shape.duration) - 1) << bit


def _of_hours(calendar: AdviserCalendar, start: int, needed: int) -> Found:
    adviser, window = calendar.adviser, calendar.window
    if needed & ~open_bits(adviser.hours, adviser.zone, adviser.holidays, adviser.exceptions, window):
        day = local_date(start, adviser.zone)
        said = {"day": day.isoformat()}
        replaced = next((one.ranges for one in adviser.exceptions if one.day == said["day"]), None)
        if replaced is not None:
            yield "exception", said | {"hours": ", ".join(replaced)}
        elif is_holiday(adviser.holidays, day):
            yield "holiday", said
        else:
            yield (
                "outside_hours",
                said | {"hours": ", ".join(getattr(adviser.hours, WEEKDAYS[day.weekday()]))},
            )
    for away in adviser.absences:
        if needed & window.between(away.starts_at, away.ends_at):
            yield "absent", {"from": away.starts_at, "until": away.ends_at}


def _of_busy(busy: Busy, shape: Shape, cell: int) -> Found:
    first, end = cells_taken(busy)
    if first >= cell + shape.duration + shape.after or end <= cell - shape.before:
        return
    span: dict[str, Any] = {"from": first * CELL, "until": end * CELL}
    kind = busy.owner.partition(":")[0]
    if first >= cell + shape.duration or end <= cell:
        yield "buffer", span | {"kind": kind}
    elif busy.expires_at is not None:
        yield "held", span | {"expires": busy.expires_at}
    else:
        yield "busy", span | {"kind": kind}


def _of_limits(calendar: AdviserCalendar, start: int, busy: Sequence[Busy]) -> Found:
    adviser = calendar.adviser
    day = local_date(start, adviser.zone)
    limits = (("daily_limit", adviser.daily_limit, 1), ("weekly_limit", adviser.weekly_limit, 7))
    for code, limit, length in limits:
        if limit is None:
            continue
        begins = day - dt.timedelta(days=day.weekday() if length == 7 else 0)
        if limit <= 0 or begins in full_periods(adviser, busy, limit, length):
            yield code, {"limit": limit, "begins": begins.isoformat()}
