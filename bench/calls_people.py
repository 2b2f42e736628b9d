"""Carol and Alice, each at the real page of a room in one Chromium with fake devices: she rings, is accepted, and both see."""

import asyncio
import shutil
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from bench import bank
from bench.ports import free_port
from bench.server import Server
from presence.web.csrf import token_for

PASSWORD = "alice's long password"
PATIENCE = 60.0  # seconds after which something has failed
FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"),
)

# What happens in the page, in milliseconds since the epoch: the room's socket is wanted, the room has been told,
# the last of the other's pictures was decoded; and the longest time without one.
WATCH = """
  globalThis.watch = { joined: 0, told: 0, first: 0, last: 0, gap: 0 };
  const { WebSocket } = globalThis;
  globalThis.WebSocket = class extends WebSocket {
    #made = Date.now();
    constructor(...words) {
      super(...words);
      this.addEventListener("message", ({ data }) => data.includes('"t":"room"') && (watch.told = Date.now()));
    }
    send(text) {
      if (text.includes('"call"')) watch.joined ||= this.#made;
      super.send(text);
    }
  };
  let count = 0;
  setInterval(() => {
    const now = document.querySelector("#remote-video")?.getVideoPlaybackQuality().totalVideoFrames ?? 0;
    if (now === count) return;
    count = now;
    if (!now) return; // another stream has taken the place of the one before
    const at = Date.now();
    watch.first ||= at;
    if (watch.last) watch.gap = Math.max(watch.gap, at - watch.last);
    watch.last = at;
  }, 5);
"""


class Seat:
    """Somebody's page in a room."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.address = address

    async def go(self) -> None:
        await self.page.goto(self.address)

    async def watched(self) -> dict[str, float]:
        found: dict[str, float] = await self.page.evaluate("watch")
        return found

    async def until(self, expression: str) -> None:
        async with asyncio.timeout(PATIENCE):
            while not await self.page.evaluate(expression):
                await asyncio.sleep(0.02)

    async def sees(self) -> None:
        """Another picture comes after now."""
        now = await self.page.evaluate("Date.now()")
        await self.until(f"watch.last > {now}")


class People:
    """Alice, at her dashboard all the time, and whoever rings."""

    def __init__(self, browser: Browser, dashboard: Page, base: str, token: str) -> None:
        self._browser = browser
        self._dashboard = dashboard
        self._base = base
        self._headers = {"X-CSRF-Token": token}

    async def called(self, base: str = "") -> tuple["Seat", "Seat"]:
        """Carol has rung and Alice has accepted: their seats, nobody in them yet. Carol may reach the server at another `base`."""
        await self.free()
        context = await _person(self._browser, base or self._base)
        ringing = {"id": uuid.uuid4().hex, "medium": "video", "name": "Carol"}
        await _posted(context, "/chat/session", {"zone": "Europe/Paris", "language": "en"})
        call = (await _posted(context, "/calls", ringing))["call"]
        accepted = await _posted(self._dashboard.context, f"/desk/calls/{call}/accept", {}, self._headers)
        carol = Seat(await context.new_page(), f"/room/{call}")
        return carol, Seat(await self._dashboard.context.new_page(), accepted["room"])

    async def free(self) -> None:
        """Wait until everybody sees that Alice may be rung."""
        await self._dashboard.locator("#my-dot[data-state=available]").wait_for()

    async def over(self, carol: Seat, alice: Seat) -> None:
        """Alice ends it, closes their conversation, and both close their pages."""
        await alice.page.locator("#leave").click()
        await alice.page.locator("#leaving .sure").click()
        await alice.until("document.querySelector('#room').dataset.phase === 'after'")
        await alice.page.close()
        await carol.page.context.close()
        alices = self._dashboard.context
        rows = (await (await alices.request.get("/desk/inbox?view=mine")).json())["rows"]
        for c in [row["c"] for row in rows if row["state"] != "closed"]:
            await _posted(alices, f"/desk/conversations/{c}/close", {}, self._headers)


async def _person(browser: Browser, base: str) -> BrowserContext:
    context = await browser.new_context(base_url=base, locale="en-GB", viewport={"width": 1280, "height": 800})
    await context.add_init_script(WATCH)
    return context


async def _posted(context: BrowserContext, path: str, body: Any, headers: dict[str, str] | None = None) -> Any:
    answer = await context.request.post(path, data=body, headers={"Accept": "application/json", **(headers or {})})
    if not answer.ok:
        raise RuntimeError(f"{path}: {answer.status} {await answer.text()}")
    return await answer.json()


def prepared(directory: Path, calls: dict[str, Any]) -> tuple[Server, Path]:
    """The bank with Alice alone, not yet served; and its database."""
    port, file = free_port(), directory / "presence.db"
    configuration = directory / "bank.toml"
    bank.write_configuration(
        configuration,
        port=port,
        database=f"sqlite:///{file}",
        smtp_port=free_port(),
        advisers=[bank.adviser_entry(0, password=PASSWORD)],
        services=[bank.service_entry()],
        calls=calls,
    )
    return Server.serve(configuration, port), file


@asynccontextmanager
async def people(server: Server) -> AsyncIterator[People]:
    """Alice at her dashboard, in a Chromium."""
    base = f"http://localhost:{server.port}"
    binary = shutil.which("chromium")
    if binary is None:
        raise RuntimeError("Chromium is missing: apt-get install chromium")
    async with (
        async_playwright() as playwright,
        await playwright.chromium.launch(executable_path=binary, args=list(FLAGS)) as browser,
    ):
        alice = await _person(browser, base)
        await alice.request.post("/sign-in", form={"email": "adviser-0@bank.example", "password": PASSWORD})
        (cookie,) = [one["value"] for one in await alice.cookies() if one["name"] == "presence"]
        page = await alice.new_page()
        await page.goto("/desk")
        all_ = People(browser, page, base, token_for(cookie))
        await all_.free()
        yield all_


class Line:
    """A way to a server that can be cut: every connection through it breaks at once, and new ones are let through again."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._through: set[asyncio.StreamWriter] = set()
        self._running: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.port = 0

    async def __aenter__(self) -> "Line":
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.cut()
        assert self._server is not None
        self._server.close()

    def cut(self) -> None:
        for one in self._through:
            one.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._to)
        except OSError:
            writer.transport.abort()
            return
        pair = {writer, back}
        self._through |= pair
        try:
            await asyncio.gather(_copied(reader, back), _copied(there, writer))
        finally:
            self._through -= pair
            for one in pair:
                one.close()


async def _copied(source: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
    try:
        while part := await source.read(65_536):
            to.write(part)
            await to.drain()
        to.write_eof()
    except (ConnectionError, RuntimeError):
        to.transport.abort()
