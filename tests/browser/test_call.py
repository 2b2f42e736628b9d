"""Two people in a room's real pages: they see and hear each other, whatever breaks, and with whatever devices they have."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright, expect
from sqlalchemy import select

from bench.ports import free_port
from presence.config import Config
from presence.live.connection import Connection
from presence.storage.tables import call as calls
from tests.browser.calling import Seat, bank_now, called, rung, said, serving
from tests.browser.conftest import BROWSER, FLAGS
from tests.calls.cast import session_of
from tests.calls.coturn import coturn
from tests.chat.cast import Bank
from tests.chat.stage import settled_sqlite

__all__ = ["settled_sqlite"]

pytestmark = BROWSER

BASE = tuple(flag for flag in FLAGS if "media-stream" not in flag)
FAKE, UNASKED = "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"
RECOVERS = 15  # seconds in which whatever broke is whole again


@pytest.fixture
def config(settled_sqlite: Path, tmp_path: Path) -> Config:
    return serving(settled_sqlite, tmp_path, free_port())


@pytest_asyncio.fixture(loop_scope="session")
async def bank(config: Config) -> AsyncIterator[Bank]:
    async with bank_now(config) as served:
        yield served


def connection_of(bank: Bank, role: str) -> Connection | None:
    """Somebody's connection in the room, when there is one."""
    try:
        return session_of(bank, role).connection
    except StopIteration:
        return None


async def stored(bank: Bank) -> dict[str, Any]:
    """The call's row."""
    row = await bank.database.read(lambda connection: connection.execute(select(calls)).one())
    return dict(row._mapping)


@asynccontextmanager
async def chromium_with(*flags: str) -> AsyncIterator[Browser]:
    """Another Chromium, with devices of another kind."""
    binary = shutil.which("chromium")
    assert binary
    async with (
        async_playwright() as playwright,
        await playwright.chromium.launch(executable_path=binary, args=[*BASE, *flags]) as browser,
    ):
        yield browser


async def test_one_click_and_both_see_and_hear_each_other(bank: Bank, chromium: Browser) -> None:
    async with rung(bank, chromium) as (carol, alice):
        frames = {seat: said(seat.page) for seat in (carol, alice)}
        await alice.go()
        await carol.go()
        for seat in (carol, alice):
            await seat.sees()
            await seat.in_phase("call")
            await seat.hears()
        assert [frame["t"] for seat in frames for frame in frames[seat] if frame["t"] in {"rebuild", "turn"}] == []
        async with asyncio.timeout(RECOVERS):
            while (row := await stored(bank))["first_frame"] is None:
                await carol.sees()
        assert (row["gen"], row["relayed"], row["failure"]) == (1, False, "")

        # What one turns off, the other is told, and does not see any more.
        await alice.press("mic")
        await expect(carol.page.locator("#remote-muted")).to_be_visible()
        await alice.press("cam")
        await expect(carol.page.locator("#remote-video")).to_be_hidden()
        await alice.press("cam")
        await alice.press("mic")
        await carol.sees()
        await expect(carol.page.locator("#remote-muted")).to_be_hidden()

        # A screen beside the camera, until it is stopped.
        await alice.press("share")
        await carol.sees("shown-video")
        await carol.sees()
        await alice.press("share")
        await expect(carol.page.locator("#shown")).to_be_hidden()

        # Sound alone, for both, and pictures again.
        await carol.page.locator("#more").click()
        await carol.press("audio-only")
        for seat in (carol, alice):
            await expect(seat.page.locator("#remote-video")).to_be_hidden()
            await expect(seat.page.locator("#health")).to_be_visible()
        await carol.page.locator("#pictures-again").click()
        for seat in (carol, alice):
            await seat.sees()

        # The end, for both.
        await alice.press("leave")
        await alice.page.locator("#leaving .sure").click()
        for seat in (carol, alice):
            await seat.in_phase("after")


async def test_what_is_on_a_shared_page_is_what_the_other_sees(bank: Bank, chromium: Browser) -> None:
    # Chromium offers the very tab only to who asks for it, which a page in a call has no reason to do.
    asks = """
      const { getDisplayMedia } = MediaDevices.prototype;
      MediaDevices.prototype.getDisplayMedia = function ({ selfBrowserSurface, ...wanted }) {
        return getDisplayMedia.call(this, { ...wanted, preferCurrentTab: true });
      };
    """
    async with (
        chromium_with(FAKE, "--auto-accept-this-tab-capture") as hers,
        called(bank, chromium, hers=hers, permissions=("camera", "microphone"), script=asks) as (carol, alice),
    ):
        await carol.page.evaluate("document.documentElement.style.filter = 'hue-rotate(180deg)'")
        await carol.press("share")
        await alice.sees("shown-video")
        shape = "(({ videoWidth, videoHeight }) => videoWidth / videoHeight)(document.querySelector('#shown-video'))"
        page = await carol.page.evaluate("innerWidth / innerHeight")
        assert abs(await alice.page.evaluate(shape) - page) < 0.1


