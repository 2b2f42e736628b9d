"""Why a start is not offered."""

from typing import Any

from presence.booking.availability import Reason, why
from presence.booking.model import Agenda, Opening, Pool, PoolMember, Service
from presence.roster.model import Absence, Adviser, DayException
from tests.booking.availability.cast import (
    COLLECTIVE,
    NEVER_CLOSED,
    adviser,
    at,
    daily,
    pool_of,
    service,
    taken,
)

NOW = at("2026-07-13 08:00")  # a Monday, the day before a French holiday
TEN = at("2026-07-13 10:00")
PARIS = "Europe/Paris"


def against(
    start: int,
    *advisers: Adviser | Agenda,
    wanted: Service | None = None,
    opening: Opening = NEVER_CLOSED,
    now: int = NOW,
    **asked: Any,
) -> list[Reason]:
    pool = pool_of(*advisers, now=now, opening=opening)
    return why(wanted or service(), 30, start, pool, opening, now, **asked)


def codes(reasons: list[Reason]) -> list[tuple[str | None, str]]:
    return [(one.adviser, one.code) for one in reasons]


def test_there_is_nothing_against_a_start_that_is_offered() -> None:
    assert against(TEN, adviser()) == []
    assert against(TEN, Agenda(adviser("alice"), (taken(TEN, 30),)), adviser("bob")) == []


def test_too_soon_and_too_far_off_are_said_of_the_service() -> None:
    assert against(TEN, adviser(), wanted=service(notice=180)) == [
        Reason(code="before_notice", values={"earliest": NOW + 180 * 60})
    ]
    assert against(at("2026-07-16 00:00"), adviser()) == [
        Reason(code="beyond_horizon", values={"end": at("2026-07-16 00:00")})
    ]
    assert codes(against(at("2099-01-01 00:00"), adviser())) == [(None, "beyond_horizon")]
    assert codes(against(0, adviser())) == [(None, "before_notice")]


def test_the_organisations_hours_and_holidays_are_said_once() -> None:
    office = Opening(zone=PARIS, hours=daily("08:00-10:00"), holidays="FR")
    both = (adviser("alice"), adviser("bob"))
    assert against(TEN, *both, opening=office) == [Reason(code="organisation_closed", values={"day": "2026-07-13"})]
    assert against(at("2026-07-14 07:00"), *both, opening=office) == [
        Reason(code="organisation_holiday", values={"day": "2026-07-14"})
    ]


def test_an_advisers_own_hours_exceptions_holidays_and_absences_are_told_apart() -> None:
    away = Absence(TEN - 60, TEN + 60, "at the doctor's")
    people = (
        adviser("alice", hours=daily("08:00-09:00")),
        adviser("bob", exceptions=(DayException("2026-07-13", ("08:00-09:00", "18:00-19:00")),)),
        adviser("mona", absences=(away,)),
    )
    assert against(TEN, *people) == [
        Reason(adviser="alice", code="outside_hours", values={"day": "2026-07-13", "hours": "08:00-09:00"}),
        Reason(adviser="bob", code="exception", values={"day": "2026-07-13", "hours": "08:00-09:00, 18:00-19:00"}),
        Reason(adviser="mona", code="absent", values={"from": TEN - 60, "until": TEN + 60}),
    ]
    assert against(at("2026-07-14 07:00"), adviser(holidays="FR")) == [
        Reason(adviser="alice", code="holiday", values={"day": "2026-07-14"})
    ]


def test_busy_held_and_buffer_are_told_apart_without_saying_whose_they_are() -> None:
    people = (
        Agenda(adviser("alice"), (taken(TEN + 600, 60),)),
        Agenda(adviser("bob"), (taken(TEN, 30, "hold:4", NOW + 60),)),
        Agenda(adviser("mona"), (taken(TEN + 1800, 30),)),
    )
    assert against(TEN, *people, wanted=service(buffer_after=10)) == [
        Reason(
            adviser="alice",
            code="busy",
            values={"from": TEN + 600, "until": TEN + 4200, "kind": "appointment"},
        ),
        Reason(adviser="bob", code="held", values={"from": TEN, "until": TEN + 1800, "expires": NOW + 60}),
        Reason(
            adviser="mona",
            code="buffer",
            values={"from": TEN + 1800, "until": TEN + 3600, "kind": "appointment"},
        ),
    ]
    assert against(TEN, people[1], now=NOW + 60) == []
    assert against(TEN, people[1], ignoring="hold:4") == []


def test_a_buffer_is_told_on_either_side_and_only_as_far_as_it_reaches() -> None:
    alice = Agenda(adviser(), (taken(TEN - 1800, 30), taken(TEN + 3600, 30)))
    early, late = service(grid=5, buffer_before=10), service(grid=5, buffer_after=10)
    assert codes(against(TEN, alice, wanted=early)) == [("alice", "buffer")]
    assert against(TEN + 600, alice, wanted=early) == []
    assert codes(against(TEN + 1800, alice, wanted=late)) == [("alice", "buffer")]
    assert against(TEN + 1200, alice, wanted=late) == []


def test_limits_say_how_many_and_since_when() -> None:
    full = Agenda(adviser(daily_limit=1, weekly_limit=1), (taken(TEN, 30),))
    assert against(TEN + 3600, full) == [
        Reason(adviser="alice", code="daily_limit", values={"limit": 1, "begins": "2026-07-13"}),
        Reason(adviser="alice", code="weekly_limit", values={"limit": 1, "begins": "2026-07-13"}),
    ]


def test_a_start_beside_the_grid_is_told() -> None:
    assert against(TEN + 300, adviser()) == [Reason(adviser="alice", code="off_grid", values={"grid": 30})]
    assert against(TEN + 1, adviser()) == [Reason(code="off_grid", values={"grid": 30})]


def test_medium_and_language_are_told() -> None:
    writer = adviser(media=("text",), languages=("fr",))
    assert codes(against(TEN, writer, medium="video", spoken="en")) == [("alice", "medium"), ("alice", "language")]
    assert codes(against(TEN, writer, wanted=service(media=("video", "audio")))) == [("alice", "medium")]


def test_a_collective_service_tells_who_is_in_the_way() -> None:
    reasons = against(
        TEN, adviser("alice"), adviser("bob", hours=daily("14:00-16:00")), wanted=service(pool=COLLECTIVE)
    )
    assert codes(reasons) == [("bob", "outside_hours")]


def test_who_is_named_but_not_there_is_told() -> None:
    chosen = service(pool=Pool(advisers=(PoolMember(adviser="alice"), PoolMember(adviser="bob"))))
    busy = Agenda(adviser("alice"), (taken(TEN, 30),))
    assert codes(against(TEN, busy, wanted=chosen)) == [("bob", "inactive"), ("alice", "busy")]
    assert codes(why(chosen, 30, TEN, [], NEVER_CLOSED, NOW)) == [
        (None, "empty_pool"),
        ("alice", "inactive"),
        ("bob", "inactive"),
    ]


def test_one_adviser_may_be_asked_about_alone() -> None:
    people = (Agenda(adviser("alice"), (taken(TEN, 30),)), adviser("bob"))
    assert codes(against(TEN, *people, asked="alice")) == [("alice", "busy")]
    assert against(TEN, *people, asked="bob") == []
    assert codes(against(TEN, *people, asked="mallory")) == [(None, "empty_pool"), ("mallory", "not_in_pool")]
