"""Supervisors set sites up: who may, what is refused at which field, two at once, keys, the preview."""

import base64
import html
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from starlette.applications import Starlette

from presence.app import create_app
from presence.config import Config, DatabaseConfig, LimitsConfig, OrganisationConfig, ServerConfig
from presence.errors import Unauthorised
from presence.sites.service import Sites
from tests.support import FrozenClock, adviser, service

KEY = "pk_a-key-of-the-tests"
PASSWORD = "a long password of the tests"
ORIGIN = "https://www.bank.example"
PNG_HEAD = b"\x89PNG\r\n\x1a\n"
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
)
SIGNING = Ed25519PrivateKey.generate()
PRIVATE = SIGNING.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
PUBLIC = SIGNING.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
PATHS = ("/desk/sites", "/desk/sites/new", *(f"/desk/sites/bank{more}" for more in ("", "/look", "/preview")))


@pytest.fixture
async def app(database_url: str, clock: FrozenClock) -> AsyncIterator[Starlette]:
    config = Config(
        server=ServerConfig(base_url="http://localhost:8000", secret_key="s" * 40),
        database=DatabaseConfig(url=database_url),
        organisation=OrganisationConfig(name="Banque Lumière"),
        limits=LimitsConfig(sign_in_per_minute=0),
        advisers=(
            adviser("alice", password=PASSWORD),
            adviser("mona", password=PASSWORD, supervisor=True),
            adviser("maya", password=PASSWORD, supervisor=True),
        ),
        services=(service(),),
        sites=({"slug": "bank", "name": "The bank", "key": KEY, "settings": {"origins": [ORIGIN]}},),
    )
    app = create_app(config, clock, workers=False)
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
def sites(app: Starlette) -> Sites:
    found: Sites = app.state.sites
    return found


class Person:
    """Somebody at a browser without scripts, who sends whole forms."""

    def __init__(self, app: Starlette) -> None:
        self.browser = httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://localhost:8000", follow_redirects=True
        )

    async def sign_in(self, slug: str) -> None:
        await self.browser.post("/sign-in", data={"email": f"{slug}@bank.example", "password": PASSWORD})

    async def send(self, page: httpx.Response, act: str = "save", /, **changes: Any) -> httpx.Response:
        """Press a button of a page, with other texts in some of its fields."""
        fields = {**fields_of(page.text), **changes, "act": act}
        action = re.findall(r'<form[^>]+method="post" action="(/desk/sites[^"]*)"', page.text)[0]
        files = {"logo": fields.pop("logo")} if "logo" in fields else None
        data = {name: value for name, value in fields.items() if value is not None}
        return await self.browser.post(action, data=data, files=files or {"nothing": b""})


def fields_of(text: str) -> dict[str, Any]:
    """What a form would send as it stands."""
    text = re.sub(r"<template.*?</template>", "", text, flags=re.DOTALL)
    found: dict[str, Any] = {}
    for tag in re.findall(r"<input[^>]+>", text):
        marks = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        name, value = marks.get("name"), html.unescape(marks.get("value", ""))
        if name is None or marks.get("type") == "file":
            continue
        if marks.get("type") in {"checkbox", "radio"}:
            if re.search(r"\schecked", tag):
                found.setdefault(name, []).append(value)
            continue
        found[name] = value
    for name, value in re.findall(r'<textarea[^>]* name="([^"]+)"[^>]*>(.*?)</textarea>', text, re.DOTALL):
        found[name] = html.unescape(value)
    for name, options in re.findall(r'<select[^>]* name="([^"]+)"[^>]*>(.*?)</select>', text, re.DOTALL):
        chosen = re.findall(r'<option value="([^"]*)" selected', options)
        found[name] = chosen[0] if chosen else ""
    return found


@pytest.fixture
async def mona(app: Starlette) -> AsyncIterator[Person]:
    person = Person(app)
    await person.sign_in("mona")
    yield person
    await person.browser.aclose()


