"""How fast the engine is: calendars built cold, the union over a pool warm, who is free at a start.

The last rows step through datetimes the plain way, for a few of the advisers, to show what the bitmaps save.

Run: python -m bench.engine
"""

import datetime as dt
import random
import statistics
import time
from collections.abc import Callable, Sequence
from zoneinfo import ZoneInfo

from bench.table import Row, alone
from presence.booking.availability import (
    AdviserCalendar,
    Calendars,
    Window,
    free_at,
    free_starts,
    horizon_end,
)
from presence.booking.availability import hours as hours_of
from presence.booking.model import CELL, Agenda, Busy, Opening, Pool, Service
from presence.roster.model import MEDIA, Adviser, DayException, Range, WeeklyHours

NOW = int(dt.datetime(2026, 3, 16, 9, 0, tzinfo=dt.UTC).timestamp())  # the clocks change within the horizon
DAY = 86_400
ZONES = (
    "Europe/Paris",
    "Europe/London",
    "America/New_York",
    "America/Santiago",
    "Asia/Kolkata",
    "Australia/Sydney",
)
ALL_DAY = WeeklyHours(*[("00:00-24:00",)] * 7)
OPENING = Opening(zone="Europe/Paris", hours=ALL_DAY)


def team(count: int, days: int, seed: int = 1) -> list[Agenda]:
    """Advisers in six zones, each with hours of their own, a fifth of their time taken."""
    chance = random.Random(seed)
    return [_agenda(number, days, chance) for number in range(count)]


def _agenda(number: int, days: int, chance: random.Random) -> Agenda:
    opens, closes = chance.randrange(7, 11), chance.randrange(15, 20)
    day = (
        f"{opens:02}:{chance.randrange(0, 60, 5):02}-12:00",
        f"13:00-{closes:02}:{chance.randrange(0, 60, 5):02}",
    )
    closed = dt.date.fromtimestamp(NOW + chance.randrange(days) * DAY)  # noqa: DTZ012 - any day will do
    adviser = Adviser(
        id=number,
        slug=f"adviser-{number}",
        name=f"Adviser {number}",
        email=f"adviser-{number}@bank.example",
        zone=ZONES[number % len(ZONES)],
        languages=("fr", "en"),
        media=MEDIA,
        hours=WeeklyHours(day, day, day, day, day),
        daily_limit=12 if number % 10 == 0 else None,
        exceptions=(DayException(closed.isoformat()),) if number % 4 == 0 else (),
    )
    first = NOW // DAY * (DAY // CELL)
    busy = []
    for taken in range(days * 3):
        cell = first + chance.randrange(days * 288)
        busy.append(Busy(cell, cell + 6, f"appointment:{number * 1000 + taken}", cell * CELL))
    return Agenda(adviser, tuple(busy))


def service(days: int) -> Service:
    """Half an hour on the quarter."""
    return Service(slug="advice", name={"en": "Advice"}, horizon=days, grid=15, notice=60, pool=Pool(team="all"))


def built(agendas: Sequence[Agenda], days: int) -> list[AdviserCalendar]:
    """Every calendar, from nothing."""
    for cache in (hours_of.segments, hours_of.open_bits, hours_of.grid_bits):
        cache.cache_clear()
    calendars = Calendars(OPENING, Window.around(NOW, days))
    for agenda in agendas:
        calendars.put(agenda)
    return [one for agenda in agendas if (one := calendars.get(agenda.adviser.id)) is not None]


def milliseconds(work: Callable[[], object], rounds: int) -> float:
    """The median of some rounds."""
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken)


