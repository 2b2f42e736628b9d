"""The engine of a call in a real Chromium, both sides in one page: `two_calls.js` is the server between them, and breaks
what is to be broken; the connection is the browser's own."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from presence.calls.turn import password
from presence.web.assets import static_directory
from tests.browser.conftest import BROWSER, PATIENCE
from tests.calls.coturn import SECRET, coturn
from tests.calls.lossy import Lossy

pytestmark = BROWSER

HARNESS = (Path(__file__).parent / "two_calls.js").read_text()


class Files(SimpleHTTPRequestHandler):
    """The modules as they are; a page of nothing; and no talk about it."""

    def do_GET(self) -> None:
        if self.path == "/":
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>Two calls</title><link rel=icon href=data:,>")
        else:
            super().do_GET()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def modules() -> Iterator[str]:
    """The address of the modules."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Files, directory=str(static_directory())))
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://localhost:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


class World:
    """Both sides of a call, and the server between them."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda message: self.complaints.append(message.text) if message.type == "error" else None)

    async def do(self, expression: str) -> Any:
        return await self.page.evaluate(expression)

    async def until(self, expression: str) -> None:
        await self.page.wait_for_function(expression, timeout=PATIENCE, polling=20)

    async def talk(
        self, adviser: str = "{ audio: true, video: true }", customer: str = "{ audio: true, video: true }"
    ) -> None:
        """Both enter, the customer is let in, and they are connected."""
        await self.do(f"enter('adviser', {adviser})")
        await self.do(f"enter('customer', {customer})")
        await self.do("void adviser.call.admit()")
        await self.connected()

    async def connected(self) -> None:
        await self.until("[adviser, customer].every(({ call }) => call.state.link === 'connected')")

    async def frames(self, side: str, kind: str = "cam") -> None:
        """More of the other's picture arrive at this side."""
        seen = f"({side}.videos.{kind}?.getVideoPlaybackQuality().totalVideoFrames ?? 0)"
        before = await self.do(seen)
        await self.until(f"{seen} > {before} + 2")

    async def told(self, side: str, name: str) -> list[Any]:
        """What the page of a side was told under a name, in order."""
        found: list[Any] = await self.do(f"{side}.log.filter(([name]) => name === '{name}').map(([, value]) => value)")
        return found

    async def heard(self, t: str) -> list[Any]:
        """The frames of a type that the server has heard, with whose they are."""
        found: list[Any] = await self.do(f"server.heard.filter(([, frame]) => frame.t === '{t}')")
        return found


@pytest_asyncio.fixture(loop_scope="session")
async def world(chromium: Browser, modules: str) -> AsyncIterator[World]:
    context = await chromium.new_context()
    page = await context.new_page()
    world = World(page)
    await page.goto(modules)
    await page.evaluate(HARNESS, [modules, "video"])
    yield world
    await context.close()
    assert world.complaints == []


async def test_both_see_and_hear_each_other_after_one_offer(world: World) -> None:
    await world.talk()
    for side in ("adviser", "customer"):
        await world.frames(side)
        assert (await world.told(side, "theirs"))[-1] == {
            "mic": True,
            "cam": True,
            "screen": False,
            "audio_only": False,
        }
    offers = [(role, frame["description"]["type"]) for role, frame in await world.heard("sdp")]
    assert offers == [("adviser", "offer"), ("customer", "answer")]
    await world.until("server.heard.filter(([, { t }]) => t === 'quality').length === 2")
    for _, report in await world.heard("quality"):
        assert 0 < report["first_frame"] < PATIENCE
        assert report["relayed"] is False


async def test_a_device_is_turned_off_and_on_without_negotiating(world: World) -> None:
    await world.talk()
    await world.frames("customer")
    await world.do(
        "globalThis.camera = adviser.call.tracks.cam; adviser.call.mute(true); adviser.call.set('cam', null)"
    )
    await world.until("!customer.call.theirs.cam && !customer.call.theirs.mic")
    await world.do("adviser.call.mute(false); adviser.call.set('cam', camera)")
    await world.until("customer.call.theirs.cam && customer.call.theirs.mic")
    await world.frames("customer")
    await world.do(
        "navigator.mediaDevices.getDisplayMedia().then((one) => adviser.call.set('screen', one.getVideoTracks()[0]))"
    )
    await world.until("customer.call.theirs.screen")
    await world.frames("customer", "screen")
    assert len(await world.heard("sdp")) == 2


