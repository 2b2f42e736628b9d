"""Chat and calls inside of another site's page: with its storage, with none, while the host goes from page to page."""

import asyncio
import json
import re
import shutil
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import jwt
import msgspec
import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, FrameLocator, Page, ViewportSize, async_playwright, expect

from bench.ports import free_port
from presence.config import Config, ServerConfig
from presence.sites.settings import Settings
from presence.sites.signers import Signers
from tests.browser.calling import Seat, as_in, bank_now, serving
from tests.browser.conftest import AXE, BROWSER, FLAGS, PATIENCE
from tests.browser.host import Host
from tests.calls.ring_cast import Desk
from tests.chat.cast import Bank
from tests.chat.stage import settled_sqlite

__all__ = ["settled_sqlite"]

pytestmark = BROWSER

KEY = "the-key-of-the-shop-0001"
# What the browser keeps for sites: all, apart for each that frames them; nothing for those in frames; nothing at all.
Keeps = Literal["apart", "own", "nothing"]
PREFERENCES: dict[Keeps, dict[str, Any]] = {
    "apart": {"profile": {"cookie_controls_mode": 0, "block_third_party_cookies": False}},
    "own": {"profile": {"cookie_controls_mode": 1, "block_third_party_cookies": True}},
    "nothing": {"profile": {"default_content_setting_values": {"cookies": 2}}},
}
PANEL: ViewportSize = {"width": 380, "height": 640}

# What the loader does, and nothing else: a frame, and a port for each page that it shows.
HOST = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>The shop</title><style>body {{ margin: 0 }} iframe:not([hidden]) {{ display: block; border: 0 }}</style></head>
<body><main><h1 hidden>The shop</h1></main><script>
  window.heard = [];
  const frame = document.createElement("iframe");
  frame.title = "Talk to us";
  frame.allow = "camera; microphone; display-capture; autoplay; fullscreen; picture-in-picture; clipboard-write";
  frame.style = "width: {width}px; height: {height}px";
  frame.addEventListener("load", () => {{
    const {{ port1, port2 }} = new MessageChannel();
    window.port = port1;
    port1.onmessage = ({{ data }}) => {{
      heard.push(data);
      if (data.t === "identity" && window.identity) port1.postMessage({{ t: "identity", token: window.identity }});
    }};
    frame.contentWindow.postMessage({{ presence: 1 }}, "{base}", [port2]);
    port1.postMessage({{ t: "page", url: "{page}", title: "Loans" }});
  }});
  frame.src = "{src}";
  document.querySelector("main").append(frame);
