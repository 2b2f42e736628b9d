"""What the booking pages show, made from instants: months of days, and the hours of a day. Pure."""

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple
from zoneinfo import ZoneInfo

from presence.i18n import Translator, utc_offset

_PARTS = ((12, "morning"), (17, "afternoon"), (24, "evening"))


class Hour(NamedTuple):
    """A start that can be chosen. `label` tells the offset too where the clock shows the same time twice."""

    start: int
    label: str


class Part(NamedTuple):
    """A part of the day and its hours: morning, afternoon, evening."""

    name: str
    hours: tuple[Hour, ...]


class Day(NamedTuple):
    """A square of the month: `free` counts its starts; `outside` the month it is shown in."""

    date: dt.date
    free: int
    outside: bool
    chosen: bool
    today: bool


class Month(NamedTuple):
    """A month of weeks, Monday first, and the months beside it that have something free (None: nothing there)."""

    first: dt.date
    weeks: tuple[tuple[Day, ...], ...]
    previous: dt.date | None
    following: dt.date | None


class Picker(NamedTuple):
    """Everything the picker shows. Dates are the visitor's own."""

    month: Month
    day: dt.date | None
    parts: tuple[Part, ...]
    soonest: int | None
    wanted: int | None = None  # a start that was asked for and is free
    lost: int | None = None  # a start that was asked for and is not
    full: dt.date | None = None  # a day that was asked for and has nothing free

    @property
    def free(self) -> int:
        """How many hours of the day are free."""
        return sum(len(part.hours) for part in self.parts)


def local(instant: int, zone: str) -> dt.datetime:
    """An instant on the wall of a zone."""
    return dt.datetime.fromtimestamp(instant, ZoneInfo(zone))


def picker(
    starts: Sequence[int],
    zone: str,
    now: int,
    t: Translator,
    *,
    day: str = "",
    month: str = "",
    start: int | None = None,
) -> Picker:
    """The month and day to show: what is asked for, else those of the first free start.

    `day` and `month` come from the address ("2026-11-26", "2026-11") and may be anything.
    """
    dates = [local(one, zone).date() for one in starts]
    counts = Counter(dates)
    wanted = start if start in starts else None
    lost = start if start is not None and wanted is None and start > now else None
    asked = _date(day)
    if asked is None and start is not None and not month:
        asked = local(start, zone).date()
        if lost is not None:  # show the nearest day that has something, rather than an empty one
            nearest = min(starts, key=lambda one: abs(one - lost), default=lost)
            asked = local(nearest, zone).date()
    chosen = asked if asked in counts else None
    full = asked if asked is not None and chosen is None and lost is None else None
    first = _date(f"{month}-01") or (chosen or asked or (dates[0] if dates else local(now, zone).date())).replace(day=1)
    if chosen is None and full is None:
        chosen = next((date for date in dates if (date.year, date.month) == (first.year, first.month)), None)
    parts = hours_of(starts, zone, chosen, t) if chosen else ()
    shown = _month(first, counts, chosen, local(now, zone).date())
    return Picker(shown, chosen, parts, starts[0] if starts else None, wanted, lost, full)


def hours_of(starts: Sequence[int], zone: str, day: dt.date, t: Translator) -> tuple[Part, ...]:
    """The free starts of a local date, by part of the day."""
    mine = [start for start in starts if local(start, zone).date() == day]
    by_part = groupby(labelled(mine, zone, t), key=lambda hour: _part(local(hour.start, zone).hour))
    return tuple(Part(name, tuple(some)) for name, some in by_part)


def labelled(starts: Sequence[int], zone: str, t: Translator) -> tuple[Hour, ...]:
    """Starts with the hour the clock shows; with its offset too where the clock shows it twice that day.

    The night the clocks go back has 02:30 twice: "02:30 (UTC+2)", "02:30 (UTC+1)". That is so also when only one of
    the two is free, or nobody could tell which one it is.
    """
    return tuple(
        Hour(
            start,
            f"{t.time(start, zone)} ({utc_offset(zone, start)})" if _comes_twice(start, zone) else t.time(start, zone),
        )
        for start in starts
    )


def _comes_twice(start: int, zone: str) -> bool:
    here = local(start, zone)
    return here.utcoffset() != here.replace(fold=1 - here.fold).utcoffset()


def by_day(starts: Sequence[int], zone: str, t: Translator) -> tuple[tuple[dt.date, tuple[Hour, ...]], ...]:
    """Some starts in order of time, under their local dates."""
    days = groupby(sorted(starts), key=lambda start: local(start, zone).date())
    return tuple((day, labelled(tuple(some), zone, t)) for day, some in days)


def differs(zone: str, home: str, instant: int) -> bool:
    """Whether clocks in two zones show different times at an instant."""
    return local(instant, zone).utcoffset() != local(instant, home).utcoffset()


def _part(hour: int) -> str:
    return next(name for end, name in _PARTS if hour < end)


def _month(first: dt.date, counts: Counter[dt.date], chosen: dt.date | None, today: dt.date) -> Month:
    begin = first - dt.timedelta(days=first.weekday())
    following = _next_month(first)
    weeks = []
    while begin < following:
        week = [begin + dt.timedelta(days=n) for n in range(7)]
        weeks.append(
            tuple(Day(date, counts[date], date.month != first.month, date == chosen, date == today) for date in week)
        )
        begin += dt.timedelta(days=7)
    months = {date.replace(day=1) for date in counts}
    before = max((month for month in months if month < first), default=None)
    after = min((month for month in months if month > first), default=None)
    return Month(first, tuple(weeks), before, after)


def _next_month(first: dt.date) -> dt.date:
    return (first + dt.timedelta(days=32)).replace(day=1)


def _date(text: str) -> dt.date | None:
    try:
        date = dt.date.fromisoformat(text)
    except ValueError:
        return None
    return date if 1971 <= date.year <= 9000 else None


def away(seconds: int, t: Translator) -> str:
    """A time until something, in its two largest units: "2 days, 3 hours"."""
    minutes = max(seconds, 0) // 60
    days, rest = divmod(minutes, 1440)
    hours, minutes = divmod(rest, 60)
    words = []
    if days:
        words.append(t.ngettext("%(count)s day", "%(count)s days", days))
    if hours:
        words.append(t.ngettext("%(count)s hour", "%(count)s hours", hours))
    if minutes and not days:
        words.append(t.ngettext("%(count)s minute", "%(count)s minutes", minutes))
    return ", ".join(words[:2]) or t.gettext("less than a minute")
