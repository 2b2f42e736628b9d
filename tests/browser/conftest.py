"""The demo as `make run` starts it, and Debian's Chromium in front of it."""

import asyncio
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol
from urllib.error import URLError
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Frame,
    Page,
    ViewportSize,
    async_playwright,
    expect,
)

from bench.ports import free_port
from presence.demo import PASSWORD
from tests.browser.adviser import nobody_waits

# One Chromium serves a whole run, so its tests share the session's loop; all other tests keep their own.
BROWSER = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)
PATIENCE = 20_000  # milliseconds
expect.set_options(timeout=PATIENCE)
STARTS_WITHIN = 60  # seconds

PHONE: ViewportSize = {"width": 320, "height": 640}
DESKTOP: ViewportSize = {"width": 1280, "height": 900}
# A walk in each language and at each size; `violations` sees each state in both lights.
LOOKS = pytest.mark.parametrize(
    ("lang", "dark", "size"), [("en", False, DESKTOP), ("fr", True, PHONE)], ids=["en-light", "fr-dark"]
)


class Visit(Protocol):
    """Opens a page as a person of its own would; beside another page, as the same person's second tab."""

    async def __call__(
        self,
        path: str,
        *,
        lang: str = "en",
        size: ViewportSize = DESKTOP,
        script: bool = True,
        dark: bool = False,
        zone: str = "Europe/Paris",
        beside: Page | None = None,
    ) -> Page: ...


@pytest.fixture(scope="session")
def demo_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the demo keeps its data."""
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="session")
def bank_site() -> str:
    """The origin of the bank's own site, which embeds the demo: another site than ours, which is on localhost."""
    return f"http://127.0.0.1:{free_port()}"


@pytest.fixture(scope="session")
def demo(demo_directory: Path, bank_site: str) -> Iterator[str]:
    """The demo's address."""
    port = free_port()
    words = [
        sys.executable,
        "-m",
        "presence",
        "demo",
        "--port",
        str(port),
        "--directory",
        str(demo_directory),
        "--no-samples",
        "--site-port",
        str(urlsplit(bank_site).port),
    ]
    with (demo_directory / "log").open("w") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log, env={**os.environ, "PYTHONUNBUFFERED": "1"})
    base = f"http://localhost:{port}"
    until = time.monotonic() + STARTS_WITHIN
    while not _answers(base):
        if process.poll() is not None or time.monotonic() > until:
            process.kill()
            pytest.fail((demo_directory / "log").read_text())
    yield base
    process.terminate()
    try:
        process.wait(30)
    finally:
        process.kill()


def _answers(base: str) -> bool:
    try:
        with urllib.request.urlopen(f"{base}/readyz", timeout=1):
            return True
    except (URLError, OSError):
        time.sleep(0.05)
        return False


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    binary = shutil.which("chromium")
    if binary is None:
        pytest.fail("Chromium is missing: apt-get install chromium")
    async with (
        async_playwright() as playwright,
        await playwright.chromium.launch(executable_path=binary, args=list(FLAGS)) as browser,
    ):
        yield browser