</script></body></html>"""


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with Host() as served:
        yield served


@pytest.fixture
def settings(host: Host, request: pytest.FixtureRequest) -> Settings:
    return Settings(origins=(host.origin,), vouching=getattr(request, "param", "optional"))


@pytest.fixture
def config(settled_sqlite: Path, tmp_path: Path, settings: Settings) -> Config:
    port = free_port()
    site = {
        "slug": "shop",
        "name": "The shop",
        "key": "k" * 32,
        "embed_key": KEY,
        "settings": msgspec.to_builtins(settings),
    }
    return msgspec.structs.replace(
        serving(settled_sqlite, tmp_path, port),
        server=ServerConfig(base_url=f"http://localhost:{port}", secret_key="s" * 40, port=port),
        sites=(site,),
    )


@pytest_asyncio.fixture(loop_scope="session")
async def bank(config: Config) -> AsyncIterator[Bank]:
    async with bank_now(config) as served:
        yield served


@asynccontextmanager
async def browsing(directory: Path, keeps: Keeps, **more: Any) -> AsyncIterator[BrowserContext]:
    """A Chromium of its own that keeps so much for the sites it shows."""
    binary = shutil.which("chromium")
    assert binary
    (directory / "Default").mkdir(parents=True)
    (directory / "Default" / "Preferences").write_text(json.dumps(PREFERENCES[keeps]))
    async with async_playwright() as playwright:
        context = await playwright.chromium.launch_persistent_context(
            directory, executable_path=binary, args=list(FLAGS), locale="en-GB", **more
        )
        context.set_default_timeout(PATIENCE)
        yield context
        await context.close()


def framing(
    host: Host, bank: Bank, path: str = "/chat?embed=1", *, lang: str = "en", size: ViewportSize = PANEL
) -> str:
    """The address of a page that frames ours."""
    base = f"http://localhost:{bank.port}"
    html = HOST.format(
        base=base,
        src=f"{base}/at/{KEY}/{lang}{path}",
        page=f"{host.origin}/loans",
        width=size["width"],
        height=size["height"],
    )
    return host.page("/loans", html)


async def told(page: Page, t: str) -> list[dict[str, Any]]:
    """What the host was told of one kind."""
    found: list[dict[str, Any]] = await page.evaluate("t => heard.filter((one) => one.t === t)", t)
    return found


async def until_told(page: Page, t: str, **wanted: Any) -> None:
    """Wait until the host was told this."""
    async with asyncio.timeout(PATIENCE / 1000):
        while not any(wanted.items() <= one.items() for one in await told(page, t)):
            await asyncio.sleep(0.02)


def panel(page: Page) -> FrameLocator:
    return page.frame_locator("iframe[title]")


async def says(page: Page, text: str) -> None:
    await panel(page).locator("#message").fill(text)
    await panel(page).locator("#message").press("Enter")


async def begins(page: Page, text: str = "Hello, is anybody there?") -> None:
    """Write a first message, as somebody nobody knows."""
    await expect(panel(page).locator("#ask-name")).to_be_visible()
    await panel(page).locator("#ask-name").fill("Carol Jones")
    await says(page, text)
    await expect(panel(page).locator("#log .said.mine").first).to_have_attribute("data-state", "sent")


@pytest.mark.parametrize("keeps", list(PREFERENCES))
async def test_carol_talks_on_another_sites_page(host: Host, bank: Bank, tmp_path: Path, keeps: Keeps) -> None:
    async with browsing(tmp_path / "profile", keeps) as context, Desk(bank, "alice") as alice:
        page = context.pages[0]
        await page.goto(framing(host, bank))
        await begins(page)
        offered = await alice.until(
            lambda frame: frame["t"] == "card" and frame["row"] and frame["row"]["state"] == "waiting"
        )
        assert (offered["row"]["page"], offered["row"]["site"]) == (f"{host.origin}/loans", "The shop")
        c = offered["c"]
        await alice.take(c)
        await alice.say(c, "Good morning!")
        await expect(panel(page).locator(".said.theirs .bubble")).to_have_text("Good morning!")
        await until_told(page, "message", by="Alice Martin")
        await until_told(page, "talking", on=True)
        await until_told(page, "ready", verified=False)
        kept = [one["name"] for one in await context.cookies(f"http://localhost:{bank.port}")]
        assert kept == (["visitor-at-shop"] if keeps == "own" else [])
        await page.reload()
        if keeps == "nothing":  # what was known, that page knew
            await expect(panel(page).locator("#ask-name")).to_be_visible()
        else:
            await expect(panel(page).locator(".said.theirs .bubble")).to_have_text("Good morning!")
            await says(page, "I am back")
            await alice.event("text", text="I am back")


@asynccontextmanager
async def framed(chromium: Browser, host: Host, bank: Bank, **more: Any) -> AsyncIterator[Page]:
    """A host's page with ours in it, in a browser that keeps nothing for pages of other sites; none complains."""
    context = await chromium.new_context(viewport=PANEL, reduced_motion="reduce", **more)
    context.set_default_timeout(PATIENCE)
    async with shown_in(context, framing(host, bank)) as page:
        yield page
    await context.close()


@asynccontextmanager
async def shown_in(context: BrowserContext, address: str) -> AsyncIterator[Page]:
    """A page in a browser; nothing that it loads fails."""
    complaints: list[str] = []
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    page = await context.new_page()
    await page.goto(address)
    yield page
    assert complaints == []


async def test_a_host_that_is_not_the_sites_shows_nothing(chromium: Browser, bank: Bank) -> None:
    said: list[str] = []
    with Host() as foreign:
        context = await chromium.new_context()
        page = await context.new_page()
        page.on("console", lambda message: said.append(message.text))
        await page.goto(framing(foreign, bank))
        async with asyncio.timeout(PATIENCE / 1000):
            while not any("frame-ancestors" in one for one in said):
                await asyncio.sleep(0.02)
        assert await page.frames[1].locator("#chat").count() == 0
        await context.close()


