"""Carol books inside of another site's page: with the storage browsers leave there, with none, and without scripts."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Frame, Page, ViewportSize, expect

from presence.sites.settings import Settings
from tests.browser.conftest import BROWSER, DESKTOP, PATIENCE, PHONE, fits, violations
from tests.browser.host import Host, add_site_now, document
from tests.browser.test_booking import WORDS
from tests.browser.test_framed import HOST, Keeps, browsing, told

pytestmark = BROWSER

AROUND: ViewportSize = {"width": 1280, "height": 1000}


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with Host() as served:
        yield served


@pytest.fixture(scope="module")
def key(demo: str, demo_directory: Path, host: Host) -> str:
    return add_site_now(demo_directory, "bookshop", Settings(origins=(host.origin,)))


@asynccontextmanager
async def embedded(
    chromium: Browser, host: Host, address: str, *, size: ViewportSize, script: bool = True, zone: str = "Europe/Paris"
) -> AsyncIterator[tuple[Page, Frame]]:
    """A page of the host's with ours in it."""
    context = await chromium.new_context(
        viewport=AROUND, java_script_enabled=script, reduced_motion="reduce", timezone_id=zone
    )
    context.set_default_timeout(PATIENCE)
    page = await context.new_page()
    try:
        yield page, await framed(page, host, address, size)
        assert await context.cookies() == []
    finally:
        await context.close()


async def framed(page: Page, host: Host, address: str, size: ViewportSize) -> Frame:
    base = address.split("/at/")[0]
    given = {"base": base, "src": address, "page": f"{host.origin}/loans", **size}
    await page.goto(host.page("/loans", HOST.format(**given)))
    return await frame_of(page)


async def frame_of(page: Page) -> Frame:
    element = await page.wait_for_selector("iframe")
    inside = await element.content_frame() if element else None
    assert inside is not None
    await inside.wait_for_load_state()
    return inside


async def choose(frame: Frame, say: dict[str, str]) -> None:
    """From the services to the form."""
    await frame.get_by_role("link", name=say["choose"]).click()
    day = frame.locator("a.day").last
    await day.click()
    await expect(day).to_have_attribute("aria-current", "date")
    await frame.locator("button.hour").last.click()
    await expect(frame.locator("#details")).to_be_visible()


async def fill_in(frame: Frame, say: dict[str, str]) -> None:
    await frame.get_by_label(say["name"], exact=True).fill("Carol Jones")
    await frame.get_by_label(say["email"], exact=True).fill("carol@customers.example")


async def book_there(frame: Frame, lang: str) -> None:
    """All of it, with a change of mind on the way."""
    say = WORDS[lang]
    async with fits(frame):
        await expect(frame.locator("html")).to_have_attribute("lang", lang)
    await choose(frame, say)
    async with fits(frame):
        await fill_in(frame, say)
    await frame.locator(".summary button.link").click()
    async with fits(frame):
        await expect(frame.locator("button.hour").first).to_be_visible()
    await frame.locator("button.hour").first.click()
    await expect(frame.locator("#details")).to_be_visible()
    await expect(frame.get_by_label(say["name"], exact=True)).to_have_value("Carol Jones")
    await expect(frame.get_by_label(say["email"], exact=True)).to_have_value("carol@customers.example")
    await frame.get_by_role("button", name=say["confirm"]).click()
    async with fits(frame):
        await expect(frame.get_by_text(say["booked"])).to_be_visible()


@pytest.mark.parametrize("keeps", ["own", "nothing"])
async def test_no_cookie_is_needed(tmp_path: Path, demo: str, host: Host, key: str, keeps: Keeps) -> None:
    async with browsing(tmp_path / "profile", keeps, viewport=AROUND) as context:
        page = await context.new_page()
        frame = await framed(page, host, f"{demo}/at/{key}/en/book?embed=1", DESKTOP)
        await book_there(frame, "en")
        assert await context.cookies() == []