def plain_starts(agenda: Agenda, days: int) -> set[int]:
    """The floor: one adviser's free starts by stepping through datetimes."""
    adviser, tz, found = agenda.adviser, ZoneInfo(agenda.adviser.zone), set[int]()
    ranges = {weekday: adviser.hours.ranges(weekday) for weekday in range(7)}
    closed = {one.day for one in adviser.exceptions}
    end = horizon_end(service(days), OPENING, NOW)
    for start in range(NOW + 3600, end, 900):
        local = dt.datetime.fromtimestamp(start, tz)
        if local.date().isoformat() in closed or not _within(ranges[local.weekday()], local):
            continue
        if all(one.end * CELL <= start or one.first * CELL >= start + 1800 for one in agenda.busy):
            found.add(start)
    return found


def _within(ranges: Sequence[Range], local: dt.datetime) -> bool:
    minute = local.hour * 60 + local.minute
    return any(one.start <= minute and minute + 30 <= one.end for one in ranges)


def main(short: bool = False) -> list[Row]:
    """The row of the table of all measurements: what a page of a very large bank costs."""
    pool, wanted = built(team(5000, 14), 14), service(14)
    free_starts(wanted, 30, pool, OPENING, NOW)
    rounds = 2 if short else 10  # the quietest of some: other programs run here too
    union = min(milliseconds(lambda: free_starts(wanted, 30, pool, OPENING, NOW), 20) for _ in range(rounds))
    return [
        Row(
            "5,000 advisers, 14 days: union over the pool inside the engine",
            "< 5 ms warm",
            f"{union:.2f} ms",
            union < 5,
        )
    ]


def details() -> None:
    """Print what the engine takes for smaller and larger pools, cold and warm."""
    print(
        "| advisers | days | cold: build and first union, ms | union warm, ms | after one booking, ms "
        "| who is free at a start, ms | starts |"
    )
    print("|---|---|---|---|---|---|---|")
    for count, days in ((100, 14), (600, 14), (5000, 14), (300, 30)):
        _row(count, days)
    print("\n| plain datetimes, advisers | days | ms | times the engine's warm union | times its cold one |")
    print("|---|---|---|---|---|")
    for count, days in ((100, 14), (300, 30)):
        _floor_row(count, days)


def _row(count: int, days: int) -> None:
    agendas, wanted, rounds = team(count, days), service(days), 9 if count < 1000 else 3

    def union(calendars: Sequence[AdviserCalendar]) -> tuple[int, ...]:
        return free_starts(wanted, 30, calendars, OPENING, NOW)

    cold = milliseconds(lambda: union(built(agendas, days)), rounds)
    calendars = Calendars(OPENING, Window.around(NOW, days))
    for agenda in agendas:
        calendars.put(agenda)
    pool = [one for agenda in agendas if (one := calendars.get(agenda.adviser.id)) is not None]
    starts = union(pool)
    warm = milliseconds(lambda: union(pool), 50)
    who = milliseconds(lambda: free_at(wanted, 30, starts[len(starts) // 2], pool, OPENING, NOW), 50)

    def book() -> None:
        cell = starts[len(starts) // 2] // CELL
        known = agendas[0]
        calendars.put(Agenda(known.adviser, (*known.busy, Busy(cell, cell + 6, "appointment:0", cell * CELL))))
        changed = calendars.get(known.adviser.id)
        assert changed is not None
        union([changed, *pool[1:]])

    booked = milliseconds(book, 50)
    print(f"| {count} | {days} | {cold:.1f} | {warm:.2f} | {booked:.2f} | {who:.2f} | {len(starts)} |")


def _floor_row(count: int, days: int) -> None:
    agendas, wanted = team(count, days), service(days)
    plain = milliseconds(lambda: {start for one in agendas for start in plain_starts(one, days)}, 1)
    cold = milliseconds(lambda: free_starts(wanted, 30, built(agendas, days), OPENING, NOW), 5)
    pool = built(agendas, days)
    free_starts(wanted, 30, pool, OPENING, NOW)
    warm = milliseconds(lambda: free_starts(wanted, 30, pool, OPENING, NOW), 20)
    print(f"| {count} | {days} | {plain:.0f} | {plain / warm:,.0f} | {plain / cold:.0f} |")


if __name__ == "__main__":
    alone(main)
    print()
    details()
