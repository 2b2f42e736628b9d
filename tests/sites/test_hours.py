"""When sites are open: by the clock on their wall, over midnight, and on the nights on which the clocks change."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from presence.roster.model import WeeklyHours
from presence.roster.watching import Premises
from presence.sites.hours import is_open, next_change, premises
from presence.sites.settings import Settings

PARIS = "Europe/Paris"
OFFICE = WeeklyHours(**dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), ("09:00-12:00", "14:00-18:00")))
NIGHTS = WeeklyHours(sat=("22:00-04:00",), sun=("02:30-05:00",))
ALWAYS = WeeklyHours(**dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), ("00:00-24:00",)))


def at(wall: str, zone: str = PARIS, fold: int = 0) -> int:
    """The instant of a wall-clock time, the later one of two with `fold`."""
    return int(dt.datetime.fromisoformat(wall).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp())


@pytest.mark.parametrize(
    ("wall", "open_", "change"),
    [
        ("2026-06-08T08:59", False, "2026-06-08T09:00"),
        ("2026-06-08T09:00", True, "2026-06-08T12:00"),
        ("2026-06-08T11:59:59", True, "2026-06-08T12:00"),
        ("2026-06-08T12:00", False, "2026-06-08T14:00"),
        ("2026-06-12T18:00", False, "2026-06-15T09:00"),  # a weekend
        ("2026-03-27T18:00", False, "2026-03-30T09:00"),  # in which the clocks go forward
        ("2026-10-23T18:00", False, "2026-10-26T09:00"),  # and back
    ],
)
def test_what_the_wall_says(wall: str, open_: bool, change: str) -> None:
    assert is_open(OFFICE, PARIS, at(wall)) is open_
    assert next_change(OFFICE, PARIS, at(wall)) == at(change)


def test_a_night_goes_on_after_midnight() -> None:
    assert not is_open(NIGHTS, PARIS, at("2026-06-13T21:55"))
    assert is_open(NIGHTS, PARIS, at("2026-06-13T22:00"))
    assert is_open(NIGHTS, PARIS, at("2026-06-14T03:59"))
    assert next_change(NIGHTS, PARIS, at("2026-06-13T23:00")) == at("2026-06-14T05:00")  # Sunday's hours follow at once


def test_the_hour_that_is_left_out_is_never_open() -> None:
    early = WeeklyHours(sun=("02:30-05:00",))
    assert next_change(early, PARIS, at("2026-03-29T01:00")) == at("2026-03-29T03:00")  # 02:30 does not come
    gone = WeeklyHours(sun=("02:00-03:00",))
    assert next_change(gone, PARIS, at("2026-03-29T01:00")) == at("2026-04-05T02:00")


def test_the_hour_that_comes_twice_is_open_twice() -> None:
    early = WeeklyHours(sun=("02:30-05:00",))
    changes = [at("2026-10-25T01:00")]
    while len(changes) < 5:
        found = next_change(early, PARIS, changes[-1])
        assert found is not None
        changes.append(found)
    assert changes[1:] == [
        at("2026-10-25T02:30"),
        at("2026-10-25T02:00", fold=1),  # the clock went back
        at("2026-10-25T02:30", fold=1),
        at("2026-10-25T05:00"),
    ]


def test_what_never_changes_has_no_next_change() -> None:
    for hours, open_ in ((ALWAYS, True), (WeeklyHours(), False)):
        assert is_open(hours, PARIS, at("2026-06-13T21:55")) is open_
        assert next_change(hours, PARIS, at("2026-06-13T21:55")) is None


def test_hours_are_of_the_sites_zone_else_of_the_organisations() -> None:
    now = at("2026-06-08T07:00", "UTC")  # 09:00 in Paris, 03:00 in New York
    assert premises(Settings(hours=OFFICE), PARIS, now).open
    there = premises(Settings(hours=OFFICE, zone="America/New_York", team="loans"), PARIS, now)
    assert there == Premises("loans", open=False, changes_at=at("2026-06-08T09:00", "America/New_York"))
    assert premises(Settings(), PARIS, now) == Premises()
