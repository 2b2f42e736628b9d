"""The demo as `make run` starts it, and Debian's Chromium in front of it."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

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
STARTS_WITHIN = 60  # seconds

PHONE = {"width": 320, "height": 640}
DESKTOP = {"width": 1280, "height": 900}

Visit = Callable[..., Page]


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The demo's address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    directory = tmp_path_factory.mktemp("demo")
    words = [sys.executable, "-m", "presence", "demo", "--port", str(port), "--directory", str(directory)]
    with (directory / "log").open("w") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log, env={**os.environ, "PYTHONUNBUFFERED": "1"})
    base = f"http://localhost:{port}"
    until = time.monotonic() + STARTS_WITHIN
    while not _answers(base):
        if process.poll() is not None or time.monotonic() > until:
            process.kill()
            pytest.fail((directory / "log").read_text())
    yield base
    process.terminate()
    process.wait(30)


def _answers(base: str) -> bool:
    try:
        with urllib.request.urlopen(f"{base}/readyz", timeout=1):
            return True
    except (URLError, OSError):
        time.sleep(0.05)
        return False


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    binary = shutil.which("chromium")
    if binary is None:
        pytest.fail("Chromium is missing: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=binary, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: Browser, demo: str) -> Iterator[Visit]:
    """Opens pages; at the end none of them has complained, nor asked anybody else for anything."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def opened(path: str, *, lang: str = "en", size: Any = DESKTOP, script: bool = True, dark: bool = False) -> Page:
        context = chromium.new_context(
            base_url=demo,
            locale={"en": "en-GB", "fr": "fr-FR"}[lang],
            timezone_id="Europe/Paris",
            viewport=size,
            java_script_enabled=script,
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
        )
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: _elsewhere(request.url, demo, complaints))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda one: complaints.append(one.text) if _is_complaint(one.text, one.type) else None)
        page.goto(path)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


def _elsewhere(url: str, demo: str, complaints: list[str]) -> None:
    if urlsplit(url).scheme in {"http", "https", "ws", "wss"} and urlsplit(url).netloc != urlsplit(demo).netloc:
        complaints.append(f"asks elsewhere: {url}")


def _is_complaint(text: str, kind: str) -> bool:
    return kind == "error" and "Failed to load resource" not in text  # a 404 or 422 page is no mistake of ours


@contextmanager
def fits(page: Page) -> Iterator[None]:
    """Nothing has to be scrolled sideways."""
    yield
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"{page.url} is {wide} px too wide"


AXE = Path(__file__).parent.parent / "oracles" / "node_modules" / "axe-core" / "axe.min.js"
_RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


def violations(page: Page) -> list[str]:
    """What axe finds wrong, rule and place."""
    page.evaluate(AXE.read_text())  # not by a script element: the page's policy forbids those, rightly
    found = page.evaluate("rules => axe.run(document, rules)", _RULES)
    return [f"{one['id']}: {node['target']} on {page.url}" for one in found["violations"] for node in one["nodes"]]
