"""Alice and Carol at the real pages of a room, each with a browser of their own, and what each of them sees."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import msgspec
from playwright.async_api import Browser, BrowserContext, Page

from presence.bus import Bus
from presence.clock import SystemClock
from presence.config import CallsConfig, Config, ServerConfig
from tests.browser.conftest import DESKTOP, PATIENCE
from tests.calls.ring_cast import Caller, Desk
from tests.chat.cast import Bank, bank_at, configuration
from tests.chat.cast import Browser as Person

Role = Literal["customer", "adviser"]

# Since when the page has wanted its room's socket, and when the other's first picture was decoded; milliseconds since the epoch.
STOPWATCH = """
  const { WebSocket } = globalThis;
  globalThis.WebSocket = class extends WebSocket {
    #made = Date.now();
    send(text) {
      if (text.includes('"call"')) globalThis.joinedAt ??= this.#made;
      super.send(text);
    }
  };
  const looking = setInterval(() => {
    if (!(document.querySelector("#remote-video")?.getVideoPlaybackQuality().totalVideoFrames > 0)) return;
    globalThis.sawAt = Date.now();
    clearInterval(looking);
  }, 10);
"""


class Seat:
    """Somebody's page in a room."""

    def __init__(self, page: Page, role: Role, room: str) -> None:
        self.page = page
        self.role = role
        self.room = room

    async def go(self) -> None:
        """Load the page, or load it anew."""
        await self.page.goto(self.room)

    async def join(self) -> None:
        """What the device check ends with, where it is not passed over."""
        await self.page.locator("#join").click()

    async def until(self, expression: str, within: float = PATIENCE) -> None:
        """Wait for something of the page's; Playwright's own way of it is forbidden by the page's policy."""
        async with asyncio.timeout(within / 1000):
            while not await self.page.evaluate(expression):
                await asyncio.sleep(0.02)

    async def frames(self, of: str = "remote-video") -> int:
        """How many of the other's pictures have been decoded."""
        found: int = await self.page.evaluate(
            f"document.querySelector('#{of}').getVideoPlaybackQuality().totalVideoFrames"
        )
        return found

    async def sees(self, of: str = "remote-video", within: float = PATIENCE) -> None:
        """More of them come, and are shown."""
        before = await self.frames(of)
        await self.until(
            f"(({{ hidden, parentElement }}, seen) => !hidden && !parentElement.hidden && seen !== {before} && seen > 2)"
            f"(document.querySelector('#{of}'), document.querySelector('#{of}').getVideoPlaybackQuality().totalVideoFrames)",
            within,
        )

    async def hears(self) -> None:
        """Sound of the other's comes, and is played."""
        await self.until(
            "(({ srcObject, paused }) => !paused && srcObject && srcObject.getAudioTracks().some(({ muted }) => !muted))"
            "(document.querySelector('#remote-audio'))"
        )

    async def press(self, button: str) -> None:
        await self.page.locator(f"#{button}").click()

    async def in_phase(self, phase: str) -> None:
        await self.until(f"document.querySelector('#room').dataset.phase === '{phase}'")


async def as_in(chromium: Browser, person: Person, *, permissions: Sequence[str] = ()) -> BrowserContext:
    """A context of Chromium with the cookies of somebody who has signed in, or been let in, elsewhere."""
    context = await chromium.new_context(
        base_url=person.bank.url, viewport=DESKTOP, locale="en-GB", permissions=permissions
    )
    context.set_default_timeout(PATIENCE)
    await context.add_init_script(STOPWATCH)
    cookies: list[Any] = [
        {"name": one.name, "value": one.value or "", "domain": "127.0.0.1", "path": one.path}
        for one in person.http.cookies.jar
    ]
    await context.add_cookies(cookies)
    return context


def serving(settled: Path, directory: Path, port: int, calls: CallsConfig | None = None) -> Config:
    """The bank with a database of its own, where anybody may ring as often as they like."""
    from tests.chat.stage import copied_sqlite

    config = configuration(copied_sqlite(settled, directory), directory)
    return msgspec.structs.replace(
        config,
        server=ServerConfig(base_url=f"http://127.0.0.1:{port}", secret_key="s" * 40, port=port),
        limits=msgspec.structs.replace(config.limits, calls_per_minute=0),
        calls=calls or CallsConfig(),
    )


@asynccontextmanager
async def bank_now(config: Config, bus: Bus | None = None) -> AsyncIterator[Bank]:
    """The bank at this very moment: TURN credentials are a matter of time."""
    async with bank_at(config, SystemClock(), bus=bus, port=config.server.port) as bank:
        yield bank


@asynccontextmanager
async def rung(
    bank: Bank,
    chromium: Browser,
    *,
    medium: str = "video",
    hers: Browser | None = None,
    permissions: Sequence[str] = (),
    script: str = "",
) -> AsyncIterator[tuple[Seat, Seat]]:
    """Carol has rung, and Alice has accepted: Carol's seat and Alice's, nobody in them yet.

    `hers` is another Chromium for Carol, where she has given these permissions, and which runs a script first.
    """
    async with Desk(bank, "alice") as desk, Caller(bank, "Carol") as caller:
        call = await caller.ringing(medium=medium)
        room = (await desk.accepts(call)).json()["room"]
        carol = await as_in(hers or chromium, caller, permissions=permissions)
        alice = await as_in(chromium, desk)
        if script:
            await carol.add_init_script(script)
        try:
            yield (
                Seat(await carol.new_page(), "customer", f"/room/{call}"),
                Seat(await alice.new_page(), "adviser", room),
            )
        finally:
            await carol.close()
            await alice.close()


@asynccontextmanager
async def called(bank: Bank, chromium: Browser, **more: Any) -> AsyncIterator[tuple[Seat, Seat]]:
    """Carol and Alice see each other."""
    async with rung(bank, chromium, **more) as (carol, alice):
        await alice.go()
        await carol.go()
        for seat in (carol, alice):
            await seat.sees()
        yield carol, alice


def said(page: Page) -> list[dict[str, Any]]:
    """The frames that a page sends over its sockets: more of them as it does."""
    frames: list[dict[str, Any]] = []

    def sent(text: str | bytes) -> None:
        frames.extend(json.loads(text))

    page.on("websocket", lambda socket: socket.on("framesent", sent))
    return frames