def wrong_fields(page: httpx.Response) -> list[str]:
    """The fields that a page marks."""
    return re.findall(r'class="wrong" id="([^"]+)-wrong"', page.text)


# -- who may ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(("who", "status", "ends_at"), [("mona", 200, ""), ("alice", 404, ""), ("", 200, "/sign-in")])
async def test_supervisors_alone_see_sites(app: Starlette, path: str, who: str, status: int, ends_at: str) -> None:
    person = Person(app)
    if who:
        await person.sign_in(who)
    answer = await person.browser.get(path)
    assert (answer.status_code, answer.url.path) == (status, ends_at or path)
    agenda = await person.browser.get("/agenda")
    assert ('href="/desk/sites"' in agenda.text) == (who == "mona")
    await person.browser.aclose()


@pytest.mark.parametrize("who", ["alice", ""])
@pytest.mark.parametrize("path", ["/desk/sites", "/desk/sites/bank"])
async def test_nobody_else_changes_one(app: Starlette, sites: Sites, mona: Person, path: str, who: str) -> None:
    person, before = Person(app), await sites.all()
    fields = fields_of((await mona.browser.get("/desk/sites/bank")).text)
    if who:
        await person.sign_in(who)
        token = fields_of((await person.browser.get("/agenda")).text)["csrf"]
        fields |= {"csrf": token, "slug": "another", "confirm": "bank"}
    for act in ("save", "key-new", "revoke", "signer-hs256"):
        answer = await person.browser.post(path, data={**fields, "name": "Taken over", "act": act})
        assert answer.status_code == (404 if who else 200)
    assert await sites.all() == before
    assert (await sites.by_key(KEY)).slug == "bank"
    await person.browser.aclose()


@pytest.mark.parametrize("act", ["save", "key-new", "signer-hs256", "revoke"])
async def test_a_form_without_the_sessions_token_changes_nothing(mona: Person, sites: Sites, act: str) -> None:
    page = await mona.browser.get("/desk/sites/bank")
    answer = await mona.send(page, act, csrf="", name="Another", confirm="bank")
    assert answer.status_code == 403
    assert (await sites.by_key(KEY)).name == "The bank"


async def test_what_is_not_there_is_not_found(mona: Person) -> None:
    for path in ("/desk/sites/nothing", "/desk/sites/nothing/preview", "/desk/sites/Bank"):
        assert (await mona.browser.get(path)).status_code == 404


# -- a new one ----------------------------------------------------------------------------------------------------


async def test_mona_makes_a_site_and_sees_its_key_once(mona: Person, sites: Sites) -> None:
    blank = await mona.browser.get("/desk/sites/new")
    made = await mona.send(blank, name="The shop", slug="shop", origins=f"{ORIGIN}\n https://shop.example ")
    (key,) = re.findall(r"pk_\w+", made.text)
    site = await sites.by_key(key)
    assert (site.slug, site.name, site.settings.origins) == ("shop", "The shop", (ORIGIN, "https://shop.example"))
    again = await mona.browser.get("/desk/sites/shop")
    assert key not in again.text
    line = f'<script async src="http://localhost:8000/widget.js" data-site="{site.embed_key}"></script>'
    assert html.escape(line) in again.text or line in html.unescape(again.text)
    assert "The shop" in (await mona.browser.get("/desk/sites")).text


@pytest.mark.parametrize(
    ("changes", "marked"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"slug": ""}, "slug"),
        ({"slug": "The Shop"}, "slug"),
        ({"slug": "bank"}, "slug"),
        ({"slug": "new"}, "slug"),
        ({"origins": "www.bank.example"}, "origins"),
        ({"origins": "https://www.bank.example/path"}, "origins"),
    ],
)
async def test_a_new_site_is_refused_at_its_field(mona: Person, changes: dict[str, str], marked: str) -> None:
    typed = {"name": "The shop", "slug": "shop", "origins": ORIGIN, **changes}
    answer = await mona.send(await mona.browser.get("/desk/sites/new"), **typed)
    assert (answer.status_code, wrong_fields(answer)) == (422, [marked])
    kept = fields_of(answer.text)
    assert {name: kept[name] for name in typed} == typed
    assert (await mona.browser.get("/desk/sites/shop")).status_code == 404


