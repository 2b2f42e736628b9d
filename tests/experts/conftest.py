"""A bank of four experts in two teams, on both databases; nobody is there until a test says so."""

from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest
from sqlalchemy import Connection
from starlette.applications import Starlette

from presence.app import create_app
from presence.config import Config, DatabaseConfig, OrganisationConfig, ServerConfig
from presence.roster import leases
from presence.sites.settings import Settings
from tests.booking.conftest import running
from tests.support import FrozenClock, adviser, service

LOANS = {"en": "Mortgages", "fr": "Prêt immobilier"}
SAVINGS = {"en": "Savings & investing", "fr": "Épargne"}

Come = Callable[[str], Awaitable[None]]
Ask = Callable[..., Awaitable[str]]
AddSite = Callable[[Settings], Awaitable[str]]


def configuration(database_url: str) -> Config:
    return Config(
        server=ServerConfig(base_url="http://localhost:8000", secret_key="s" * 40),
        database=DatabaseConfig(url=database_url),
        organisation=OrganisationConfig(name="Banque Lumière"),
        teams=(
            {"slug": "advice", "name": {"en": "Advice", "fr": "Conseil"}},
            {"slug": "wealth", "name": {"en": "Wealth", "fr": "Patrimoine"}},
            {"slug": "nobody", "name": {"en": "Nobody's", "fr": "À personne"}},
        ),
        advisers=(
            adviser("alice", topics=[LOANS]),
            adviser("bob", languages=["fr"], topics=[LOANS, SAVINGS], media=["audio", "text"]),
            adviser("helene", name="Hélène d'Arc-Petit", languages=["de"], teams=["wealth"], topics=["Leasing"]),
            adviser("zoe", teams=["wealth"], hours={}),
        ),
        services=(service(), service("plan", pool={"team": "wealth"}, notice=24 * 60)),
    )


@pytest.fixture
async def app(database_url: str, clock: FrozenClock) -> AsyncIterator[Starlette]:
    async with running(create_app(configuration(database_url), clock, workers=False)) as started:
        yield started


@pytest.fixture
def come(app: Starlette, clock: FrozenClock) -> Come:
    """Lets an adviser be there, as their dashboard would."""

    async def come(slug: str) -> None:
        board, now = app.state.assembly.board, clock.now()
        person = f"adviser:{board.by_slug[slug].id}"

        def work(connection: Connection) -> None:
            leases.open_lease(connection, f"of {slug}", "elsewhere", person, True, now)

        await app.state.database.write(work)
        await board.refresh()

    return come


@pytest.fixture
async def ask(app: Starlette) -> AsyncIterator[Ask]:
    """A page, as a browser without JavaScript is shown it."""
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://localhost:8000", follow_redirects=True
    ) as browser:

        async def asked(path: str, *, lang: str = "en", status: int = 200, **query: str) -> str:
            answer = await browser.get(path, params=query, headers={"Accept-Language": lang, "Accept": "text/html"})
            assert answer.status_code == status, answer.text
            return answer.text

        yield asked


@pytest.fixture
def add_site(app: Starlette) -> AddSite:
    """Adds a site with these settings; returns where its framed pages begin."""

    async def add(settings: Settings) -> str:
        await app.state.sites.add("shop", "The shop", settings=settings)
        return f"/at/{(await app.state.sites.named('shop')).embed_key}/en"

    return add
