"""Alice at her dashboard, in Chromium: offers, answers, notes and what is handed on; by keyboard, on a telephone, in both languages."""

import base64
import json
import re
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, ViewportSize, expect

from presence.chat import store
from presence.chat.model import CUSTOMER, Entry
from presence.chat.service import system
from tests.browser.conftest import BROWSER, DESKTOP, LOOKS, PHONE, Desk, Visit, fits, violations
from tests.browser.customer import AtChat
from tests.chat.cast import Customer, bank_at, configuration
from tests.support import FrozenClock

pytestmark = BROWSER

DOT = base64.b64decode(  # a PNG of one pixel
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
WATCH_SHIFTS = """() => { window.shifts = [];
    new PerformanceObserver(list => window.shifts.push(...list.getEntries()
        .filter(one => !one.hadRecentInput)
        .map(one => [one.value, ...one.sources.map(source => source.node?.id || source.node?.className || '?')])))
        .observe({type: 'layout-shift', buffered: false}) }"""


@pytest_asyncio.fixture(loop_scope="session")
async def customer(demo: str) -> AsyncIterator[Callable[[str], AtChat]]:
    """Customers, each with a browser of their own."""
    async with AsyncExitStack() as stack:
        people: list[AtChat] = []

        def made(name: str) -> AtChat:
            people.append(AtChat(demo, name))
            stack.push_async_exit(people[-1])
            return people[-1]

        yield made


def offer(page: Page) -> Locator:
    return page.locator("#offers .offer")


def text(page: Page) -> Locator:
    return page.locator("#text")


async def said(page: Page, words: str) -> Locator:
    """The message that reads so, once."""
    found = page.locator("#log .said", has=page.get_by_text(words, exact=True))
    await expect(found).to_have_count(1)
    return found


async def write(page: Page, words: str) -> None:
    await text(page).fill(words)
    await text(page).press("Enter")


# -- talking --------------------------------------------------------------------------------------------------------------


async def test_carol_is_offered_answered_and_noted(desk: Desk, visit: Visit) -> None:
    alice = await desk()
    carol = await visit("/chat")
    await expect(carol.locator("#ask-name")).to_be_visible()
    await carol.locator("#ask-name").fill("Carol Jones")
    await carol.locator("#message").fill("What does my account cost?")
    await carol.locator("#message").press("Enter")
    await expect(offer(alice)).to_contain_text("What does my account cost?")
    await expect(alice).to_have_title(re.compile(r"^\(1\) "))
    await offer(alice).get_by_role("button", name="Accept").click()
    await expect(offer(alice)).to_have_count(0)
    await expect(text(alice)).to_be_focused()
    await expect(carol.locator("#who")).to_have_text("Alice Martin")

    await text(alice).press_sequentially("Good")
    await expect(carol.locator("#typing")).to_contain_text("Alice Martin")
    await write(alice, "Good morning, Carol!")
    mine = await said(alice, "Good morning, Carol!")
    await expect(mine).to_have_attribute("data-state", re.compile("delivered|seen"))
    await carol.bring_to_front()
    await carol.locator("#message").click()
    await expect(mine).to_have_attribute("data-state", "seen")
    await carol.locator("#message").press_sequentially("It")
    await expect(alice.locator("#typing")).to_contain_text("Carol Jones is writing")
    await carol.locator("#message").fill("It says 12 euros")
    await carol.locator("#message").press("Enter")
    await said(alice, "It says 12 euros")

    await alice.bring_to_front()
    await alice.locator(".modes").get_by_role("button", name="Note").click()
    await write(alice, "Was waived last year")
    note = await said(alice, "Was waived last year")
    await expect(note).to_contain_text("Internal note")
    await alice.locator(".modes").get_by_role("button", name="Reply").click()
    await write(alice, "That is waived")
    await expect(carol.get_by_text("That is waived")).to_be_visible()
    assert "last year" not in await carol.content()

    await alice.locator("#talk-actions").get_by_role("button", name="Close").click()
    await expect(alice.locator("#talk-state")).to_contain_text("Closed")
    await alice.locator("#toasts").get_by_role("button", name="Undo").click()
    await expect(alice.locator("#talk-state")).to_contain_text("Yours")


async def test_a_word_with_a_slash_becomes_a_reply_in_full(desk: Desk, customer: Callable[[str], AtChat]) -> None:
    alice, carol = await desk(), customer("Carole Dupont")
    await alice.locator("#more").click()
    await alice.locator("#open-canned").click()
    await alice.locator("#canned-shortcut").fill("two words")
    await alice.locator("#canned-form .primary").click()
    await expect(alice.locator("#canned-wrong")).to_contain_text("Letters, digits and dashes")
    await alice.locator("#canned-shortcut").fill("welcome")
    await alice.locator("#canned-text").fill("Welcome {name}, this is {adviser}.")
    await alice.locator("#canned-form .primary").click()
    await expect(alice.locator("#canned-list")).to_contain_text("/welcome")
    await alice.keyboard.press("Escape")
    c = await carol.begin("Hello?")
    await offer(alice).get_by_role("button", name="Accept").click()
    await expect(text(alice)).to_be_focused()
    await alice.keyboard.type("/wel")
    await expect(alice.locator("#suggestions li")).to_contain_text("/welcome")
    await text(alice).press("Enter")
    await expect(text(alice)).to_have_value("Welcome Carole Dupont, this is Alice Martin.")
    await text(alice).press("Enter")
    heard = await carol.event("text", text="Welcome Carole Dupont, this is Alice Martin.")
    assert heard["c"] == c


async def test_what_was_begun_is_kept_for_each_conversation(desk: Desk, customer: Callable[[str], AtChat]) -> None:
    alice = await desk()
    for name in ("Carol", "Dave"):
        await customer(name).begin(f"I am {name}")
        await offer(alice).get_by_role("button", name="Accept").click()
        await said(alice, f"I am {name}")
        await text(alice).fill(f"For {name}")
    row = alice.locator(".row-link", has_text="Carol")
    await row.click()
    await expect(text(alice)).to_have_value("For Carol")
    await alice.reload()
    await expect(text(alice)).to_have_value("For Carol")
    await alice.locator(".row-link", has_text="Dave").click()
    await expect(text(alice)).to_have_value("For Dave")


async def test_an_offer_taken_on_one_device_is_silent_on_the_other(
    desk: Desk, customer: Callable[[str], AtChat]
) -> None:
    office, home = await desk(), await desk()
    carol = customer("Carol")
    await carol.begin("Who is there?")
    await expect(offer(home)).to_have_count(1)
    await offer(office).get_by_role("button", name="Accept").click()
    await expect(offer(home)).to_have_count(0)
    await home.locator(".row-link").first.click()
    await said(home, "Who is there?")
    await write(home, "I am here, at home")
    await said(office, "I am here, at home")
    await carol.event("text", text="I am here, at home")


async def test_alice_hands_carol_over_to_bob(desk: Desk, customer: Callable[[str], AtChat]) -> None:
    alice, bob, carol = await desk(), await desk("bob"), customer("Carol")
    await carol.begin("A question for Bob")
    await offer(alice).get_by_role("button", name="Accept").click()
    await alice.locator("#talk-actions").get_by_role("button", name="Hand over").click()
    await alice.locator("#transfer-find").fill("bob")
    await alice.locator("#transfer-to label").click()
    await alice.locator("#transfer").get_by_role("button", name="Hand over").click()
    await expect(alice.locator("#toasts")).to_contain_text("Handed over")
    await expect(alice.locator(".row-link")).to_have_count(0)
    await offer(bob).get_by_role("button", name="Accept").click()
    await said(bob, "A question for Bob")
    await expect(bob.locator("#log")).to_contain_text("Alice Martin handed it over to Bob Durand")
    await write(bob, "Bob here")
    await carol.event("text", text="Bob here")


async def test_mona_sees_who_talks_to_whom_and_joins(desk: Desk, customer: Callable[[str], AtChat]) -> None:
    alice, mona, carol = await desk(), await desk("mona"), customer("Carol")
    await mona.locator("#wish").select_option("away")
    await expect(mona.locator("#my-dot")).to_have_attribute("data-state", "away")
    await carol.begin("I am not content")
    await offer(alice).get_by_role("button", name="Accept").click()
    await mona.locator(".colleague", has_text="Alice Martin").get_by_role("link", name="Carol").click()
    await said(mona, "I am not content")
    await expect(mona.locator(".modes").get_by_role("button", name="Reply")).to_be_disabled()
    await mona.locator("#talk-actions").get_by_role("button", name="Join in").click()
    await expect(mona.locator(".modes").get_by_role("button", name="Reply")).to_be_enabled()
    await mona.locator(".modes").get_by_role("button", name="Reply").click()
    await write(mona, "Mona here, too")
    await said(alice, "Mona here, too")
    await carol.event("joined", name="Mona Keller")
    await expect(alice.locator("#talk-state")).to_contain_text("Yours")


# -- the page -------------------------------------------------------------------------------------------------------------


async def test_nothing_jumps_while_rows_arrive(desk: Desk, customer: Callable[[str], AtChat]) -> None:
    alice = await desk()
    await alice.locator("#capacity").select_option("5")
    first = customer("Carol")
    await first.begin("The first one")
    await offer(alice).get_by_role("button", name="Accept").click()
    await said(alice, "The first one")
    await alice.wait_for_timeout(600)  # what follows so soon after a click is forgiven
    await alice.evaluate(WATCH_SHIFTS)
    for name in ("Dave", "Erin", "Frank"):
        await customer(name).begin(f"{name} is waiting")
        await expect(alice.locator(".row-link", has_text=f"{name} is waiting")).to_be_visible()
    await first.say(alice.url.partition("#")[2], "And another thing")
    await said(alice, "And another thing")
    await expect(alice.locator(".conversation-row").nth(3)).to_be_visible()
    await expect(alice.locator("#load")).to_contain_text("3 waiting")
    assert await alice.evaluate("window.shifts") == []


async def test_the_keyboard_alone_is_enough(desk: Desk, customer: Callable[[str], AtChat]) -> None:
    alice = await desk()
    keyboard = alice.keyboard
    for name in ("Carol", "Dave"):
        await customer(name).begin(f"I am {name}")
        await expect(offer(alice)).to_have_count(1)
        await keyboard.press("a")
        await said(alice, f"I am {name}")
        await expect(text(alice)).to_be_focused()
        await keyboard.type("a reply")  # its letters are letters
        await keyboard.press("Enter")
        await said(alice, "a reply")
        await keyboard.press("Escape")
    await expect(alice.locator(".row-link", has_text="a reply")).to_have_count(2)  # and their order stays
    await keyboard.press("j")
    await keyboard.press("k")
    await expect(alice.locator(".row-link").first).to_be_focused()
    await keyboard.press("n")
    await keyboard.type("a note")
    await keyboard.press("Enter")
    await expect(await said(alice, "a note")).to_contain_text("Internal note")
    await keyboard.press("Escape")
    await keyboard.press("?")
    await expect(alice.locator("#help")).to_be_visible()
    await keyboard.press("Escape")
    await keyboard.press("t")
    await expect(alice.locator("#transfer-find")).to_be_focused()
    await keyboard.press("Escape")
    await keyboard.press("/")
    await keyboard.type("Carol")
    await expect(alice.locator(".row-link", has_text="Dave")).to_have_count(0)
    await keyboard.press("Escape")
    await keyboard.press("Escape")
    await keyboard.press("e")
    await expect(alice.locator("#talk-state")).to_contain_text("Closed")
    for _ in range(60):  # everything on the way shows that it has the focus
        await keyboard.press("Tab")
        shown = await alice.evaluate(
            """() => { const one = document.activeElement, style = getComputedStyle(one);
            return one === document.body || style.outlineStyle !== 'none' || one.closest('.composer') !== null }"""
        )
        assert shown, await alice.evaluate("document.activeElement.outerHTML")


@LOOKS
async def test_axe_finds_nothing_and_it_fits(
    desk: Desk, customer: Callable[[str], AtChat], lang: str, dark: bool, size: ViewportSize
) -> None:
    alice = await desk(lang=lang, dark=dark, size=size)
    phone = size == PHONE
    found = await violations(alice)

    async def look() -> None:
        async with fits(alice):
            found.extend(await violations(alice))

    carol = customer("Carol Jones")
    c = await carol.begin(
        "See https://bank.example/a-very-long-address-that-has-no-end/" + 20 * "x", page="https://bank.example/fees"
    )
    await expect(offer(alice)).to_have_count(1)
    await look()
    await offer(alice).locator(".primary").click()
    await write(alice, "Good morning")
    await alice.locator(".modes [data-mode=note]").click()
    await write(alice, "Careful")
    await carol.say(c, "Thank you")
    await said(alice, "Thank you")
    await look()
    await alice.locator("#talk-actions [data-action=transfer]").click()
    await look()
    await alice.keyboard.press("Escape")
    async with fits(alice):
        await alice.locator("#more").click()
    await alice.locator("#open-canned").click()
    await look()
    await alice.keyboard.press("Escape")
    await alice.locator("#more").click()
    await alice.locator("#open-help").click()
    await look()
    await alice.keyboard.press("Escape")
    if phone:
        await alice.locator("#show-about").click()
    await expect(alice.locator("#customer")).to_contain_text("carol.jones@customers.example")
    await look()
    await alice.locator("#about-tabs [data-tab=team]").click()
    await expect(alice.locator("#colleagues")).to_contain_text("Bob Durand")
    await look()
    if phone:
        await alice.locator("#about-back").click()
        await alice.locator("#back").click()
        await expect(alice.locator(".row-link").first).to_be_focused()
        await look()
    await alice.locator("#views [data-view=closed]").click()
    await look()
    assert found == []


# -- what comes from elsewhere --------------------------------------------------------------------------------------------


async def test_a_picture_is_sent_and_shown(desk: Desk, customer: Callable[[str], AtChat]) -> None:
    alice, carol = await desk(), customer("Carol")
    await carol.begin("What does it look like?")
    await offer(alice).get_by_role("button", name="Accept").click()
    await expect(text(alice)).to_be_focused()
    await alice.locator("#file").set_input_files({"name": "plan.png", "mimeType": "image/png", "buffer": DOT})
    await expect(alice.locator("#log .picture img")).to_have_js_property("naturalWidth", 1)
    heard = await carol.event("file", name="plan.png")
    assert (heard["body"]["type"], heard["body"]["size"]) == ("image/png", len(DOT))


async def test_mails_that_were_set_aside_say_why_and_quotes_are_folded(
    chromium: Browser, migrated: Path, tmp_path: Path
) -> None:
    """A mail from another address, an automatic one, one that came back, and an answer with all that it repeats."""
    shutil.copyfile(migrated, tmp_path / "presence.db")
    settings = configuration(f"sqlite:///{tmp_path / 'presence.db'}", tmp_path)
    async with bank_at(settings, FrozenClock()) as bank, Customer(bank, "Carol") as carol:
        c = await carol.begin("Please write to me", email="carol@customers.example")
        found = await bank.database.read(lambda connection: store.by_uid(connection, c))
        assert found is not None
        bodies = (
            ("note", {"text": "I am her", "via": "mail", "unverified": "mallory@elsewhere.example"}),
            ("note", {"text": "I am on holiday", "via": "mail", "automatic": "auto-submitted"}),
            ("undelivered", {"to": "customer", "hard": True, "reason": "550 no such user"}),
        )
        entries = [system(found.id, kind, **body) for kind, body in bodies]
        answer = json.dumps({"text": "Thank you", "via": "mail", "quoted": "On Monday you wrote:\nHello"})
        await bank.chat.journal.append(*entries, Entry(found.id, CUSTOMER, "mail 1", "text", answer))
        context = await chromium.new_context(base_url=f"http://127.0.0.1:{bank.port}", locale="en-GB", viewport=DESKTOP)
        page = await context.new_page()
        await page.goto(f"/desk#{c}")  # as the mail to the team has it
        await page.locator("[name=email]").fill("alice@bank.example")
        await page.locator("[name=password]").fill("alice's long password")
        await page.locator("main .button").click()
        await expect(await said(page, "I am her")).to_contain_text(
            "mallory@elsewhere.example: the sender is not verified"
        )
        await expect(await said(page, "I am on holiday")).to_contain_text("automatic mail (auto-submitted)")
        await expect(page.locator("#log")).to_contain_text("A mail could not be delivered: 550 no such user")
        told = await said(page, "Thank you")
        await expect(told).to_contain_text("by mail")
        await expect(told.get_by_text("On Monday you wrote")).to_be_hidden()
        await told.get_by_text("Quoted text").click()
        await expect(told.get_by_text("On Monday you wrote")).to_be_visible()
        await page.evaluate(
            "fetch('/sign-out', {method: 'POST', headers: {'X-CSRF-Token': document.querySelector('#desk').dataset.csrf}})"
        )
        await expect(page.locator("#over")).to_be_visible()
        await context.close()