# -- changing one -------------------------------------------------------------------------------------------------

EVERYTHING = {
    "name": "La Banque",
    "origins": f"{ORIGIN}\nhttps://mobile.bank.example:8443",
    "capabilities": ["chat", "book"],
    "team": "advice",
    "services": ["talk"],
    "hours.mon": "09:00-12:00, 14:00-18:00",
    "hours.sat": "10:00-12:00",
    "zone": "Indian/Reunion",
    "theme.accent": "#8A1538",
    "theme.accent_dark": "#f4a6bd",
    "theme.scheme": "dark",
    "theme.side": "start",
    "theme.offset_x": "12",
    "theme.offset_y": "80",
    "words.en.title": "Ask us",
    "words.fr.title": "Demandez-nous",
    "words.fr.book": "Rendez-vous",
    "vouching": "required",
}


async def test_everything_that_is_written_is_stored_and_shown_again(mona: Person, sites: Sites) -> None:
    page = await mona.send(await mona.browser.get("/desk/sites/bank"), "greeting-add")
    row = "greetings.0"
    greeting = {f"{row}.text.en": "Hello", f"{row}.text.fr": "Bonjour", f"{row}.page": "/loans/*", f"{row}.after": "20"}
    saved = await mona.send(page, **EVERYTHING, **greeting, **{f"{row}.scroll": "50"})
    assert (saved.status_code, str(saved.url.query)) == (200, "b'saved=1'")
    site = await sites.named("bank")
    assert site.name == "La Banque"
    assert json.loads(msgspec.json.encode(site.settings)) == {
        "origins": [ORIGIN, "https://mobile.bank.example:8443"],
        "capabilities": ["chat", "book"],
        "team": "advice",
        "services": ["talk"],
        "hours": {"tue": [], "wed": [], "thu": [], "fri": [], "sun": [], "mon": ["09:00-12:00", "14:00-18:00"]}
        | {"sat": ["10:00-12:00"]},
        "zone": "Indian/Reunion",
        "theme": {
            "accent": "#8a1538",
            "accent_dark": "#f4a6bd",
            "scheme": "dark",
            "side": "start",
            "offset_x": 12,
            "offset_y": 80,
        },
        "words": {
            "en": {**dict.fromkeys(("lede", "chat", "audio", "video", "book"), ""), "title": "Ask us"},
            "fr": {
                **dict.fromkeys(("lede", "chat", "audio", "video"), ""),
                "title": "Demandez-nous",
                "book": "Rendez-vous",
            },
        },
        "greetings": [{"text": {"en": "Hello", "fr": "Bonjour"}, "page": "/loans/*", "after": 20, "scroll": 50}],
        "vouching": "required",
    }
    shown = fields_of(saved.text)
    assert {name: shown[name] for name in EVERYTHING if name not in {"theme.accent", "vouching"}} == {
        **{name: value for name, value in EVERYTHING.items() if name not in {"theme.accent", "vouching"}},
        "theme.scheme": ["dark"],
        "theme.side": ["start"],
    }


