"""Whose turn it is: what is kept up from booking to booking says the same as counting everything anew."""

import random
from collections.abc import AsyncIterator

import msgspec
import pytest
from sqlalchemy import Connection
from starlette.applications import Starlette

from presence.app import create_app
from presence.booking.agendas import FAIRNESS, HOUR, Agendas
from presence.booking.availability import choose, free_at
from presence.booking.model import Tally
from presence.booking.requests import BookRequest, HoldRequest, OfferRequest
from presence.booking.service import Booking
from presence.booking.store import booked
from tests.booking.conftest import configuration, running
from tests.support import DAY, OPENING, FrozenClock, adviser, service

TEAM = ("alice", "bob", "mona", "nina")
PLACES = {"alice": (0, 100), "bob": (0, 200), "mona": (0, 50), "nina": (1, 100)}  # priority, weight


@pytest.fixture
async def team(database_url: str, clock: FrozenClock) -> AsyncIterator[Starlette]:
    advisers = [
        adviser(slug, teams=[{"team": "advice", "priority": priority, "weight": weight}])
        for slug, (priority, weight) in PLACES.items()
    ]
    services = (service(cut_off=0), service("even", cut_off=0, pool={"team": "advice", "lead_threshold": 2}))
    config = msgspec.structs.replace(configuration(database_url), advisers=tuple(advisers), services=services)
    async with running(create_app(config, clock, workers=False)) as app:
        yield app


def turn(connection: Connection, slug: str, start: int, now: int) -> str:
    """Whose turn it is, by the plain rules on freshly read rows."""
    agendas = Agendas(OPENING)
    agendas.refresh(connection, now)
    stored = agendas.service(slug)
    pool = agendas.pool(stored)
    free = [one.adviser for one in free_at(stored.service, 30, start, pool, OPENING, now)]
    counted = booked(connection, list(stored.members), (now - FAIRNESS) // HOUR * HOUR)
    tallies = {
        id_: Tally(priority=priority, weight=weight, booked=count, last_booked_at=latest)
        for id_, (priority, weight) in stored.members.items()
        for count, latest in [counted.get(id_, (0, 0))]
    }
    return choose(free, tallies, lead_threshold=stored.service.pool.lead_threshold).slug


@pytest.mark.parametrize("seed", range(3))
async def test_every_booking_goes_to_whose_turn_it_is(team: Starlette, clock: FrozenClock, seed: int) -> None:
    booking: Booking = team.state.booking
    chance = random.Random(seed)
    for number in range(60):
        clock.advance(chance.choice((1, 60, 7200, DAY // 2)))
        slug = chance.choice(("talk", "even"))
        start = chance.choice((await booking.offers(OfferRequest(service=slug))).starts[:60])
        expected = await team.state.database.read(lambda c, s=slug, at=start: turn(c, s, at, clock.now()))
        hold = ""
        if chance.random() < 0.3:
            held = await booking.hold(HoldRequest(service=slug, start=start))
            assert held.advisers[0].slug == expected
            hold = held.token
        request = BookRequest(
            request_key=f"{number}",
            hold=hold,
            service=slug,
            start=start,
            name="Carol",
            email="carol@example.org",
        )
        made = await booking.book(request)
        assert made.appointment.advisers[0].slug == expected
        if chance.random() < 0.3:
            await booking.cancel(made.token)
        elif chance.random() < 0.4:
            later = chance.choice((await booking.offers(OfferRequest(service=slug))).starts[60:120])
            await booking.move(made.token, later)
