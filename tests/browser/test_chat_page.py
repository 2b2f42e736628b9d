"""Carol talks to the bank from her browser: what she sees, what is kept, and that she needs neither a mouse nor a large screen."""

import asyncio
import gzip
import json
import re
import struct
import zlib

import pytest
from playwright.async_api import FilePayload, Page, Response, ViewportSize, WebSocketRoute, expect

from tests.browser.adviser import AtDemo
from tests.browser.conftest import BROWSER, DESKTOP, LOOKS, PHONE, Visit, fits, violations

pytestmark = BROWSER

MOST = 40_000  # bytes, compressed, of everything the page fetches until a first message can be sent
SHIFTS = """() => new Promise(done => new PerformanceObserver(list =>
    done(list.getEntries().filter(one => !one.hadRecentInput).map(one => one.value)))
    .observe({type: "layout-shift", buffered: true}) || setTimeout(() => done([]), 300))"""


async def say(page: Page, text: str) -> None:
    await page.locator("#message").fill(text)
    await page.locator("#message").press("Enter")


async def begin(page: Page, text: str = "Hello, is anybody there?") -> str:
    """Write a first message, and what is asked with it; the conversation."""
    await expect(page.locator("#chat")).to_have_attribute("data-mode", "talk")
    await expect(page.locator("#ask-name")).to_be_visible()
    await page.locator("#ask-name").fill("Carol Jones")
    await say(page, text)
    await expect(page.locator("#log .said.mine")).to_have_attribute("data-state", "sent")
    return str(await page.evaluate("localStorage['presence-open']"))


async def talking(page: Page, alice: AtDemo) -> str:
    """A conversation that Alice has."""
    c = await begin(page)
    await alice.take(c)
    await expect(page.locator("#who")).to_have_text("Alice Martin")
    return c