async def test_windows_that_are_not_the_hosts_are_not_heard(chromium: Browser, host: Host, bank: Bank) -> None:
    said: list[str] = []
    foreign = f"""<script>
        const {{ port1, port2 }} = new MessageChannel();
        parent.frames[0].postMessage({{ presence: 1 }}, "http://localhost:{bank.port}", [port2]);
        parent.frames[0].postMessage({{ t: "identity", token: "x" }}, "http://localhost:{bank.port}");
    </script>"""
    with Host() as advertisement:
        advertisement.page("/ad", foreign)
        async with framed(chromium, host, bank) as page:
            page.on("console", lambda message: said.append(f"{message.type} {message.text}"))
            await until_told(page, "ready", verified=False)
            await page.evaluate(
                "src => document.body.append(Object.assign(document.createElement('iframe'), { src }))",
                f"{advertisement.origin}/ad",
            )
            why = f"error presence: a message from {advertisement.origin} was refused: it does not come from the page that frames us"
            async with asyncio.timeout(PATIENCE / 1000):
                while said.count(why) < 2:
                    await asyncio.sleep(0.02)
            await page.evaluate("port.postMessage({ t: 'scheme', scheme: 'dark' })")  # the host's own is as it was
            await expect(panel(page).locator("html")).to_have_attribute("data-scheme", "dark")
            await page.evaluate("frames[0].postMessage('anything', '*')")
            async with asyncio.timeout(PATIENCE / 1000):
                while not any("it does not hand over a port" in one for one in said):
                    await asyncio.sleep(0.02)


async def test_a_call_in_the_panel_outlives_the_page_around_it(
    chromium: Browser, host: Host, bank: Bank, tmp_path: Path
) -> None:
    async with (
        browsing(tmp_path / "profile", "apart", permissions=["camera", "microphone"]) as context,
        shown_in(context, framing(host, bank)) as page,
        Desk(bank, "alice") as alice,
    ):
        await panel(page).locator("[data-call=video]").click()
        await panel(page).locator("#calling-name").fill("Carol Jones")
        await panel(page).locator("#calling-name").press("Enter")
        call = (await alice.hears(state="ringing"))["call"]
        await until_told(page, "call", state="ringing", medium="video")
        adviser = await as_in(chromium, alice, permissions=["camera", "microphone"])
        there = await adviser.new_page()
        room = (await alice.accepts(call)).json()["room"]
        await there.goto(room)
        seat = Seat(there, "adviser", room)
        await seat.sees()
        await until_told(page, "call", state="started", medium="video")
        assert len(context.pages) == 2  # the empty one that it begins with: no window of its own, and no click more
        await page.goto(framing(host, bank))  # to another page of the host's
        await expect(panel(page).locator("#room")).to_have_attribute("data-phase", "call")
        await seat.sees()
        async with page.expect_popup() as opened:
            await panel(page).locator("#pop-out").click()
        window = await opened.value
        await expect(window.locator("#room")).to_have_attribute("data-phase", "call")
        await until_told(page, "popped")
        await expect(panel(page).locator("#room")).to_have_attribute("data-phase", "after")
        await page.goto(framing(host, bank))
        await expect(panel(page).locator("#calling-bar")).to_be_visible()  # it goes on elsewhere, and can be taken back
        await seat.sees()
        await there.locator("#leave").click()
        await there.locator("#leaving .button.danger").click()
        await expect(window.locator("#room")).to_have_attribute("data-phase", "after")
        await window.locator("#after-chat").click()
        await expect(window.locator("#log")).to_contain_text("Video call ended")
        await adviser.close()


async def test_the_conversation_goes_on_in_a_window_of_its_own(chromium: Browser, host: Host, bank: Bank) -> None:
    async with framed(chromium, host, bank) as page, Desk(bank, "alice") as alice:
        await begins(page)
        card = await alice.until(
            lambda frame: frame["t"] == "card" and frame["row"] and frame["row"]["state"] == "waiting"
        )
        await alice.take(card["c"])
        await panel(page).locator("#more").click()
        async with page.expect_popup() as opened:
            await panel(page).get_by_role("button", name="Open in a window of its own").click()
        window = await opened.value
        await until_told(page, "popped")
        await expect(window.locator("#log .said.mine")).to_have_text(re.compile("Hello, is anybody there?"))
        assert "ticket" not in window.url
        await window.locator("#message").fill("Here I am")
        await window.locator("#message").press("Enter")
        await alice.event("text", text="Here I am")
        await window.reload()
        await expect(window.locator("#log .said.mine")).to_have_count(2)


