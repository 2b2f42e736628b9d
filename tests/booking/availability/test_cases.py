"""The sixteen cases that other systems got wrong or wrote down, with their figures."""

from presence.booking.availability import choose, free_at, free_starts, horizon_end, personal_or_pool
from presence.booking.model import Agenda, Opening, Tally
from presence.roster.model import DayException, WeeklyHours
from tests.booking.availability.cast import (
    ALWAYS,
    NEVER_CLOSED,
    adviser,
    at,
    daily,
    pool_of,
    ranges,
    service,
    shown,
    starts,
    taken,
    weekdays,
)

NEW_YORK = "America/New_York"
CELLS = service(durations=(5,), grid=5, horizon=2)  # so that starts show the very ranges that are open


def test_case_1_new_york_opens_from_14_to_22_utc_on_the_19_working_days_left_in_november() -> None:
    now = at("2023-11-05 13:26:14")
    found = starts(
        service(durations=(5,), grid=5, horizon=25),
        adviser(zone=NEW_YORK, hours=weekdays("09:00-17:00")),
        now=now,
    )
    open_ranges = ranges(found, 5)
    assert len(open_ranges) == 19
    assert {(opens % 86_400, closes % 86_400) for opens, closes in open_ranges} == {(14 * 3600, 22 * 3600)}
    assert open_ranges[0][0] == at("2023-11-06 14:00")
    assert open_ranges[-1][1] == at("2023-11-30 22:00")


def test_case_2_an_exception_gives_a_day_other_hours_and_leaves_the_next_alone() -> None:
    alice = adviser(
        zone=NEW_YORK,
        hours=weekdays("08:00-17:00"),
        exceptions=(DayException("2023-06-13", ("10:00-15:00",)),),
    )
    assert ranges(starts(CELLS, alice, now=at("2023-06-13 04:00")), 5)[:2] == [
        (at("2023-06-13 14:00"), at("2023-06-13 19:00")),
        (at("2023-06-14 12:00"), at("2023-06-14 21:00")),
    ]


def test_case_3_an_exception_without_ranges_closes_the_day() -> None:
    alice = adviser(zone="Europe/London", hours=weekdays("08:00-17:00"), exceptions=(DayException("2023-06-13"),))
    assert ranges(starts(CELLS, alice, now=at("2023-06-12 23:00")), 5)[0] == (
        at("2023-06-14 07:00"),
        at("2023-06-14 16:00"),
    )


def test_case_4_an_exception_in_the_evening_falls_on_the_next_day_in_utc() -> None:
    alice = adviser(
        zone=NEW_YORK,
        hours=weekdays("08:00-17:00"),
        exceptions=(DayException("2023-06-13", ("22:00-23:00",)),),
    )
    assert ranges(starts(CELLS, alice, now=at("2023-06-13 04:00")), 5)[:2] == [
        (at("2023-06-14 02:00"), at("2023-06-14 03:00")),
        (at("2023-06-14 12:00"), at("2023-06-14 21:00")),
    ]


def test_case_5_ranges_that_meet_at_midnight_are_one() -> None:
    late, early = "23:00-24:00", "00:00-00:30"
    alice = adviser(
        zone="Europe/London",
        hours=WeeklyHours((late,), (early, late), (early, late), (early, late), (early, late), (early,)),
    )
    now = at("2023-06-13 12:00")
    assert ranges(starts(CELLS, alice, now=now), 5)[0] == (at("2023-06-13 22:00"), at("2023-06-13 23:30"))
    ninety = starts(service(durations=(90,), grid=30), alice, now=now)
    assert ninety[0] == at("2023-06-13 22:00")
    assert at("2023-06-13 22:30") not in ninety


def test_case_6_ranges_that_overlap_are_one() -> None:
    alice = adviser(zone="UTC", hours=WeeklyHours(mon=("06:00-10:00", "08:00-10:00")))
    found = starts(CELLS, alice, now=at("2023-06-12 00:00"))
    assert ranges(found, 5) == [(at("2023-06-12 06:00"), at("2023-06-12 10:00"))]
    assert len(found) == len(set(found)) == 48


