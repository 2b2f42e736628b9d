"""Sites of the configuration: checked before anything starts, added once; their keys to sign with are added later, too."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from presence.errors import ConfigError
from presence.sites.seed import SiteEntry, site_entries, sow
from presence.sites.service import Sites
from presence.sites.settings import Settings, Theme, Words
from presence.sites.signers import Signers
from presence.storage.database import Database
from tests.support import FrozenClock

SIGNING = Ed25519PrivateKey.generate()
PUBLIC = SIGNING.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
PRIVATE = SIGNING.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
KEY = "pk_a-key-of-the-tests"


def shop(**more: Any) -> dict[str, Any]:
    return {"slug": "shop", "key": KEY, **more}


def read(*raw: dict[str, Any]) -> tuple[SiteEntry, ...]:
    return site_entries(raw, ("en", "fr"))


def wrong(*raw: dict[str, Any]) -> list[str]:
    """The keys that are told, of those that are wrong."""
    with pytest.raises(ConfigError) as error:
        read(*raw)
    return [line.partition(": ")[0] for line in str(error.value).splitlines()]


@pytest.mark.parametrize(
    ("site", "keys"),
    [
        (shop(settings={"origins": ["https://shop.example/", "shop.example"]}), ["origins[0]", "origins[1]"]),
        (shop(settings={"theme": {"accent": "blue"}, "zone": "Mars"}), ["zone", "theme.accent"]),
        (shop(settings={"words": {"de": {"title": "Hallo"}}}), ["words.de"]),
        (shop(settings={"greetings": [{"text": {"en": "Hi"}}, {"text": {}}]}), ["greetings[1].text"]),
    ],
)
def test_of_what_is_chosen_everything_that_is_wrong_is_named(site: dict[str, Any], keys: list[str]) -> None:
    assert wrong(site) == [f"sites[0].settings.{key}" for key in keys]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"colour": "red"}, "sites[0].settings: Object contains unknown field `colour`"),
        ({"theme": {"scheme": "pink"}}, "sites[0].settings.theme.scheme: Invalid enum value 'pink'"),
        ({"capabilities": ["fly"]}, "sites[0].settings.capabilities[0]: Invalid enum value 'fly'"),
        ({"hours": {"mon": ["late"]}}, "sites[0].settings.hours: 'late' is not a range such as '08:00-12:30'"),
    ],
)
def test_what_settings_cannot_be_is_named(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as error:
        read(shop(settings=settings))
    assert str(error.value) == said


@pytest.mark.parametrize(
    ("signers", "keys"),
    [
        ([{"kid": "a b", "public_key": PUBLIC}], ["signers[0].kid"]),
        ([{"kid": "one", "public_key": PUBLIC}, {"kid": "one", "algorithm": "HS256"}], ["signers[1].kid"]),
        ([{"kid": "one"}, {"kid": "two", "public_key": PRIVATE}], ["signers[0].public_key", "signers[1].public_key"]),
        ([{"kid": "one", "public_key_file": "/nowhere.pem"}], ["signers[0].public_key_file"]),
        ([{"kid": "one", "algorithm": "HS256", "public_key": PUBLIC}], ["signers[0].public_key"]),
        ([{"kid": "one", "algorithm": "none"}], ["signers[0].algorithm"]),
    ],
)
def test_of_keys_to_sign_with_too(signers: list[dict[str, Any]], keys: list[str]) -> None:
    assert wrong(shop(signers=signers)) == [f"sites[0].{key}" for key in keys]


def test_no_two_sites_have_the_same(tmp_path: Path) -> None:
    first = shop(embed_key="the-key-of-the-shop", signers=[{"kid": "one", "public_key": PUBLIC}])
    assert wrong(first, first) == [f"sites[1].{key}" for key in ("slug", "embed_key", "key", "signers[0].kid")]
    (tmp_path / "key").write_text(f"{KEY}\n")
    assert wrong(first, {"slug": "school", "key_file": str(tmp_path / "key")}) == ["sites[1].key"]


async def test_a_site_is_added_once_and_its_keys_when_they_are_new(
    database: Database, clock: FrozenClock, tmp_path: Path
) -> None:
    (tmp_path / "shop.pem").write_text(PUBLIC)
    first = {"kid": "2026-a", "public_key_file": str(tmp_path / "shop.pem")}
    raw = shop(name="The shop", settings={"origins": ["https://shop.example"]}, signers=[first])
    sites, signers = Sites(database, clock), Signers(database, clock, "s" * 40)

    async def start(*raw: dict[str, Any]) -> int:
        entries = read(*raw)
        return await database.write(lambda connection: sow(connection, entries, clock.now()))

    assert await start(raw) == 1
    await signers.end("shop", "2026-a")
    clock.advance(60)
    assert await start({**raw, "name": "Another", "signers": [first, {"kid": "2026-b", "algorithm": "HS256"}]}) == 0
    assert (await sites.named("shop")).name == "The shop"
    keys = [(one.kid, one.algorithm, one.public_key, one.ends_at) for one in await signers.listed("shop")]
    assert keys == [("2026-b", "HS256", "", None), ("2026-a", "EdDSA", PUBLIC, clock.now() - 60)]
    with pytest.raises(ConfigError, match="another site has the kid '2026-a'"):
        await start({"slug": "school", "key": KEY + "2", "signers": [first]})
    await sites.revoke("shop")
    assert await start({**raw, "signers": [{"kid": "2026-c", "algorithm": "HS256"}]}) == 0


@pytest.mark.parametrize("settings", [{"team": "nobody"}, {"services": ["nothing"]}])
async def test_a_site_without_its_team_is_not_added(
    database: Database, clock: FrozenClock, settings: dict[str, Any]
) -> None:
    entries = read(shop(settings=settings))
    with pytest.raises(ConfigError, match=r"site 'shop': (team: There is no team|services: There is no service) no"):
        await database.write(lambda connection: sow(connection, entries, clock.now()))
    assert await Sites(database, clock).all() == []


def test_the_site_of_the_example_can_be_used(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEY)
    (tmp_path / "pem").write_text(PUBLIC)
    example = (Path(__file__).parents[2] / "config.example.toml").read_text()
    lines = example[example.index("# [[sites]]") :].splitlines()
    (raw,) = tomllib.loads("\n".join(line.removeprefix("#").strip() for line in lines))["sites"]
    raw["key_file"] = str(tmp_path / "key")
    raw["signers"][0]["public_key_file"] = str(tmp_path / "pem")
    (site,) = read(raw)
    assert site.settings.theme == Theme()
    assert set(raw["settings"]) == set(Settings.__struct_fields__)
    assert set(raw["settings"]["theme"]) == set(Theme.__struct_fields__)
    assert set(raw["settings"]["words"]["en"]) == set(Words.__struct_fields__)
