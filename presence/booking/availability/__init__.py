"""When somebody is free, and who: pure rules on bitmaps of five-minute cells."""

from presence.booking.availability.calendars import AdviserCalendar, Calendars
from presence.booking.availability.choosing import Rank, choose, personal_or_pool, rank
from presence.booking.availability.explaining import Reason, why
from presence.booking.availability.starts import (
    free_at,
    free_bits,
    free_starts,
    horizon_end,
    next_free_start,
    those_free_at,
)
from presence.booking.availability.window import Window

__all__ = [
    "AdviserCalendar",
    "Calendars",
    "Rank",
    "Reason",
    "Window",
    "choose",
    "free_at",
    "free_bits",
    "free_starts",
    "horizon_end",
    "next_free_start",
    "personal_or_pool",
    "rank",
    "those_free_at",
    "why",
]
