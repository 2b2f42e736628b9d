"""The customer's pages without JavaScript, and the adviser's, in both languages."""

import datetime as dt
import re

import httpx
import pytest
from icalendar import Calendar

from tests.support import FrozenClock


def field(html: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', html)
    assert found, name
    return found[1]


async def to_the_form(
    browser: httpx.AsyncClient, service: str = "talk", lang: str = "en", **wishes: str
) -> httpx.Response:
    picker = await browser.get(f"/book/{service}", params={"lang": lang, "zone": "Europe/London", **wishes})
    assert picker.status_code == 200
    start = re.findall(r'<button class="hour"[^>]*value="(\d+)"', picker.text)[-1]
    form = await browser.post(f"/book/{service}/hold", data={"start": start, "zone": "Europe/London", **wishes})
    assert form.status_code == 200
    return form


def typed(form: httpx.Response, **changes: str) -> dict[str, str]:
    hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form.text)
    return {**dict(hidden), "name": "Carol Jones", "email": "carol@example.org", **changes}


@pytest.mark.parametrize(
    ("lang", "said"), [("en", "Your appointment is booked."), ("fr", "Votre rendez-vous est pris.")]
)
async def test_carol_books_moves_and_cancels(
    browser: httpx.AsyncClient, clock: FrozenClock, lang: str, said: str
) -> None:
    form = await to_the_form(browser, lang=lang)
    shown = await browser.post(form.url.path, data=typed(form))
    assert said in shown.text
    assert f'<html lang="{lang}">' in shown.text
    page = shown.url.path
    calendar = Calendar.from_ical((await browser.get(f"{page}/invite.ics")).content)
    begins = calendar.events[0].start
    assert isinstance(begins, dt.datetime)
    assert begins.timestamp() > clock.now()
    picker = await browser.get(f"{page}/move", params={"day": "2026-06-11", "month": "2026-06"})
    start = re.findall(r'<button class="hour"[^>]*value="(\d+)"', picker.text)[0]
    moved = await browser.post(f"{page}/move", data={"start": start})
    assert "moved=1" in str(moved.url)
    cancelled = await browser.post(f"{page}/cancel", data={"reason": "ill"})
    assert "badge bad" in cancelled.text


async def test_errors_stand_beside_their_fields_and_nothing_typed_is_lost(browser: httpx.AsyncClient) -> None:
    form = await to_the_form(browser, "asked", "fr")
    again = await browser.post(
        form.url.path, data=typed(form, email="carol", guests="x y", **{"answers.topic": "<b>Prêt</b>"})
    )
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
    form = await browser.post(
        "/book/talk/hold", data={"start": start, "name": "Carol Jones", "email": "carol@example.org"}
    )
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
