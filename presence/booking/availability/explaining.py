"""Why a start is not offered: the same bitmaps, asked one by one."""

from collections.abc import Sequence
from typing import Any

import msgspec

from presence.booking.availability.calendars import AdviserCalendar, Shape, full_periods, opening_bits
from presence.booking.availability.hours import grid_bits, is_holiday, local_date, open_bits
from presence.booking.availability.starts import able_of, earliest, free_at, horizon_end
from presence.booking.model import CELL, Opening, Service
from presence.roster.model import Medium


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """Why not: of one adviser (their slug), or of the service as a whole (None). Instants among `values` are integers."""

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
) -> list[Reason]:
    """Every reason against a start; none when it is offered."""
    asked: dict[str, Any] = {"medium": medium, "spoken": spoken, "ignoring": ignoring}
    if free_at(service, duration, start, calendars, opening, now, **asked):
        return []
    reasons = _of_service(service, start, calendars, opening, now)
    for one in calendars:
        reasons += _of_adviser(service, duration, start, one, opening, now, medium, spoken, ignoring)
    return reasons


def _of_service(
    service: Service, start: int, calendars: Sequence[AdviserCalendar], opening: Opening, now: int
) -> list[Reason]:
    reasons = []
    if not calendars:
        reasons.append(Reason(code="empty_pool"))
    if start < earliest(service, now):
        reasons.append(Reason(code="before_notice", values={"earliest": earliest(service, now)}))
    if start >= horizon_end(service, opening, now):
        reasons.append(Reason(code="beyond_horizon", values={"end": horizon_end(service, opening, now)}))
    if start % CELL:
        reasons.append(Reason(code="off_grid", values={"grid": service.grid}))
    return reasons


def _of_adviser(
    service: Service,
    duration: int,
    start: int,
    calendar: AdviserCalendar,
    opening: Opening,
    now: int,
    medium: Medium | None,
    spoken: str,
    ignoring: str,
) -> list[Reason]:
    adviser, window = calendar.adviser, calendar.window
    found: list[tuple[str, dict[str, Any]]] = []
    if not able_of(service, [calendar], medium, ""):
        found.append(("medium", {"medium": medium}))
    if not able_of(service, [calendar], None, spoken):
        found.append(("language", {"language": spoken}))
    bit = window.bit(start)
    if bit is not None:
        shape = Shape.of(service, duration)
        needed = ((1 << shape.duration) - 1) << bit
        if needed & ~opening_bits(opening, window):
            closed = opening.holidays and is_holiday(opening.holidays, local_date(start, opening.zone))
            found.append(("organisation_holiday" if closed else "organisation_closed", {}))
        found += _hours_against(calendar, start, needed)
        if not grid_bits(adviser.zone, service.grid, window) >> bit & 1:
            found.append(("off_grid", {"grid": service.grid}))
        found += _time_against(calendar, start, shape, now, ignoring)
    return [Reason(adviser=adviser.slug, code=code, values=values) for code, values in found]


def _hours_against(calendar: AdviserCalendar, start: int, needed: int) -> list[tuple[str, dict[str, Any]]]:
    adviser, window = calendar.adviser, calendar.window
    found: list[tuple[str, dict[str, Any]]] = []
    if needed & ~open_bits(adviser.hours, adviser.zone, adviser.holidays, adviser.exceptions, window):
        day = local_date(start, adviser.zone)
        if any(one.day == day.isoformat() for one in adviser.exceptions):
            found.append(("exception", {"day": day.isoformat()}))
        elif adviser.holidays and is_holiday(adviser.holidays, day):
            found.append(("holiday", {"day": day.isoformat()}))
        else:
            found.append(("outside_hours", {}))
    for away in adviser.absences:
        if needed & window.between(away.starts_at, away.ends_at):
            found.append(("absent", {"from": away.starts_at, "until": away.ends_at}))
    return found


def _time_against(
    calendar: AdviserCalendar, start: int, shape: Shape, now: int, ignoring: str
) -> list[tuple[str, dict[str, Any]]]:
    adviser, cell = calendar.adviser, start // CELL
    busy = calendar.counted(now, ignoring)
    found: list[tuple[str, dict[str, Any]]] = []
    for one in busy:
        first, end = one.first, max(one.end, one.first + 1)
        if first < cell + shape.duration and end > cell:
            values: dict[str, Any] = {"from": first * CELL, "until": end * CELL}
            if one.expires_at is not None:
                found.append(("held", values | {"expires": one.expires_at}))
            else:
                found.append(("busy", values))
        elif first < cell + shape.duration + shape.after and end > cell - shape.before:
            found.append(("buffer", {"from": first * CELL, "until": end * CELL}))
    for code, limit, length in (("daily_limit", adviser.daily_limit, 1), ("weekly_limit", adviser.weekly_limit, 7)):
        if limit is None:
            continue
        day = local_date(start, adviser.zone)
        days = full_periods(adviser, busy, limit, length)
        if limit <= 0 or any(0 <= (day - begin).days < length for begin in days):
            found.append((code, {"limit": limit}))
    return found
