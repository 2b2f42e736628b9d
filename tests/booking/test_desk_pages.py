"""The adviser's pages: signing in, one appointment, their hours, their feed."""

import re

import httpx
from icalendar import Calendar

from tests.booking.test_pages import to_the_form, typed
from tests.support import HOUR, FrozenClock


async def sign_in(browser: httpx.AsyncClient, password: str = "alice's long password") -> httpx.Response:
    return await browser.post("/sign-in", data={"email": "alice@bank.example", "password": password, "next": "//evil"})


async def send(browser: httpx.AsyncClient, path: str, **data: str) -> httpx.Response:
    """Post a form as a page of the session's would."""
    page = await browser.get("/agenda")
    token = re.findall(r'name="csrf" value="(\w+)"', page.text)[0]
    return await browser.post(path, data={"csrf": token, **data})


async def test_alice_confirms_and_sees_her_day(browser: httpx.AsyncClient, clock: FrozenClock) -> None:
    form = await to_the_form(browser, "asked", medium="video")  # which Bob does not offer
    await browser.post(form.url.path, data=typed(form, **{"answers.known": "yes"}))
    assert (await sign_in(browser, "a wrong password")).status_code == 422
    agenda = await sign_in(browser)
    assert agenda.url.path == "/agenda"
    assert "/agenda/appointments/1" in agenda.text
    assert "badge good" in (await send(browser, "/agenda/appointments/1/confirm")).text
    clock.advance(16 * HOUR)  # the appointment has begun, and her session is over
    await sign_in(browser)
    assert "Took place" in (await send(browser, "/agenda/appointments/1/held")).text


async def test_a_form_without_the_sessions_token_changes_nothing(browser: httpx.AsyncClient) -> None:
    await sign_in(browser)
    answer = await browser.post("/agenda/hours", data={"form": "hours", "tue": "20:00-21:00"})
    assert answer.status_code == 403
    assert "older than your session" in answer.text
    assert "20:00-21:00" not in (await browser.get("/agenda/hours")).text
    assert (await browser.post("/sign-out")).status_code == 403
    assert (await send(browser, "/sign-out")).url.path == "/sign-in"
    assert (await browser.get("/agenda")).url.path == "/sign-in"


async def test_alice_changes_her_hours_and_offers_follow(browser: httpx.AsyncClient) -> None:
    await sign_in(browser)
    wrong = await send(browser, "/agenda/hours", form="hours", mon="late")
    assert wrong.status_code == 422
    assert 'value="late"' in wrong.text
    assert "20:00-21:00" in (await send(browser, "/agenda/hours", form="hours", tue="20:00-21:00")).text
    picker = await browser.get("/book/talk", params={"medium": "video", "zone": "Europe/Paris"})
    hours = re.findall(r'<button class="hour"[^>]*>([^<]+)<', picker.text)
    assert hours == ["20:00", "20:15", "20:30"]
    await send(browser, "/agenda/exceptions", day="2026-06-09", ranges="")
    assert "closed" in (await browser.get("/agenda/hours")).text
    away = await send(browser, "/agenda/absences", starts="2026-06-16T08:00", ends="2026-06-17T08:00")
    assert "Remove" in away.text


async def test_a_strangers_desk_is_closed(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/agenda/appointments/1")
    assert answer.url.path == "/sign-in"


async def test_alices_feed_is_hers_alone(browser: httpx.AsyncClient) -> None:
    await sign_in(browser)
    page = await send(browser, "/agenda/feed")
    path = re.findall(r"(/feed/\w+\.ics)", page.text)[0]
    feed = await browser.get(path)
    assert Calendar.from_ical(feed.content).get("X-WR-CALNAME")
    assert (await browser.get(path, headers={"if-none-match": feed.headers["etag"]})).status_code == 304
    await send(browser, "/agenda/feed")
    assert (await browser.get(path)).status_code == 404
