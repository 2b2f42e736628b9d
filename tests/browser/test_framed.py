"""Chat and calls inside of another site's page: with its storage, with none, while the host goes from page to page."""

import asyncio
import json
import re
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, FrameLocator, Page, ViewportSize, async_playwright, expect

from bench.ports import free_port
from presence.config import Config, ServerConfig
from presence.sites.settings import Settings
from tests.browser.calling import Seat, as_in, bank_now, serving
from tests.browser.conftest import BROWSER, FLAGS, PATIENCE
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
<html lang="en"><head><meta charset="utf-8"><title>The shop</title><style>body {{ margin: 0 }} iframe {{ display: block; border: 0 }}</style></head>
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
def settings(host: Host) -> Settings:
    return Settings(origins=(host.origin,))


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
        assert not await context.cookies(f"http://localhost:{bank.port}")
        await page.reload()
        if keeps != "apart":  # what was known, that page knew
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