async def test_who_has_no_device_at_all_sees_and_hears_the_other(world: World) -> None:
    await world.talk(customer="{}")
    await world.frames("customer")
    assert (await world.told("adviser", "theirs"))[-1]["cam"] is False
    await world.until("server.heard.filter(([, { t }]) => t === 'quality').length === 2")
    await world.do(
        "navigator.mediaDevices.getUserMedia({ audio: true }).then((one) => customer.call.set('mic', one.getTracks()[0]))"
    )
    await world.until("adviser.call.theirs.mic")
    await world.until(
        "adviser.call.remote.mic.getAudioTracks()[0].muted === false"  # a microphone that came later is heard
    )
    assert len(await world.heard("sdp")) == 2


async def test_media_go_on_while_sockets_are_lost_and_nothing_is_built_anew(world: World) -> None:
    await world.talk()
    await world.do("server.up = false; server.cut('adviser'); server.cut('customer')")
    await world.frames("adviser")
    await world.frames("customer")
    await world.do("server.up = true")
    await world.until("[adviser, customer].every(({ call }) => call.state.signal === 'open')")
    await world.frames("adviser")
    assert await world.do("[server.gen, adviser.call.state.link, customer.call.state.link]") == [
        1,
        "connected",
        "connected",
    ]
    assert len(await world.heard("sdp")) == 2
    # Only the way to the server was lost, and only that was told.
    assert {state["link"] for state in await world.told("adviser", "state")} == {"none", "connecting", "connected"}


async def test_a_page_that_is_loaded_anew_is_connected_anew(world: World) -> None:
    await world.talk()
    await world.frames("adviser")
    for again in ("customer", "adviser"):
        await world.do(f"globalThis.before = {again}")
        await world.do(f"enter('{again}')")
        await world.connected()
        await world.frames("adviser")
        await world.frames("customer")
        # The page before this one was told that its place is taken, and does not come back for it.
        assert await world.do("before.log.filter(([name]) => name === 'bye').map(([, bye]) => bye.why)") == [
            "taken-over"
        ]
    assert await world.do("server.gen") == 3


async def test_either_side_finds_the_way_anew(world: World) -> None:
    await world.talk()
    for side in ("adviser", "customer"):
        await world.do(f"{side}.peer().restart()")
        await world.until(
            f"server.heard.some(([role, {{ t, description }}]) => role === '{side}' && description?.type === 'offer')"
        )
        await world.until("[adviser, customer].every((side) => side.peer().stable)")
        await world.frames("adviser")
        await world.frames("customer")
    assert await world.do("server.gen") == 1


async def test_both_may_restart_at_the_same_time(world: World) -> None:
    await world.talk()
    await world.do("adviser.peer().restart(); customer.peer().restart()")
    await world.until("server.gen === 2")  # a rollback would leave one of them without a picture
    await world.connected()
    await world.frames("adviser")
    await world.frames("customer")


async def test_an_offer_that_was_lost_with_a_socket_is_made_again(world: World) -> None:
    await world.talk()
    await world.do("server.up = false; server.cut('customer')")
    await world.do("adviser.peer().restart()")
    await world.until("server.heard.filter(([, { t }]) => t === 'sdp').length === 3")
    assert await world.do("adviser.peer().stable") is False
    await world.do("server.up = true")
    await world.until("adviser.peer().stable && customer.peer().stable")
    await world.frames("customer")
    assert await world.do("server.gen") == 1


async def test_an_answer_that_was_lost_with_a_socket_is_given_again(world: World) -> None:
    await world.talk()
    await world.do("server.losing = (role, { t }) => role === 'customer' && t === 'sdp'; adviser.peer().restart()")
    await world.until("server.heard.filter(([, { t }]) => t === 'sdp').length === 4")
    await world.do("server.losing = () => false; server.cut('adviser')")
    await world.until("adviser.call.state.signal === 'open' && adviser.peer().stable")
    assert await world.do("server.gen") == 1


async def test_candidates_may_come_before_what_they_belong_to(world: World) -> None:
    await world.do("void (server.slow = ({ t }) => (t === 'sdp' ? 150 : 0))")
    await world.talk()
    await world.frames("adviser")
    await world.do("adviser.peer().restart()")
    await world.until("server.heard.filter(([, { t }]) => t === 'sdp').length === 4 && adviser.peer().stable")
    await world.frames("customer")
    assert await world.do("server.gen") == 1


