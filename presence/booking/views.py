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
    """A square of the month: `free` starts; `outside` the month it is shown in."""

    date: dt.date
    free: int
    outside: bool
    chosen: bool


class Month(NamedTuple):
    """A month of weeks, Monday first, and the months beside it that have something free (None: nothing there)."""

    first: dt.date
    weeks: tuple[tuple[Day, ...], ...]
    previous: dt.date | None
    following: dt.date | None


class Picker(NamedTuple):
    """Everything the picker shows."""

    month: Month
    day: dt.date | None
    parts: tuple[Part, ...]
    soonest: int | None


def local(instant: int, zone: str) -> dt.datetime:
    """An instant on the wall of a zone."""
    return dt.datetime.fromtimestamp(instant, ZoneInfo(zone))


def picker(starts: Sequence[int], zone: str, now: int, t: Translator, *, day: str = "", month: str = "") -> Picker:
    """The month and day to show: what is asked for, else those of the first free start."""
    dates = [local(start, zone).date() for start in starts]
    counts = Counter(dates)
    chosen = _date(day)
    if chosen not in counts:
        chosen = None
    first = _date(f"{month}-01") or (chosen or (dates[0] if dates else local(now, zone).date())).replace(day=1)
    if chosen is None and not day:
        chosen = next((date for date in dates if (date.year, date.month) == (first.year, first.month)), None)
    parts = hours_of(starts, zone, chosen, t) if chosen else ()
    return Picker(_month(first, counts, chosen), chosen, parts, starts[0] if starts else None)


def hours_of(starts: Sequence[int], zone: str, day: dt.date, t: Translator) -> tuple[Part, ...]:
    """The free starts of a local date, by part of the day."""
    mine = [start for start in starts if local(start, zone).date() == day]
    seen = Counter(t.time(start, zone) for start in mine)
    hours = []
    for start in mine:
        label = t.time(start, zone)
        # The night the clocks go back shows the same hour twice.
        hours.append(Hour(start, f"{label} ({utc_offset(zone, start)})" if seen[label] > 1 else label))
    by_part = groupby(hours, key=lambda hour: _part(local(hour.start, zone).hour))
    return tuple(Part(name, tuple(some)) for name, some in by_part)


def _part(hour: int) -> str:
    return next(name for end, name in _PARTS if hour < end)


def _month(first: dt.date, counts: Counter[dt.date], chosen: dt.date | None) -> Month:
    begin = first - dt.timedelta(days=first.weekday())
    following = _next_month(first)
    weeks = []
    while begin < following:
        week = [begin + dt.timedelta(days=n) for n in range(7)]
        weeks.append(tuple(Day(date, counts.get(date, 0), date.month != first.month, date == chosen) for date in week))
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
