"""The nights the clocks change, and zones that are not whole hours from UTC."""

import pytest

from presence.booking.availability import horizon_end
from presence.booking.model import Agenda, Opening
from presence.roster.model import DayException, WeeklyHours
from tests.booking.availability.cast import (
    ALWAYS,
    adviser,
    at,
    daily,
    ranges,
    service,
    shown,
    starts,
    taken,
)

PARIS, SYDNEY, SANTIAGO, LORD_HOWE = "Europe/Paris", "Australia/Sydney", "America/Santiago", "Australia/Lord_Howe"
CELLS = service(durations=(5,), grid=5)

# zone, an instant on the day before, the instant the clocks jump from 2:00 to 3:00
MISSING = [
    (PARIS, at("2026-03-28 08:00"), at("2026-03-29 01:00")),
    (SYDNEY, at("2026-10-03 00:00"), at("2026-10-03 16:00")),
]
# zone, an instant on the day before, the instant the clocks go back from 3:00 to 2:00
TWICE = [
    (PARIS, at("2026-10-24 08:00"), at("2026-10-25 01:00")),
    (SYDNEY, at("2026-04-04 00:00"), at("2026-04-04 16:00")),
]


@pytest.mark.parametrize(("zone", "now", "jump"), MISSING)
def test_half_past_two_is_not_offered_on_the_night_it_does_not_exist(zone: str, now: int, jump: int) -> None:
    alice = adviser(zone=zone, hours=WeeklyHours(sun=("01:00-04:00",)))
    found = starts(service(), alice, now=now)
    assert found == (jump - 3600, jump - 1800, jump, jump + 1800)
    assert [one[3:] for one in shown(found, zone)] == ["01:00", "01:30", "03:00", "03:30"]


@pytest.mark.parametrize(("zone", "now", "jump"), MISSING)
def test_a_range_inside_the_missing_hour_opens_nothing(zone: str, now: int, jump: int) -> None:
    assert starts(CELLS, adviser(zone=zone, hours=WeeklyHours(sun=("02:00-03:00",))), now=now) == ()


@pytest.mark.parametrize(("zone", "now", "jump"), MISSING)
def test_a_range_that_begins_in_the_missing_hour_opens_when_the_clock_gets_there(
    zone: str, now: int, jump: int
) -> None:
    alice = adviser(zone=zone, hours=WeeklyHours(sun=("02:30-03:30",)))
    assert ranges(starts(CELLS, alice, now=now), 5) == [(jump, jump + 1800)]


@pytest.mark.parametrize(("zone", "now", "jump"), TWICE)
def test_half_past_two_is_offered_twice_on_the_night_it_comes_twice(zone: str, now: int, jump: int) -> None:
    alice = adviser(zone=zone, hours=WeeklyHours(sun=("02:30-03:00",)))
    found = starts(service(), alice, now=now)
    assert found == (jump - 1800, jump + 1800)
    assert [one[3:] for one in shown(found, zone)] == ["02:30", "02:30"]


@pytest.mark.parametrize(("zone", "now", "jump"), TWICE)
def test_an_hour_that_comes_twice_has_room_for_two_hours(zone: str, now: int, jump: int) -> None:
    alice = adviser(zone=zone, hours=WeeklyHours(sun=("02:00-03:00",)))
    assert starts(service(durations=(120,)), alice, now=now) == (jump - 3600,)


@pytest.mark.parametrize(("zone", "now", "jump"), TWICE)
def test_taking_the_first_half_past_two_leaves_the_second(zone: str, now: int, jump: int) -> None:
    alice = adviser(zone=zone, hours=WeeklyHours(sun=("02:30-03:00",)))
    assert starts(service(), Agenda(alice, (taken(jump - 1800, 30),)), now=now) == (jump + 1800,)


@pytest.mark.parametrize(
    ("day", "opens", "closes"),
    [
        ("2026-03-28", "07:00", "21:00"),
        ("2026-03-29", "06:00", "20:00"),
        ("2026-10-24", "06:00", "20:00"),
        ("2026-10-25", "07:00", "21:00"),
    ],
)
def test_the_organisation_in_paris_opens_at_8_and_closes_at_22_on_the_days_around_a_change(
    day: str, opens: str, closes: str
) -> None:
    opening = Opening(zone=PARIS, hours=daily("08:00-22:00"))
    found = starts(CELLS, adviser(), now=at(f"{day} 00:00", PARIS), opening=opening)
    assert ranges(found, 5)[0] == (at(f"{day} {opens}"), at(f"{day} {closes}"))
    halves = starts(service(horizon=0), adviser(), now=at(f"{day} 00:00", PARIS), opening=opening)
    assert [one[3:] for one in (shown(halves, PARIS)[0], shown(halves, PARIS)[-1])] == ["08:00", "21:30"]
    assert len(halves) == 28


@pytest.mark.parametrize(
    ("zone", "now", "hours_long"),
    [
        (PARIS, at("2026-03-28 08:00"), 7),
        (PARIS, at("2026-10-24 08:00"), 9),
        (SYDNEY, at("2026-10-03 00:00"), 7),
        (SYDNEY, at("2026-04-04 00:00"), 9),
        (SANTIAGO, at("2026-09-05 12:00"), 7),
        (SANTIAGO, at("2026-04-04 12:00"), 9),
    ],
)
def test_a_night_shift_from_22_to_6_is_an_hour_shorter_or_longer(zone: str, now: int, hours_long: int) -> None:
    alice = adviser(zone=zone, hours=WeeklyHours(sat=("22:00-06:00",)))
    ((begins, ends),) = ranges(starts(CELLS, alice, now=now), 5)
    assert (ends - begins) // 3600 == hours_long
    assert [one[3:] for one in shown((begins, ends), zone)] == ["22:00", "06:00"]


