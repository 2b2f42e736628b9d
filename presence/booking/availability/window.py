"""Bitmaps over a window of time: bit n is the cell `base_cell + n`."""

from typing import NamedTuple, Self

from presence.booking.model import CELL

DAY = 86_400
DAY_CELLS = DAY // CELL


class Window(NamedTuple):
    """The cells that bitmaps speak of."""

    base_cell: int
    cells: int

    @classmethod
    def around(cls, now: int, horizon_days: int) -> Self:
        """From yesterday's UTC midnight on, long enough for a horizon of days, business days or not."""
        # Two days of seven are a weekend's, at most one in twenty a holiday; and three weeks to spare.
        days = horizon_days * 3 // 2 + 24
        return cls((now // DAY - 1) * DAY_CELLS, days * DAY_CELLS)

    @property
    def begins_at(self) -> int:
        return self.base_cell * CELL

    @property
    def ends_at(self) -> int:
        return (self.base_cell + self.cells) * CELL

    @property
    def counted_from(self) -> int:
        """The cell from which on busy time must be known: weekly limits count since Monday, in any zone."""
        return self.base_cell - 7 * DAY_CELLS

    @property
    def everything(self) -> int:
        """All cells."""
        return (1 << self.cells) - 1

    def between(self, starts_at: int, ends_at: int) -> int:
        """Cells that begin in [starts_at, ends_at), both instants rounded outwards."""
        return self.span(starts_at // CELL, -(-ends_at // CELL))

    def span(self, first: int, end: int) -> int:
        """Cells first to end, the end not included, as far as they lie in the window."""
        low = min(max(first - self.base_cell, 0), self.cells)
        high = min(max(end - self.base_cell, low), self.cells)
        return ((1 << (high - low)) - 1) << low

    def bit(self, instant: int) -> int | None:
        """The number of the bit of the cell that begins at an instant; None when there is none."""
        number, rest = divmod(instant, CELL)
        position = number - self.base_cell
        return position if rest == 0 and 0 <= position < self.cells else None

    def instants(self, bits: int) -> tuple[int, ...]:
        """Where the set cells begin, in order."""
        digits = bin(bits)[:1:-1]
        base, found, at = self.base_cell, [], digits.find("1")
        while at >= 0:
            found.append((base + at) * CELL)
            at = digits.find("1", at + 1)
        return tuple(found)


def eroded(bits: int, length: int) -> int:
    """The cells from which on `length` cells are set; by doubling, so in log2(length) shifts."""
    reach = 1
    while reach < length and bits:
        step = min(reach, length - reach)
        bits &= bits >> step
        reach += step
    return bits
