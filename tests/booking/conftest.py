"""A small bank whose application runs, with its workers stopped: the tests turn time and send mail themselves."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from starlette.applications import Starlette

from presence.app import create_app
from presence.booking.service import Booking
from presence.config import Config, DatabaseConfig, LimitsConfig, OrganisationConfig, ServerConfig
from tests.support import FrozenClock, adviser, service

KEY = "pk_a-key-of-the-tests"
QUESTIONS = [
    {"key": "topic", "label": {"en": "What about?", "fr": "De quoi s’agit-il ?"}},
    {"key": "known", "kind": "yes_no", "label": {"en": "A customer?", "fr": "Client ?"}, "required": True},
]


def configuration(database_url: str) -> Config:
    return Config(
        server=ServerConfig(base_url="http://localhost:8000", secret_key="s" * 40),
        database=DatabaseConfig(url=database_url),
        organisation=OrganisationConfig(name="Banque Lumière", phone="+33 1 23 45 67 89"),
        limits=LimitsConfig(
            sign_in_per_minute=0, holds_per_minute=0, bookings_per_minute=0, api_per_minute=0, body_bytes=100_000
        ),
        advisers=(
            adviser("alice", password="alice's long password"),
            adviser("bob", languages=["fr"], media=["audio", "text"]),
        ),
        services=(
            service(),
            service("asked", questions=QUESTIONS, confirmation="adviser"),
            service("together", pool={"advisers": [{"adviser": "alice"}, {"adviser": "bob"}], "collective": True}),
        ),
        sites=({"slug": "bank", "name": "The bank", "key": KEY},),
    )


@asynccontextmanager
async def running(app: Starlette) -> AsyncIterator[Starlette]:
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
async def app(database_url: str, clock: FrozenClock) -> AsyncIterator[Starlette]:
    async with running(create_app(configuration(database_url), clock, workers=False)) as started:
        yield started


@pytest.fixture
def booking(app: Starlette) -> Booking:
    found: Booking = app.state.booking
    return found


@pytest.fixture
async def browser(app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    """A browser without JavaScript."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://localhost:8000", follow_redirects=True
    ) as client:
        yield client