def test_case_7_the_last_slot_before_22_59_59_is_at_22_45() -> None:
    alice = adviser(zone="Europe/Brussels", hours=daily("08:00-22:59:59"))
    quarter = service(durations=(15,), grid=15, horizon=0)
    opening = Opening(zone="Europe/Brussels", hours=ALWAYS)
    found = starts(quarter, alice, now=at("2023-07-13 06:00"), opening=opening)
    assert found[-1] == at("2023-07-13 20:45")
    assert shown(found[-1:], "Europe/Brussels") == ["13 22:45"]


def test_case_8_on_the_hour_means_the_hour_of_kolkata() -> None:
    alice = adviser(zone="Asia/Kolkata", hours=WeeklyHours(thu=("07:30-09:30",)))
    hourly = service(durations=(60,), grid=60)
    found = starts(hourly, alice, now=at("2023-07-13 00:00"))
    assert shown(found, "Asia/Kolkata") == ["13 08:00"]


def test_case_9_ten_busy_minutes_cost_one_hour_of_an_hourly_grid() -> None:
    alice = adviser(zone="UTC", hours=WeeklyHours(thu=("08:00-12:30",)))
    busy = taken(at("2023-07-13 10:00"), 10)
    found = starts(service(durations=(60,), grid=60), Agenda(alice, (busy,)), now=at("2023-07-13 00:00"))
    assert shown(found) == ["13 08:00", "13 09:00", "13 11:00"]


def test_case_10_touching_is_free_and_overlapping_midnight_is_not() -> None:
    now = at("2023-07-13 20:00")
    alice = Agenda(adviser(zone="UTC"), (taken(at("2023-07-14 00:00"), 30),))
    found = starts(service(grid=15), alice, now=now)
    assert at("2023-07-13 23:30") in found  # ends when the busy time begins
    assert at("2023-07-14 00:30") in found  # begins when it ends
    assert at("2023-07-13 23:45") not in found
    assert at("2023-07-14 00:15") not in found


def test_case_10_what_takes_no_time_still_conflicts_with_what_it_lies_in() -> None:
    now, nothing = at("2023-07-13 08:00"), taken(at("2023-07-13 10:10"), 0)
    found = starts(service(grid=5), Agenda(adviser(zone="UTC"), (nothing,)), now=now)
    assert at("2023-07-13 10:00") not in found
    assert at("2023-07-13 10:15") in found
    assert at("2023-07-13 09:40") in found


def test_case_11_a_daily_limit_counts_in_the_advisers_zone() -> None:
    opening = Opening(zone="Asia/Dhaka", hours=ALWAYS)
    now = at("2023-07-13 00:00", "Asia/Dhaka")
    booked = taken(at("2023-07-13 08:00"), 60)
    hourly = service(durations=(60,), grid=60, horizon=0)

    def left(limit: int) -> int:
        host = Agenda(adviser(zone="Asia/Dhaka", daily_limit=limit), (booked,))
        return len(starts(hourly, host, now=now, opening=opening))

    assert left(1) == 0
    assert left(2) == 23


def test_case_12_a_hold_hides_its_start_from_all_but_its_owner_until_it_runs_out() -> None:
    now, ten = at("2023-07-13 09:00"), at("2023-07-13 10:00")
    pool = pool_of(Agenda(adviser(zone="UTC"), (taken(ten, 30, "hold:12", expires_at=now + 300),)), now=now, horizon=2)
    one, another = service(), service(slug="another", durations=(60,), grid=60)
    assert ten not in free_starts(one, 30, pool, NEVER_CLOSED, now)
    assert ten not in free_starts(another, 60, pool, NEVER_CLOSED, now)
    assert ten in free_starts(one, 30, pool, NEVER_CLOSED, now, ignoring="hold:12")
    assert ten not in free_starts(one, 30, pool, NEVER_CLOSED, now, ignoring="hold:13")
    assert ten not in free_starts(one, 30, pool, NEVER_CLOSED, now + 299)
    assert ten in free_starts(one, 30, pool, NEVER_CLOSED, now + 300)
    assert ten in free_starts(another, 60, pool, NEVER_CLOSED, now + 300)
    assert ten not in free_starts(one, 30, pool, NEVER_CLOSED, now + 299), "time may be asked about in any order"


