"""The people and hours that booking reasons about: plain immutable values, no I/O."""

import datetime as dt
from typing import Literal, Self

import msgspec

Medium = Literal["video", "audio", "text"]
MEDIA: tuple[Medium, ...] = ("video", "audio", "text")

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

DAY_MINUTES = 24 * 60

Texts = dict[str, str]  # language -> text


class Range(msgspec.Struct, frozen=True, order=True):
    """Minutes of wall-clock time from a day's midnight, `start` included, `end` not; `end` past 1440 runs into the next day.

    Written "08:00-12:30"; an end not after the start means the next day ("22:00-06:00"), "24:00" is midnight, and an end
    of "23:59" (or any ":59") means the full minute after it, as calendars write the end of a day.
    """

    start: int
    end: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read "08:00-12:30"; raises `ValueError` saying what is wrong."""
        try:
            opening, closing = (part.strip() for part in text.split("-"))
            start, end = _minute_of_day(opening), _minute_of_day(closing)
        except ValueError:
            raise ValueError(f"{text!r} is not a range such as '08:00-12:30'") from None
        if start >= DAY_MINUTES:
            raise ValueError(f"{text!r} starts after the end of the day")
        if end % 5 == 4:  # 22:59 is how some calendars write 23:00
            end += 1
        if end <= start:
            end += DAY_MINUTES
        if start % 5 or end % 5:
            raise ValueError(f"{text!r}: hours are in steps of five minutes")
        return cls(start, end)

    def __str__(self) -> str:
        end = self.end if self.end <= DAY_MINUTES else self.end - DAY_MINUTES
        return f"{_clock_face(self.start)}-{_clock_face(end)}"


class WeeklyHours(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Ranges such as "08:00-12:30" per weekday; a day that is missing is closed."""

    mon: tuple[str, ...] = ()
    tue: tuple[str, ...] = ()
    wed: tuple[str, ...] = ()
    thu: tuple[str, ...] = ()
    fri: tuple[str, ...] = ()
    sat: tuple[str, ...] = ()
    sun: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for day in WEEKDAYS:
            for text in getattr(self, day):
                Range.parse(text)

    def ranges(self, weekday: int) -> tuple[Range, ...]:
        """The ranges that begin on a weekday (0 is Monday), in order."""
        return tuple(sorted(Range.parse(text) for text in getattr(self, WEEKDAYS[weekday])))


class DayException(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Replaces the hours that begin on one local date; no ranges means closed that day."""

    day: str  # ISO date, in the adviser's zone
    ranges: tuple[str, ...] = ()
    note: str = ""

    def __post_init__(self) -> None:
        if dt.date.fromisoformat(self.day).isoformat() != self.day:  # its other forms would match no day
            raise ValueError(f"{self.day!r} is not a date such as '2026-12-24'")
        for text in self.ranges:
            Range.parse(text)


class Absence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Away between two instants, whatever the hours say."""

    starts_at: int
    ends_at: int
    note: str = ""

    def __post_init__(self) -> None:
        if self.ends_at <= self.starts_at:
            raise ValueError("an absence ends after it begins")


class Adviser(msgspec.Struct, frozen=True, kw_only=True):
    """One adviser as the roster knows them."""

    id: int
    slug: str
    name: str
    email: str
    zone: str
    languages: tuple[str, ...]
    media: tuple[Medium, ...]
    hours: WeeklyHours
    holidays: str = ""  # country or country-region as `holidays` names them: "FR", "FR-57", "DE-BY"; empty: none
    daily_limit: int | None = None  # appointments a day, in the adviser's zone
    weekly_limit: int | None = None  # appointments an ISO week, in the adviser's zone
    exceptions: tuple[DayException, ...] = ()
    absences: tuple[Absence, ...] = ()
    supervisor: bool = False  # sees every conversation and may join it
    room: str = ""  # their own address in the place of a service's external room, such as a fixed meeting's


def _minute_of_day(text: str) -> int:
    hour, minute, *second = (int(part) for part in text.split(":"))
    if not (0 <= hour <= 24 and 0 <= minute < 60 and hour * 60 + minute <= DAY_MINUTES and len(second) <= 1):
        raise ValueError(text)
    return hour * 60 + minute


def _clock_face(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