async def test_what_comes_while_the_panel_is_closed_is_unread(chromium: Browser, host: Host, bank: Bank) -> None:
    async with framed(chromium, host, bank) as page, Desk(bank, "alice") as alice:
        await begins(page)
        card = await alice.until(
            lambda frame: frame["t"] == "card" and frame["row"] and frame["row"]["state"] == "waiting"
        )
        await alice.take(card["c"])
        await page.evaluate("frame.hidden = true; port.postMessage({ t: 'hide' })")
        said = await alice.say(card["c"], "Are you there?")
        await until_told(page, "unread", count=1)
        await alice.event("got", seq=said["seq"])
        await page.evaluate("frame.hidden = false; port.postMessage({ t: 'show' })")
        await alice.event("seen", seq=said["seq"])
        await page.evaluate("frame.hidden = true; port.postMessage({ t: 'hide' }); heard = []")
        await alice.say(card["c"], "I have found it.")
        await until_told(page, "unread", count=1)
        await page.evaluate("port.postMessage({ t: 'forget' })")
        await until_told(page, "unread", count=0)


# -- whom the site vouches for ------------------------------------------------------------------------------------------


async def signing(bank: Bank) -> Callable[..., str]:
    """What the site's server does: sign who its customer is."""
    signers: Signers = bank.app.state.signers
    made = await signers.share("shop")

    def signed(subject: str = "c-1", name: str = "Carol Jones", **more: Any) -> str:
        now = int(time.time())
        claims = {"sub": subject, "name": name, "email": f"{subject}@customers.example", "iat": now, "exp": now + 60}
        claims |= {"jti": uuid.uuid4().hex, "aud": f"http://localhost:{bank.port}/at/{KEY}"}
        return jwt.encode({**claims, **more}, made.secret, "HS256", {"kid": made.kid})

    return signed


async def identify(page: Page, token: str) -> None:
    """Say who it is by and by, as `presence.identify` does."""
    await page.evaluate("token => { heard = []; port.postMessage({ t: 'identity', token }); }", token)


async def test_the_site_says_who_sits_there_and_advisers_read_it(chromium: Browser, host: Host, bank: Bank) -> None:
    signed = await signing(bank)
    async with framed(chromium, host, bank) as page, Desk(bank, "alice") as alice:
        await begins(page, "I have a question")
        await identify(page, signed(name="Carol Miller"))
        await until_told(page, "ready", verified=True)
        await says(page, "And another one")
        card = await alice.until(
            lambda frame: frame["t"] == "card" and frame["row"] and frame["row"]["customer"]["verified"]
        )
        assert (card["row"]["customer"]["name"], card["row"]["site"]) == ("Carol Miller", "The shop")
        await expect(panel(page).locator("#log .said.mine")).to_have_count(2)  # what goes on goes on
        desk = await as_in(chromium, alice)
        there = await desk.new_page()
        await there.goto(f"/desk#{card['c']}")
        await expect(there.locator("#customer .vouched")).to_have_text("Verified by The shop")
        await there.locator("#views").get_by_role("button", name="Waiting").click()
        await expect(there.locator(".row-link", has_text="Carol Miller")).to_contain_text("Verified by The shop")
        await desk.close()
        await identify(page, signed("d-1", "Dave Miller"))  # the next one at the same computer
        await expect(panel(page).locator("#log .said.mine")).to_have_count(0)
        await until_told(page, "ready", verified=True)
        await identify(page, signed())
        await expect(panel(page).locator("#log .said.mine")).to_have_count(2)
        async with page.expect_request(lambda request: request.url.endswith("/chat/forget")) as told:
            await page.evaluate("port.postMessage({ t: 'forget' })")
        hers = (await told.value).headers["x-visitor"]
        await expect(panel(page).locator("#log .said.mine")).to_have_count(0)
        await expect(panel(page).locator("#ask-name")).to_be_visible()
        assert await bank.chat.chat.visitor(hers) is None  # wherever else it is kept, it opens nothing


@pytest.mark.parametrize(
    ("reason", "wrong"),
    [
        ("expired", {"iat": 1_000, "exp": 1_060}),
        ("too-long", {"exp": 2**40}),
        ("audience", {"aud": "somebody else"}),
        ("replayed", {}),
    ],
)
async def test_what_is_not_believed_is_told_in_the_console(
    chromium: Browser, host: Host, bank: Bank, reason: str, wrong: dict[str, Any]
) -> None:
    said: list[str] = []
    token = (await signing(bank))(**wrong)
    async with framed(chromium, host, bank) as page:
        page.on("console", lambda message: said.append(f"{message.type} {message.text}"))
        await until_told(page, "ready", verified=False)
        if reason == "replayed":
            await identify(page, token)
            await until_told(page, "ready", verified=True)
        await identify(page, token)
        await until_told(page, "refused", reason=reason)
        assert any(one.startswith(f"error presence: {reason}: The token ") for one in said)
        await expect(panel(page).locator("#message")).to_be_visible()  # somebody nobody knows may talk all the same