def picture(width: int = 64) -> bytes:
    """A PNG, all of one green."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = (b"\0" + b"\x0d\x5c\x56" * width) * width
    header = struct.pack(">IIBBBBB", width, width, 8, 2, 0, 0, 0)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


# -- talking ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
async def test_carol_writes_and_alice_answers(visit: Visit, demo: str, size: ViewportSize) -> None:
    page = await visit("/chat?page=https%3A%2F%2Fshop.example%2Floans", size=size)
    async with AtDemo(demo) as alice:
        c = await talking(page, alice)
        assert (await alice.event("opened"))["body"] == {"page": "https://shop.example/loans"}
        await expect(page.get_by_text("Alice Martin has joined")).to_be_visible()
        await alice.send({"t": "typing", "c": c})
        await expect(page.get_by_text("Alice Martin is writing…")).to_be_visible()
        said = await alice.say(c, "Good morning! See https://example.org/rates.")
        answer = page.locator("#log .said.theirs .bubble")
        await expect(answer).to_have_text("Good morning! See https://example.org/rates.")
        await expect(page.get_by_text("Alice Martin is writing…")).to_have_count(0)
        link = answer.get_by_role("link")
        await expect(link).to_have_attribute("href", "https://example.org/rates")
        await expect(link).to_have_attribute("rel", re.compile("noopener"))
        await alice.event("seen", seq=said["seq"])
        async with fits(page):
            await say(page, "<b>Thank you</b>")
            await expect(page.locator("#log .said.mine .bubble").last).to_have_text("<b>Thank you</b>")
        mine = page.locator("#log .said.mine .said-state").last
        await expect(mine).to_have_text("Sent")
        seq = (await alice.event("text", text="<b>Thank you</b>"))["seq"]
        for kind, word in (("got", "Delivered"), ("seen", "Seen")):
            await alice.send({"t": "send", "c": c, "id": f"{kind} {c}", "kind": kind, "body": {"seq": seq}})
            await expect(mine).to_have_text(word)
        await alice.do(c, "close")
        await expect(page.locator("#ended")).to_be_visible()


@pytest.mark.parametrize(
    ("before", "told"),
    [
        ("/a/0123456789abcdefghijkl?lang=en", ""),
        ("/book/hold/0123456789abcdef?lang=en", ""),
        ("/book?lang=en", "/book"),
    ],
)
async def test_the_address_of_an_appointment_is_not_told_as_where_carol_came_from(
    visit: Visit, demo: str, before: str, told: str
) -> None:
    page = await visit(before)
    await page.get_by_role("link", name="Talk to us").first.click()
    async with AtDemo(demo) as alice:
        await talking(page, alice)
        assert (await alice.event("opened"))["body"] == {"page": told and demo + told}


async def test_presence_is_told_as_it_changes(visit: Visit, demo: str) -> None:
    page = await visit("/chat", lang="fr")
    await expect(page.locator("#presence")).to_have_text(re.compile("Personne n’est là pour l’instant · De retour"))
    async with AtDemo(demo) as alice:
        await expect(page.locator("#presence")).to_have_text(re.compile("Là pour vous maintenant"))
        await expect(page.locator("#ask-email")).to_be_hidden()
        await alice.post("/desk/presence", wish="away")
        await expect(page.locator("#presence")).to_have_text(re.compile("Absent pour un instant"))
    await expect(page.locator("#presence")).to_have_text(re.compile("Personne"))
    await expect(page.locator("#ask-email")).to_be_visible()


async def test_carol_is_told_who_goes_and_who_comes(visit: Visit, demo: str) -> None:
    page = await visit("/chat")
    async with AtDemo(demo) as alice, AtDemo(demo, "mona") as mona:
        c = await talking(page, alice)
        await alice.do(c, "transfer", adviser="mona")
        await expect(page.get_by_text("Alice Martin has passed the conversation on to a colleague")).to_be_visible()
        await expect(page.locator("#strip")).to_contain_text("queue")
        await mona.take(c)
        await expect(page.locator("#who")).to_have_text("Mona Keller")
        await expect(page.locator("#strip")).to_be_empty()
        await mona.post("/sign-out")
        await expect(
            page.get_by_text("Mona Keller has lost the connection. Somebody else will answer.")
        ).to_be_visible()
        await alice.take(c)
        await expect(page.locator("#who")).to_have_text("Alice Martin")


async def test_whoever_waits_in_vain_is_asked_where_to_answer(visit: Visit, demo: str) -> None:
    page = await visit("/chat/message")
    sockets: list[WebSocketRoute] = []

    def between(socket: WebSocketRoute) -> None:
        socket.connect_to_server()
        sockets.append(socket)

    await page.route_web_socket("**/live", between)
    await page.goto("/chat")
    async with AtDemo(demo):
        c = await begin(page)
        # What the server says after a minute in which nobody was there.
        event = {"t": "event", "c": c, "seq": 4, "at": 1, "by": "system", "id": "x", "kind": "message", "body": {}}
        sockets[-1].send(json.dumps([event]))
        await expect(page.get_by_text("answered as soon as somebody is here")).to_be_visible()
        await page.locator("#ask-email").fill("carol@customers.example")
        await page.get_by_role("button", name="Keep it").click()
        await expect(page.locator("#ask-email")).to_be_hidden()
        await expect(page.get_by_text("answered by mail to carol@customers.example")).to_be_visible()


async def test_a_message_can_be_changed_and_taken_back(visit: Visit, demo: str) -> None:
    page = await visit("/chat")
    async with AtDemo(demo) as alice:
        await talking(page, alice)
        await say(page, "My number is 12")
        line = page.locator("#log .said.mine").last
        await expect(line).to_have_attribute("data-state", "sent")
        await line.hover()
        await line.get_by_role("button", name="Actions for: My number is 12").click()
        await page.get_by_role("button", name="Edit").click()
        await expect(page.locator("#message")).to_have_value("My number is 12")
        await say(page, "My number is 13")
        await expect(line.locator(".bubble")).to_have_text("My number is 13edited")
        await alice.event("edit", text="My number is 13")
        await line.hover()
        await line.get_by_role("button", name="Actions for").click()
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("Enter")
        await expect(line.locator(".bubble")).to_have_text("Withdrawn")
        await alice.event("withdraw")
        await expect(line.locator(".dots")).to_have_count(0)


async def test_files_are_sent_seen_and_refused_in_words(visit: Visit, demo: str) -> None:
    page = await visit("/chat")
    async with AtDemo(demo) as alice:
        c = await talking(page, alice)
        files: list[FilePayload] = [
            {"name": "garden.png", "mimeType": "image/png", "buffer": picture()},
            {"name": "plan.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7 a plan"},
            {"name": "film.mov", "mimeType": "video/quicktime", "buffer": b"0" * 10_600_000},
        ]
        await page.locator("#files").set_input_files(files)
        await expect(page.locator("#message-wrong")).to_have_text("film.mov is too large: at most 10.5 MB.")
        shown = page.locator("#log .picture img")
        await expect(shown).to_have_js_property("naturalWidth", 64)
        await expect(page.locator("#log a.file")).to_have_attribute("download", "plan.pdf")
        await alice.event("file", name="garden.png")
        dropped = """name => { const data = new DataTransfer();
            data.items.add(new File(["dropped"], name)); return data; }"""
        data = await page.evaluate_handle(dropped, "dropped.txt")
        await page.dispatch_event("#log", "dragenter", {"dataTransfer": data})
        await expect(page.locator("#drop")).to_be_visible()
        await page.dispatch_event("#log", "drop", {"dataTransfer": data})
        await expect(page.locator("#drop")).to_be_hidden()
        await alice.event("file", name="dropped.txt")
        await page.route("**/files", lambda route: route.abort())
        await page.locator("#files").set_input_files(files[1])
        await expect(page.get_by_role("alert").filter(has_text="plan.pdf could not be sent.")).to_be_visible()
        await page.unroute("**/files")
        await page.locator("#uploads").get_by_role("button", name="Try again").click()
        await expect(page.locator("#log a.file")).to_have_count(3)
        assert c


# -- what is kept -------------------------------------------------------------------------------------------------------


async def test_a_reload_keeps_everything(visit: Visit, demo: str) -> None:
    page = await visit("/chat")
    async with AtDemo(demo) as alice:
        c = await talking(page, alice)
        await alice.say(c, "Here I am")
        await say(page, "Good")
        await expect(page.locator("#log .said.mine .said-state").last).to_have_text("Sent")
        before = await page.locator("#log .said").all_inner_texts()
        await page.locator("#message").fill("Not sent y")
        await page.reload()
        await expect(page.locator("#log .said")).to_have_count(3)
        assert await page.locator("#log .said").all_inner_texts() == before
        await expect(page.locator("#message")).to_have_value("Not sent y")
        await expect(page.locator("#who")).to_have_text("Alice Martin")


async def test_what_could_not_be_sent_is_sent_later(visit: Visit, demo: str) -> None:
    page = await visit("/chat")
    async with AtDemo(demo) as alice:
        c = await talking(page, alice)
        await silence(page)
        await page.reload()
        await say(page, "Into the void")
        line = page.locator("#log .said", has_text="Into the void")
        await expect(line).to_have_attribute("data-state", "queued")
        await expect(page.locator("#strip")).to_have_text("Reconnecting…")
        await page.reload()
        await expect(line).to_have_attribute("data-state", "queued")
        await page.unroute("**/chat/session")
        await page.evaluate("dispatchEvent(new Event('online'))")
        await expect(line).to_have_attribute("data-state", "sent")
        await expect(page.locator("#log .said")).to_have_count(2)
        await alice.event("text", text="Into the void")
        assert [one["kind"] for one in alice.events(c)].count("text") == 2


async def test_a_first_message_waits_for_the_server_too(visit: Visit, demo: str) -> None:
    page = await visit("/chat")
    async with AtDemo(demo) as alice:
        await expect(page.locator("#ask-name")).to_be_visible()
        await expect(page.locator("#chat")).to_have_attribute("data-mode", "talk")
        await page.route("**/chat/conversations", lambda route: route.abort())
        await page.locator("#ask-name").fill("Carol Jones")
        await say(page, "The very first")
        line = page.locator("#log .said.mine")
        await expect(line).to_have_attribute("data-state", "queued")
        await page.reload()
        await expect(line).to_have_attribute("data-state", "queued")
        await page.unroute("**/chat/conversations")
        await page.reload()
        await expect(line).to_have_attribute("data-state", "sent")
        c = await page.evaluate("localStorage['presence-open']")
        await alice.take(c)
        assert (await alice.event("text"))["body"] == {"text": "The very first"}


async def silence(page: Page) -> None:
    """From now on nothing reaches the server that is asked for live."""
    await page.route("**/chat/session", lambda route: route.abort())


async def test_two_tabs_are_one_customer_on_one_socket(visit: Visit, demo: str) -> None:
    page = await visit("/chat")
    sockets: list[str] = []
    page.context.on("page", lambda other: other.on("websocket", lambda one: sockets.append(one.url)))
    async with AtDemo(demo) as alice:
        other = await visit("/chat", beside=page)
        c = await talking(page, alice)
        await expect(other.locator("#log .said")).to_have_count(1)
        await alice.say(c, "To both of you")
        await say(other, "From the other one")
        for tab in (page, other):
            await expect(tab.locator("#log .said .bubble")).to_have_text(
                ["Hello, is anybody there?", "To both of you", "From the other one"]
            )
            await expect(tab.locator("#log .said.mine .said-state").last).to_have_text("Sent")
        assert sockets == []
        await page.close()
        await say(other, "Alone now")
        await alice.event("text", text="Alone now")
        assert len(sockets) == 1


async def test_two_tabs_opened_at_once_on_a_first_visit_are_one_customer(visit: Visit, demo: str) -> None:
    page = await visit("/catcher")
    tabs = [await page.context.new_page() for _ in range(2)]
    await asyncio.gather(*(tab.goto("/chat") for tab in tabs))
    async with AtDemo(demo) as alice:
        await talking(tabs[0], alice)
        await expect(tabs[1].locator("#log .said")).to_have_count(1)


async def test_what_is_unread_stands_in_the_title(visit: Visit, demo: str) -> None:
    page = await visit("/chat")
    hide = """hidden => { Object.defineProperty(document, "visibilityState", {value: hidden ? "hidden" : "visible", configurable: true});
        Object.defineProperty(document, "hidden", {value: hidden, configurable: true});
        document.dispatchEvent(new Event("visibilitychange")); }"""
    async with AtDemo(demo) as alice:
        c = await talking(page, alice)
        await page.evaluate(hide, True)
        await alice.say(c, "One")
        said = await alice.say(c, "Two")
        await expect(page).to_have_title(re.compile(r"^\(2\) Talk to us"))
        await page.evaluate(hide, False)
        await expect(page).to_have_title(re.compile("^Talk to us"))
        await alice.event("seen", seq=said["seq"])


# -- when nobody is there, and when it is over ----------------------------------------------------------------------------


async def test_when_nobody_is_there_the_box_takes_a_message(visit: Visit) -> None:
    page = await visit("/chat")
    await expect(page.get_by_text("Leave your address: we answer by mail.")).to_be_visible()
    await page.locator("#ask-name").fill("Carol Jones")
    await say(page, "Please call me back")
    await expect(page.locator("#ask-email")).to_have_attribute("aria-invalid", "true")
    await expect(page.locator("#ask-email")).to_be_focused()
    await page.locator("#ask-email").fill("carol.jones@customers.example")
    await page.locator("#ask-email").press("Enter")
    promise = "Nobody is here just now. Your message is kept, and answered by mail to carol.jones@customers.example."
    await expect(page.get_by_text(promise)).to_be_visible()
    await page.reload()
    await expect(page.get_by_text(promise)).to_be_visible()


async def test_the_end_the_rating_the_transcript_and_looking_back(visit: Visit, demo: str) -> None:
    page = await visit("/chat")
    async with AtDemo(demo) as alice:
        c = await talking(page, alice)
        await alice.say(c, "All is well")
        await expect(page.get_by_text("All is well")).to_be_visible()
        await page.get_by_role("button", name="Menu").click()
        await page.get_by_role("button", name="End the conversation").click()
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("button", name="Menu")).to_be_focused()
        await page.get_by_role("button", name="Menu").click()
        await page.get_by_role("button", name="End the conversation").click()
        await page.get_by_role("button", name="End it").click()
        await expect(page.locator("#ended-title")).to_be_focused()
        await alice.event("closed", by="customer")
        await page.locator("#ended").get_by_role("button", name="Transcript").click()
        async with page.expect_download() as loading:
            await page.get_by_role("link", name="Download").click()
        text = (await (await loading.value).path()).read_text()
        assert "Alice Martin: All is well" in text
        await page.locator("#transcript-email").fill("carol")
        await page.get_by_role("button", name="Send by mail").click()
        await expect(page.locator("#transcript-email")).to_have_attribute("aria-invalid", "true")
        await page.locator("#transcript-email").fill("carol@customers.example")
        await page.get_by_role("button", name="Send by mail").click()
        await expect(page.get_by_text("The transcript is on its way to carol@customers.example.")).to_be_visible()
        await page.keyboard.press("Escape")
        await page.get_by_role("radio", name="4 stars: good").check(force=True)
        await page.get_by_label("What would you like to tell us?").fill("Quick")
        await page.get_by_role("button", name="Send the rating").click()
        await expect(page.get_by_text("Thank you. This helps us.")).to_be_visible()
        await alice.event("rated", rating=4)
        await page.reload()
        await expect(page.get_by_text("Your rating: 4 of 5")).to_be_visible()
        await expect(page.locator("#rating")).to_be_hidden()
        await page.get_by_role("button", name="Begin a new conversation").click()
        await expect(page.locator("#message")).to_be_focused()
        await expect(page.locator("#log .said")).to_have_count(0)
        await page.get_by_role("button", name="Menu").click()
        await page.get_by_role("button", name="Earlier conversations").click()
        await page.locator("#history-list button").click()
        await expect(page.locator("#past-title")).to_be_focused()
        await expect(page.locator("#log").get_by_text("All is well")).to_be_visible()
        await expect(page.locator("#compose")).to_be_hidden()
        await page.get_by_role("button", name="Back", exact=True).click()
        await expect(page.locator("#message")).to_be_focused()


async def test_an_appointment_is_made_from_the_conversation(visit: Visit, demo: str) -> None:
    page = await visit("/chat")
    async with AtDemo(demo) as alice:
        await talking(page, alice)
        async with page.context.expect_page() as opening:
            await page.locator("#book").click()
        booking = await opening.value
        await booking.locator("a[href*='/book/first-talk']").first.click()
        await booking.locator("button.hour").last.click()
        await expect(booking.locator("#name")).to_have_value("Carol Jones")
        await booking.locator("#email").fill("carol@customers.example")
        await booking.locator("#details .button").click()
        await expect(booking.locator(".news")).to_be_visible()
        await expect(page.locator("#log .told[data-kind=booked]")).to_contain_text("Appointment booked: A first talk")


async def test_without_scripts_there_is_a_form(visit: Visit) -> None:
    page = await visit("/chat", lang="fr", script=False, size=PHONE)
    await page.wait_for_url("**/chat/message")
    assert await page.locator("form[action='/chat/message']").count() == 1
    await page.get_by_label("Votre nom").fill("Carol Jones")
    await page.get_by_label("Adresse électronique").fill("carol")
    async with fits(page):
        await page.get_by_label("Votre message").fill("Rappelez-moi, s’il vous plaît")
    await page.get_by_role("button", name="Envoyer le message").click()
    await expect(page.locator("#email")).to_have_attribute("aria-invalid", "true")
    await expect(page.get_by_label("Votre message")).to_have_value("Rappelez-moi, s’il vous plaît")
    await page.get_by_label("Adresse électronique").fill("carol@customers.example")
    await page.get_by_role("button", name="Envoyer le message").click()
    await expect(page.get_by_text("Votre message est conservé")).to_be_visible()


# -- for everybody ----------------------------------------------------------------------------------------------------------


@LOOKS
async def test_axe_finds_nothing_in_any_state(
    visit: Visit, demo: str, lang: str, dark: bool, size: ViewportSize
) -> None:
    page = await visit("/chat", lang=lang, dark=dark, size=size)
    found: list[str] = []

    async def look() -> None:
        async with fits(page):
            found.extend(await violations(page))

    await expect(page.locator("#ask-email")).to_be_visible()
    await look()
    await say(page, "?")
    await expect(page.locator("#ask-name")).to_have_attribute("aria-invalid", "true")
    await look()
    async with AtDemo(demo) as alice:
        c = await begin(page)
        await expect(page.locator("#strip")).not_to_be_empty()
        await look()
        await alice.take(c)
        await alice.say(c, "See https://example.org 🙂")
        await say(page, "🙂")
        files: list[FilePayload] = [
            {"name": "garden.png", "mimeType": "image/png", "buffer": picture()},
            {"name": "plan.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7 a plan"},
        ]
        await page.locator("#files").set_input_files(files)
        await expect(page.locator("#log .said")).to_have_count(5)
        await alice.send({"t": "typing", "c": c})
        await look()
        await page.locator("#log .dots").first.focus()
        await page.keyboard.press("Enter")
        await look()
        await page.keyboard.press("Enter")
        await expect(page.locator("#editing")).to_be_visible()
        await look()
        await page.keyboard.press("Escape")
        await page.locator("#more").click()
        await look()
        await page.locator("[data-dialog=ending]").click()
        await look()
        await page.locator("#ending button").first.click()
        await expect(page.locator("#ended")).to_be_visible()
        await page.locator("#rating input").nth(2).check(force=True)
        await look()
        await page.locator("#ended [data-dialog=transcript]").click()
        await look()
        await page.keyboard.press("Escape")
        await page.locator("#anew").click()
        await page.locator("#more").click()
        await page.locator("#show-past").click()
        await look()
        await page.locator("#history-list button").click()
        await expect(page.locator("#past")).to_be_visible()
        await look()
    await page.goto("/chat?embed=1")
    await expect(page.locator("header.top")).to_have_count(0)
    await look()
    await page.goto("/chat/message")
    await look()
    assert found == []


async def test_the_keyboard_alone_is_enough(visit: Visit, demo: str) -> None:
    page = await visit("/chat")

    async def go_to(selector: str) -> None:
        """Press Tab until it has the focus; everything on the way shows that it has it."""
        for _ in range(60):
            if await page.evaluate("s => document.activeElement.matches(s)", selector):
                return
            await page.keyboard.press("Tab")
            shown = "e => getComputedStyle(e.matches('.stars input') ? e.parentElement : e).outlineStyle"
            focused = await page.evaluate_handle("document.activeElement")
            assert await focused.evaluate(f"e => e === document.body || ({shown})(e) !== 'none'"), (
                await focused.evaluate("e => e.outerHTML")
            )
        raise AssertionError(f"{selector} cannot be reached")

    async with AtDemo(demo) as alice:
        await expect(page.locator("#chat")).to_have_attribute("data-mode", "talk")
        await expect(page.locator("#ask-name")).to_be_visible()
        await go_to("#ask-name")
        await page.keyboard.type("Carol Jones")
        await go_to("#message")
        await page.keyboard.type("Good morning")
        await page.keyboard.press("Shift+Enter")
        await page.keyboard.type("Bob")
        await page.keyboard.press("Enter")
        await expect(page.locator("#log .said.mine")).to_have_attribute("data-state", "sent")
        await alice.take(await page.evaluate("localStorage['presence-open']"))
        await alice.event("text", text="Good morning\nBob")
        await page.locator("#skip, .skip").first.focus()
        await go_to("#log .dots")
        await page.keyboard.press("Enter")
        await page.keyboard.press("Escape")
        assert await page.evaluate("document.activeElement.matches('#log .dots')")
        await page.keyboard.press("Enter")
        await page.keyboard.press("Enter")
        await expect(page.locator("#message")).to_be_focused()
        await page.keyboard.press("End")
        await page.keyboard.press("Control+a")
        await page.keyboard.type("Good morning, Alice")
        await page.keyboard.press("Enter")
        await alice.event("edit", text="Good morning, Alice")
        await page.locator("#skip, .skip").first.focus()
        await go_to("#more")
        await page.keyboard.press("Enter")
        await page.keyboard.press("End")
        await page.keyboard.press("Enter")
        await expect(page.locator("#ending")).to_be_visible()
        await page.keyboard.press("Enter")
        await expect(page.locator("#ended-title")).to_be_focused()
        await go_to("#rating input")
        await page.keyboard.press("ArrowRight")
        await page.keyboard.press("ArrowRight")
        await go_to("#rating button")
        await page.keyboard.press("Enter")
        await alice.event("rated", rating=3)


async def test_the_page_is_small_and_nothing_moves(visit: Visit, demo: str) -> None:
    page = await visit("/book")
    weights: dict[str, int] = {}

    async def weigh(answer: Response) -> None:
        weights[answer.url] = len(gzip.compress(await answer.body()))

    async with AtDemo(demo):
        page.on("response", weigh)
        await page.context.clear_cookies()
        await page.goto("/chat")
        await page.locator("#message").press_sequentially("Hel")
        await expect(page.locator("#chat")).to_have_attribute("data-mode", "talk")
        await page.wait_for_load_state("networkidle")
        assert sum(await page.evaluate(SHIFTS)) < 0.01
        assert sum(weights.values()) < MOST, weights
        assert any("proof" in url for url in weights)
