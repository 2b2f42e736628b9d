"""Advisers' calendars: bitmaps built once and kept until their hours or their busy time change."""

import datetime as dt
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator
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
        before, after = service.buffer_before, service.buffer_after
        return cls(_cells(duration), _cells(before), _cells(after), service.grid)


def _cells(minutes: int) -> int:
    """Minutes as cells, rounded up."""
    return -(-minutes * 60 // CELL)


class AdviserCalendar:
    """One adviser's bitmaps over a window."""

    __slots__ = ("_expiries", "_holds", "_kept", "_lasting", "_octets", "_owners", "agenda", "hours", "window")

    def __init__(self, agenda: Agenda, hours: int, window: Window) -> None:
        self.agenda = agenda
        self.hours = hours  # the adviser's own AND the organisation's
        self.window = window
        self._lasting = tuple(one for one in agenda.busy if one.expires_at is None)
        held = [(one.expires_at, one) for one in agenda.busy if one.expires_at is not None]
        held.sort(key=lambda pair: pair[0])
        self._holds = tuple(one for _, one in held)
        self._expiries = tuple(expires_at for expires_at, _ in held)
        self._owners: frozenset[str] | None = None
        # With so many of the holds gone: the starts of each shape; and the same as bytes, for who asks of one cell.
        self._kept: tuple[int, dict[Shape, int]] = (0, {})
        self._octets: dict[Shape, bytes] = {}

    @property
    def adviser(self) -> Adviser:
        return self.agenda.adviser

    def starts(self, shape: Shape, now: int, ignoring: str = "") -> int:
        """The cells at which something of this shape could start; kept until a hold runs out."""
        if ignoring and self._has(ignoring):
            return self._starts(shape, self.counted(now, ignoring))
        gone = bisect_right(self._expiries, now) if self._expiries else 0
        kept_for, kept = self._kept
        if kept_for != gone:
            kept = {}
            self._kept = gone, kept
            self._octets = {}
        bits = kept.get(shape)
        if bits is None:
            bits = kept[shape] = self._starts(shape, self.counted(now))
        return bits

    def begins(self, shape: Shape, number: int, now: int, ignoring: str = "") -> bool:
        """Whether something of this shape could start at one cell, by its bit's number: `starts`, asked of one bit.

        A shift or a mask would go through the whole bitmap, and those of hundreds of advisers fit no cache.
        """
        if ignoring and self._has(ignoring):
            return bool(self._starts(shape, self.counted(now, ignoring)) >> number & 1)
        octets = self._octets.get(shape)
        if octets is None or self._expiries:
            bits = self.starts(shape, now)  # also forgets what was kept before a hold ran out
            octets = self._octets.get(shape)
            if octets is None:
                octets = self._octets[shape] = bits.to_bytes(self.window.cells // 8 + 1, "little")
        return bool(octets[number >> 3] >> (number & 7) & 1)

    def next_beginning(self, now: int) -> int | None:
        """When this adviser is next there again: at work and free, and just before either not; None within the window."""
        there = self.hours & ~self._busy_bits(self.counted(now))
        first = now // CELL + 1
        later = (there & ~(there << 1)) >> max(first - self.window.base_cell, 0)
        return (first + (later & -later).bit_length() - 1) * CELL if later else None

    def counted(self, now: int, ignoring: str = "") -> tuple[Busy, ...]:
        """What takes this adviser's time: appointments, holds that have not run out; but for one owner's."""
        counted = self._lasting + self._holds[bisect_right(self._expiries, now) :]
        return tuple(one for one in counted if one.owner != ignoring) if ignoring else counted

    def _has(self, owner: str) -> bool:
        if self._owners is None:
            self._owners = frozenset(one.owner for one in self.agenda.busy)
        return owner in self._owners

    def _starts(self, shape: Shape, busy: tuple[Busy, ...]) -> int:
        free = self.window.everything & ~self._busy_bits(busy)
        open_long_enough = eroded(self.hours, shape.duration)
        # Cells before the window count as free: nothing can start there anyway.
        padded = (free << shape.before) | ((1 << shape.before) - 1)
        undisturbed = eroded(padded, shape.before + shape.duration + shape.after)
        bits = open_long_enough & undisturbed & grid_bits(self.adviser.zone, shape.grid, self.window)
        return bits & ~self._full_bits(busy)

    def _busy_bits(self, busy: Iterable[Busy]) -> int:
        base, bits = self.window.base_cell, 0
        last = base + self.window.cells
        for one in busy:
            first, end = one.first, one.end
            if base <= first < end <= last:  # nearly all: a pool has thousands
                bits |= ((1 << end - first) - 1) << first - base
            else:
                bits |= self.window.span(*cells_taken(one))
        return bits

    def _full_bits(self, busy: tuple[Busy, ...]) -> int:
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


def cells_taken(busy: Busy) -> tuple[int, int]:
    """First cell and one past the last: what takes no time still takes the cell it is in."""
    return busy.first, max(busy.end, busy.first + 1)


def full_periods(adviser: Adviser, busy: Iterable[Busy], limit: int, length: int) -> list[dt.date]:
    """The first dates of the days (length 1) or ISO weeks (7) in which appointments have reached a limit.

    An appointment in several pieces counts once.
    """
    days = {(one.owner, local_date(one.starts_at, adviser.zone)) for one in busy}
    if length == 7:
        days = {(owner, day - dt.timedelta(days=day.weekday())) for owner, day in days}
    return [day for day, count in Counter(day for _, day in days).items() if count >= limit]


class Calendars:
    """Every adviser's calendar over one window, within the organisation's opening hours."""

    def __init__(self, opening: Opening, window: Window) -> None:
        self.opening = opening
        self.window = window
        self._open = opening_bits(opening, window)
        self._calendars: dict[int, AdviserCalendar] = {}

    def put(self, agenda: Agenda) -> None:
        """Take in an agenda in the place of what was known; hours are built anew when the adviser changed."""
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

    def all(self) -> list[AdviserCalendar]:
        """Every calendar."""
        return list(self._calendars.values())

    def each(self, adviser_ids: Iterable[int]) -> Iterator[AdviserCalendar]:
        """One after the other, the calendars of those advisers who have one, in their order."""
        return filter(None, map(self._calendars.get, adviser_ids))

    def of(self, adviser_ids: Iterable[int]) -> list[AdviserCalendar]:
        """The same, all at once."""
        return list(self.each(adviser_ids))


def opening_bits(opening: Opening, window: Window) -> int:
    """The organisation's own hours."""
    return open_bits(opening.hours, opening.zone, opening.holidays, (), window)