@pytest.mark.parametrize("lang", ["en", "fr"])
@pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])
async def test_carol_books_in_a_small_frame(
    chromium: Browser, demo: str, host: Host, key: str, lang: str, script: bool
) -> None:
    address = f"{demo}/at/{key}/{lang}/book?embed=1"
    context = await chromium.new_context(
        viewport=PHONE, java_script_enabled=script, reduced_motion="reduce", timezone_id="Europe/Paris"
    )
    context.set_default_timeout(PATIENCE)
    page = await context.new_page()
    plain = f'<main><h1>Loans</h1><iframe title="Booking" src="{address}" width="320" height="600"></iframe></main>'
    await page.goto(host.page("/plain", document(plain, head="<style>body { margin: 0 }</style>")))
    await book_there(await frame_of(page), lang)
    assert await context.cookies() == []
    await context.close()


async def test_the_host_hears_once_of_what_is_booked(chromium: Browser, demo: str, host: Host, key: str) -> None:
    async with embedded(chromium, host, f"{demo}/at/{key}/en/book?embed=1", size=DESKTOP) as (page, frame):
        await choose(frame, WORDS["en"])
        await fill_in(frame, WORDS["en"])
        start = int(await frame.locator("#details [name=start]").input_value())
        await frame.get_by_role("button", name=WORDS["en"]["confirm"]).click()
        await expect(frame.get_by_text(WORDS["en"]["booked"])).to_be_visible()
        await page.wait_for_function("heard.some((one) => one.t === 'booked')")
        await frame.evaluate("location.reload()")
        await expect(frame.get_by_text(WORDS["en"]["booked"])).to_have_count(0)
        await page.wait_for_function("heard.length")
        assert await told(page, "booked") == [{"t": "booked", "starts_at": start, "service": "first-talk"}]
        async with page.context.expect_page() as opening:  # the call is not bound to this page
            await frame.get_by_role("link", name="Join").click()
        joined = await opening.value
        await expect(joined.locator("h1")).to_be_visible()
        assert joined.url.startswith(f"{demo}/a/")


async def test_what_the_host_knows_is_filled_in_and_what_was_typed_stays(
    chromium: Browser, demo: str, host: Host, key: str
) -> None:
    async with embedded(chromium, host, f"{demo}/at/{key}/en/book/home-loan?embed=1", size=DESKTOP) as (page, frame):
        await page.evaluate("window.before = port")
        await frame.locator("button.hour").last.click()
        await frame.locator("#email").fill("carol@work.example")
        await page.wait_for_function("port !== before")
        known: dict[str, Any] = {
            "name": "Carol Jones",
            "email": "carol@customers.example",
            "phone": "+33 6 12 34 56 78",
            "answers": {"project": "A house", "stage": "I have signed", "customer": "yes", "nothing": "x"},
        }
        await page.evaluate("known => port.postMessage({t: 'prefill', ...known})", known)
        await expect(frame.locator("#name")).to_have_value("Carol Jones")
        await expect(frame.locator("#email")).to_have_value("carol@work.example")
        await expect(frame.get_by_label("Phone")).to_have_value("+33 6 12 34 56 78")
        await expect(frame.get_by_label("What are you planning?")).to_have_value("A house")
        await expect(frame.get_by_label("I have signed")).to_be_checked()
        await expect(frame.get_by_label("Yes")).to_be_checked()


async def test_who_logs_out_leaves_nothing_that_was_typed(chromium: Browser, demo: str, host: Host, key: str) -> None:
    address = f"{demo}/at/{key}/en/book/home-loan?embed=1"
    async with embedded(chromium, host, address, size=DESKTOP) as (page, frame):
        await page.evaluate("window.before = port")
        await frame.locator("button.hour").last.click()
        await frame.locator("#email").fill("carol@work.example")
        await page.wait_for_function("port !== before")
        await page.evaluate("port.postMessage({t: 'forget'})")
        await expect(frame.locator("#details")).to_have_count(0)
        await frame.wait_for_url(address.partition("/home-loan")[0])
        assert await frame.evaluate("self.name") == ""


