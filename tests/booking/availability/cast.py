"""Alice, Bob and what the tests say about them in one line."""

import datetime as dt
from collections.abc import Iterable
from typing import Any
from zoneinfo import ZoneInfo

from presence.booking.availability import AdviserCalendar, Calendars, Window, free_at, free_starts
from presence.booking.model import CELL, Agenda, Busy, Opening, Pool, PoolMember, Service
from presence.roster.model import MEDIA, Adviser, WeeklyHours

ALL_DAY = "00:00-24:00"
ALWAYS = WeeklyHours(*[(ALL_DAY,)] * 7)
NEVER_CLOSED = Opening(zone="UTC", hours=ALWAYS)


def at(text: str, zone: str = "UTC", *, fold: int = 0) -> int:
    """The instant of "2026-03-29 02:30" on a zone's wall."""
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp())


def shown(instants: Iterable[int], zone: str = "UTC") -> list[str]:
    """Instants as "29 02:30" (day of the month, wall-clock time)."""
    return [dt.datetime.fromtimestamp(one, ZoneInfo(zone)).strftime("%d %H:%M") for one in instants]


def ranges(starts: Iterable[int], minutes: int) -> list[tuple[int, int]]:
    """Starts of something that takes `minutes`, put together to the ranges they cover."""
    found: list[tuple[int, int]] = []
    for start in starts:
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], start + minutes * 60
        else:
            found.append((start, start + minutes * 60))
    return found


def weekdays(*texts: str) -> WeeklyHours:
    """Monday to Friday."""
    return WeeklyHours(texts, texts, texts, texts, texts)


def daily(*texts: str) -> WeeklyHours:
    """Every day of the week."""
    return WeeklyHours(*[texts] * 7)


def adviser(slug: str = "alice", zone: str = "Europe/Paris", **changes: Any) -> Adviser:
    """Alice, who always works, unless told otherwise."""
    ids = {"alice": 1, "bob": 2, "mona": 3}
    values: dict[str, Any] = {
        "id": ids.get(slug, 9),
        "slug": slug,
        "name": slug.title(),
        "email": f"{slug}@bank.example",
        "zone": zone,
        "languages": ("fr", "en"),
        "media": MEDIA,
        "hours": ALWAYS,
    }
    return Adviser(**(values | changes))


def service(**changes: Any) -> Service:
    """Half an hour on the half hour, at once, two days ahead."""
    values: dict[str, Any] = {
        "slug": "advice",
        "name": {"en": "Advice"},
        "durations": (30,),
        "grid": 30,
        "notice": 0,
        "horizon": 2,
        "pool": Pool(team="all"),
    }
    return Service(**(values | changes))


COLLECTIVE = Pool(advisers=(PoolMember(adviser="alice"), PoolMember(adviser="bob")), collective=True)


def taken(starts_at: int, minutes: int, owner: str = "appointment:7", expires_at: int | None = None) -> Busy:
    """Busy time from an instant on, rounded outwards to cells."""
    return Busy(starts_at // CELL, -(-(starts_at + minutes * 60) // CELL), owner, starts_at, expires_at)


def pool_of(
    *advisers: Adviser | Agenda, now: int, horizon: int = 30, opening: Opening = NEVER_CLOSED
) -> list[AdviserCalendar]:
    """Built calendars."""
    calendars = Calendars(opening, Window.around(now, horizon))
    found = []
    for one in advisers:
        agenda = one if isinstance(one, Agenda) else Agenda(one)
        calendars.put(agenda)
        calendar = calendars.get(agenda.adviser.id)
        assert calendar is not None
        found.append(calendar)
    return found


def starts(
    wanted: Service,
    *advisers: Adviser | Agenda,
    now: int,
    minutes: int | None = None,
    opening: Opening = NEVER_CLOSED,
    **asked: Any,
) -> tuple[int, ...]:
    """Free starts; and each of them, and nothing beside it, can be taken."""
    duration = minutes or wanted.durations[0]
    pool = pool_of(*advisers, now=now, horizon=wanted.horizon, opening=opening)
    found = free_starts(wanted, duration, pool, opening, now, **asked)
    window = Window.around(now, wanted.horizon)
    step = max(len(found) // 40, 1) * CELL  # looked at one by one, but not all of them
    around = {one for start in found[:: step // CELL] for one in (start - CELL, start, start + CELL)}
    for start in around | set(range(now // CELL * CELL, window.ends_at, DAY_AND_A_BIT)):
        able = free_at(wanted, duration, start, pool, opening, now, **asked)
        assert bool(able) == (start in found), shown([start])
    return found


DAY_AND_A_BIT = 86_400 + 7 * CELL
