"""Weekly hours, exceptions, public holidays, absences, the organisation's own hours."""

import subprocess
import sys

import pytest

from presence.booking.availability import horizon_end
from presence.booking.model import Opening
from presence.public_holidays import knows_holidays
from presence.roster.model import Absence, DayException, WeeklyHours
from tests.booking.availability.cast import ALWAYS, adviser, at, daily, ranges, service, shown, starts, weekdays

PARIS = "Europe/Paris"
CELLS = service(durations=(5,), grid=5)


def test_several_ranges_a_day_leave_the_noon_free() -> None:
    alice = adviser(hours=weekdays("08:00-12:30", "14:00-18:00"))
    found = starts(service(durations=(60,), grid=60), alice, now=at("2026-06-10 00:00", PARIS))
    assert [one[3:] for one in shown(found, PARIS) if one.startswith("10")] == [
        "08:00",
        "09:00",
        "10:00",
        "11:00",
        "14:00",
        "15:00",
        "16:00",
        "17:00",
    ]


def test_the_last_slot_before_closing_is_kept() -> None:
    alice = adviser(hours=daily("08:00-18:00"))
    found = starts(service(durations=(45,), grid=15), alice, now=at("2026-06-10 00:00", PARIS))
    assert "10 17:15" in shown(found, PARIS)
    assert "10 17:30" not in shown(found, PARIS)


def test_an_exception_replaces_what_begins_on_its_day_and_not_what_runs_over_from_the_day_before() -> None:
    alice = adviser(hours=daily("22:00-02:00"), exceptions=(DayException("2026-06-10"),))
    found = ranges(starts(CELLS, alice, now=at("2026-06-09 12:00", PARIS)), 5)
    assert found[:2] == [
        (at("2026-06-09 22:00", PARIS), at("2026-06-10 02:00", PARIS)),
        (at("2026-06-11 22:00", PARIS), at("2026-06-12 02:00", PARIS)),
    ]


def test_an_exception_may_run_past_midnight_itself() -> None:
    alice = adviser(hours=WeeklyHours(), exceptions=(DayException("2026-06-10", ("23:00-01:00",)),))
    assert ranges(starts(CELLS, alice, now=at("2026-06-10 00:00", PARIS)), 5) == [
        (at("2026-06-10 23:00", PARIS), at("2026-06-11 01:00", PARIS))
    ]


def test_a_public_holiday_closes_its_day_in_its_country_only() -> None:
    now = at("2026-07-13 22:00")  # the 14th begins in Paris
    today = service(horizon=0)
    opening = Opening(zone=PARIS, hours=ALWAYS)
    assert starts(today, adviser(holidays="FR"), now=now, opening=opening) == ()
    assert len(starts(today, adviser(holidays="DE"), now=now, opening=opening)) == 48


def test_a_region_has_holidays_of_its_own() -> None:
    now = at("2026-12-26 00:00", PARIS)
    opening = Opening(zone=PARIS, hours=ALWAYS)
    today = service(horizon=0)
    assert starts(today, adviser(holidays="FR-57"), now=now, opening=opening) == (), "Saint Stephen's, in Moselle"
    assert len(starts(today, adviser(holidays="FR"), now=now, opening=opening)) == 48


def test_an_exception_opens_a_holiday() -> None:
    alice = adviser(holidays="FR", exceptions=(DayException("2026-07-14", ("10:00-12:00",)),))
    opening = Opening(zone=PARIS, hours=ALWAYS)
    found = starts(CELLS, alice, now=at("2026-07-13 22:00"), opening=opening)
    assert ranges(found, 5)[0] == (at("2026-07-14 10:00", PARIS), at("2026-07-14 12:00", PARIS))


def test_a_night_that_began_before_the_holiday_is_worked_to_its_end() -> None:
    alice = adviser(holidays="FR", hours=daily("22:00-06:00"))
    found = starts(CELLS, alice, now=at("2026-07-13 12:00", PARIS))
    assert ranges(found, 5)[0] == (at("2026-07-13 22:00", PARIS), at("2026-07-14 06:00", PARIS))
    assert not any(one.startswith("14 22") for one in shown(found, PARIS))


def test_when_the_organisation_has_a_holiday_nobody_is_offered() -> None:
    opening = Opening(zone=PARIS, hours=ALWAYS, holidays="FR")
    found = starts(service(), adviser(), now=at("2026-07-13 12:00", PARIS), opening=opening)
    assert {one[:2] for one in shown(found, PARIS)} == {"13", "15"}


