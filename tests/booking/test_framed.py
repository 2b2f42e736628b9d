"""Booking inside of another site's page: no cookie comes or goes, and nothing of what was typed is lost."""

import re
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import msgspec
import pytest
from sqlalchemy import Connection, select
from starlette.applications import Starlette

from presence.app import create_app
from presence.booking.model import Appointment
from presence.booking.requests import BookRequest
from presence.storage.tables import appointment
from presence.tokens import fingerprint, random_token
from tests.booking.conftest import configuration, running
from tests.booking.test_pages import field, typed
from tests.support import FrozenClock

AT = "/at/an-embed-key-of-the-shop/fr"
NO_BOOKING = "/at/an-embed-key-without-it/fr"
SHOP = {"origins": ["https://shop.example"], "services": ["talk", "asked"]}
SITES = (
    {"slug": "bank", "name": "The bank", "key": "pk_a-key-of-the-tests"},
    {
        "slug": "shop",
        "name": "La boutique",
        "key": "pk_key-of-the-shop",
        "embed_key": AT.split("/")[2],
        "settings": SHOP,
    },
    {
        "slug": "silent",
        "key": "pk_key-of-the-silent",
        "embed_key": NO_BOOKING.split("/")[2],
        "settings": {"origins": ["https://silent.example"], "capabilities": ["chat"]},
    },
)


class NoCookies(httpx.Cookies):
    """What a browser keeps of us inside of a frame: nothing."""

    def extract_cookies(self, response: httpx.Response) -> None:
        assert "set-cookie" not in response.headers, response.headers["set-cookie"]


@pytest.fixture
async def app(database_url: str, clock: FrozenClock) -> AsyncIterator[Starlette]:
    config = msgspec.structs.replace(configuration(database_url), sites=SITES)
    async with running(create_app(config, clock, workers=False)) as started:
        yield started


@pytest.fixture
def frame(browser: httpx.AsyncClient) -> httpx.AsyncClient:
    browser._cookies = NoCookies()
    return browser


def hours(page: httpx.Response) -> list[str]:
    return re.findall(r'<button class="hour"[^>]*value="(\d+)"', page.text)


def action(page: httpx.Response, end: str) -> str:
    """Where a form of the page goes, the one whose path ends so."""
    found = [one for one in re.findall(r'action="([^"]+)"', page.text) if urlsplit(one).path.endswith(end)]
    assert found, page.text
    return str(found[0]).replace("&amp;", "&")


async def choose(frame: httpx.AsyncClient, picker: httpx.Response, start: str, **more: str) -> httpx.Response:
    """Take one of the picker's hours, as its form does."""
    return await frame.post(action(picker, "/hold"), data={"start": start, "zone": "Europe/London", **more})


async def test_carol_books_moves_and_cancels_and_never_leaves_the_frame(frame: httpx.AsyncClient) -> None:
    services = await frame.get(f"{AT}/book", params={"embed": "1"})
    assert 'lang="fr"' in services.text
    picker = await frame.get(f"{AT}/book/talk")
    form = await choose(frame, picker, hours(picker)[-1])
    assert form.status_code == 200
    shown = await frame.post(action(form, form.url.path), data=typed(form))
    assert "Votre rendez-vous est pris." in shown.text
    mine = shown.url.path
    assert mine.startswith(f"{AT}/a/")
    picker = await frame.get(f"{mine}/move", params={"day": "2026-06-11", "month": "2026-06"})
    moved = await frame.post(f"{mine}/move", data={"start": hours(picker)[0]})
    assert str(moved.url).endswith(f"{mine}?moved=1")
    cancelled = await frame.post(f"{mine}/cancel", data={"reason": "malade"})
    assert "badge bad" in cancelled.text
    for page in (services, picker, form, shown, moved, cancelled):
        assert f"{AT}/theme.css" in page.text
        assert 'data-origins="https://shop.example"' in page.text
        assert page.headers["content-security-policy"].count("frame-ancestors https://shop.example") == 1
        outside = re.findall(r'(?:href|action)="(/(?!static/)[^"]*)"', page.text)
        top_level = [one for one in outside if not one.startswith(AT)]
        assert all(one.endswith("/room") for one in top_level), top_level  # which opens in a window of its own


