"""Sites and the keys by which they are known: shown once, stored as fingerprints, ended at once."""

import pytest
from sqlalchemy import select

from presence.errors import Invalid, Unauthorised
from presence.sites.service import REMEMBERED, Sites
from presence.storage.database import Database
from presence.storage.tables import site
from presence.tokens import fingerprint
from tests.support import FrozenClock


@pytest.fixture
def sites(database: Database, clock: FrozenClock) -> Sites:
    return Sites(database, clock)


async def test_a_key_opens_its_site_and_is_stored_nowhere(sites: Sites, database: Database) -> None:
    key = await sites.add("shop", "The shop")
    found = await sites.by_authorization(f"Bearer {key}")
    assert (found.slug, found.name) == ("shop", "The shop")
    rows = await database.read(lambda sql: sql.execute(select(site)).all())
    assert key not in str(rows)
    assert fingerprint(key) in str(rows)


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Bearer short", "Basic {key}", "Bearer {key}x", "{key}", "Bearer " + "x" * 129]
)
async def test_nothing_else_opens_it(sites: Sites, header: str) -> None:
    key = await sites.add("shop", "The shop")
    with pytest.raises(Unauthorised):
        await sites.by_authorization(header.format(key=key))


async def test_a_revoked_key_opens_nothing_any_more(sites: Sites, database: Database, clock: FrozenClock) -> None:
    key = await sites.add("shop", "The shop")
    await sites.by_key(key)
    elsewhere = Sites(database, clock)  # another process
    await elsewhere.by_key(key)
    assert await sites.revoke("shop")
    assert not await sites.revoke("nothing")
    with pytest.raises(Unauthorised):
        await sites.by_key(key)
    clock.advance(REMEMBERED)  # in which another process believes it still
    with pytest.raises(Unauthorised):
        await elsewhere.by_key(key)


@pytest.mark.parametrize("slug", ["", "Shop", "a b", "../x", "x" * 64, "-x"])
async def test_a_short_name_is_plain_and_taken_once(sites: Sites, slug: str) -> None:
    await sites.add("shop", "The shop")
    for wrong in (slug, "shop"):
        with pytest.raises(Invalid) as error:
            await sites.add(wrong, "Another")
        assert list(error.value.fields) == ["slug"]
