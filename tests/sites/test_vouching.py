"""Sites vouch for their customers: keys that are made, changed and ended, and tokens that are good once."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from sqlalchemy import func, select
from starlette.applications import Starlette

from presence.app import create_app
from presence.config import Config, DatabaseConfig, LimitsConfig, ServerConfig
from presence.errors import IdentityRefused, Invalid, NotFound
from presence.sites.identity import LEEWAY
from presence.sites.model import Site
from presence.sites.service import Sites
from presence.sites.settings import Settings
from presence.sites.signers import KEPT, Made, Signers, Vouching
from presence.storage.database import Database
from presence.storage.tables import site_customer, site_signer, used_assertion, visitor
from presence.tokens import fingerprint
from tests.support import FrozenClock, adviser, service

BASE = "https://presence.example"
SIGNING = Ed25519PrivateKey.generate()
PUBLIC = SIGNING.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def token(site: Site, clock: FrozenClock, kid: str, key: Any, algorithm: str = "HS256", **changes: Any) -> str:
    """What a site's server would sign now."""
    now = clock.now()
    claims = {
        "sub": "c-1",
        "name": "Carol Jones",
        "email": "carol@customers.example",
        "iat": now,
        "exp": now + 120,
        "jti": "a-jti-of-the-tests",
        "aud": f"{BASE}/at/{site.embed_key}",
        **changes,
    }
    return jwt.encode(claims, key, algorithm, headers={"kid": kid})


@pytest.fixture
async def sites(database: Database, clock: FrozenClock) -> Sites:
    found = Sites(database, clock)
    await found.add("shop", "The shop")
    await found.add("school", "The school")
    return found


@pytest.fixture
async def shop(sites: Sites) -> Site:
    return await sites.named("shop")


@pytest.fixture
def signers(database: Database, clock: FrozenClock) -> Signers:
    return Signers(database, clock, "s" * 40)


@pytest.fixture
def vouching(database: Database, clock: FrozenClock, signers: Signers) -> Vouching:
    return Vouching(database, clock, signers, BASE)


async def refused(vouching: Vouching, site: Site, one: str) -> str:
    with pytest.raises(IdentityRefused) as error:
        await vouching.vouch(site, one)
    assert error.value.members == {"reason": error.value.reason}
    assert error.value.message != error.value.title
    return error.value.reason


# -- tokens -----------------------------------------------------------------------------------------------------------


async def test_a_site_vouches_with_either_kind_of_key(
    vouching: Vouching, signers: Signers, shop: Site, clock: FrozenClock
) -> None:
    made = await signers.share("shop")
    who = await vouching.vouch(shop, token(shop, clock, made.kid, made.secret))
    assert (who.subject, who.name, who.email) == ("c-1", "Carol Jones", "carol@customers.example")
    kid = await signers.take("shop", PUBLIC)
    assert await vouching.vouch(shop, token(shop, clock, kid, SIGNING, "EdDSA", jti="another-jti"))


async def test_of_two_who_bring_a_token_at_once_one_is_believed(
    database: Database, vouching: Vouching, signers: Signers, shop: Site, clock: FrozenClock
) -> None:
    made = await signers.share("shop")
    elsewhere = Database(str(database.url.render_as_string(hide_password=False)))  # another process
    await elsewhere.open()
    other = Vouching(elsewhere, clock, Signers(elsewhere, clock, "s" * 40), BASE)
    both = (vouching, other) if database.dialect == "postgresql" else (vouching, vouching)
    for number in range(5):
        one = token(shop, clock, made.kid, made.secret, jti=f"jti-number-{number}")
        found = await asyncio.gather(*(each.vouch(shop, one) for each in both * 3), return_exceptions=True)
        reasons = [each.reason for each in found if isinstance(each, IdentityRefused)]
        assert (len(found) - len(reasons), set(reasons)) == (1, {"replayed"})
    await elsewhere.close()


async def test_a_token_stays_used_as_long_as_any_clock_would_believe_it(
    database: Database, vouching: Vouching, signers: Signers, shop: Site, clock: FrozenClock
) -> None:
    made = await signers.share("shop")
    first = token(shop, clock, made.kid, made.secret)
    await vouching.vouch(shop, first)
    clock.advance(119 + LEEWAY)
    assert await refused(vouching, shop, first) == "replayed"
    clock.advance(1)
    assert await refused(vouching, shop, first) == "expired"
    clock.advance(KEPT - LEEWAY)
    await vouching.vouch(shop, token(shop, clock, made.kid, made.secret, jti="another-jti"))
    clock.advance(-KEPT)  # a clock that is behind
    assert await refused(vouching, shop, first) == "replayed"
    clock.advance(KEPT + 1)
    await vouching.vouch(shop, token(shop, clock, made.kid, made.secret, jti="one-more-jti"))
    count = select(func.count()).select_from(used_assertion)
    assert await database.read(lambda sql: sql.execute(count).scalar_one()) == 2  # the first is forgotten


