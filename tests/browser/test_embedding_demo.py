"""The bank's own site of the demo: every way to embed, as Carol meets it, with Alice at her dashboard."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

import pytest
import pytest_asyncio
from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    FrameLocator,
    Locator,
    Page,
    ViewportSize,
    expect,
)

from presence.demo.embedding.app import PAGES
from tests.browser.adviser import AtDemo
from tests.browser.conftest import BROWSER, DESKTOP, PATIENCE, PHONE, Desk, fits, violations
from tests.browser.test_booking import WORDS
from tests.browser.test_framed import browsing

pytestmark = BROWSER

ALICE = "/en/adviser"


class Walk(Protocol):
    """Opens a page of the bank's, as a customer of its own would."""

    async def __call__(self, path: str, *, size: ViewportSize = DESKTOP, dark: bool = False) -> Page: ...


@pytest_asyncio.fixture(loop_scope="session")
async def walk(chromium: Browser, demo: str, bank_site: str) -> AsyncIterator[Walk]:
    """At the end no page has complained."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.append(message.text)

    async def opened(path: str, *, size: ViewportSize = DESKTOP, dark: bool = False) -> Page:
        context = await chromium.new_context(
            base_url=bank_site,
            viewport=size,
            locale="fr-FR" if path.startswith("/fr") else "en-GB",
            timezone_id="Europe/Paris",
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
        )
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = await context.new_page()
        page.on("console", heard)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        await page.goto(path)
        return page

    try:
        yield opened
    finally:
        for context in contexts:
            await context.close()
    assert complaints == []


def launcher(page: Page) -> Locator:
    return page.locator("presence-widget .launcher")


def panel(page: Page) -> FrameLocator:
    return page.frame_locator("presence-widget dialog.panel iframe:visible")


@asynccontextmanager
async def chat_opens(page: Page) -> AsyncIterator[None]:
    """What opens the panel; afterwards the chat in it knows who it talks with."""
    async with page.expect_response("**/chat/session"):
        yield


async def says(page: Page, text: str, name: str = "") -> None:
    """Write in the panel; who is new says their name first."""
    await panel(page).locator("#message").fill(text)
    await panel(page).locator("#message").press("Enter")
    if name:
        await panel(page).locator("#ask-name").fill(name)
        await panel(page).locator("#ask-name").press("Enter")
    await expect(panel(page).locator("#log .said.mine", has_text=text)).to_have_attribute("data-state", "sent")


async def takes(alice: Page, name: str) -> None:
    """Take the conversation that is offered."""
    await alice.locator("#offers .offer", has_text=name).get_by_role("button", name="Accept").click()
    await expect(alice.locator("#customer")).to_contain_text(name)


@pytest.mark.parametrize("page_of", ["home", *(one.slug for one in PAGES)])
@pytest.mark.parametrize(("lang", "size", "dark"), [("en", DESKTOP, False), ("fr", PHONE, True)], ids=["en", "fr"])
async def test_every_page_shows_who_is_there(
    walk: Walk, demo: str, page_of: str, lang: str, size: ViewportSize, dark: bool
) -> None:
    async with AtDemo(demo):
        page = await walk(f"/{lang}/{page_of if page_of != 'home' else ''}", size=size, dark=dark)
        await expect(launcher(page).locator(".dot")).to_have_class("dot available")
        there = "Here for you now" if lang == "en" else "Là pour vous maintenant"
        await expect(launcher(page)).to_have_accessible_name(re.compile(there))
        for button in await page.locator("presence-button button").all():
            await expect(button).to_have_accessible_name(re.compile("."))
        async with fits(page):
            assert await violations(page) == []


async def test_carol_asks_on_one_page_and_is_answered_on_the_next(tmp_path: Path, bank_site: str, desk: Desk) -> None:
    alice = await desk()
    async with browsing(tmp_path / "profile", "own", base_url=bank_site) as context:
        carol = await context.new_page()
        await carol.goto("/en/")
        await asks_and_goes_on(alice, carol)


async def asks_and_goes_on(alice: Page, carol: Page) -> None:
    await launcher(carol).click()
    async with chat_opens(carol):
        await carol.locator("presence-widget .way").first.click()
    await says(carol, "Is there a fee?", "Carol Jones")
    await takes(alice, "Carol Jones")
    await carol.get_by_role("link", name="Our advisers").click()
    await alice.locator("#text").fill("None at all")
    await alice.locator("#text").press("Enter")
    await expect(panel(carol).locator(".said.theirs .bubble")).to_have_text("None at all")


async def test_alice_reads_that_the_bank_vouches_for_carol(walk: Walk, desk: Desk) -> None:
    alice, carol = await desk(), await walk("/en/account")
    async with chat_opens(carol):
        await carol.get_by_role("button", name="A question about an entry?").click()
    await says(carol, "What is this entry?")
    await takes(alice, "Carol Petit")
    await expect(alice.locator("#customer .vouched")).to_have_text("Verified by Banque Lumière")
    await expect(alice.locator("#customer")).to_contain_text("carol@demo.example")
    await carol.get_by_role("button", name="Sign out").click()
    await carol.wait_for_url("**/en/")
    await expect(launcher(carol)).to_be_visible()
    await carol.evaluate("presence.open('chat')")
    await expect(panel(carol).locator("#message")).to_be_visible()
    await expect(panel(carol).locator("#log .said")).to_have_count(0)  # whoever sits there next reads nothing


async def test_a_click_on_alices_page_rings_at_hers(walk: Walk, desk: Desk) -> None:
    alice, carol = await desk(), await walk(ALICE)
    await expect(carol.locator("presence-badge")).to_contain_text("Here for you now")
    await carol.get_by_role("button", name="Call Alice").click()
    await panel(carol).locator("#calling-name").fill("Carol Jones")
    await panel(carol).locator("#calling-name").press("Enter")
    await expect(alice.locator("#rings .ring")).to_contain_text("Carol Jones")
    async with alice.expect_popup() as opened:
        await alice.keyboard.press("a")
    room = await opened.value
    await room.wait_for_url("**/desk/room/*")
    await expect(panel(carol).locator("#room")).to_be_visible()


async def test_an_hour_is_booked_in_the_text_of_the_page(walk: Walk) -> None:
    page = await walk("/en/appointment")
    await page.evaluate("void presence.on('booked', (detail) => (window.booked = detail))")
    inside = page.frame_locator("presence-booking iframe")
    await inside.locator("button.hour").last.click()
    await inside.get_by_label(WORDS["en"]["name"], exact=True).fill("Carol Jones")
    await inside.get_by_label(WORDS["en"]["email"], exact=True).fill("carol@customers.example")
    await inside.get_by_label("Just thinking").check()
    await inside.get_by_role("button", name=WORDS["en"]["confirm"]).click()
    await expect(inside.get_by_text(WORDS["en"]["booked"])).to_be_visible()
    await page.wait_for_function("window.booked?.service === 'home-loan'")


async def test_what_the_bank_knows_of_carol_is_in_the_form(tmp_path: Path, bank_site: str) -> None:
    async with browsing(tmp_path / "profile", "apart", base_url=bank_site, timezone_id="Europe/Paris") as context:
        page = await context.new_page()
        await page.goto("/en/account")
        await expect(launcher(page)).to_be_visible()
        await page.evaluate("presence.open('book', { service: 'home-loan' })")
        await panel(page).locator("button.hour").last.click()
        await expect(panel(page).locator("#phone")).to_have_value("+33 6 12 34 56 78")
        await expect(panel(page).locator("#name")).to_have_value("Carol Petit")
        await expect(panel(page).locator("#email")).to_have_value("carol@demo.example")


async def test_the_experts_are_in_the_text_of_the_page(walk: Walk, demo: str) -> None:
    async with AtDemo(demo):
        page = await walk("/fr/experts")
        inside = page.frame_locator("presence-experts iframe")
        for name in ("Alice Martin", "Bob Durand", "Mona Keller"):
            await expect(inside.get_by_role("heading", name=name)).to_be_visible()


async def test_a_page_that_is_never_left_keeps_the_conversation(walk: Walk, desk: Desk) -> None:
    alice, carol = await desk(), await walk("/en/app")
    await expect(launcher(carol)).to_be_visible()
    async with chat_opens(carol):
        await carol.evaluate("presence.open('chat')")
    await says(carol, "About my projects", "Carol Jones")
    await takes(alice, "Carol Jones")
    await carol.get_by_role("link", name="A house").click()
    await expect(carol.locator("presence-badge")).to_contain_text("Here for you now")
    await carol.get_by_role("link", name="Retirement").click()
    await expect(carol).to_have_title("Retirement – Banque Lumière")
    await expect(panel(carol).locator("#log .said.mine")).to_have_count(1)
    await carol.go_back()
    await expect(carol.get_by_role("heading", name="A house")).to_be_visible()
