"""The same answers the slow way: datetimes, minute by minute, straight from what the words mean.

Nothing of the engine is used here, so that the two can be held against each other.
"""

import datetime as dt
from collections.abc import Sequence
from zoneinfo import ZoneInfo

import holidays

from presence.booking.model import Agenda, Busy, Opening, Service
from presence.roster.model import Adviser, DayException, Range, WeeklyHours

MINUTE = 60
CELL_MINUTES = 5
FRENCH: dict[str, holidays.HolidayBase] = {}


def local(instant: int, zone: str) -> dt.datetime:
    """What the wall shows."""
    return dt.datetime.fromtimestamp(instant, ZoneInfo(zone))


def is_holiday(place: str, day: dt.date) -> bool:
    """Whether the library knows a holiday on a day."""
    if not place:
        return False
    country, _, region = place.partition("-")
    if place not in FRENCH:
        FRENCH[place] = holidays.country_holidays(country, subdiv=region or None)
    return day in FRENCH[place]


class Hours:
    """The ranges that begin on a date, read once a date."""

    def __init__(self, weekly: WeeklyHours, zone: str, place: str, exceptions: Sequence[DayException] = ()) -> None:
        self.weekly, self.zone, self.place = weekly, zone, place
        self.exceptions = {dt.date.fromisoformat(one.day): one for one in exceptions}
        self.seen: dict[dt.date, list[Range]] = {}

    def beginning_on(self, day: dt.date) -> list[Range]:
        if day not in self.seen:
            if day in self.exceptions:
                self.seen[day] = [Range.parse(text) for text in self.exceptions[day].ranges]
            elif is_holiday(self.place, day):
                self.seen[day] = []
            else:
                self.seen[day] = list(self.weekly.ranges(day.weekday()))
        return self.seen[day]

    def open_at(self, instant: int) -> bool:
        wall = local(instant, self.zone)
        minute, today = wall.hour * 60 + wall.minute, wall.date()
        for one in self.beginning_on(today):
            if one.start <= minute < one.end:
                return True
        return any(one.start <= minute + 1440 < one.end for one in self.beginning_on(today - dt.timedelta(days=1)))


def week_of(day: dt.date) -> tuple[int, int]:
    """The ISO year and week."""
    year, week, _ = day.isocalendar()
    return year, week


def counts(one: Busy, now: int, ignoring: str) -> bool:
    """Whether busy time matters now."""
    return one.owner != ignoring and (one.expires_at is None or now < one.expires_at)


def reaches_limit(adviser: Adviser, busy: Sequence[Busy], start: int) -> bool:
    """Whether the local day or week of a start is full."""
    today = local(start, adviser.zone).date()
    appointments = [(one.owner, local(one.starts_at, adviser.zone).date()) for one in busy]
    on_the_day = len({owner for owner, day in appointments if day == today})
    in_the_week = len({owner for owner, day in appointments if week_of(day) == week_of(today)})
    if adviser.daily_limit is not None and on_the_day >= adviser.daily_limit:
        return True
    return adviser.weekly_limit is not None and in_the_week >= adviser.weekly_limit


def last_day(service: Service, opening: Opening, now: int) -> dt.date:
    """The organisation's last date that can be booked."""
    day = local(now, opening.zone).date()
    if service.horizon_kind == "days":
        return day + dt.timedelta(days=service.horizon)
    business_days = 0
    while business_days < service.horizon:
        day += dt.timedelta(days=1)
        if day.isoweekday() <= 5 and not is_holiday(opening.holidays, day):
            business_days += 1
    return day


def starts_of(
    service: Service,
    duration: int,
    agenda: Agenda,
    opening: Opening,
    now: int,
    *,
    medium: str | None,
    spoken: str,
    ignoring: str,
) -> set[int]:
    """One adviser's free starts."""
    adviser = agenda.adviser
    offered = set(service.media) & set(adviser.media) & ({medium} if medium else set(service.media))
    if not offered or (spoken and spoken not in adviser.languages):
        return set()
    busy = [one for one in agenda.busy if counts(one, now, ignoring)]
    first = now - now % MINUTE
    end = first + (service.horizon * 2 + 6) * 1440 * MINUTE
    last = last_day(service, opening, now)
    while local(end, opening.zone).date() > last:
        end -= 60 * MINUTE
    end += 60 * MINUTE  # and cut to the minute below
    works = open_minutes(adviser, opening, first, end + duration * MINUTE)
    taken = taken_minutes(busy)
    found = set()
    for start in range(first, end, MINUTE):
        wall = local(start, adviser.zone)
        if (wall.hour * 60 + wall.minute) % service.grid or start < now + service.notice * MINUTE:
            continue
        if local(start, opening.zone).date() > last:
            continue
        itself = range(start, start + duration * MINUTE, MINUTE)
        padded = range(
            start - service.buffer_before * MINUTE,
            start + (duration + service.buffer_after) * MINUTE,
            MINUTE,
        )
        if not all(minute in works for minute in itself) or any(minute in taken for minute in padded):
            continue
        if not reaches_limit(adviser, busy, start):
            found.add(start)
    return found


def open_minutes(adviser: Adviser, opening: Opening, first: int, end: int) -> set[int]:
    """The minutes in which the adviser and the organisation both work."""
    own = Hours(adviser.hours, adviser.zone, adviser.holidays, adviser.exceptions)
    house = Hours(opening.hours, opening.zone, opening.holidays)
    works = {minute for minute in range(first, end, MINUTE) if own.open_at(minute) and house.open_at(minute)}
    for away in adviser.absences:  # rounded outwards to five minutes
        begins = away.starts_at - away.starts_at % 300
        works -= set(range(begins, away.ends_at + (-away.ends_at) % 300, MINUTE))
    return works


def taken_minutes(busy: Sequence[Busy]) -> set[int]:
    """The minutes of busy cells; what is empty takes the cell it is in."""
    taken: set[int] = set()
    for one in busy:
        cells = range(one.first, one.end if one.end > one.first else one.first + 1)
        taken.update(cell * 300 + minute * MINUTE for cell in cells for minute in range(CELL_MINUTES))
    return taken


def combined(service: Service, each: Sequence[set[int]]) -> set[int]:
    """What a pool offers together."""
    if not each:
        return set()
    return set.intersection(*each) if service.pool.collective else set.union(*each)
