"""What tests share: a clock they set, and the cast's small bank."""

from typing import Any

from presence.booking.model import Opening
from presence.roster.model import WeeklyHours

MONDAY = 1_780_898_400  # 2026-06-08T06:00:00Z, 08:00 in Paris
HOUR = 3600
DAY = 86_400
EVERY_DAY = dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), ("08:00-22:00",))
OPENING = Opening(zone="Europe/Paris", hours=WeeklyHours(**EVERY_DAY))


class FrozenClock:
    """Stands still until it is told otherwise."""

    def __init__(self, instant: int = MONDAY) -> None:
        self._instant = instant

    def now(self) -> int:
        return self._instant

    def now_ms(self) -> int:
        return self._instant * 1000

    def advance(self, seconds: int) -> None:
        self._instant += seconds

    def set(self, instant: int) -> None:
        self._instant = instant


def adviser(slug: str, **changes: Any) -> dict[str, Any]:
    """An adviser's entry of the configuration."""
    return {
        "slug": slug,
        "name": f"{slug.capitalize()} Martin",
        "email": f"{slug}@bank.example",
        "zone": "Europe/Paris",
        "languages": ["en", "fr"],
        "hours": {day: ["09:00-12:00", "14:00-18:00"] for day in ("mon", "tue", "wed", "thu", "fri")},
        "teams": ["advice"],
        **changes,
    }


def service(slug: str = "talk", **changes: Any) -> dict[str, Any]:
    """A service's entry of the configuration."""
    return {
        "slug": slug,
        "name": {"en": "A talk", "fr": "Un entretien"},
        "durations": [30],
        "pool": {"team": "advice"},
        **changes,
    }
