"""The customer's pages without JavaScript, and the adviser's, in both languages."""

import re

import httpx
import pytest
from icalendar import Calendar

from tests.support import HOUR, FrozenClock


def field(html: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', html)
    assert found, name
    return found[1]


async def to_the_form(browser: httpx.AsyncClient, service: str = "talk", lang: str = "en") -> httpx.Response:
    picker = await browser.get(f"/book/{service}", params={"lang": lang, "zone": "Europe/London"})
    assert picker.status_code == 200
    start = re.findall(r'<button class="hour"[^>]*value="(\d+)"', picker.text)[-1]
    form = await browser.post(f"/book/{service}/hold", data={"start": start, "zone": "Europe/London"})
    assert form.status_code == 200
    return form


def typed(form: httpx.Response, **changes: str) -> dict[str, str]:
    hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form.text)
    return {**dict(hidden), "name": "Carol Jones", "email": "carol@example.org", **changes}


@pytest.mark.parametrize(("lang", "said"), [("en", "Your appointment is booked."), ("fr", "Votre rendez-vous est pris.")])
async def test_carol_books_moves_and_cancels(browser: httpx.AsyncClient, clock: FrozenClock, lang: str, said: str) -> None:
    form = await to_the_form(browser, lang=lang)
    shown = await browser.post(form.url.path, data=typed(form))
    assert said in shown.text
    assert f'<html lang="{lang}">' in shown.text
    page = shown.url.path
    calendar = Calendar.from_ical((await browser.get(f"{page}/invite.ics")).content)
    assert calendar.events[0].start.timestamp() > clock.now()
    picker = await browser.get(f"{page}/move", params={"day": "2026-06-11", "month": "2026-06"})
    start = re.findall(r'<button class="hour"[^>]*value="(\d+)"', picker.text)[0]
    moved = await browser.post(f"{page}/move", data={"start": start})
    assert "moved=1" in str(moved.url)
    cancelled = await browser.post(f"{page}/cancel", data={"reason": "ill"})
    assert "badge bad" in cancelled.text


async def test_errors_stand_beside_their_fields_and_nothing_typed_is_lost(browser: httpx.AsyncClient) -> None:
    form = await to_the_form(browser, "asked", "fr")
    again = await browser.post(form.url.path, data=typed(form, email="carol", guests="x y", **{"answers.topic": "<b>Prêt</b>"}))
    assert again.status_code == 422
    assert "Ce n’est pas une adresse électronique" in again.text
    assert "Veuillez répondre à cette question" in again.text
    assert "&lt;b&gt;Prêt&lt;/b&gt;" in again.text
    assert field(again.text, "request_key") == field(form.text, "request_key")
    assert 'value="Carol Jones"' in again.text


async def test_a_form_sent_twice_is_one_appointment(browser: httpx.AsyncClient) -> None:
    form = await to_the_form(browser)
    first = await browser.post(form.url.path, data=typed(form))
    second = await browser.post(form.url.path, data=typed(form))
    assert first.url.path == second.url.path


async def test_a_taken_hour_offers_the_nearest_and_keeps_what_was_typed(
    browser: httpx.AsyncClient, clock: FrozenClock
) -> None:
    forms = [await to_the_form(browser)]
    clock.advance(6 * 60)  # her hold runs out, and Dave takes the hour
    dave = await to_the_form(browser)
    await browser.post(dave.url.path, data=typed(dave, name="Dave", email="dave@example.org"))
    taken = await browser.post(forms[0].url.path, data=typed(forms[0]))
    assert taken.status_code == 409
    assert "This hour has just been taken" in taken.text
    assert field(taken.text, "email") == "carol@example.org"
    start = re.findall(r'name="start" value="(\d+)"', taken.text)[0]
    form = await browser.post("/book/talk/hold", data={"start": start, "name": "Carol Jones", "email": "carol@example.org"})
    assert 'value="carol@example.org"' in form.text


