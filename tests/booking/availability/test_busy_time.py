"""Appointments, holds, buffers and limits."""

from presence.booking.availability import Calendars, Window, free_starts
from presence.booking.model import Agenda, Opening
from tests.booking.availability.cast import (
    ALWAYS,
    NEVER_CLOSED,
    adviser,
    at,
    daily,
    pool_of,
    service,
    shown,
    starts,
    taken,
)

PARIS = "Europe/Paris"
NOW = at("2026-06-10 00:00")  # a Wednesday
UTC_ALICE = adviser(zone="UTC")


def test_buffers_keep_a_distance_from_other_appointments_on_both_sides() -> None:
    wanted = service(grid=5, buffer_before=10, buffer_after=20)
    found = shown(starts(wanted, Agenda(UTC_ALICE, (taken(at("2026-06-10 12:00"), 30),)), now=NOW))
    assert "10 11:10" in found
    assert "10 11:15" not in found
    assert "10 12:35" not in found
    assert "10 12:40" in found


def test_a_buffer_may_reach_into_the_past() -> None:
    wanted = service(buffer_before=120)
    assert starts(wanted, UTC_ALICE, now=NOW)[0] == NOW


def test_busy_time_before_and_after_the_window_does_not_matter() -> None:
    far = (taken(at("2020-01-01 00:00"), 600), taken(at("2040-01-01 00:00"), 600))
    assert starts(service(), Agenda(UTC_ALICE, far), now=NOW) == starts(service(), UTC_ALICE, now=NOW)


def test_busy_time_that_is_not_on_cells_is_rounded_outwards() -> None:
    found = shown(starts(service(grid=5), Agenda(UTC_ALICE, (taken(at("2026-06-10 12:03"), 4),)), now=NOW))
    assert "10 11:30" in found
    assert "10 11:35" not in found
    assert "10 12:05" not in found
    assert "10 12:10" in found


def test_moving_looks_past_the_appointment_that_moves_and_no_other() -> None:
    busy = (taken(at("2026-06-10 12:00"), 30, "appointment:7"), taken(at("2026-06-10 12:30"), 30, "appointment:8"))
    found = shown(starts(service(), Agenda(UTC_ALICE, busy), now=NOW, ignoring="appointment:7"))
    assert "10 12:00" in found
    assert "10 12:30" not in found


def test_each_hold_runs_out_at_its_own_time() -> None:
    ten, eleven = at("2026-06-10 10:00"), at("2026-06-10 11:00")
    holds = (taken(eleven, 30, "hold:2", NOW + 600), taken(ten, 30, "hold:1", NOW + 300))
    pool = pool_of(Agenda(UTC_ALICE, holds), now=NOW, horizon=2)

    def hidden(now: int) -> set[int]:
        return {ten, eleven} - set(free_starts(service(), 30, pool, NEVER_CLOSED, now))

    assert hidden(NOW) == {ten, eleven}
    assert hidden(NOW + 300) == {eleven}
    assert hidden(NOW + 600) == set()
    assert hidden(NOW + 599) == {eleven}


def test_a_weekly_limit_counts_the_iso_week_of_the_advisers_zone() -> None:
    sunday_night = taken(at("2026-06-14 22:30"), 30)  # Monday 00:30 in Paris
    opening = Opening(zone=PARIS, hours=ALWAYS)
    alice = Agenda(adviser(weekly_limit=1), (sunday_night,))
    found = shown(starts(service(horizon=14), alice, now=NOW, opening=opening), PARIS)
    days = {one[:2] for one in found}
    assert days == {"10", "11", "12", "13", "14", "22", "23", "24"}


def test_a_weekly_limit_counts_what_lies_before_the_window_too() -> None:
    friday = at("2026-06-12 10:00")
    monday = taken(at("2026-06-08 10:00"), 30)
    assert monday.first >= Window.around(friday, 2).counted_from
    found = starts(service(horizon=3), Agenda(adviser(zone="UTC", weekly_limit=1), (monday,)), now=friday)
    assert {one[:2] for one in shown(found)} == {"15"}


def test_limits_count_holds_until_they_run_out_and_not_what_moves() -> None:
    opening = Opening(zone="UTC", hours=ALWAYS)
    today = service(horizon=0)
    hold = taken(at("2026-06-10 12:00"), 30, "hold:1", NOW + 300)
    pool = pool_of(Agenda(adviser(zone="UTC", daily_limit=1), (hold,)), now=NOW, opening=opening)
    assert free_starts(today, 30, pool, opening, NOW) == ()
    assert len(free_starts(today, 30, pool, opening, NOW, ignoring="hold:1")) == 48
    assert len(free_starts(today, 30, pool, opening, NOW + 300)) == 47


def test_an_appointment_in_two_pieces_counts_once() -> None:
    twice = (taken(at("2026-06-10 12:00"), 30), taken(at("2026-06-10 15:00"), 30))
    alice = Agenda(adviser(zone="UTC", daily_limit=2), twice)
    assert starts(service(horizon=0), alice, now=NOW)


def test_a_limit_of_nothing_closes_everything() -> None:
    assert starts(service(), adviser(daily_limit=0), now=NOW) == ()
    assert starts(service(), adviser(weekly_limit=0), now=NOW) == ()


def test_notice_is_counted_to_the_minute_and_rounded_up_to_the_grid() -> None:
    found = starts(service(grid=15, notice=61), UTC_ALICE, now=at("2026-06-10 08:59"))
    assert shown(found[:1]) == ["10 10:00"]
    found = starts(service(grid=15, notice=61), UTC_ALICE, now=at("2026-06-10 09:00"))
    assert shown(found[:1]) == ["10 10:15"]


def test_the_horizon_runs_to_the_end_of_the_organisations_day() -> None:
    opening = Opening(zone="America/New_York", hours=ALWAYS)
    found = starts(service(horizon=0), UTC_ALICE, now=at("2026-06-10 12:00"), opening=opening)
    assert shown(found[-1:]) == ["11 03:30"]


def test_a_new_agenda_takes_the_place_of_the_old_one() -> None:
    calendars = Calendars(NEVER_CLOSED, Window.around(NOW, 2))
    alice = adviser(zone="UTC", hours=daily("10:00-11:00"))

    def found() -> list[str]:
        calendar = calendars.get(alice.id)
        pool = [calendar] if calendar else []
        return shown(free_starts(service(horizon=0), 30, pool, NEVER_CLOSED, NOW))

    calendars.put(Agenda(alice))
    assert found() == ["10 10:00", "10 10:30"]
    calendars.put(Agenda(alice, (taken(at("2026-06-10 10:00"), 30),)))
    assert found() == ["10 10:30"]
    calendars.put(Agenda(adviser(zone="UTC", hours=daily("12:00-12:30"))))
    assert found() == ["10 12:00"]
    calendars.drop(alice.id)
    assert calendars.get(alice.id) is None
    assert found() == []