def test_in_santiago_the_hour_before_midnight_comes_twice_and_the_hour_after_it_may_be_missing() -> None:
    late = adviser(zone=SANTIAGO, hours=WeeklyHours(sat=("23:00-24:00",)))
    assert starts(service(), late, now=at("2026-04-04 12:00")) == tuple(
        at("2026-04-05 02:00") + half * 1800 for half in range(4)
    )
    early = adviser(zone=SANTIAGO, hours=WeeklyHours(sun=("00:00-01:30",)))
    assert starts(service(), early, now=at("2026-09-05 12:00")) == (at("2026-09-06 04:00"),)


@pytest.mark.parametrize(
    ("now", "end"), [("2026-03-27 12:00", "2026-03-30 22:00"), ("2026-10-23 12:00", "2026-10-26 23:00")]
)
def test_a_horizon_that_crosses_the_change_ends_at_midnight_on_the_wall(now: str, end: str) -> None:
    opening = Opening(zone=PARIS, hours=ALWAYS)
    three = service(horizon=3)
    assert horizon_end(three, opening, at(now)) == at(end)
    assert starts(three, adviser(), now=at(now), opening=opening)[-1] == at(end) - 1800


def test_notice_is_elapsed_time_also_across_the_change() -> None:
    found = starts(service(notice=120), adviser(), now=at("2026-03-29 00:30"))
    assert shown(found[:1], PARIS) == ["29 04:30"]


def test_lord_howe_moves_its_clocks_by_half_an_hour() -> None:
    alice = adviser(zone=LORD_HOWE, hours=WeeklyHours(sun=("01:00-03:00",)))
    autumn = starts(service(), alice, now=at("2026-04-04 00:00"))
    assert [one[3:] for one in shown(autumn, LORD_HOWE)] == ["01:00", "01:30", "01:30", "02:00", "02:30"]
    assert autumn == tuple(at("2026-04-04 14:00") + half * 1800 for half in range(5))
    spring = starts(service(), alice, now=at("2026-10-03 00:00"))
    assert [one[3:] for one in shown(spring, LORD_HOWE)] == ["01:00", "01:30", "02:30"]


def test_the_grid_follows_the_wall_when_lord_howe_moves_its_clocks() -> None:
    alice = adviser(zone=LORD_HOWE, hours=WeeklyHours(sun=("00:00-04:00",)))
    hourly = starts(service(grid=60), alice, now=at("2026-04-04 00:00"))
    assert shown(hourly, LORD_HOWE) == ["05 00:00", "05 01:00", "05 02:00", "05 03:00"]
    assert shown(hourly) == ["04 13:00", "04 14:00", "04 15:30", "04 16:30"]


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "Asia/Kathmandu", "Pacific/Chatham", "America/St_Johns"])
def test_zones_that_are_not_whole_hours_away_keep_their_own_grid(zone: str) -> None:
    alice = adviser(zone=zone, hours=daily("09:00-12:00"))
    opening = Opening(zone=zone, hours=ALWAYS)
    now = at("2026-06-10 00:00", zone)
    found = starts(service(durations=(60,), grid=60, horizon=0), alice, now=now, opening=opening)
    assert shown(found, zone) == ["10 09:00", "10 10:00", "10 11:00"]


def test_advisers_of_two_zones_are_offered_together_on_the_night_one_of_them_changes() -> None:
    alice = adviser("alice", PARIS, hours=WeeklyHours(sun=("09:00-10:00",)))
    bob = adviser("bob", "America/New_York", hours=WeeklyHours(sun=("09:00-10:00",)))
    found = starts(service(), alice, bob, now=at("2026-03-28 08:00"))
    assert shown(found) == ["29 07:00", "29 07:30", "29 13:00", "29 13:30"]


def test_an_exception_on_the_day_of_the_change_is_read_on_the_wall() -> None:
    alice = adviser(exceptions=(DayException("2026-03-29", ("01:30-03:30",)),), hours=WeeklyHours())
    assert starts(service(), alice, now=at("2026-03-28 08:00")) == (
        at("2026-03-29 00:30"),
        at("2026-03-29 01:00"),
    )


def test_a_daily_limit_on_the_day_of_25_hours_closes_all_25() -> None:
    alice = Agenda(adviser(daily_limit=1), (taken(at("2026-10-25 12:00"), 30),))
    opening = Opening(zone=PARIS, hours=ALWAYS)
    found = starts(service(horizon=2), alice, now=at("2026-10-24 00:00", PARIS), opening=opening)
    assert {one[:2] for one in shown(found, PARIS)} == {"24", "26"}
    assert len(found) == 48 + 48
    assert len(starts(service(horizon=0), adviser(), now=at("2026-10-25 00:00", PARIS), opening=opening)) == 50


def test_the_window_itself_may_begin_or_end_near_a_change() -> None:
    for days_before in range(1, 45):
        now = at("2026-03-29 01:00") - days_before * 86_400
        found = starts(service(horizon=days_before + 1), adviser(hours=WeeklyHours(sun=("01:00-04:00",))), now=now)
        on_the_night = [one for one in found if at("2026-03-29 00:00") <= one < at("2026-03-29 02:00")]
        assert len(on_the_night) == 4, days_before