async def test_the_same_jti_of_another_site_is_another(
    vouching: Vouching, signers: Signers, sites: Sites, clock: FrozenClock
) -> None:
    for slug in ("shop", "school"):
        site, made = await sites.named(slug), await signers.share(slug)
        assert await vouching.vouch(site, token(site, clock, made.kid, made.secret))


async def test_what_one_site_signs_is_nothing_at_another(
    vouching: Vouching, signers: Signers, sites: Sites, shop: Site, clock: FrozenClock
) -> None:
    school, made = await sites.named("school"), await signers.share("shop")
    assert await refused(vouching, school, token(shop, clock, made.kid, made.secret)) == "key"
    assert await refused(vouching, school, token(school, clock, made.kid, made.secret)) == "key"
    own = await signers.share("school")
    assert await refused(vouching, school, token(shop, clock, own.kid, own.secret)) == "audience"
    assert await refused(vouching, school, token(school, clock, own.kid, made.secret)) == "signature"


async def test_a_refused_token_is_not_used_up(
    vouching: Vouching, signers: Signers, shop: Site, clock: FrozenClock
) -> None:
    made, now = await signers.share("shop"), clock.now()
    early = token(shop, clock, made.kid, made.secret, iat=now + 40, exp=now + 160)
    assert await refused(vouching, shop, early) == "expired"
    clock.advance(10)
    assert await vouching.vouch(shop, early)


# -- keys -------------------------------------------------------------------------------------------------------------


async def test_a_secret_is_shown_and_never_stored(database: Database, signers: Signers, clock: FrozenClock) -> None:
    await Sites(database, clock).add("shop", "The shop")
    made, other = await signers.share("shop"), await signers.share("shop")
    assert len(bytes.fromhex(made.secret)) == 32
    assert made.secret != other.secret
    assert signers.secret("shop", made.kid) == made.secret
    rows = await database.read(lambda sql: sql.execute(select(site_signer)).all())
    assert made.secret not in str(rows)
    assert Signers(database, clock, "t" * 40).secret("shop", made.kid) != made.secret
    assert signers.secret("school", made.kid) != made.secret


async def test_keys_are_changed_without_a_gap(
    vouching: Vouching, signers: Signers, shop: Site, clock: FrozenClock
) -> None:
    def says(made: Made) -> str:
        says.count += 1  # type: ignore[attr-defined]
        return token(shop, clock, made.kid, made.secret, jti=f"jti-number-{says.count}")  # type: ignore[attr-defined]

    says.count = 0  # type: ignore[attr-defined]
    old = await signers.share("shop")
    clock.advance(60)
    new = await signers.share("shop")
    await signers.end("shop", old.kid, clock.now() + 3600)
    for made in (old, new):
        assert await vouching.vouch(shop, says(made))
    clock.advance(3599)
    assert await vouching.vouch(shop, says(old))
    before = says(old)
    clock.advance(1)
    assert await refused(vouching, shop, before) == "key"
    assert await vouching.vouch(shop, says(new))
    keys = await signers.listed("shop")
    assert [(one.kid, one.ends_at) for one in keys] == [(new.kid, None), (old.kid, clock.now())]
    await signers.end("shop", new.kid)
    assert await refused(vouching, shop, says(new)) == "key"


async def test_what_has_ended_does_not_begin_again(signers: Signers, shop: Site, clock: FrozenClock) -> None:
    made = await signers.share(shop.slug)
    await signers.end(shop.slug, made.kid)
    await signers.end(shop.slug, made.kid, clock.now() + 3600)
    assert [one.ends_at for one in await signers.listed(shop.slug)] == [clock.now()]


async def test_nobody_ends_a_key_of_another_site(signers: Signers, shop: Site) -> None:
    made = await signers.share("school")
    for slug, kid in ((shop.slug, made.kid), ("school", "k-nothing"), ("nowhere", made.kid)):
        with pytest.raises(NotFound):
            await signers.end(slug, kid)
    assert [one.ends_at for one in await signers.listed("school")] == [None]
    with pytest.raises(NotFound):
        await signers.share("nowhere")


@pytest.mark.parametrize(
    "pem",
    [
        "",
        "no key",
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
        SIGNING.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        Ed448PrivateKey.generate().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
        "é",
    ],
)
async def test_only_the_public_key_of_ed25519_is_taken(signers: Signers, shop: Site, pem: str) -> None:
    with pytest.raises(Invalid) as error:
        await signers.take(shop.slug, pem)
    assert list(error.value.fields) == ["public_key"]
    assert await signers.listed(shop.slug) == []


# -- over the wire ----------------------------------------------------------------------------------------------------


