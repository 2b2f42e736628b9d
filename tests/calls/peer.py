"""A scripted browser: it keeps to docs/live-protocol.md in a room, and talks WebRTC by aiortc instead of Chromium."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from fractions import Fraction
from typing import Self

from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCIceServer,
    RTCIceTransportPolicy,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.mediastreams import AudioStreamTrack, MediaStreamError
from aiortc.sdp import candidate_from_sdp
from av import VideoFrame

from tests.calls.cast import Host, InRoom, Visitor
from tests.chat.cast import Frame

PATIENCE = 15.0  # seconds in which a call connects, on a machine that has much else to do
_FPS = 15


class Camera(MediaStreamTrack):
    """A small grey picture."""

    kind = "video"

    def __init__(self) -> None:
        super().__init__()
        self._began = time.monotonic()
        self._count = 0

    async def recv(self) -> VideoFrame:
        if self.readyState != "live":
            raise MediaStreamError
        await asyncio.sleep(max(0.0, self._began + self._count / _FPS - time.monotonic()))
        picture = VideoFrame(64, 48)
        for plane in picture.planes:
            plane.update(b"\x80" * plane.buffer_size)
        picture.pts, picture.time_base = self._count * 90_000 // _FPS, Fraction(1, 90_000)
        self._count += 1
        return picture


class Line:
    """The connection between the two browsers, of one generation, from one side."""

    def __init__(self, turn: Frame, *, offers: bool) -> None:
        servers = [RTCIceServer(**server) for server in turn["ice_servers"]]
        policy = RTCIceTransportPolicy.RELAY if turn["relay_only"] else RTCIceTransportPolicy.ALL
        self.pc = RTCPeerConnection(
            RTCConfiguration(servers, iceTransportPolicy=policy, bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
        )
        self.offers = offers
        self.got = {"audio": 0, "video": 0}  # frames that were decoded
        self.changed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._tracks = (AudioStreamTrack(), Camera())
        self.pc.add_listener("track", self._hear)
        # Sound, camera, screen: always three, in this order.
        for track in (*self._tracks, "video"):
            self.pc.addTransceiver(track, direction="sendrecv")

    def _hear(self, track: MediaStreamTrack) -> None:
        task = asyncio.create_task(self._count(track))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _count(self, track: MediaStreamTrack) -> None:
        with suppress(MediaStreamError):
            while True:
                await track.recv()
                self.got[track.kind] += 1
                self.changed.set()

    async def more(self, count: int = 1) -> None:
        """Wait for so many further pictures and sounds."""
        wanted = {kind: before + count for kind, before in self.got.items()}
        async with asyncio.timeout(PATIENCE):
            while any(self.got[kind] < wanted[kind] for kind in wanted):
                self.changed.clear()
                await self.changed.wait()

    async def close(self) -> None:
        for track in self._tracks:
            track.stop()
        await self.pc.close()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)


class Talking(InRoom):
    """A page of the room that makes the connection, and makes it anew when it is told another generation."""

    gen = 0
    line: Line | None = None
    lines = 0  # made so far
    dropped = 0  # frames of another generation
    chain: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def page(self) -> AsyncIterator[Self]:
        """As long as the page is open, through all its sockets: frames are taken one after the other."""
        self._turn: Frame | None = None
        self._waiting: list[Frame] = []
        self._made = asyncio.Event()
        self.chain = asyncio.create_task(self._follow())
        try:
            yield self
        finally:
            self.chain.cancel()
            with suppress(asyncio.CancelledError):
                await self.chain
            await self._drop()

    async def reload(self) -> Frame:
        """Load the page anew: another `inst`, and the connection between the browsers is gone with the old page."""
        await self.hang_up()
        await self._drop()
        self.gen, self._turn = 0, None
        room = await self.come()
        await self.ready()
        return room

    async def sees_and_hears(self, *, gen: int = 0) -> Line:
        """Wait until a picture and a sound of the other side have been decoded, in a generation."""
        async with asyncio.timeout(PATIENCE):
            while self.line is None or self.gen < gen:
                self._made.clear()
                await self._made.wait()
                self._check()
        line = self.line
        await line.more()
        return line

    def _check(self) -> None:
        if self.chain is not None and self.chain.done():
            self.chain.result()

    async def _follow(self) -> None:
        at = len(self.frames)
        while True:
            while at < len(self.frames):
                frame = self.frames[at]
                at += 1
                try:
                    await self._take(frame)
                except Exception:
                    self._made.set()
                    raise
            self._heard.clear()
            await self._heard.wait()

    async def _take(self, frame: Frame) -> None:
        match frame["t"]:
            case "room":
                if frame["gen"] != self.gen:
                    await self._drop()
                    self.gen = frame["gen"]
                await self._begin()
            case "turn":
                self._turn = frame
                await self._begin()
            case "sdp" | "ice":
                if frame["gen"] != self.gen:
                    self.dropped += 1
                elif self.line is None:
                    self._waiting.append(frame)
                else:
                    await self._signalled(self.line, frame)

    async def _begin(self) -> None:
        """Make the connection, once all that it needs is there. The polite side waits for the offer."""
        room, peer = self.room, self.room["peer"]
        if self.line is not None or self._turn is None or room["state"] != "admitted":
            return
        if not (peer["here"] and peer["ready"]):
            return
        self.line = Line(self._turn, offers=not room["polite"])
        self.lines += 1
        self._made.set()
        if self.line.offers:
            await self.line.pc.setLocalDescription(await self.line.pc.createOffer())
            await self._describe(self.line)
        waiting, self._waiting = self._waiting, []
        for frame in waiting:
            await self._take(frame)

    async def _signalled(self, line: Line, frame: Frame) -> None:
        if frame["t"] == "ice":
            await line.pc.addIceCandidate(_candidate(frame["candidate"]))
            return
        description = RTCSessionDescription(**frame["description"])
        await line.pc.setRemoteDescription(description)
        if description.type == "offer":
            for transceiver in line.pc.getTransceivers():
                transceiver.direction = "sendrecv"
            await line.pc.setLocalDescription(await line.pc.createAnswer())
            await self._describe(line)

    async def _describe(self, line: Line) -> None:
        """Send our description, and our candidates after it, one by one."""
        whole = line.pc.localDescription
        lines = whole.sdp.splitlines()
        found = [text.removeprefix("a=") for text in lines if text.startswith("a=candidate:")]
        mid = next(text for text in lines if text.startswith("a=mid:")).removeprefix("a=mid:")
        rest = [text for text in lines if not text.startswith(("a=candidate:", "a=end-of-candidates"))]
        await self.offer(self.gen, {"type": whole.type, "sdp": "\r\n".join(rest) + "\r\n"})
        for candidate in dict.fromkeys(found):
            told = {"candidate": candidate, "sdpMid": mid, "sdpMLineIndex": 0}
            await self.send({"t": "ice", "gen": self.gen, "candidate": told})
        await self.send({"t": "ice", "gen": self.gen, "candidate": None})

    async def _drop(self) -> None:
        self._waiting = []
        line, self.line = self.line, None
        if line is not None:
            await line.close()


def _candidate(told: Frame | None):  # type: ignore[no-untyped-def]
    if told is None:
        return None
    candidate = candidate_from_sdp(told["candidate"].removeprefix("candidate:"))
    candidate.sdpMid, candidate.sdpMLineIndex = told["sdpMid"], told["sdpMLineIndex"]
    return candidate


class TalkingVisitor(Talking, Visitor):
    """Carol's page of the room."""


class TalkingHost(Talking, Host):
    """Alice's page of the room."""
