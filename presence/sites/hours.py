"""When a site is open, by what the clock on its wall says. Pure.

As for advisers' hours: an instant is open when its wall-clock time lies in a range that began on that date, or the day before
past midnight. So the nights on which the clocks change need no rule: what lies in the hour that comes twice is open both times.
"""

import datetime as dt
from functools import lru_cache
from zoneinfo import ZoneInfo

from presence.roster.model import DAY_MINUTES, Range, WeeklyHours
from presence.roster.watching import Premises
from presence.sites.settings import Settings

STEP = 300  # seconds; hours begin and end on five minutes, and so do all that zones do to them
_WEEK = 8 * 86_400  # seconds in which hours that open at all have opened, also in the week in which the clocks change


def premises(settings: Settings, zone: str, now: int) -> Premises:
    """Who answers at a site, and whether it is open. `zone`: of hours that name none."""
    hours, zone = settings.hours, settings.zone or zone
    if hours is None:
        return Premises(settings.team)
    return Premises(settings.team, is_open(hours, zone, now), next_change(hours, zone, now))


def is_open(hours: WeeklyHours, zone: str, at: int) -> bool:
    """Whether an instant lies in the hours."""
    wall = dt.datetime.fromtimestamp(at, _clock_of(zone))
    minute, today = wall.hour * 60 + wall.minute, wall.weekday()
    ranges = _ranges(hours)
    return any(one.start <= minute < one.end for one in ranges[today]) or any(
        one.start <= minute + DAY_MINUTES < one.end for one in ranges[today - 1]
    )


def next_change(hours: WeeklyHours, zone: str, after: int) -> int | None:
    """When they next open, or close, after an instant; None when they never do."""
    return _next_change(hours, zone, after // STEP * STEP)


@lru_cache(maxsize=1024)
def _next_change(hours: WeeklyHours, zone: str, step: int) -> int | None:
    now = is_open(hours, zone, step)
    return next((at for at in range(step + STEP, step + _WEEK, STEP) if is_open(hours, zone, at) != now), None)


@lru_cache(maxsize=1024)
def _ranges(hours: WeeklyHours) -> tuple[tuple[Range, ...], ...]:
    """By weekday, read once."""
    return tuple(hours.ranges(weekday) for weekday in range(7))


@lru_cache(maxsize=256)
def _clock_of(zone: str) -> ZoneInfo:
    return ZoneInfo(zone)