@pytest.fixture
async def app(database_url: str, clock: FrozenClock) -> AsyncIterator[Starlette]:
    config = Config(
        server=ServerConfig(base_url=BASE, secret_key="s" * 40),
        database=DatabaseConfig(url=database_url),
        limits=LimitsConfig(holds_per_minute=0),
        advisers=(adviser("alice"),),
        services=(service(),),
        sites=(
            {
                "slug": "shop",
                "name": "The shop",
                "key": "pk_a-key-of-the-tests",
                "settings": msgspec.to_builtins(Settings(vouching="required")),
            },
        ),
    )
    app = create_app(config, clock, workers=False)
    async with app.router.lifespan_context(app):
        yield app


async def test_a_session_begins_with_a_good_token_and_every_reason_is_told(app: Starlette, clock: FrozenClock) -> None:
    site, made = await app.state.sites.named("shop"), await app.state.signers.share("shop")
    base_url = f"{BASE}/at/{site.embed_key}/en"
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=base_url) as page:

        async def begin(identity: str, language: str = "en") -> httpx.Response:
            page.base_url = httpx.URL(f"{BASE}/at/{site.embed_key}/{language}")
            return await page.post("/chat/session", json={"identity": identity}, headers={"Accept": "application/json"})

        good = token(site, clock, made.kid, made.secret)
        first = await begin(good)
        assert (first.status_code, first.json()["verified"]) == (200, True)
        for wrong, reason in (
            (good, "replayed"),
            ("no token", "malformed"),
            (token(site, clock, "k-nothing", made.secret), "key"),
            (token(site, clock, made.kid, "another secret, 0123456789 0123456789"), "signature"),
            (token(site, clock, made.kid, SIGNING, "EdDSA"), "algorithm"),
            (token(site, clock, made.kid, made.secret, aud=BASE), "audience"),
            (token(site, clock, made.kid, made.secret, iat=clock.now() - 200, exp=clock.now() - 60), "expired"),
            (token(site, clock, made.kid, made.secret, exp=clock.now() + 301), "too-long"),
            (token(site, clock, made.kid, made.secret, sub=""), "claims"),
        ):
            told = await begin(wrong)
            assert (told.status_code, told.json()["type"], told.json()["reason"]) == (
                403,
                "/problems/identity-refused",
                reason,
            )
            assert told.json()["detail"]
        french = (await begin(token(site, clock, made.kid, made.secret, aud=BASE), "fr")).json()
        assert f"son aud doit être {BASE}/at/{site.embed_key}" in french["detail"]
        assert (await begin("")).json()["type"] == "/problems/identity-needed"


async def test_two_names_with_one_address_are_two_people_and_a_new_address_makes_no_third(
    app: Starlette, clock: FrozenClock
) -> None:
    site, made = await app.state.sites.named("shop"), await app.state.signers.share("shop")
    base_url = f"{BASE}/at/{site.embed_key}/en"

    async def known(number: int, **changes: str) -> tuple[str, str, int | None]:
        one = token(site, clock, made.kid, made.secret, jti=f"jti-number-{number}", **changes)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=base_url) as page:
            begun = await page.post("/chat/session", json={"identity": one})
        shown = visitor.c.fingerprint == fingerprint(begun.json()["visitor"])
        query = select(visitor.c.subject, visitor.c.email, visitor.c.customer_id).where(shown)
        row = await app.state.database.read(lambda sql: sql.execute(query).one())
        return row.subject, row.email, row.customer_id

    shared = "carol@customers.example"
    subject, email, customer_id = await known(1)
    assert (subject, email, customer_id is None) == ("c-1", shared, False)
    assert await known(2, sub="c-2", name="Carla Jones") == ("c-2", shared, None)
    assert await known(3, email="carol@new.example") == ("c-1", "carol@new.example", customer_id)
    assert await known(4) == ("c-1", shared, customer_id)
    other = await known(5, sub="c-2", email="carla@customers.example")
    assert other[:2] == ("c-2", "carla@customers.example")
    assert other[2] not in {None, customer_id}
    pairs = select(site_customer.c.subject, site_customer.c.customer_id).order_by(site_customer.c.subject)
    rows = await app.state.database.read(lambda sql: [tuple(row) for row in sql.execute(pairs)])
    assert rows == [("c-1", customer_id), ("c-2", other[2])]


async def test_of_a_refused_token_the_log_says_the_reason_and_not_whose_it_was(
    vouching: Vouching, signers: Signers, shop: Site, clock: FrozenClock, capsys: pytest.CaptureFixture[str]
) -> None:
    made = await signers.share("shop")
    one = token(shop, clock, made.kid, made.secret, aud=BASE)
    assert await refused(vouching, shop, one) == "audience"
    said = capsys.readouterr().out
    assert all(word in said for word in ("identity refused", "shop", "audience"))
    assert not any(word in said for word in ("carol", "c-1", one, made.secret))
