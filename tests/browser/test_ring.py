"""A call rings on every dashboard and is answered in one; nobody answers, and there are ways on; a customer waits at the door."""

import shutil
from pathlib import Path

from playwright.async_api import Browser, Locator, Page, ViewportSize, expect

from tests.browser.adviser import AtDemo
from tests.browser.conftest import BROWSER, DESKTOP, LOOKS, PHONE, Desk, Visit, fits, violations
from tests.calls.cast import Visitor, booked, in_time
from tests.chat.cast import bank_at, configuration
from tests.support import MONDAY, FrozenClock

pytestmark = BROWSER


def ring(page: Page) -> Locator:
    """What rings at a dashboard."""
    return page.locator("#rings .ring")


async def calls(page: Page, medium: str = "video", name: str = "Carol Jones") -> None:
    """Press the call button, and say who rings when that is asked."""
    await page.locator(f"[data-call={medium}]").click()
    await expect(page.locator("#calling")).to_be_visible()
    if await page.locator("#calling-name").is_visible():
        await page.locator("#calling-name").fill(name)
        await page.keyboard.press("Enter")
    await expect(page.locator("#calling")).to_have_attribute("data-step", "rung")


async def test_it_rings_on_every_tab_and_whoever_answers_first_has_it(desk: Desk, visit: Visit) -> None:
    alice, mona = await desk(), await desk("mona")
    other = await visit("/desk", beside=alice)
    carol = await visit("/chat")
    await expect(carol.locator("[data-call=video]")).to_be_visible()
    await calls(carol)
    for page in (alice, other, mona):
        await expect(ring(page)).to_contain_text("Carol Jones")
        await expect(page).to_have_title("Carol Jones is calling")
    async with alice.expect_popup() as opened:
        await alice.keyboard.press("a")
    room = await opened.value
    await room.wait_for_url("**/desk/room/*")
    await carol.wait_for_url("**/room/*")
    for page in (alice, other, mona):
        await expect(ring(page)).to_have_count(0)
    assert room.url.rsplit("/", 1)[1] == carol.url.rsplit("/", 1)[1]
    await expect(other.locator("#calls")).to_contain_text("You are in a call with Carol Jones")
    await expect(mona.locator("#calls")).to_be_hidden()
    chat = await visit("/chat", beside=carol)  # another tab of hers knows the way back
    await expect(chat.locator("#calling-bar")).to_contain_text("You are in a call with Alice Martin")


async def test_whoever_calls_in_vain_is_called_back(desk: Desk, visit: Visit) -> None:
    alice, carol = await desk(), await visit("/chat?page=https%3A%2F%2Fbank.example%2Ffees")
    await calls(carol, "audio")
    await expect(ring(alice)).to_contain_text("bank.example/fees")
    await alice.keyboard.press("d")
    await expect(carol.locator("#calling-title")).to_have_text("Nobody can take your call just now")
    await expect(carol.locator("#calling-title")).to_be_focused()
    await carol.get_by_role("button", name="Ask to be called back").click()
    await carol.get_by_role("button", name="Ask for the call").click()
    await expect(carol.locator("#callback-phone")).to_be_focused()
    await carol.locator("#callback-phone").fill("+33 6 12 34 56 78")
    await carol.locator("#callback-text").fill("My loan")
    await carol.keyboard.press("Tab")
    await carol.keyboard.press("Enter")
    await expect(carol.locator("#calling")).to_contain_text("We call you: +33 6 12 34 56 78, as soon as possible.")
    await carol.get_by_role("button", name="Back to the conversation").click()
    await expect(carol.locator("#log")).to_contain_text("We call you back: +33 6 12 34 56 78")
    await alice.locator("#views").get_by_role("button", name="Waiting").click()
    row = alice.locator(".row-link", has_text="Carol Jones")
    await expect(row).to_contain_text("call back")
    await row.click()
    await expect(alice.locator("#log .told", has_text="Wishes to be called back")).to_contain_text("My loan")
    await expect(alice.locator("#log a[href='tel:+33612345678']")).to_have_text("+33 6 12 34 56 78")


async def test_nothing_rings_into_the_void(visit: Visit, demo: str) -> None:
    carol = await visit("/chat?call=video")
    await expect(carol.locator("#calling")).to_contain_text("Nobody is there to be called just now")
    await expect(carol.locator("[data-call]").first).to_be_hidden()
    await carol.get_by_role("button", name="Write instead").click()
    await expect(carol.locator("#message")).to_be_focused()
    async with AtDemo(demo):
        await expect(carol.locator("[data-call=video]")).to_be_visible()