async def test_what_was_typed_goes_along_sealed_when_another_hour_is_chosen(frame: httpx.AsyncClient) -> None:
    picker = await frame.get(f"{AT}/book/asked", params={"inline": "1"})
    form = await choose(frame, picker, hours(picker)[0])
    told = typed(form, **{"answers.topic": "Mon prêt immobilier"})
    release = re.findall(r'formaction="([^"]+/release[^"]*)"', form.text)[0].replace("&amp;", "&")
    again = await frame.post(release, data=told)
    assert again.status_code == 200
    query = parse_qs(urlsplit(str(again.url)).query)
    assert query["inline"] == ["1"]
    assert query["zone"] == ["Europe/London"]
    assert "Carol" not in str(again.url)
    later = re.findall(r'<a class="day" href="([^"#]+)', again.text)[-1].replace("&amp;", "&")
    day = await frame.get(later)
    form = await choose(frame, day, hours(day)[-1])
    assert form.status_code == 200
    assert field(form.text, "service") == "asked"
    for words in ('value="Carol Jones"', "carol@example.org", "Mon prêt immobilier"):
        assert words in form.text
    loaded_again = await frame.get(str(form.url))
    assert 'value="Carol Jones"' in loaded_again.text


async def test_a_sealed_draft_is_read_by_nobody_else_and_not_for_ever(
    frame: httpx.AsyncClient, clock: FrozenClock
) -> None:
    picker = await frame.get(f"{AT}/book/talk", params={"name": "Carol Jones"})
    form = await choose(frame, picker, hours(picker)[0], name="Carol Jones")
    draft = parse_qs(urlsplit(str(form.url)).query)["draft"][0]
    forged = draft[:-6] + ("AAAAA=" if draft[-6:] != "AAAAA=" else "BBBBB=")
    for other in (forged, "x", ""):
        assert "Carol Jones" not in (await frame.get(form.url.path, params={"draft": other})).text
    clock.advance(31 * 60)
    assert (await frame.get(str(form.url))).status_code == 410


async def test_more_than_an_address_holds_is_kept_by_the_page_itself(frame: httpx.AsyncClient) -> None:
    picker = await frame.get(f"{AT}/book/asked")
    long = " ".join(random_token() for _ in range(200))  # not to be packed into much less
    more = {"answers.topic": long[:2000], "guests": long[2000:]}
    form = await choose(frame, picker, hours(picker)[0], **more)
    assert form.status_code == 200
    assert "draft=" not in str(form.url)
    assert long[:2000] in form.text


async def test_her_own_hour_is_not_in_her_way_when_she_comes_back_to_it(frame: httpx.AsyncClient) -> None:
    picker = await frame.get(f"{AT}/book/talk", params={"adviser": "alice"})
    start = hours(picker)[0]
    form = await choose(frame, picker, start)
    taken = await choose(frame, picker, start)
    assert taken.status_code == 409
    held = form.url.path.rpartition("/")[2]
    assert (await choose(frame, picker, start, hold=held)).status_code == 200


async def test_a_taken_hour_offers_others_inside_of_the_frame_and_keeps_what_was_typed(
    frame: httpx.AsyncClient, clock: FrozenClock
) -> None:
    picker = await frame.get(f"{AT}/book/talk")
    start = hours(picker)[-1]
    form = await choose(frame, picker, start)
    clock.advance(6 * 60)  # it runs out, and Dave takes the hour
    assert (await choose(frame, picker, start)).status_code == 200
    taken = await frame.post(action(form, form.url.path), data=typed(form))
    assert taken.status_code == 409
    see_all = re.findall(rf'href="({AT}/book/talk[^"]*)"', taken.text)[0].replace("&amp;", "&")
    everything = await frame.get(see_all)
    form = await choose(frame, everything, hours(everything)[-1])
    assert 'value="Carol Jones"' in form.text