def test_business_days_skip_weekends_and_the_organisations_holidays() -> None:
    opening = Opening(zone=PARIS, hours=ALWAYS, holidays="FR")
    two = service(horizon=2, horizon_kind="business_days")
    friday = at("2026-07-10 12:00", PARIS)  # Monday 13th, then Wednesday 15th: the 14th is a holiday
    assert horizon_end(two, opening, friday) == at("2026-07-16 00:00", PARIS)


def test_a_long_horizon_of_business_days_fits_into_the_window() -> None:
    opening = Opening(zone=PARIS, hours=ALWAYS, holidays="FR-57")
    for horizon in (0, 5, 20, 90, 260):
        wanted = service(horizon=horizon, horizon_kind="business_days")
        now = at("2026-12-18 12:00", PARIS)
        found = starts(wanted, adviser(), now=now, opening=opening)
        last_day_end = horizon_end(wanted, opening, now)
        assert found[-1] == last_day_end - 1800, horizon


def test_an_absence_blocks_what_touches_it_and_is_rounded_outwards() -> None:
    away = Absence(at("2026-06-10 10:02"), at("2026-06-10 11:58"))
    alice = adviser(zone="UTC", hours=daily("09:00-13:00"), absences=(away,))
    found = starts(CELLS, alice, now=at("2026-06-10 00:00"))
    assert ranges(found, 5)[:2] == [
        (at("2026-06-10 09:00"), at("2026-06-10 10:00")),
        (at("2026-06-10 12:00"), at("2026-06-10 13:00")),
    ]


def test_an_absence_over_the_whole_window_leaves_nothing() -> None:
    alice = adviser(absences=(Absence(0, 1 << 40),))
    assert starts(service(), alice, now=at("2026-06-10 00:00")) == ()


def test_the_organisation_bounds_an_adviser_in_another_zone() -> None:
    opening = Opening(zone=PARIS, hours=daily("08:00-22:00"))
    sydney = adviser(zone="Australia/Sydney", hours=daily("09:00-17:00"))
    found = starts(CELLS, sydney, now=at("2026-06-10 00:00", PARIS), opening=opening)
    # 9:00-17:00 in Sydney is 1:00-9:00 in Paris in June.
    assert ranges(found, 5)[0] == (at("2026-06-10 08:00", PARIS), at("2026-06-10 09:00", PARIS))


def test_an_appointment_must_lie_in_hours_but_its_buffers_need_not() -> None:
    alice = adviser(zone="UTC", hours=daily("09:00-10:00"))
    wanted = service(durations=(60,), grid=60, buffer_before=30, buffer_after=30)
    assert "10 09:00" in shown(starts(wanted, alice, now=at("2026-06-10 00:00")))


def test_a_grid_that_does_not_divide_the_day_begins_again_at_midnight() -> None:
    found = starts(service(grid=50), adviser(zone="UTC"), now=at("2026-06-10 22:00"))
    assert shown(found)[:4] == ["10 22:30", "10 23:20", "11 00:00", "11 00:50"]


@pytest.mark.parametrize(
    ("place", "known"),
    [
        *((place, True) for place in ("FR", "FR-57", "DE-BY", "")),
        *((place, False) for place in ("XX", "FR-ZZ", "fr", " FR", "FR-", "-57", "France", "HolidayBase", "utils")),
    ],
)
def test_a_place_without_known_holidays_can_be_told(place: str, known: bool) -> None:
    assert knows_holidays(place) is known


def test_the_holidays_library_is_not_loaded_before_somebody_names_a_place() -> None:
    lines = (
        "import sys",
        "from tests.booking.availability.cast import adviser, at, service, starts",
        "assert starts(service(), adviser(), now=at('2026-06-10 08:00'))",
        "assert 'holidays' not in sys.modules",
    )
    subprocess.run([sys.executable, "-c", "\n".join(lines)], check=True)


def test_the_rules_do_no_input_or_output() -> None:
    lines = (
        "import sys",
        "import presence.booking.availability",
        "named = {'sqlalchemy', 'starlette', 'asyncio', 'aiosmtplib'} & set(sys.modules)",
        "assert not named, named",
    )
    subprocess.run([sys.executable, "-c", "\n".join(lines)], check=True)