@pytest.mark.parametrize("settings", ["required"], indirect=True)
async def test_where_the_site_must_say_who_it_is_nobody_else_begins(chromium: Browser, host: Host, bank: Bank) -> None:
    signed = await signing(bank)
    async with framed(chromium, host, bank) as page:
        await expect(panel(page).locator("#stranger")).to_contain_text("Please sign in on The shop first")
        await expect(panel(page).locator("#message")).to_be_hidden()
        await until_told(page, "refused", reason="identity-needed")
        await identify(page, signed())
        await expect(panel(page).locator("#stranger")).to_be_hidden()
        await says(page, "Now you know me")
        await expect(panel(page).locator("#log .said.mine").first).to_have_attribute("data-state", "sent")


@pytest.mark.parametrize("settings", ["required"], indirect=True)
async def test_what_is_signed_is_asked_for_again_when_it_was_lost_on_the_way(
    chromium: Browser, host: Host, bank: Bank
) -> None:
    signed = await signing(bank)
    async with framed(chromium, host, bank) as page:
        await until_told(page, "refused", reason="identity-needed")
        await page.route("**/chat/session", lambda route: route.abort(), times=1)
        await identify(page, signed())
        await until_told(page, "identity")
        await identify(page, signed())
        await until_told(page, "ready", verified=True)
        await expect(panel(page).locator("#stranger")).to_be_hidden()


# -- for everybody ------------------------------------------------------------------------------------------------------


async def wrong_in(page: Page) -> list[str]:
    """What axe finds wrong in the panel, by day and by night; and whether it has to be scrolled sideways."""
    (frame,) = page.frames[1:]
    await frame.evaluate(AXE.read_text())
    found: list[str] = []
    for light in ("light", "dark"):
        await page.evaluate("scheme => port.postMessage({ t: 'scheme', scheme })", light)
        await expect(panel(page).locator("html")).to_have_attribute("data-scheme", light)
        answer = await frame.evaluate("axe.run(document, { resultTypes: ['violations'], preload: false })")
        found += [f"{one['id']}: {node['target']}" for one in answer["violations"] for node in one["nodes"]]
    wide = await frame.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return found + ([f"{wide} px too wide"] if wide > 0 else [])


@pytest.mark.parametrize(("lang", "width"), [("en", 380), ("fr", 320)])
async def test_everybody_can_use_the_panel(chromium: Browser, host: Host, bank: Bank, lang: str, width: int) -> None:
    size: ViewportSize = {"width": width, "height": 640}
    context = await chromium.new_context(viewport=size, reduced_motion="reduce", permissions=["camera", "microphone"])
    context.set_default_timeout(PATIENCE)
    async with (
        shown_in(context, framing(host, bank, lang=lang, size=size)) as page,
        Desk(bank, "alice") as alice,
    ):
        await expect(panel(page).locator("#ask-name")).to_be_visible()
        found = await wrong_in(page)
        await begins(page)
        card = await alice.until(
            lambda frame: frame["t"] == "card" and frame["row"] and frame["row"]["state"] == "waiting"
        )
        await alice.take(card["c"])
        await alice.say(card["c"], "Good morning! See https://example.org/rates.")
        await expect(panel(page).locator(".said.theirs")).to_be_visible()
        found += await wrong_in(page)
        await panel(page).locator("#more").click()
        found += await wrong_in(page)
        await page.keyboard.press("Escape")
        await panel(page).locator("[data-call=video]").click()
        call = (await alice.hears(state="ringing"))["call"]
        found += await wrong_in(page)
        there = await as_in(chromium, alice, permissions=["camera", "microphone"])
        seat = Seat(await there.new_page(), "adviser", (await alice.accepts(call)).json()["room"])
        await seat.go()
        await seat.sees()
        found += await wrong_in(page)
        await panel(page).locator("#open-chat").click()
        found += await wrong_in(page)
        await panel(page).locator("#talk-close").click()
        await panel(page).locator("#leave").click()
        found += await wrong_in(page)
        await panel(page).locator("#leaving .danger").click()
        await expect(panel(page).locator("#after")).to_be_visible()
        found += await wrong_in(page)
        await panel(page).locator("#after-chat").click()  # nothing is kept here: the page hands on who they are
        await expect(panel(page).locator("#log .said.theirs")).to_be_visible()
        await page.keyboard.press("Escape")
        await until_told(page, "close")
        await there.close()
    await context.close()
    assert found == []