async def test_a_site_offers_what_it_has_chosen_and_nothing_else(frame: httpx.AsyncClient) -> None:
    services = await frame.get(f"{AT}/book")
    assert "/book/talk" in services.text
    assert "/book/together" not in services.text
    assert (await frame.get(f"{AT}/book/together")).status_code == 404
    assert (await frame.post(f"{AT}/book/together/hold", data={"start": "1"})).status_code == 404
    for path in ("/book", "/book/talk"):
        silent = await frame.get(NO_BOOKING + path)
        assert silent.status_code == 404
        assert f'href="{NO_BOOKING}/book"' not in silent.text


async def test_the_appointment_is_the_sites_and_the_conversation_hears_of_it(
    app: Starlette, frame: httpx.AsyncClient
) -> None:
    heard: list[tuple[Appointment, BookRequest]] = []
    app.state.booking.on_booked.append(lambda one, by: heard.append((one, by)))
    picker = await frame.get(f"{AT}/book/talk")
    form = await choose(frame, picker, hours(picker)[-1])
    assert field(form.text, "visitor") == ""  # a script fills it in
    visitor = (await frame.post(f"{AT}/chat/session", json={})).json()["visitor"]
    await frame.post(action(form, form.url.path), data=typed(form, visitor=visitor))
    ((_, by),) = heard
    assert by.visitor == fingerprint(visitor)
    assert not by.known
    shop = next(one for one in await app.state.sites.all() if one.slug == "shop")

    def sites(connection: Connection) -> list[int | None]:
        return list(connection.execute(select(appointment.c.site_id)).scalars())

    assert await app.state.database.read(sites) == [shop.id]


async def test_a_visitor_of_another_site_is_nobody_and_whom_this_one_vouches_for_is_known(
    app: Starlette, frame: httpx.AsyncClient
) -> None:
    heard: list[BookRequest] = []
    app.state.booking.on_booked.append(lambda _, by: heard.append(by))
    stranger = (await frame.post(f"{NO_BOOKING}/chat/session", json={})).json()["visitor"]
    made, shop = await app.state.signers.share("shop"), await app.state.sites.named("shop")
    now = app.state.presence.clock.now()
    claims = {"sub": "c-1", "name": "Carol Jones", "email": "carol@example.org", "iat": now, "exp": now + 60}
    claims |= {"jti": random_token(), "aud": app.state.vouching.audience(shop)}
    identity = jwt.encode(claims, made.secret, "HS256", headers={"kid": made.kid})
    carol = (await frame.post(f"{AT}/chat/session", json={"identity": identity})).json()["visitor"]
    for visitor, email in ((stranger, "carol@example.org"), (carol, "Carol@example.org"), (carol, "dave@example.org")):
        picker = await frame.get(f"{AT}/book/talk")
        form = await choose(frame, picker, hours(picker)[-1])
        await frame.post(action(form, form.url.path), data=typed(form, visitor=visitor, email=email))
    assert [(by.visitor == fingerprint(carol), by.known) for by in heard] == [
        (False, False),
        (True, True),
        (True, False),
    ]


async def test_mails_lead_to_our_own_pages(app: Starlette, frame: httpx.AsyncClient) -> None:
    picker = await frame.get(f"{AT}/book/talk")
    form = await choose(frame, picker, hours(picker)[-1])
    shown = await frame.post(action(form, form.url.path), data=typed(form))
    token = shown.url.path.rpartition("/")[2]
    assert (await frame.get(f"/a/{token}")).status_code == 200
    ics = await frame.get(f"{AT}/a/{token}/invite.ics")
    assert "/at/" not in ics.text.replace("\r\n ", "")