async def test_what_is_negotiated_and_finds_no_way_is_built_anew(world: World) -> None:
    await world.do("void (server.losing = (role, { t, gen }) => gen === 1 && t === 'ice')")
    await world.talk()
    await world.frames("adviser")
    assert await world.do("server.gen") == 2


async def test_without_pictures_by_hand_until_they_are_wanted_again(world: World) -> None:
    await world.talk()
    await world.frames("adviser")
    await world.do("customer.call.audioOnly(true)")
    await world.until("!adviser.call.pictures.on && !customer.call.theirs.cam")
    assert (await world.told("adviser", "pictures"))[-1] == {"on": False, "by": "other"}
    assert (await world.told("customer", "pictures"))[-1] == {"on": False, "by": "hand"}
    assert await world.do("[adviser, customer].map((side) => side.peer().tracks.cam)") == [None, None]
    await world.do("customer.call.audioOnly(false)")
    await world.until("customer.call.theirs.cam && adviser.call.theirs.cam")
    await world.frames("adviser")
    await world.frames("customer")


async def test_captions_go_from_browser_to_browser(world: World) -> None:
    await world.talk()
    await world.do("customer.call.say('I would like to move my account', true)")
    await world.until("adviser.log.some(([name, said]) => name === 'said' && said.text.startsWith('I would'))")
    assert "move my account" not in str(await world.do("server.heard"))


async def test_a_room_that_has_ended_lets_everything_go(world: World) -> None:
    await world.talk()
    await world.do("void adviser.call.finish()")
    await world.until(
        "[adviser, customer].every(({ call, log }) => call.state.link === 'none' && log.some(([name]) => name === 'ended'))"
    )


async def test_when_the_other_side_has_left_nothing_is_broken(world: World) -> None:
    await world.talk()
    await world.do("void customer.call.stop()")
    await world.until("adviser.call.state.link === 'none'")
    assert "reconnecting" not in [state["link"] for state in await world.told("adviser", "state")]


@pytest.mark.long
async def test_where_there_is_no_way_at_all_they_go_on_in_writing_and_can_try_again(world: World) -> None:
    await world.do("server.relay_only = true")  # and there is no relay
    await world.do("enter('adviser')")
    await world.do("enter('customer')")
    await world.do("void adviser.call.admit()")
    async with asyncio.timeout(90):
        while await world.do("[adviser, customer].some(({ call }) => call.state.link !== 'text')"):
            await asyncio.sleep(0.2)
    failures = {frame.get("failure") for _, frame in await world.heard("quality")}
    assert failures == {"turn"}
    assert await world.do("[adviser, customer].some(({ call }) => call.pictures.on)") is False
    await world.do("server.relay_only = false; server.turn('adviser'); server.turn('customer'); customer.call.again()")
    await world.connected()


@pytest.mark.long
async def test_a_poor_connection_gives_pictures_up_until_it_is_good_again(world: World, tmp_path: Path) -> None:
    with coturn(tmp_path) as relay:
        async with Lossy(relay.port) as way:
            username = f"{int(time.time()) + 600}:carol"
            server = {
                "urls": f"turn:127.0.0.1:{way.port}?transport=udp",
                "username": username,
                "credential": password(SECRET, username),
            }
            await world.do(f"server.relay_only = true; void (server.servers = [{json.dumps(server)}])")
            await world.talk()
            await world.frames("adviser")
            way.share = 0.25
            async with asyncio.timeout(60):
                while await world.do("adviser.call.pictures.on || customer.call.pictures.on"):
                    await asyncio.sleep(0.2)
            assert "link" in [(await world.told(side, "pictures"))[-1]["by"] for side in ("adviser", "customer")]
            assert await world.do("[adviser, customer].map(({ call }) => call.state.link)") == [
                "connected",
                "connected",
            ]
            way.share = 0
            async with asyncio.timeout(90):
                while not await world.do("adviser.call.pictures.on && customer.call.pictures.on"):
                    await asyncio.sleep(0.2)
            await world.frames("adviser")
            await world.frames("customer")
            assert {shown["relayed"] for shown in await world.told("adviser", "quality")} == {True}