async def test_no_get_changes_anything(browser: httpx.AsyncClient) -> None:
    form = await to_the_form(browser)
    shown = await browser.post(form.url.path, data=typed(form))
    for path in ("", "/move", "/cancel", "/room", "/invite.ics"):
        assert (await browser.get(shown.url.path + path)).status_code == 200
    assert "badge good" in (await browser.get(shown.url.path)).text


async def test_a_form_from_another_site_is_refused(browser: httpx.AsyncClient) -> None:
    form = await to_the_form(browser)
    for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "https://mallory.example"}):
        refused = await browser.post(form.url.path, data=typed(form), headers=headers)
        assert refused.status_code == 403


async def test_pages_carry_their_headers(browser: httpx.AsyncClient) -> None:
    headers = (await browser.get("/book")).headers
    assert "script-src 'self'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"


async def test_unknown_and_foreign_links_answer_alike(browser: httpx.AsyncClient) -> None:
    answers = [await browser.get(path) for path in ("/a/" + "0" * 22, "/a/x", "/feed/none.ics", "/book/none")]
    assert {answer.status_code for answer in answers} == {404}
    assert len({re.sub(r'href="[^"]*lang=fr"', "", answer.text) for answer in answers}) == 1


async def test_a_body_without_end_is_refused(browser: httpx.AsyncClient) -> None:
    assert (await browser.post("/book/talk/hold", content=b"x" * 200_000)).status_code == 413


async def sign_in(browser: httpx.AsyncClient, password: str = "alice's long password") -> httpx.Response:
    return await browser.post("/sign-in", data={"email": "alice@bank.example", "password": password, "next": "//evil"})


async def test_alice_confirms_and_sees_her_day(browser: httpx.AsyncClient, clock: FrozenClock) -> None:
    form = await to_the_form(browser, "asked")
    await browser.post(form.url.path, data=typed(form, **{"answers.known": "yes"}))
    assert (await sign_in(browser, "a wrong password")).status_code == 422
    agenda = await sign_in(browser)
    assert agenda.url.path == "/agenda"
    if "/agenda/appointments/1" not in agenda.text:  # Bob has it: it is not found at Alice's desk
        assert (await browser.get("/agenda/appointments/1")).status_code == 404
        return
    confirmed = await browser.post("/agenda/appointments/1/confirm")
    assert "badge good" in confirmed.text
    clock.advance(16 * HOUR)  # the appointment has begun, and her session is over
    await sign_in(browser)
    assert "Took place" in (await browser.post("/agenda/appointments/1/held")).text


async def test_alice_changes_her_hours_and_offers_follow(browser: httpx.AsyncClient) -> None:
    await sign_in(browser)
    wrong = await browser.post("/agenda/hours", data={"form": "hours", "mon": "late"})
    assert wrong.status_code == 422
    assert 'value="late"' in wrong.text
    week = {"form": "hours", "tue": "20:00-21:00"}
    assert "20:00-21:00" in (await browser.post("/agenda/hours", data=week)).text
    picker = await browser.get("/book/talk", params={"medium": "video", "zone": "Europe/Paris"})
    hours = re.findall(r'<button class="hour"[^>]*>([^<]+)<', picker.text)
    assert hours == ["20:00", "20:15", "20:30"]
    await browser.post("/agenda/exceptions", data={"day": "2026-06-09", "ranges": ""})
    assert "closed" in (await browser.get("/agenda/hours")).text
    away = {"starts": "2026-06-16T08:00", "ends": "2026-06-17T08:00"}
    assert "Remove" in (await browser.post("/agenda/absences", data=away)).text


async def test_a_strangers_desk_is_closed(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/agenda/appointments/1")
    assert answer.url.path == "/sign-in"


async def test_alices_feed_is_hers_alone(browser: httpx.AsyncClient) -> None:
    await sign_in(browser)
    page = await browser.post("/agenda/feed")
    path = re.findall(r"(/feed/\w+\.ics)", page.text)[0]
    feed = await browser.get(path)
    assert Calendar.from_ical(feed.content).get("X-WR-CALNAME")
    assert (await browser.get(path, headers={"if-none-match": feed.headers["etag"]})).status_code == 304
    await browser.post("/agenda/feed")
    assert (await browser.get(path)).status_code == 404