async def test_a_lost_socket_is_opened_again_while_they_go_on(bank: Bank, chromium: Browser) -> None:
    async with called(bank, chromium) as (carol, alice):
        for role, seat in (("customer", carol), ("adviser", alice)):
            lost = connection_of(bank, role)
            assert lost
            lost.end(4408, "lost")
            await seat.sees()
            async with asyncio.timeout(RECOVERS):
                while connection_of(bank, role) in {None, lost}:
                    await seat.sees()
        for seat in (carol, alice):
            await seat.sees()
            await expect(seat.page.locator("#connection")).to_be_hidden()
        assert (await stored(bank))["gen"] == 1


async def test_a_page_is_loaded_again_and_a_second_tab_takes_over(bank: Bank, chromium: Browser) -> None:
    async with called(bank, chromium) as (carol, alice):
        carol.page.on("dialog", lambda dialog: dialog.accept())  # a browser asks before a call is left
        await carol.go()
        await carol.sees()
        await alice.sees()
        second = Seat(await carol.page.context.new_page(), "customer", carol.room)
        await second.go()
        await second.sees()
        await alice.sees()
        await carol.in_phase("after")  # and does not come back by itself
        assert (await stored(bank))["gen"] == 3


async def test_a_restarted_server_is_not_noticed_by_those_who_talk(config: Config, chromium: Browser) -> None:
    async with AsyncExitStack() as people:
        async with bank_now(config) as bank:
            carol, alice = await people.enter_async_context(called(bank, chromium))
        for seat in (carol, alice):
            await seat.sees()
        async with bank_now(config) as bank:
            async with asyncio.timeout(RECOVERS):
                while not (connection_of(bank, "customer") and connection_of(bank, "adviser")):
                    await carol.sees()
            for seat in (carol, alice):
                await seat.sees()
            assert (await stored(bank))["gen"] == 1
            await people.aclose()


@pytest.mark.long
async def test_a_restarted_relay_is_found_again(settled_sqlite: Path, tmp_path: Path, chromium: Browser) -> None:
    with coturn(tmp_path) as relay:
        config = serving(settled_sqlite, tmp_path, free_port(), relay.config(relay_only=True))
        async with bank_now(config) as bank, rung(bank, chromium) as (carol, alice):
            frames = said(alice.page)
            await alice.go()
            await carol.go()
            for seat in (carol, alice):
                await seat.sees()
            await asyncio.to_thread(relay.stop)
            await asyncio.to_thread(relay.start)
            async with asyncio.timeout(4 * RECOVERS):
                while "turn" not in {frame["t"] for frame in frames}:  # fresh credentials, and then ICE anew
                    await asyncio.sleep(0.2)
            for seat in (carol, alice):
                await seat.sees(within=60_000)
                await expect(seat.page.locator("#connection")).to_be_hidden(timeout=60_000)
            assert (await stored(bank))["relayed"] is True


class Case(NamedTuple):
    """Somebody's devices, and what comes of them."""

    flags: tuple[str, ...]
    permissions: tuple[str, ...] = ()
    script: str = ""
    failure: str = ""  # what is told for the operator's figures; "" when there is nothing to help with either
    speaks: bool = True


BUSY = """
  const { getUserMedia } = MediaDevices.prototype;
  MediaDevices.prototype.getUserMedia = function (wanted) {
    if (wanted.video) return Promise.reject(new DOMException("Could not start video source", "NotReadableError"));
    return getUserMedia.call(this, wanted);
  };
"""
CASES = {
    "everything refused": Case((FAKE,), failure="permission", speaks=False),
    "the camera refused": Case((FAKE,), permissions=("microphone",), failure="permission"),
    "the camera busy": Case((FAKE, UNASKED), script=BUSY, failure="device_busy"),
    "no camera": Case((f"{FAKE}=device-count=0", UNASKED)),
    "no device": Case((UNASKED,), speaks=False),
}


@pytest.mark.parametrize("name", CASES)
async def test_whatever_devices_there_are_it_ends_in_a_call(name: str, bank: Bank, chromium: Browser) -> None:
    case = CASES[name]
    async with (
        chromium_with(*case.flags) as hers,
        rung(bank, chromium, hers=hers, permissions=case.permissions, script=case.script) as (carol, alice),
    ):
        frames = said(carol.page)
        await alice.go()
        await carol.go()
        if case.failure:
            await expect(carol.page.locator("#help")).to_be_visible()
            await carol.press("join")
        await carol.in_phase("call")
        await carol.sees()
        if case.speaks:
            await alice.hears()
        told = {frame["failure"] for frame in frames if frame["t"] == "quality" and frame.get("failure")}
        assert told == ({case.failure} if case.failure else set())
        assert await alice.page.locator("#remote-video").is_hidden()
        assert await alice.page.locator("#remote-muted").is_hidden() == case.speaks