def test_case_13_two_business_days_from_a_friday_end_with_tuesday() -> None:
    now = at("2024-05-31 10:00")
    two = service(horizon=2, horizon_kind="business_days")
    assert horizon_end(two, NEVER_CLOSED, now) == at("2024-06-05 00:00")
    found = starts(two, adviser(zone="UTC"), now=now)
    assert shown(found[-1:]) == ["04 23:30"]


def test_case_14_a_personal_adviser_with_evenings_only_is_shown_alone() -> None:
    now = at("2023-07-13 08:00")
    wanted = service(horizon=20)
    alice = starts(wanted, adviser(zone="UTC", hours=daily("18:00-20:00")), now=now)
    everybody = starts(wanted, adviser(zone="UTC", hours=daily("08:00-20:00")), now=now)
    assert personal_or_pool(alice, everybody, wanted, now) == (alice, False)
    assert {one % 86_400 // 3600 for one in alice} == {18, 19}


def test_case_14_a_personal_adviser_who_has_nothing_for_two_weeks_leaves_it_to_the_pool() -> None:
    now = at("2023-07-13 08:00")
    wanted = service(horizon=20)
    pool = starts(wanted, adviser(zone="UTC"), now=now)
    too_late, just_soon_enough = (now + 14 * 86_400,), (now + 14 * 86_400 - 300,)
    assert personal_or_pool((), pool, wanted, now) == (pool, True)
    assert personal_or_pool(too_late, pool, wanted, now) == (pool, True)
    assert personal_or_pool(just_soon_enough, pool, wanted, now) == (just_soon_enough, False)
    assert personal_or_pool(too_late, (), wanted, now) == (too_late, False), "late is better than nothing"


ALICE, BOB, MONA = adviser("alice"), adviser("bob"), adviser("mona")


def test_case_15_the_highest_priority_is_asked_first() -> None:
    tallies = {1: Tally(priority=0), 2: Tally(priority=2), 3: Tally(priority=4, booked=50)}
    assert choose([ALICE, BOB, MONA], tallies) is MONA


def test_case_15_between_equals_the_least_recently_booked_is_asked_first() -> None:
    tallies = {1: Tally(booked=2, last_booked_at=900), 2: Tally(booked=2, last_booked_at=800)}
    assert choose([ALICE, BOB], tallies) is BOB
    assert choose([BOB, ALICE], {}) is ALICE, "and the first by id when nothing tells them apart"


def test_case_15_twice_the_weight_carries_twice_the_appointments() -> None:
    tallies = {1: Tally(weight=200, booked=3), 2: Tally(weight=100, booked=2)}
    assert choose([BOB, ALICE], tallies) is ALICE


def test_case_16_who_leads_by_more_than_the_threshold_is_left_out() -> None:
    tallies = {1: Tally(priority=4, booked=10), 2: Tally(booked=6)}
    assert choose([ALICE, BOB], tallies, lead_threshold=3) is BOB
    assert choose([ALICE, BOB], tallies, lead_threshold=4) is ALICE
    assert choose([ALICE, BOB], tallies) is ALICE
    assert choose([ALICE], tallies, lead_threshold=3) is ALICE, "nobody leads alone"


def test_the_personal_adviser_takes_it_whatever_the_figures_say_and_only_when_free() -> None:
    tallies = {1: Tally(booked=90), 2: Tally(priority=9)}
    assert choose([ALICE, BOB], tallies, personal=1, lead_threshold=3) is ALICE
    assert choose([BOB], tallies, personal=1) is BOB


def test_what_choose_is_given_is_what_free_at_found() -> None:
    now, ten = at("2023-07-13 09:00"), at("2023-07-13 10:00")
    pool = pool_of(Agenda(adviser("alice", "UTC"), (taken(ten, 30),)), adviser("bob", "UTC"), now=now)
    free = [one.adviser for one in free_at(service(), 30, ten, pool, NEVER_CLOSED, now)]
    assert choose(free, {}, personal=1).slug == "bob"