async def test_the_customer_hangs_up(desk: Desk, visit: Visit) -> None:
    alice, carol = await desk(), await visit("/chat?call=audio")
    await expect(carol.locator("#calling-title")).to_have_text("Talk to Banque Lumière now")
    assert await ring(alice).count() == 0  # a link alone rings nowhere
    await carol.locator("#calling-name").fill("Carol Jones")
    await carol.keyboard.press("Enter")
    await expect(ring(alice)).to_contain_text("Incoming audio call")
    await carol.reload()
    await expect(carol.locator("#calling-title")).to_contain_text("Calling")
    await carol.get_by_role("button", name="Hang up").click()
    await expect(ring(alice)).to_have_count(0)
    await expect(alice.locator("#toasts")).to_contain_text("Carol Jones has given up ringing.")
    await expect(carol.locator("#calling")).to_be_hidden()


async def test_an_adviser_rings_the_customer_who_answers_by_keyboard(desk: Desk, visit: Visit) -> None:
    """She is on a page that another site embeds: the room has a window of its own."""
    alice, carol = await desk(), await visit("/chat?embed=1")
    await carol.locator("#ask-name").fill("Carol Jones")
    await carol.locator("#message").fill("May I show you something?")
    await carol.keyboard.press("Enter")
    await expect(alice.locator("#offers .offer")).to_be_visible()
    await alice.keyboard.press("a")
    await expect(carol.locator("#who")).to_have_text("Alice Martin")
    await carol.locator("#message").press_sequentially("I am wri")
    async with alice.expect_popup() as opened:
        await alice.locator("#ring-video").click()
    room = await opened.value
    await room.wait_for_url("**/desk/room/*")
    await expect(carol.locator("#calling")).to_contain_text("Alice Martin is calling you")
    await expect(carol).to_have_title("Alice Martin is calling you")
    await carol.keyboard.type("ting")  # what she writes is hers
    await expect(carol.locator("#message")).to_have_value("I am writing")
    await expect(alice.locator("#calls")).to_contain_text("Ringing Carol Jones…")
    await expect(alice.locator("#ring-video")).to_be_hidden()
    await carol.locator("[data-do=accept]").focus()
    async with carol.expect_popup() as opened:
        await carol.keyboard.press("Enter")
    await (await opened.value).wait_for_url("**/room/*")
    await expect(carol.locator("#calling-bar")).to_contain_text("You are in a call with Alice Martin")


@LOOKS
async def test_axe_finds_nothing_while_it_rings(
    desk: Desk, visit: Visit, lang: str, dark: bool, size: ViewportSize
) -> None:
    alice = await desk(lang=lang, dark=dark, size=size)
    carol = await visit("/chat?call=video", lang=lang, dark=dark, size=size)
    found: list[str] = []

    async def look(page: Page) -> None:
        async with fits(page):
            found.extend(await violations(page))

    await expect(carol.locator("#calling-name")).to_be_visible()
    await look(carol)
    await carol.locator("#calling-name").fill("Carol Jones")
    await carol.keyboard.press("Enter")
    await expect(ring(alice)).to_be_visible()
    await look(alice)
    if size == PHONE:
        await look(carol)
    await alice.locator("[data-do=decline]").click()
    await expect(carol.locator("#calling")).to_have_attribute("data-step", "over")
    if size == PHONE:
        await look(carol)
    await carol.locator("[data-do=callback]").click()
    await expect(carol.locator("#callback-phone")).to_be_visible()
    await look(carol)
    assert found == []


async def test_who_waits_is_let_in_from_the_dashboard(chromium: Browser, migrated: Path, tmp_path: Path) -> None:
    """Carol is in the waiting room of her appointment: Alice hears of it, asks for patience, and lets her in."""
    shutil.copyfile(migrated, tmp_path / "presence.db")
    settings = configuration(f"sqlite:///{tmp_path / 'presence.db'}", tmp_path)
    async with bank_at(settings, FrozenClock(MONDAY)) as bank:
        one = await booked(bank)
        in_time(bank, one)
        base = f"http://127.0.0.1:{bank.port}"
        context = await chromium.new_context(base_url=base, locale="en-GB", viewport=DESKTOP, reduced_motion="reduce")
        alice = await context.new_page()
        await alice.goto("/desk")
        await alice.locator("[name=email]").fill("alice@bank.example")
        await alice.locator("[name=password]").fill("alice's long password")
        await alice.locator("main .button").click()
        await expect(alice.locator("#my-dot")).to_have_attribute("data-state", "available")
        async with Visitor(bank, one) as carol:
            await carol.enter()
            line = alice.locator("#calls .call-line")
            await expect(line).to_contain_text("Carol Petit is in the waiting room")
            found = await violations(alice)
            await line.get_by_role("button", name="Ask to wait").click()
            await alice.locator("#answer-ready button").first.click()
            await expect(alice.locator("#answer-text")).to_be_focused()
            found += await violations(alice)
            await alice.locator("#answer-give").click()
            assert (await carol.sees(state="held"))["note"] == "I will be with you in a moment."
            await expect(line).to_contain_text("Carol Petit was asked to wait")
            async with alice.expect_popup() as opened:
                await line.get_by_role("button", name="Let in").click()
            await carol.sees(state="admitted")
            await (await opened.value).wait_for_url("**/desk/room/*")
            await expect(line).to_contain_text("You are in a call with Carol Petit")
        assert found == []
        await context.close()
