"""Public holidays of countries and their regions: "FR", "FR-57", "DE-BY"; "" is nowhere, which has none."""

import datetime as dt
import re
from functools import lru_cache

_PLACE = re.compile(r"[A-Z]{2}(-[^\s-]+)?")  # the library finds its own parts by other names


def is_holiday(place: str, day: dt.date) -> bool:
    """Whether a date is a public holiday in a country or region."""
    return bool(place) and day in _holidays_of(place, day.year)


def knows_holidays(place: str) -> bool:
    """Whether public holidays are known of a country or region, so that a configuration can be refused."""
    if not place:
        return True
    try:
        return _PLACE.fullmatch(place) is not None and bool(_holidays_of(place, 2026))
    except NotImplementedError:
        return False


@lru_cache(maxsize=1024)
def _holidays_of(place: str, year: int) -> frozenset[dt.date]:
    # Hundreds of modules, so only for those who name a place. The library's own object grows as it is
    # asked, which two threads must not do at once; a set of the year's dates is safe to share.
    import holidays

    country, _, region = place.partition("-")
    return frozenset(holidays.country_holidays(country, subdiv=region or None, years=year, expand=False))
