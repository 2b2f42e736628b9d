"""Doors of appointments that meet elsewhere: they lead on in time, and tell nobody before, after, or who was not asked."""

import re
from collections.abc import AsyncIterator

import httpx
import msgspec
import pytest
from sqlalchemy import Connection, func, select
from starlette.applications import Starlette

from presence.app import create_app
from presence.booking.model import Appointment
from presence.booking.requests import Booked, BookRequest, OfferRequest
from presence.booking.service import Booking
from presence.storage.tables import call, outbox
from tests.booking.conftest import KEY, configuration, running
from tests.booking.test_desk_pages import send, sign_in
from tests.support import FrozenClock, service

MINUTE = 60
ROOM = "https://meet.example:8443/{room}?lang={language}"
LEADS = re.compile(r"https://meet\.example:8443/([0-9A-Za-z]{22})\?lang=(en|fr)")


@pytest.fixture
async def app(database_url: str, clock: FrozenClock) -> AsyncIterator[Starlette]:
    bank = configuration(database_url)
    services = (service("elsewhere", room=ROOM), service("ours"))
    async with running(create_app(msgspec.structs.replace(bank, services=services), clock, workers=False)) as started:
        yield started


async def booked(app: Starlette, slug: str = "elsewhere") -> Booked:
    """Carol's appointment with Alice, to which she has invited Dave."""
    booking: Booking = app.state.booking
    start = (await booking.offers(OfferRequest(service=slug))).starts[30]
    return await booking.book(
        BookRequest(
            request_key=f"carol {slug}",
            service=slug,
            start=start,
            adviser="alice",
            medium="video",
            name="Carol Petit",
            email="carol@example.org",
            guests=("dave@example.org",),
        )
    )


def guests_link(app: Starlette, one: Appointment) -> str:
    address: str = app.state.letters.links(one).guest_join
    return address.removeprefix("http://localhost:8000")


async def press(browser: httpx.AsyncClient, path: str, lang: str = "en", **form: str) -> httpx.Response:
    return await browser.post(path, params={"lang": lang}, data=form, follow_redirects=False)


async def test_in_time_the_button_leads_carol_dave_and_alice_to_one_room(
    app: Starlette, browser: httpx.AsyncClient, clock: FrozenClock
) -> None:
    made = await booked(app)
    one = made.appointment
    clock.set(one.starts_at - 15 * MINUTE)
    carols, daves = f"/a/{made.token}/room", guests_link(app, one)
    rooms = set()
    for path, lang in ((carols, "fr"), (carols, "en"), (daves, "en")):
        shown = await browser.get(path, params={"lang": lang})
        assert "meet.example:8443" in shown.text
        assert "form-action 'self' https://meet.example:8443;" in shown.headers["content-security-policy"]
        answer = await press(browser, path, lang)
        assert answer.status_code == 303
        found = LEADS.fullmatch(answer.headers["location"])
        assert found is not None
        assert found[2] == lang
        rooms.add(found[1])
        assert found[1] not in shown.text
    await sign_in(browser)
    page = await browser.get(f"/agenda/appointments/{one.id}/room", params={"lang": "en"})
    token = re.findall(r'name="csrf" value="(\w+)"', page.text)[0]
    answer = await press(browser, f"/agenda/appointments/{one.id}/room", csrf=token)
    found = LEADS.fullmatch(answer.headers["location"])
    assert found is not None
    rooms.add(found[1])
    assert len(rooms) == 1

    def calls(connection: Connection) -> int:
        return int(connection.execute(select(func.count()).select_from(call)).scalar_one())

    assert await app.state.database.read(calls) == 0


async def test_early_late_and_cancelled_the_button_leads_nowhere(
    app: Starlette, browser: httpx.AsyncClient, clock: FrozenClock
) -> None:
    made = await booked(app)
    one = made.appointment
    paths = (f"/a/{made.token}/room", guests_link(app, one))

    async def nobody_learns_anything() -> None:
        for path in paths:
            answer = await press(browser, path)
            assert answer.status_code == 409
            assert LEADS.search(answer.text) is None

    for moment in (one.starts_at - 15 * MINUTE - 1, one.ends_at + 30 * MINUTE):
        clock.set(moment)
        await nobody_learns_anything()
    clock.set(one.starts_at - 3 * 3600)
    booking: Booking = app.state.booking
    await booking.cancel(made.token)
    clock.set(one.starts_at)
    await nobody_learns_anything()


async def test_mails_lead_to_our_own_door(app: Starlette) -> None:
    await booked(app)

    def raws(connection: Connection) -> list[bytes]:
        return [bytes(raw) for raw in connection.execute(select(outbox.c.raw)).scalars()]

    mails = await app.state.database.read(raws)
    assert len(mails) == 3
    assert not any(b"meet.example" in raw for raw in mails)


async def test_a_site_is_told_that_a_service_meets_elsewhere(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/api/v1/services", headers={"Authorization": f"Bearer {KEY}"})
    found = {one["slug"]: one["elsewhere"] for one in answer.json()["services"]}
    assert found == {"elsewhere": "meet.example:8443", "ours": ""}


async def test_a_guests_button_at_a_room_of_ours_opens_nothing(
    app: Starlette, browser: httpx.AsyncClient, clock: FrozenClock
) -> None:
    one = (await booked(app, "ours")).appointment
    clock.set(one.starts_at)
    assert (await press(browser, guests_link(app, one))).status_code == 405
    shown = await browser.get(guests_link(app, one))
    assert "<form" not in shown.text.partition('class="card door"')[2].partition("</main>")[0]
    assert "form-action 'self';" in shown.headers["content-security-policy"]
    assert (await send_signed(browser, one)).startswith("/desk/room/")


async def send_signed(browser: httpx.AsyncClient, one: Appointment) -> str:
    """Where the adviser's button leads to."""
    await sign_in(browser)
    return (await send(browser, f"/agenda/appointments/{one.id}/room")).url.path
