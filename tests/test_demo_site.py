"""The bank's own site that embeds the demo: its pages, and whom it vouches for."""

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from presence.app import create_app
from presence.config import Config
from presence.demo import configuration
from presence.demo.embedding.app import LANGUAGES, PAGES, site
from presence.demo.embedding.sowing import EMBED_KEY, SLUG, allow
from presence.demo.running import bound
from presence.errors import IdentityRefused
from presence.storage.migrate import migrate
from tests.booking.conftest import running
from tests.support import FrozenClock

ORIGIN = "http://127.0.0.1:8001"


@pytest.fixture
def config(tmp_path: Path) -> Config:
    found = configuration(8000, tmp_path, 25)
    migrate(found.database.url)
    return found


@pytest.fixture
async def identity(config: Config, clock: FrozenClock) -> Callable[[], str]:
    return await allow(config, clock, (ORIGIN,))


@pytest.fixture
def bank(identity: Callable[[], str]) -> httpx.AsyncClient:
    app = site("http://localhost:8000", EMBED_KEY, identity)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ORIGIN)


async def test_every_page_is_there_in_both_languages_and_shows_its_line(bank: httpx.AsyncClient) -> None:
    for lang in LANGUAGES:
        for slug in ("", *(one.slug for one in PAGES), "app/house"):
            page = await bank.get(f"/{lang}/{slug}")
            assert page.status_code == 200
            line = f'src="http://localhost:8000/widget.js" data-site="{EMBED_KEY}" data-lang="{lang}"'
            assert page.text.count(line) == 1, slug
    assert (await bank.get("/de/")).status_code == 404
    assert (await bank.get("/en/nothing")).status_code == 404
    at_home = await bank.get("/", headers={"Accept-Language": "fr-CA, en;q=0.5"})
    assert at_home.headers["location"] == "/fr/"


async def test_the_strict_page_allows_what_it_names_alone(bank: httpx.AsyncClient) -> None:
    first, second = [await bank.get("/en/strict") for _ in range(2)]
    policy = first.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'")
    assert policy != second.headers["content-security-policy"]  # a nonce is good once


async def test_whom_the_bank_vouches_for_is_believed_once(
    config: Config, clock: FrozenClock, bank: httpx.AsyncClient
) -> None:
    token = (await bank.post("/identity")).json()["token"]
    async with running(create_app(config, clock, workers=False)) as app:
        theirs = await app.state.sites.named(SLUG)
        said = await app.state.vouching.vouch(theirs, token)
        assert (said.name, said.email) == ("Carol Petit", "carol@demo.example")
        with pytest.raises(IdentityRefused):
            await app.state.vouching.vouch(theirs, token)
        another = (await bank.post("/identity")).json()["token"]
        assert (await app.state.vouching.vouch(theirs, another)).subject == said.subject


async def test_nobody_elses_page_gets_to_know_who_is_signed_in(bank: httpx.AsyncClient) -> None:
    refused = await bank.post("/identity", headers={"Sec-Fetch-Site": "cross-site"})
    assert refused.status_code == 403


async def test_a_later_start_lets_another_port_in_and_signs_with_the_same_key(
    config: Config, clock: FrozenClock, identity: Callable[[], str]
) -> None:
    before = identity()
    after = (await allow(config, clock, ("http://127.0.0.1:9001", "http://localhost:3000")))()
    assert before.split(".")[0] == after.split(".")[0]
    async with running(create_app(config, clock, workers=False)) as app:
        theirs = await app.state.sites.named(SLUG)
        assert theirs.settings.origins == ("http://127.0.0.1:9001", "http://localhost:3000")


def test_a_port_that_is_taken_gives_way_to_another() -> None:
    with bound(0) as first:
        taken = first.getsockname()[1]
        with bound(taken) as second:
            assert second.getsockname()[1] not in {0, taken}
