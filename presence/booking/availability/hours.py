"""Hours as bitmaps: what the clock on the wall says.

An instant is open when its wall-clock time lies in a range that began on that date (or the day before, past
midnight). So nothing needs to be decided on the nights when the clocks change: a range in the hour that comes
twice is open both times, one in the hour that is missing is never open.
"""

import datetime as dt
from collections.abc import Iterable
from functools import lru_cache
from math import lcm
from zoneinfo import ZoneInfo

from presence.booking.availability.window import DAY, DAY_CELLS, Window
from presence.booking.model import CELL
from presence.public_holidays import is_holiday
from presence.roster.model import Adviser, DayException, Range, WeeklyHours

EPOCH = dt.date(1970, 1, 1)
Segment = tuple[int, int, int]  # instants [from, to) and the offset from UTC that holds there, seconds


@lru_cache(maxsize=1024)
def clock_of(zone: str) -> ZoneInfo:
    """The zone of a name, read once: `ZoneInfo` itself holds on to eight."""
    return ZoneInfo(zone)


@lru_cache(maxsize=512)
def segments(zone: str, window: Window) -> tuple[Segment, ...]:
    """The parts of a window during which a zone's offset from UTC stays the same."""
    tz = clock_of(zone)
    found: list[Segment] = []
    at = window.begins_at
    while at < window.ends_at:
        offset = _offset(tz, at)
        end = at
        while end < window.ends_at and _offset(tz, end) == offset:
            end += DAY
        if end < window.ends_at or _offset(tz, window.ends_at - 1) != offset:
            end = _change(tz, end - DAY, min(end, window.ends_at), offset)
        end = min(end, window.ends_at)
        found.append((at, end, offset))
        at = end
    return tuple(found)


def _offset(tz: ZoneInfo, instant: int) -> int:
    delta = dt.datetime.fromtimestamp(instant, tz).utcoffset()
    return int(delta.total_seconds()) if delta else 0


def _change(tz: ZoneInfo, low: int, high: int, offset: int) -> int:
    """The first instant after `low`, up to `high`, with another offset; zones change on the minute."""
    while high - low > 60:
        middle = (low + high) // 120 * 60
        if _offset(tz, middle) == offset:
            low = middle
        else:
            high = middle
    return high


def local_date(instant: int, zone: str) -> dt.date:
    """The date on the wall."""
    return dt.datetime.fromtimestamp(instant, clock_of(zone)).date()


def midnight(day: dt.date, zone: str) -> int:
    """The instant a local date begins (where midnight is jumped over, the first instant after it)."""
    return int(dt.datetime.combine(day, dt.time(), clock_of(zone)).timestamp())


@lru_cache(maxsize=4096)
def _parsed(texts: tuple[str, ...]) -> tuple[Range, ...]:
    return tuple(Range.parse(text) for text in texts)


@lru_cache(maxsize=4096)
def _weekdays(hours: WeeklyHours) -> tuple[int, ...]:
    """Per weekday the cells of up to two days that its ranges open, as bits from its midnight on."""
    return tuple(_bits(hours.ranges(weekday)) for weekday in range(7))


def _bits(ranges: Iterable[Range]) -> int:
    bits = 0
    for one in ranges:
        first, end = one.start * 60 // CELL, one.end * 60 // CELL
        bits |= ((1 << (end - first)) - 1) << first
    return bits


@lru_cache(maxsize=8192)
def open_bits(
    hours: WeeklyHours,
    zone: str,
    holidays: str,
    exceptions: tuple[DayException, ...],
    window: Window,
) -> int:
    """The cells of a window in which hours are open; the same hours are built once, however many have them.

    An exception replaces the ranges that begin on its date, be it a holiday or not.
    """
    first_day = EPOCH + dt.timedelta(days=_wall_day(window))
    days = window.cells // DAY_CELLS + 4
    weekly = _weekdays(hours)
    special = {one.day: one.ranges for one in exceptions}
    wall = 0
    for number in range(days):
        day = first_day + dt.timedelta(days=number)
        replaced = special.get(day.isoformat()) if special else None
        if replaced is not None:
            bits = _bits(_parsed(replaced))
        elif is_holiday(holidays, day):
            bits = 0
        else:
            bits = weekly[day.weekday()]
        wall |= bits << (number * DAY_CELLS)
    return from_wall(wall, zone, window)


def _wall_day(window: Window) -> int:
    """The date with whose midnight bitmaps of wall-clock time begin, in days since the epoch.

    One day before a window's first local date, wherever it is, for what runs past midnight.
    """
    return window.begins_at // DAY - 2


def from_wall(wall: int, zone: str, window: Window) -> int:
    """Cells of the window whose wall-clock time is set in `wall`, a bitmap of wall-clock time."""
    wall_base = _wall_day(window) * DAY_CELLS
    bits = 0
    for begins, ends, offset in segments(zone, window):
        first, length = begins // CELL, (ends - begins) // CELL
        piece = (wall >> (first + offset // CELL - wall_base)) & ((1 << length) - 1)
        bits |= piece << (first - window.base_cell)
    return bits


@lru_cache(maxsize=1024)
def grid_bits(zone: str, minutes: int, window: Window) -> int:
    """Cells whose wall-clock minute of the day is a multiple of `minutes`."""
    step = lcm(minutes * 60, CELL) // CELL
    day = 0
    for cell in range(0, DAY_CELLS, step):
        day |= 1 << cell
    wall = 0
    for number in range(window.cells // DAY_CELLS + 4):
        wall |= day << (number * DAY_CELLS)
    return from_wall(wall, zone, window)


def adviser_hours(adviser: Adviser, window: Window) -> int:
    """The cells in which an adviser works."""
    bits = open_bits(adviser.hours, adviser.zone, adviser.holidays, adviser.exceptions, window)
    for away in adviser.absences:
        bits &= ~window.between(away.starts_at, away.ends_at)
    return bits
