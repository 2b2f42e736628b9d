"""What is done about people: adding advisers, their hours, exceptions and absences."""

import datetime as dt
import re
from collections.abc import Callable

import msgspec
from sqlalchemy import Connection

from presence.clock import Clock
from presence.errors import FieldError, Invalid
from presence.roster import seed, store
from presence.roster.model import WEEKDAYS, Absence, Adviser, DayException, Range, WeeklyHours
from presence.storage.database import Database

_NUMBER = re.compile(r"[0-9]{1,6}")


class Roster:
    """The use cases of the roster."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def advisers(self) -> tuple[Adviser, ...]:
        """Every active adviser."""
        return await self._database.read(store.advisers)

    async def add(self, entry: seed.AdviserEntry) -> None:
        """Add an adviser. `Invalid` names what is wrong or taken."""
        now, wrong = self._clock.now(), seed.wrong_with(entry)

        def work(connection: Connection) -> None:
            if entry.slug in store.slugs(connection):
                wrong["slug"] = FieldError("This short name is taken")
            if seed.normal(entry.email) in store.mails(connection):
                wrong["email"] = FieldError("An adviser with this address is there already")
            if wrong:
                raise Invalid(wrong)
            seed.sow(connection, (), (entry,), now)

        await self._database.write(work)

    async def set_week(self, adviser_id: int, lines: dict[str, str], daily: str = "", weekly: str = "") -> None:
        """Set what every week is like: per weekday a line such as "08:00-12:00, 13:00-18:00", and how many appointments
        a day and a week are enough (empty: no limit). `Invalid` names each field, and nothing is changed.
        """
        read, wrong = _week(lines)
        limits: dict[str, int | None] = {}
        for name, text in (("daily_limit", daily.strip()), ("weekly_limit", weekly.strip())):
            limits[name] = int(text) if _NUMBER.fullmatch(text) else None
            if text and (limits[name] is None or int(text) > seed.MOST):
                wrong[name] = FieldError("A number up to %(most)s is needed", most=seed.MOST)
        if wrong:
            raise Invalid(wrong)
        hours = msgspec.json.encode(WeeklyHours(**read)).decode()
        await self._change(
            adviser_id,
            lambda connection, version: store.change_adviser(connection, adviser_id, version, hours=hours, **limits),
        )

    async def set_exception(self, adviser_id: int, day: str, ranges: str, note: str = "") -> None:
        """Open one date at other hours, or close it (no ranges)."""
        wrong: dict[str, FieldError] = {}
        try:
            day = dt.date.fromisoformat(day).isoformat()
        except ValueError:
            wrong["day"] = FieldError("Please choose a date")
        try:
            read = _ranges(ranges)
        except ValueError:
            wrong["ranges"] = FieldError("Hours are written 08:00-12:00, 13:00-18:00")
        if wrong:
            raise Invalid(wrong)
        one = DayException(day, read, note[:200])
        await self._change(adviser_id, lambda connection, _: store.set_exception(connection, adviser_id, one))

    async def drop_exception(self, adviser_id: int, day: str) -> None:
        """One date is as every week again."""
        await self._change(adviser_id, lambda connection, _: store.drop_exception(connection, adviser_id, day))

    async def add_absence(self, adviser_id: int, starts_at: int, ends_at: int, note: str = "") -> None:
        """Away between two instants."""
        if ends_at <= starts_at:
            raise Invalid({"ends": FieldError("The end must come after the beginning")})
        one = Absence(starts_at, ends_at, note[:200])
        await self._change(adviser_id, lambda connection, _: store.add_absence(connection, adviser_id, one))

    async def drop_absence(self, adviser_id: int, starts_at: int, ends_at: int) -> None:
        """Not away after all."""
        await self._change(
            adviser_id, lambda connection, _: store.drop_absence(connection, adviser_id, starts_at, ends_at)
        )

    async def _change(self, adviser_id: int, change: Callable[[Connection, int], None]) -> None:
        """Change an adviser's agenda under the clock, so that every offer notices."""

        def work(connection: Connection) -> None:
            version = store.raise_clock(connection)
            change(connection, version)
            store.change_adviser(connection, adviser_id, version)

        await self._database.write(work)


def hours_of(lines: dict[str, str]) -> WeeklyHours:
    """Weekly hours from a line a weekday; `Invalid` names the days that cannot be read."""
    read, wrong = _week(lines)
    if wrong:
        raise Invalid(wrong)
    return WeeklyHours(**read)


def _week(lines: dict[str, str]) -> tuple[dict[str, tuple[str, ...]], dict[str, FieldError]]:
    """What can be read of a week, and what cannot."""
    read: dict[str, tuple[str, ...]] = {}
    wrong: dict[str, FieldError] = {}
    for day in WEEKDAYS:
        try:
            read[day] = _ranges(lines.get(day, ""))
        except ValueError:
            wrong[day] = FieldError("Hours are written 08:00-12:00, 13:00-18:00")
    return read, wrong


def _ranges(text: str) -> tuple[str, ...]:
    parts = [part for part in re.split(r"[,;\s]+(?=\d{1,2}:\d\d\s*[-–])", text.strip().replace("–", "-")) if part]
    return tuple(str(Range.parse(part)) for part in parts)
