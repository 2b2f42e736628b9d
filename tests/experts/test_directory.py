"""The directory: free hours as the booking page gives them, and what is believed for a minute."""

import msgspec
import pytest
from starlette.applications import Starlette

from presence.booking.requests import BookRequest, OfferRequest
from presence.errors import ConfigError
from presence.experts.service import Directory
from presence.roster.seed import adviser_entries
from tests.support import DAY, FrozenClock, adviser

BOOKED = BookRequest(
    request_key="k", name="Carol", email="carol@example.org", language="en", zone="Europe/Paris", service="talk"
)


@pytest.fixture
def directory(app: Starlette) -> Directory:
    found: Directory = app.state.directory
    return found


async def next_hours(directory: Directory, services: tuple[str, ...] = ()) -> dict[str, int | None]:
    return {one.slug: one.next_free for one in await directory.experts("", services)}


async def test_the_next_hour_is_the_first_that_booking_offers(app: Starlette, directory: Directory) -> None:
    hours = await next_hours(directory)
    for slug, service in (("alice", "talk"), ("bob", "talk"), ("helene", "plan")):
        offers = await app.state.booking.offers(OfferRequest(service=service, adviser=slug))
        assert hours[slug] == offers.starts[0]
    assert hours["zoe"] is None  # she never works


async def test_services_that_a_site_does_not_offer_give_no_hour(directory: Directory) -> None:
    hours = await next_hours(directory, ("plan",))
    assert hours["alice"] is None
    assert hours["helene"] is not None


async def test_an_hour_that_was_taken_is_gone_within_a_minute(
    app: Starlette, directory: Directory, clock: FrozenClock
) -> None:
    before = (await next_hours(directory))["alice"]
    assert before is not None
    await app.state.booking.book(msgspec.structs.replace(BOOKED, start=before, adviser="alice"))
    clock.advance(60)
    after = (await next_hours(directory))["alice"]
    assert after is not None
    assert after > before


async def test_an_hour_that_has_passed_is_not_told(directory: Directory, clock: FrozenClock) -> None:
    await next_hours(directory)
    clock.advance(DAY)
    assert all(hour is None or hour > clock.now() for hour in (await next_hours(directory)).values())


async def test_a_team_without_anybody_cannot_be_chosen(directory: Directory) -> None:
    assert list(directory.teams()) == ["advice", "wealth"]
    assert {one.slug for one in await directory.experts("wealth")} == {"helene", "zoe"}


def test_a_topic_may_be_one_text_for_all_languages() -> None:
    (alice,) = adviser_entries([adviser("alice", topics=["Leasing", {"fr": "Épargne"}])])
    assert alice.topics == ({"en": "Leasing"}, {"fr": "Épargne"})


@pytest.mark.parametrize("topics", [[""], [{}], [{"en": "x" * 61}], ["x"] * 21])
def test_topics_that_nobody_could_choose_are_refused(topics: list[object]) -> None:
    with pytest.raises(ConfigError, match=r"advisers\[0\]\.topics"):
        adviser_entries([adviser("alice", topics=topics)])