async def test_who_comes_back_finds_their_hour_free(chromium: Browser, demo: str, host: Host, key: str) -> None:
    address = f"{demo}/at/{key}/en/book/first-talk?spoken=de"  # only Mona speaks it
    async with embedded(chromium, host, address, size=DESKTOP) as (page, frame):
        start = await frame.locator("button.hour").last.get_attribute("value")
        await frame.locator(f"button.hour[value='{start}']").last.click()
        await expect(frame.locator("#details")).to_be_visible()
        await frame.wait_for_function("() => self.name")
        await page.evaluate("src => { document.querySelector('iframe').src = src }", address + "&day=")
        await expect(frame.locator("button.hour").first).to_be_visible()
        answer = await page.request.post(
            f"{demo}/at/{key}/en/book/first-talk/hold", form={"start": str(start), "spoken": "de"}
        )
        assert answer.status == 409  # it is kept, from everybody else
        held = await frame.evaluate("self.name")
        await frame.evaluate(
            """start => {
                const form = document.querySelector(".soonest, .hours form");
                form.elements.start.value = start;
                form.requestSubmit();
            }""",
            start,
        )
        await expect(frame.locator("#details")).to_be_visible()
        assert await frame.evaluate("self.name") != held


async def test_the_visitors_hours_are_in_their_zone_all_the_way(
    chromium: Browser, demo: str, host: Host, key: str
) -> None:
    address = f"{demo}/at/{key}/en/book/first-talk"
    async with embedded(chromium, host, address, size=DESKTOP, zone="Asia/Tokyo") as (_, frame):
        await expect(frame.locator(".zone")).to_contain_text("Tokyo time (UTC+9)")
        await frame.locator("a.day").last.click()
        await expect(frame.locator(".zone")).to_contain_text("Tokyo time (UTC+9)")
        await frame.locator("button.hour").last.click()
        await expect(frame.locator(".summary")).to_contain_text("Tokyo time (UTC+9)")


async def test_inline_it_is_as_high_as_what_it_shows(chromium: Browser, demo: str, host: Host, key: str) -> None:
    address = f"{demo}/at/{key}/en/book/home-loan?inline=1"
    async with embedded(chromium, host, address, size=PHONE) as (page, frame):

        async def as_high() -> None:
            """Nothing has to be scrolled, and there is no more room than that."""
            await frame.wait_for_function(
                """() => innerHeight >= document.documentElement.scrollHeight
                   && innerHeight <= Math.ceil(document.body.getBoundingClientRect().height)"""
            )

        await page.evaluate(
            """() => {
                const follow = (one) => one?.t === 'size' && (document.querySelector('iframe').style.height = `${one.height}px`);
                follow(heard.findLast((one) => one.t === 'size'));
                heard.push = (one) => follow(one);
            }"""
        )
        await as_high()
        await expect(frame.locator("header.framed")).to_be_hidden()
        await frame.locator("button.hour").last.click()
        await expect(frame.locator("#details")).to_be_visible()
        await as_high()
        await frame.get_by_text("Invite others").click()
        await as_high()


@pytest.mark.parametrize(("lang", "size"), [("en", DESKTOP), ("fr", PHONE)], ids=["en", "fr"])
async def test_nothing_is_in_anybodys_way(
    chromium: Browser, demo: str, host: Host, key: str, lang: str, size: ViewportSize
) -> None:
    say = WORDS[lang]
    async with embedded(chromium, host, f"{demo}/at/{key}/{lang}/book?embed=1", size=size) as (_, frame):
        found = await violations(frame)
        await choose(frame, say)
        found += await violations(frame)
        await frame.locator("#details .button").click()
        await expect(frame.locator("#email")).to_have_attribute("aria-invalid", "true")
        found += await violations(frame)
        await fill_in(frame, say)
        await frame.locator("#details .button").click()
        await expect(frame.get_by_text(say["booked"])).to_be_visible()
        found += await violations(frame)
        await frame.goto(f"{demo}/at/{key}/{lang}/book/nothing")
        found += await violations(frame)
        assert found == []