@pytest.mark.parametrize(
    ("changes", "marked"),
    [
        ({"name": ""}, ["name"]),
        ({"origins": "http://www.bank.example"}, ["origins"]),
        ({"origins": "https://*.bank.example"}, ["origins"]),
        ({"capabilities": None}, ["capabilities"]),
        ({"team": "nobody"}, ["team"]),
        ({"services": ["nothing"]}, ["services"]),
        ({"hours.mon": "late", "hours.tue": "09:00-12:00"}, ["hours.mon"]),
        ({"zone": "Mars/Olympus"}, ["zone"]),
        ({"theme.accent": "blue"}, ["theme.accent"]),
        ({"theme.accent": "#ffee00", "theme.accent_dark": "#202020"}, ["theme.accent", "theme.accent_dark"]),
        ({"theme.offset_x": "far"}, ["theme.offset_x"]),
        ({"theme.offset_y": "-5"}, ["theme.offset_y"]),
        ({"words.fr.title": "x" * 2_000}, ["words.fr.title"]),
        ({"zone": "Mars/Olympus", "theme.offset_x": "", "name": " "}, ["name", "zone", "theme.offset_x"]),
    ],
)
async def test_what_is_wrong_is_said_at_its_field_and_nothing_typed_is_lost(
    mona: Person, sites: Sites, changes: dict[str, Any], marked: list[str]
) -> None:
    before = await sites.named("bank")
    page = await mona.browser.get("/desk/sites/bank", params={"lang": "fr"})
    typed = {"words.en.title": "Ask us", **changes}
    answer = await mona.send(page, **typed)
    assert (answer.status_code, sorted(wrong_fields(answer))) == (422, sorted(marked))
    assert "Veuillez corriger" in answer.text or "Veuillez" in answer.text
    kept = fields_of(answer.text)
    assert {name: kept.get(name) for name in typed if name not in {"capabilities", "services"}} == {
        name: value for name, value in typed.items() if name not in {"capabilities", "services"}
    }
    assert await sites.named("bank") == before


async def test_greetings_are_added_and_taken_away_row_by_row(mona: Person, sites: Sites) -> None:
    page = await mona.browser.get("/desk/sites/bank")
    for number in range(3):
        page = await mona.send(page, "greeting-add", zone="Europe/Rome")
        assert fields_of(page.text)[f"greetings.{number}.page"] == "*"
    typed = {f"greetings.{number}.text.en": word for number, word in enumerate(("one", "two", "three"))}
    page = await mona.send(page, "greeting-remove:1", **typed)
    saved = await mona.send(page)
    site = await sites.named("bank")
    assert [one.text for one in site.settings.greetings] == [{"en": "one"}, {"en": "three"}]
    assert site.settings.zone == "Europe/Rome"
    assert wrong_fields(saved) == []


async def test_a_picture_is_kept_with_its_type_and_taken_away(mona: Person, sites: Sites) -> None:
    page = await mona.browser.get("/desk/sites/bank")
    saved = await mona.send(page, logo=("logo.png", PNG, "image/png"))
    assert (await sites.named("bank")).logo
    picture = await mona.browser.get(re.findall(r'src="(/widget/\w+/logo[^"]+)"', saved.text)[0])
    assert (picture.content, picture.headers["content-type"]) == (PNG, "image/png")
    await mona.send(saved, logo_remove="yes")
    assert not (await sites.named("bank")).logo


@pytest.mark.parametrize("content", [b"<svg onload=alert(1)>", PNG_HEAD + b"x" * 70_000, b"GIF89a"])
async def test_what_is_no_small_picture_is_refused(mona: Person, sites: Sites, content: bytes) -> None:
    page = await mona.browser.get("/desk/sites/bank")
    answer = await mona.send(page, logo=("logo.png", content, "image/png"), zone="Europe/Rome")
    assert (answer.status_code, wrong_fields(answer)) == (422, ["logo"])
    assert fields_of(answer.text)["zone"] == "Europe/Rome"
    assert (await sites.named("bank")).settings.zone == ""


async def test_the_second_of_two_is_told_and_neither_loses_anything(app: Starlette, mona: Person, sites: Sites) -> None:
    maya = Person(app)
    await maya.sign_in("maya")
    first, second = [await person.browser.get("/desk/sites/bank") for person in (mona, maya)]
    await mona.send(first, name="The bank of Mona", zone="Europe/Rome", **{"words.en.title": "Mona asks"})
    told = await maya.send(second, **{"words.en.title": "Maya asks", "words.en.chat": "Write"})
    assert told.status_code == 409
    assert (await sites.named("bank")).settings.words["en"].title == "Mona asks"
    both = fields_of(told.text)
    assert (both["name"], both["zone"]) == ("The bank of Mona", "Europe/Rome")  # which Maya had not touched
    assert (both["words.en.title"], both["words.en.chat"]) == ("Maya asks", "Write")
    assert re.findall(r"<dd>theirs: ([^<]+)</dd>", told.text) == ["Mona asks"]
    await maya.send(told)
    site = await sites.named("bank")
    assert (site.name, site.settings.zone) == ("The bank of Mona", "Europe/Rome")
    assert (site.settings.words["en"].title, site.settings.words["en"].chat) == ("Maya asks", "Write")
    await maya.browser.aclose()


