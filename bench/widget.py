"""What the widget costs the page that carries it: Chromium's main thread while a blank page of another origin loads, traced with and
without it, what moves, what is fetched, and how much that weighs. Loads with and without take turns.

Run: python -m bench.widget [--short]
"""

import asyncio
import json
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

from playwright.async_api import Browser, CDPSession, async_playwright

from bench import bank
from bench.ports import free_port
from bench.server import Server
from bench.smtp import sink
from bench.table import Row, alone, median
from presence.clock import SystemClock
from presence.sites.service import Sites
from presence.sites.settings import Settings
from presence.storage.database import Database

LOADER = 6 * 1024
THREAD = 15.0  # milliseconds
SETTLED = 1.0  # seconds after the load event in which everything has been shown
_FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
_PAGE = "<!doctype html><html lang=en><meta charset=utf-8><title>A page</title><link rel=icon href='data:,'><p>A page.</p>{line}"
_SHIFTS = """window.shifts = 0; new PerformanceObserver((list) => list.getEntries().forEach((one) => (shifts += one.value)))
.observe({ type: "layout-shift", buffered: true })"""
# What a task of the main thread is called in a trace; what runs inside of it is part of it.
_TASK = "ThreadControllerImpl::RunTask"
# Published by them, in KB: what is loaded with the page, and in all once it is opened.
_OTHERS = {"Chatwoot": (40.0, 340.0), "Live Helper Chat": (29.4, 208.0)}


class Load(NamedTuple):
    """One load: milliseconds of the main thread, in all and of scripts alone, layout shift, requests to us, and their bytes."""

    busy: float
    script: float
    shift: float
    requests: int
    bytes: int


async def run(directory: Path, *, loads: int) -> tuple[list[Load], list[Load], int]:
    """Load the page by turns with and without; and the bytes that opening adds."""
    port, configuration = free_port(), directory / "bank.toml"
    url = f"sqlite:///{directory / 'presence.db'}"
    async with sink() as mails:
        bank.write_configuration(
            configuration,
            port=port,
            database=url,
            smtp_port=mails.port,
            advisers=[bank.adviser_entry(number) for number in range(10)],
            services=[bank.service_entry()],
        )
        async with Server.serve(configuration, port):
            with _pages() as (origin, pages):
                key = await _site(url, origin)
                line = f'<script async src="http://localhost:{port}/widget.js" data-site="{key}"></script>'
                pages["/without"], pages["/with"] = _PAGE.format(line=""), _PAGE.format(line=line)
                async with _browser() as browser:
                    without, with_ = list[Load](), list[Load]()
                    for _ in range(loads + 1):  # the first of each warms the server up
                        without.append(await _load(browser, f"{origin}/without", port))
                        with_.append(await _load(browser, f"{origin}/with", port))
                    opened = await _opened(browser, f"{origin}/with", port)
    return without[1:], with_[1:], opened


class _browser:  # noqa: N801 - used as a function
    """Debian's Chromium."""

    async def __aenter__(self) -> Browser:
        binary = shutil.which("chromium")
        if binary is None:
            raise RuntimeError("Chromium is missing: apt-get install chromium")
        self._playwright = await async_playwright().start()
        self._one = await self._playwright.chromium.launch(executable_path=binary, args=list(_FLAGS))
        return self._one

    async def __aexit__(self, *_: object) -> None:
        await self._one.close()
        await self._playwright.stop()


@contextmanager
def _pages() -> Iterator[tuple[str, dict[str, str]]]:
    """A server of pages on another site than ours: its origin, and the pages by path."""
    pages: dict[str, str] = {}

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = pages[self.path].encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", pages
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def _site(url: str, origin: str) -> str:
    database = Database(url)
    await database.open()
    try:
        sites = Sites(database, SystemClock())
        await sites.add("measured", "The page", settings=Settings(origins=(origin,)))
        return (await sites.named("measured")).embed_key
    finally:
        await database.close()