@pytest_asyncio.fixture(loop_scope="session")
async def visit(chromium: Browser, demo: str) -> AsyncIterator[Visit]:
    """Opens pages; at the end none of them has complained, nor asked anybody else for anything."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    async def person(lang: str, size: ViewportSize, script: bool, dark: bool, zone: str) -> BrowserContext:
        context = await chromium.new_context(
            base_url=demo,
            locale={"en": "en-GB", "fr": "fr-FR"}[lang],
            timezone_id=zone,
            viewport=size,
            java_script_enabled=script,
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
        )
        context.set_default_timeout(PATIENCE)
        context.on("page", lambda page: _listen(page, demo, complaints))
        contexts.append(context)
        return context

    async def opened(
        path: str,
        *,
        lang: str = "en",
        size: ViewportSize = DESKTOP,
        script: bool = True,
        dark: bool = False,
        zone: str = "Europe/Paris",
        beside: Page | None = None,
    ) -> Page:
        context = beside.context if beside else await person(lang, size, script, dark, zone)
        page = await context.new_page()
        await page.goto(path)
        return page

    try:
        yield opened
    finally:
        for context in contexts:
            await context.close()
    assert complaints == []


def _listen(page: Page, demo: str, complaints: list[str]) -> None:
    page.on("request", lambda request: _elsewhere(request.url, demo, complaints))
    page.on("websocket", lambda socket: _elsewhere(socket.url, demo, complaints))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if _is_complaint(message) else None)


def _elsewhere(url: str, demo: str, complaints: list[str]) -> None:
    if urlsplit(url).scheme in {"http", "https", "ws", "wss"} and urlsplit(url).netloc != urlsplit(demo).netloc:
        complaints.append(f"asks elsewhere: {url}")


def _is_complaint(message: ConsoleMessage) -> bool:
    # A page that answers 404 or 422 is no mistake of ours.
    return message.type == "error" and "Failed to load resource" not in message.text


@asynccontextmanager
async def fits(page: Page | Frame) -> AsyncIterator[None]:
    """Nothing has to be scrolled sideways."""
    yield
    await page.wait_for_load_state("domcontentloaded")  # a page that has only just begun to come has no width
    wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"{page.url} is {wide} px too wide"


AXE = Path(__file__).parent.parent / "oracles" / "node_modules" / "axe-core" / "axe.min.js"
WCAG = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
COLOURS = ("color-contrast", "link-in-text-block")


async def violations(page: Page | Frame, rules: tuple[str, ...] = (*WCAG, "best-practice")) -> list[str]:
    """What axe finds wrong, rule and place; of the colours also in the other light, by night or by day."""
    await page.evaluate(AXE.read_text())  # not by a script element: the page's policy forbids those, rightly
    found = await _axe(page, list(rules))
    dark = await page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    around = page.page if isinstance(page, Frame) else page
    await around.emulate_media(color_scheme="light" if dark else "dark")
    found += await _axe(page, {"type": "rule", "values": COLOURS})
    await around.emulate_media(color_scheme="dark" if dark else "light")
    return found


async def _axe(page: Page | Frame, rules: object) -> list[str]:
    # Styles are not fetched once more: no rule of ours reads them.
    options = {"runOnly": rules, "resultTypes": ["violations"], "preload": False}
    async with asyncio.timeout(PATIENCE / 1000):  # it waits for ever where scripts are forbidden
        found = await page.evaluate("options => axe.run(document, options)", options)
    return [f"{one['id']}: {node['target']} on {page.url}" for one in found["violations"] for node in one["nodes"]]


async def sign_in(page: Page, slug: str) -> None:
    """Go on as one of the demo's advisers, at their agenda."""
    await page.goto("/sign-in?next=/agenda")
    await page.locator("[name=email]").fill(f"{slug}@demo.example")
    await page.locator("[name=password]").fill(PASSWORD)
    await page.locator("main .button").click()
    await page.wait_for_url("**/agenda")


CLOSE_MINE = """async () => {
    const headers = {Accept: 'application/json', 'X-CSRF-Token': document.querySelector('#desk').dataset.csrf};
    const {rows} = await (await fetch('/desk/inbox?view=mine', {headers})).json();
    for (const {c} of rows) await fetch(`/desk/conversations/${c}/close`, {method: 'POST', headers});
    await fetch('/desk/presence', {method: 'POST', headers, body: JSON.stringify({wish: 'available', capacity: 3})});
    await fetch('/sign-out', {method: 'POST', headers, redirect: 'manual'}) }"""


class Desk(Protocol):
    """Opens an adviser's dashboard; afterwards what they have is closed, and they are gone."""

    async def __call__(
        self, slug: str = "alice", *, lang: str = "en", size: ViewportSize = DESKTOP, dark: bool = False
    ) -> Page: ...


@pytest_asyncio.fixture(loop_scope="session")
async def desk(visit: Visit, demo: str) -> AsyncIterator[Desk]:
    await nobody_waits(demo)
    pages: list[Page] = []

    async def opened(
        slug: str = "alice", *, lang: str = "en", size: ViewportSize = DESKTOP, dark: bool = False
    ) -> Page:
        page = await visit("/sign-in?next=/desk", lang=lang, size=size, dark=dark)
        await page.locator("[name=email]").fill(f"{slug}@demo.example")
        await page.locator("[name=password]").fill(PASSWORD)
        await page.locator("main .button").click()
        pages.append(page)
        await expect(page.locator("#my-dot")).to_have_attribute("data-state", "available")
        return page

    yield opened
    for page in pages:
        await page.evaluate(CLOSE_MINE)