async def test_who_did_what_is_in_the_log_without_their_words(
    mona: Person, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    await mona.send(await mona.browser.get("/desk/sites/bank"), **{"words.en.title": "A secret plan", "zone": "UTC"})
    said = capsys.readouterr().out + caplog.text
    (line,) = [line for line in said.splitlines() if "site changed" in line]
    assert all(word in line for word in ("bank", "mona", "zone", "words.en.title"))
    assert "secret plan" not in said


# -- keys ---------------------------------------------------------------------------------------------------------


async def test_another_api_key_ends_the_former_at_once(mona: Person, sites: Sites) -> None:
    await sites.by_key(KEY)
    page = await mona.send(await mona.browser.get("/desk/sites/bank"), "key-new", zone="Europe/Rome")
    (key,) = re.findall(r"pk_\w+", page.text)
    assert (await sites.by_key(key)).slug == "bank"
    with pytest.raises(Unauthorised):
        await sites.by_key(KEY)
    assert fields_of(page.text)["zone"] == "Europe/Rome"  # which was typed, and not saved yet


async def test_a_site_is_revoked_by_writing_its_name(mona: Person, sites: Sites) -> None:
    page = await mona.browser.get("/desk/sites/bank")
    refused = await mona.send(page, "revoke", confirm="the bank")
    assert (refused.status_code, wrong_fields(refused)) == (422, ["confirm"])
    embed_key = (await sites.named("bank")).embed_key
    gone = await mona.send(page, "revoke", confirm="bank")
    assert "The bank is revoked" in gone.text
    assert await sites.by_embed_key(embed_key) is None
    assert (await mona.browser.get("/desk/sites/bank")).status_code == 404


async def test_a_shared_secret_is_shown_once_and_ended(mona: Person) -> None:
    page = await mona.send(await mona.browser.get("/desk/sites/bank"), "signer-hs256", zone="Europe/Rome")
    secret = re.findall(r'<code id="secret-1">([^<]+)</code>', page.text)[0]
    assert fields_of(page.text)["zone"] == "Europe/Rome"
    again = await mona.browser.get("/desk/sites/bank")
    assert secret not in again.text
    (kid,) = re.findall(r'value="signer-end:([^"]+)"', again.text)
    ended = await mona.send(again, f"signer-end:{kid}")
    assert kid in ended.text
    assert "signer-end" not in ended.text


async def test_a_public_key_is_taken_as_pem_and_nothing_else_is(mona: Person) -> None:
    page = await mona.browser.get("/desk/sites/bank")
    for typed in ("", "no key", PRIVATE):
        wrong = await mona.send(page, "signer-eddsa", public_key=typed)
        assert (wrong.status_code, wrong_fields(wrong)) == (422, ["public_key"])
    taken = await mona.send(page, "signer-eddsa", public_key=PUBLIC)
    assert "EdDSA" in taken.text
    assert "signer-end:" in taken.text


# -- the preview --------------------------------------------------------------------------------------------------


async def test_the_preview_may_be_framed_by_us_alone_and_nothing_else_of_the_desk(mona: Person) -> None:
    framed = await mona.browser.get("/desk/sites/bank/preview", params={"in": "fr"})
    assert "frame-ancestors 'self'" in framed.headers["content-security-policy"]
    assert '<html lang="fr">' in framed.text
    assert "lang" not in framed.cookies
    around = await mona.browser.get("/desk/sites/bank")
    assert "frame-ancestors 'none'" in around.headers["content-security-policy"]
    assert (await mona.browser.get("/desk/sites/bank/preview", params={"in": "xx"})).status_code == 200