async def _load(browser: Browser, url: str, port: int) -> Load:
    """Load a page in a browser of its own that has seen nothing yet, traced."""
    context = await browser.new_context()
    page = await context.new_page()
    await page.add_init_script(_SHIFTS)
    bytes_ = await _weighed(page_session := await context.new_cdp_session(page), port)
    await browser.start_tracing(
        page=page, categories=["toplevel", "devtools.timeline", "disabled-by-default-devtools.timeline", "v8"]
    )
    await page.goto(url, wait_until="load")
    await asyncio.sleep(SETTLED)  # whatever asks the page how far it is would be measured, too
    events = json.loads(await browser.stop_tracing())["traceEvents"]
    shift = float(await page.evaluate("shifts"))
    if await page.locator("presence-widget .launcher").count() != url.endswith("/with"):
        raise RuntimeError("the widget is not where it should be")
    await page_session.detach()
    await context.close()
    busy, script = _main_thread(events, url)
    return Load(busy, script, shift, len(bytes_), sum(bytes_.values()))


async def _weighed(session: CDPSession, port: int) -> dict[str, int]:
    """Bytes on the wire by request, of those that go to us; filled in as they arrive."""
    found: dict[str, int] = {}
    ours = f"http://localhost:{port}/"

    def sent(event: dict[str, Any]) -> None:
        if event["request"]["url"].startswith(ours):
            found[event["requestId"]] = 0

    def arrived(event: dict[str, Any]) -> None:
        if event["requestId"] in found:
            found[event["requestId"]] = int(event["encodedDataLength"])

    session.on("Network.requestWillBeSent", sent)
    session.on("Network.loadingFinished", arrived)
    await session.send("Network.enable")
    return found


async def _opened(browser: Browser, url: str, port: int) -> int:
    """Bytes that the widget has loaded once its panel shows the chat: its own, and those of the framed page."""
    context = await browser.new_context()
    page = await context.new_page()
    weights: list[int] = []

    async def weigh(request: Any) -> None:
        if request.url.startswith(f"http://localhost:{port}/"):
            sizes = await request.sizes()
            weights.append(sizes["responseBodySize"] + sizes["responseHeadersSize"])

    page.on("requestfinished", weigh)
    await page.goto(url)
    await page.locator("presence-widget .launcher").click()
    await page.locator("presence-widget .way").first.click()
    await page.frame_locator("presence-widget iframe").locator("#message").wait_for()
    await page.wait_for_load_state("networkidle")
    await asyncio.sleep(SETTLED)
    await context.close()
    return sum(weights)


def _main_thread(events: list[dict[str, Any]], url: str) -> tuple[float, float]:
    """Milliseconds of tasks, and of scripts evaluated in them, on the main thread of the process that showed the page."""
    names = {(one["pid"], one["tid"]): one["args"]["name"] for one in events if one["name"] == "thread_name"}
    pages = {one["pid"] for one in events if one["name"] == "CommitLoad" and one["args"]["data"]["url"] == url}
    if len(pages) != 1:
        raise RuntimeError(f"{url} was shown by {len(pages)} processes")
    tasks = script = 0.0
    for one in events:
        if one.get("ph") != "X" or one["pid"] not in pages or names.get((one["pid"], one["tid"])) != "CrRendererMain":
            continue
        if one["name"] == _TASK:
            tasks += one.get("tdur", one["dur"]) / 1000
        elif one["name"] in {"EvaluateScript", "v8.compile"}:
            script += one.get("tdur", one["dur"]) / 1000
    return tasks, script


def main(short: bool = False) -> list[Row]:
    """The table's rows."""
    with tempfile.TemporaryDirectory(prefix="presence-bench-") as directory:
        without, with_, opened = asyncio.run(run(Path(directory), loads=3 if short else 15))
    added = median([one.busy for one in with_]) - median([one.busy for one in without])
    script = median([one.script for one in with_]) - median([one.script for one in without])
    shift, weight = max(one.shift for one in with_), median([one.bytes for one in with_])
    others = "; ".join(f"{name} {small:g} KB, opened {big:g} KB" for name, (small, big) in _OTHERS.items())
    return [
        Row(
            f"Widget on a blank page of another origin: main thread, median of {len(with_)} traced loads with it less without",
            "<= 15 ms",
            f"{added:.1f} ms ({script:.1f} ms of them scripts)",
            added <= THREAD,
        ),
        Row("Widget: layout shift before it is opened, worst load", "0", f"{shift:g}", shift == 0),
        Row(
            "Widget: loaded with the page, on the wire, script and state with headers",
            f"loader <= 6 KB gz; published: {others}",
            f"{weight / 1024:.1f} KB in {max(one.requests for one in with_)} requests; opened, chat included, {opened / 1024:.0f} KB",
            max(one.requests for one in with_) == 2,
        ),
    ]


if __name__ == "__main__":
    alone(main)
