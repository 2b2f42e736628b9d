"""Free starts: the union over a pool, or the intersection of all of a collective one."""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from operator import and_, or_

from presence.booking.availability.calendars import AdviserCalendar, Shape
from presence.booking.availability.hours import local_date, midnight
from presence.booking.availability.window import Window
from presence.booking.model import CELL, Opening, Service
from presence.public_holidays import is_holiday
from presence.roster.model import Medium


def free_starts(
    service: Service,
    duration: int,
    calendars: Sequence[AdviserCalendar],
    opening: Opening,
    now: int,
    *,
    medium: Medium | None = None,
    spoken: str = "",
    ignoring: str = "",
) -> tuple[int, ...]:
    """Every start that somebody of the pool (all of them, when collective) can take, in order.

    `duration` in minutes; without a `medium` any that the service offers will do; `ignoring` is the owner of
    busy time to look past ("hold:12", "appointment:7").
    """
    bits = free_bits(service, duration, calendars, opening, now, medium=medium, spoken=spoken, ignoring=ignoring)
    return calendars[0].window.instants(bits) if bits else ()


def next_free_start(
    service: Service,
    duration: int,
    calendars: Sequence[AdviserCalendar],
    opening: Opening,
    now: int,
    *,
    medium: Medium | None = None,
    spoken: str = "",
    ignoring: str = "",
) -> int | None:
    """The first of the free starts; None when there is none."""
    bits = free_bits(service, duration, calendars, opening, now, medium=medium, spoken=spoken, ignoring=ignoring)
    return calendars[0].window.instants(bits & -bits)[0] if bits else None


def free_bits(
    service: Service,
    duration: int,
    calendars: Sequence[AdviserCalendar],
    opening: Opening,
    now: int,
    *,
    medium: Medium | None = None,
    spoken: str = "",
    ignoring: str = "",
) -> int:
    """The free starts as cells of the window that all the calendars share."""
    able = able_of(service, calendars, medium, spoken)
    if not able:
        return 0
    shape = Shape.of(service, duration)
    combine = and_ if service.pool.collective else or_
    bits = reduce(combine, [one.starts(shape, now, ignoring) for one in able])
    return bits & bookable_bits(service, opening, now, able[0].window)


def free_at(
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
) -> list[AdviserCalendar]:
    """Who can take exactly this start, by the rules that offer it; of a collective pool all or nobody."""
    free = list(
        those_free_at(
            service, duration, start, calendars, opening, now, medium=medium, spoken=spoken, ignoring=ignoring
        )
    )
    return [] if service.pool.collective and len(free) < len(calendars) else free


def those_free_at(
    service: Service,
    duration: int,
    start: int,
    calendars: Iterable[AdviserCalendar],
    opening: Opening,
    now: int,
    *,
    medium: Medium | None = None,
    spoken: str = "",
    ignoring: str = "",
) -> Iterator[AdviserCalendar]:
    """One after the other of those who can take exactly this start: of a large pool often the first is enough."""
    if not earliest(service, now) <= start < horizon_end(service, opening, now):
        return
    shape, media = Shape.of(service, duration), _media(service, medium)
    for one in calendars:
        bit = one.window.bit(start)
        if bit is not None and one.begins(shape, bit, now, ignoring) and _is_able(one, media, spoken):
            yield one


def able_of(
    service: Service, calendars: Sequence[AdviserCalendar], medium: Medium | None, spoken: str
) -> list[AdviserCalendar]:
    """Who of a pool offers the medium and speaks the language; a collective pool is able only as a whole."""
    media = _media(service, medium)
    able = [one for one in calendars if _is_able(one, media, spoken)]
    return [] if service.pool.collective and len(able) < len(calendars) else able


def _media(service: Service, medium: Medium | None) -> frozenset[Medium]:
    return frozenset(one for one in service.media if medium is None or one == medium)


def _is_able(calendar: AdviserCalendar, media: frozenset[Medium], spoken: str) -> bool:
    adviser = calendar.agenda.adviser
    return not media.isdisjoint(adviser.media) and (not spoken or spoken in adviser.languages)


def bookable_bits(service: Service, opening: Opening, now: int, window: Window) -> int:
    """The cells between minimum notice and horizon."""
    first = -(-earliest(service, now) // CELL)
    return window.span(first, -(-horizon_end(service, opening, now) // CELL))


def earliest(service: Service, now: int) -> int:
    """The first instant that minimum notice leaves."""
    return now + service.notice * 60


def horizon_end(service: Service, opening: Opening, now: int) -> int:
    """The instant from which on nothing can be booked: the end of the last local day of the organisation."""
    day = local_date(now, opening.zone)
    if service.horizon_kind == "days":
        day += dt.timedelta(days=service.horizon)
    else:
        left = service.horizon
        while left > 0:
            day += dt.timedelta(days=1)
            if day.weekday() < 5 and not is_holiday(opening.holidays, day):
                left -= 1
    return midnight(day + dt.timedelta(days=1), opening.zone)
