"""Several advisers: any of them, all of them, those who speak a language or offer a medium."""

from presence.booking.availability import free_at, free_starts, next_free_start
from presence.booking.model import Agenda
from tests.booking.availability.cast import (
    COLLECTIVE,
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

NOW = at("2026-06-10 00:00")
TODAY = service(horizon=0)
MORNING = adviser("alice", "UTC", hours=daily("09:00-11:00"))
LATER = adviser("bob", "UTC", hours=daily("10:00-12:00"))


def test_any_adviser_will_do() -> None:
    found = starts(TODAY, MORNING, LATER, now=NOW)
    assert shown(found) == ["10 09:00", "10 09:30", "10 10:00", "10 10:30", "10 11:00", "10 11:30"]


def test_nobody_is_offered_without_advisers() -> None:
    assert free_starts(TODAY, 30, [], NEVER_CLOSED, NOW) == ()
    assert free_at(TODAY, 30, NOW, [], NEVER_CLOSED, NOW) == []
    assert next_free_start(TODAY, 30, [], NEVER_CLOSED, NOW) is None


def test_a_collective_service_needs_everybody_at_once() -> None:
    together = service(horizon=0, pool=COLLECTIVE)
    assert shown(starts(together, MORNING, LATER, now=NOW)) == ["10 10:00", "10 10:30"]
    busy = Agenda(LATER, (taken(at("2026-06-10 10:30"), 30),))
    assert shown(starts(together, MORNING, busy, now=NOW)) == ["10 10:00"]


def test_a_collective_service_is_taken_by_all_or_by_nobody() -> None:
    together, pool = service(horizon=0, pool=COLLECTIVE), pool_of(MORNING, LATER, now=NOW)
    both = free_at(together, 30, at("2026-06-10 10:00"), pool, NEVER_CLOSED, NOW)
    assert [one.adviser.slug for one in both] == ["alice", "bob"]
    assert free_at(together, 30, at("2026-06-10 09:00"), pool, NEVER_CLOSED, NOW) == []


def test_one_who_lacks_the_medium_or_the_language_is_left_out() -> None:
    writer = adviser("alice", "UTC", hours=daily("09:00-10:00"), media=("text",), languages=("fr",))
    assert shown(starts(TODAY, writer, LATER, now=NOW, medium="video")) == shown(starts(TODAY, LATER, now=NOW))
    assert shown(starts(TODAY, writer, LATER, now=NOW, spoken="en")) == shown(starts(TODAY, LATER, now=NOW))
    assert "10 09:00" in shown(starts(TODAY, writer, LATER, now=NOW, medium="text", spoken="fr"))


def test_a_collective_service_needs_the_medium_of_everybody() -> None:
    together = service(horizon=0, pool=COLLECTIVE)
    writer = adviser("alice", "UTC", media=("text",))
    assert starts(together, writer, LATER, now=NOW, medium="video") == ()
    assert starts(together, writer, LATER, now=NOW, medium="text") != ()


def test_without_a_medium_an_adviser_needs_at_least_one_that_the_service_offers() -> None:
    by_video = service(horizon=0, media=("video",))
    assert starts(by_video, adviser("alice", "UTC", media=("text", "audio")), now=NOW) == ()
    assert starts(by_video, adviser("alice", "UTC", media=("text", "video")), now=NOW) != ()
    assert starts(by_video, adviser("alice", "UTC"), now=NOW, medium="text") == (), "the service does not offer it"


def test_the_next_free_start_is_the_first_of_the_free_starts() -> None:
    pool = pool_of(MORNING, LATER, now=NOW)
    assert next_free_start(TODAY, 30, pool, NEVER_CLOSED, NOW) == at("2026-06-10 09:00")
    assert next_free_start(TODAY, 30, pool, NEVER_CLOSED, at("2026-06-10 10:55")) == at("2026-06-10 11:00")
    assert next_free_start(TODAY, 30, pool, NEVER_CLOSED, at("2026-06-10 11:55")) is None


def test_one_booking_of_a_pool_leaves_the_start_to_the_others() -> None:
    ten = at("2026-06-10 10:00")
    pool = pool_of(Agenda(MORNING, (taken(ten, 30),)), LATER, now=NOW)
    assert [one.adviser.slug for one in free_at(TODAY, 30, ten, pool, NEVER_CLOSED, NOW)] == ["bob"]
    assert ten in free_starts(TODAY, 30, pool, NEVER_CLOSED, NOW)
