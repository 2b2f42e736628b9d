"""Advisers' calendars: bitmaps built once and kept until their hours or their busy time change."""

import datetime as dt
from collections import Counter
from typing import NamedTuple

from presence.booking.availability.hours import adviser_hours, grid_bits, local_date, midnight, open_bits
from presence.booking.availability.window import Window, eroded
from presence.booking.model import CELL, Agenda, Busy, Opening, Service
from presence.roster.model import Adviser


class Shape(NamedTuple):
    """What decides on a start beside the adviser: cells, and the grid's minutes."""

    duration: int
    before: int
    after: int
    grid: int

    @classmethod
    def of(cls, service: Service, duration: int) -> "Shape":
        """The shape of a service; `duration` in minutes."""
        cell = CELL // 60
        return cls(duration // cell, service.buffer_before // cell, service.buffer_after // cell, service.grid)


class AdviserCalendar:
    """One adviser's bitmaps over a window."""

    __slots__ = ("_appointments", "_holds", "_kept", "agenda", "hours", "window")

    def __init__(self, agenda: Agenda, hours: int, window: Window) -> None:
        self.agenda = agenda
        self.hours = hours  # the adviser's own AND the organisation's
        self.window = window
        self._holds = tuple(one for one in agenda.busy if one.expires_at is not None)
        self._appointments = tuple(one for one in agenda.busy if one.expires_at is None)
        self._kept: dict[Shape, int] = {}

    @property
    def adviser(self) -> Adviser:
        return self.agenda.adviser

    def starts(self, shape: Shape, now: int, ignoring: str = "") -> int:
        """The cells at which something of this shape could start: kept, unless holds or `ignoring` make a difference."""
        if not self._holds and not ignoring:
            kept = self._kept.get(shape)
            if kept is None:
                kept = self._kept[shape] = self._starts(shape, self._appointments)
            return kept
        return self._starts(shape, self.counted(now, ignoring))

    def counted(self, now: int, ignoring: str = "") -> tuple[Busy, ...]:
        """What takes this adviser's time now: appointments and holds that have not run out, but for one owner's."""
        return tuple(
            one
            for one in (*self._appointments, *self._holds)
            if (one.expires_at is None or one.expires_at > now) and one.owner != ignoring
        )

    def _starts(self, shape: Shape, busy: tuple[Busy, ...]) -> int:
        free = self.window.everything & ~self.busy_bits(busy)
        open_long_enough = eroded(self.hours, shape.duration)
        # Cells before the window count as free: nothing can start there anyway.
        padded = (free << shape.before) | ((1 << shape.before) - 1)
        undisturbed = eroded(padded, shape.before + shape.duration + shape.after)
        bits = open_long_enough & undisturbed & grid_bits(self.adviser.zone, shape.grid, self.window)
        return bits & ~self.full_bits(busy)

    def busy_bits(self, busy: tuple[Busy, ...]) -> int:
        """The cells taken; what takes no time still takes the cell it is in."""
        bits = 0
        for one in busy:
            bits |= self.window.span(one.first, max(one.end, one.first + 1))
        return bits

    def full_bits(self, busy: tuple[Busy, ...]) -> int:
        """The adviser's local days and weeks that have reached a limit."""
        adviser, bits = self.adviser, 0
        for limit, length in ((adviser.daily_limit, 1), (adviser.weekly_limit, 7)):
            if limit is None:
                continue
            if limit <= 0:
                return self.window.everything
            for day in full_periods(adviser, busy, limit, length):
                end = day + dt.timedelta(days=length)
                bits |= self.window.between(midnight(day, adviser.zone), midnight(end, adviser.zone))
        return bits


def full_periods(adviser: Adviser, busy: tuple[Busy, ...], limit: int, length: int) -> list[dt.date]:
    """The first dates of the days (length 1) or ISO weeks (7) in which appointments have reached a limit."""
    begins = {one.owner: local_date(one.starts_at, adviser.zone) for one in busy}
    if length == 7:
        begins = {owner: day - dt.timedelta(days=day.weekday()) for owner, day in begins.items()}
    return [day for day, count in Counter(begins.values()).items() if count >= limit]


class Calendars:
    """Every adviser's calendar over one window, within the organisation's opening hours."""

    def __init__(self, opening: Opening, window: Window) -> None:
        self.opening = opening
        self.window = window
        self._open = opening_bits(opening, window)
        self._calendars: dict[int, AdviserCalendar] = {}

    def put(self, agenda: Agenda) -> None:
        """Take in an agenda, in the place of what was known; the hours are built anew only when the adviser differs."""
        known = self._calendars.get(agenda.adviser.id)
        if known is not None and known.adviser is agenda.adviser:
            hours = known.hours
        else:
            hours = adviser_hours(agenda.adviser, self.window) & self._open
        self._calendars[agenda.adviser.id] = AdviserCalendar(agenda, hours, self.window)

    def drop(self, adviser_id: int) -> None:
        """Forget an adviser."""
        self._calendars.pop(adviser_id, None)

    def get(self, adviser_id: int) -> AdviserCalendar | None:
        """One adviser's calendar."""
        return self._calendars.get(adviser_id)


def opening_bits(opening: Opening, window: Window) -> int:
    """The organisation's own hours."""
    return open_bits(opening.hours, opening.zone, opening.holidays, (), window)
