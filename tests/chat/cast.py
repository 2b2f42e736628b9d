"""Carol and Alice as their browsers are: cookies, passes, and a real socket each."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

import httpx
import websockets
from starlette.applications import Starlette

from presence.app import create_app
from presence.bus import Bus
from presence.chat.assembly import Assembly
from presence.clock import Clock
from presence.config import ChatConfig, Config, DatabaseConfig, LimitsConfig, OrganisationConfig, ServerConfig
from presence.roster.presence import LEASE
from presence.serving import server
from presence.storage.database import Database
from presence.web.csrf import token_for
from tests.support import FrozenClock, adviser, service

Frame = dict[str, Any]
SOON = 10.0  # seconds after which what was waited for is not going to come


def configuration(url: str, directory: Path, **chat: Any) -> Config:
    return Config(
        server=ServerConfig(base_url="http://presence.test", secret_key="s" * 40),
        database=DatabaseConfig(url=url),
        organisation=OrganisationConfig(name="Banque Lumière"),
        chat=ChatConfig(files=str(directory / "files"), **{"proof_bits": 0, **chat}),
        limits=LimitsConfig(
            sign_in_per_minute=0, holds_per_minute=0, bookings_per_minute=0, api_per_minute=0, chats_per_minute=0
        ),
        teams=({"slug": "loans", "name": {"en": "Loans", "fr": "Crédits"}},),
        advisers=tuple(
            adviser(slug, password=f"{slug}'s long password", **changes)
            for slug, changes in (
                ("alice", {}),
                ("bob", {"languages": ["fr"]}),
                ("mona", {"languages": ["en"], "teams": ["loans"]}),
            )
        ),
        services=(service(),),
    )


class Bank:
    """A running service."""

    def __init__(self, app: Starlette, port: int, clock: Clock) -> None:
        self.app = app
        self.port = port
        self.clock = clock
        self.url = f"http://127.0.0.1:{port}"

    @property
    def chat(self) -> Assembly:
        found: Assembly = self.app.state.assembly
        return found

    @property
    def database(self) -> Database:
        found: Database = self.app.state.database
        return found

    async def look(self) -> None:
        """What every process does every few seconds by itself, now: see who is there, and give out what waits."""
        await self.chat.board.refresh()
        while await self.chat.dispatcher.look():
            pass

    async def later(self, seconds: int) -> None:
        """Time passes as it does for a process that runs: its leases are renewed on the way, just in time."""
        assert isinstance(self.clock, FrozenClock)
        while seconds > 0:
            self.clock.advance(min(seconds, LEASE - 1))
            seconds -= LEASE - 1
            await self.chat.leases.renew()
        await self.look()


@asynccontextmanager
async def bank_at(config: Config, clock: Clock, *, bus: Bus | None = None, port: int = 0) -> AsyncIterator[Bank]:
    """Serve until the end of the block, then stop as an operator's stop would."""
    app = create_app(config, clock, bus=bus)
    serving = server(app, port=port, lifespan="on")
    task = asyncio.create_task(serving.serve())
    while not serving.started and not task.done():
        await asyncio.sleep(0.01)
    if task.done():
        task.result()
    try:
        yield Bank(app, serving.servers[0].sockets[0].getsockname()[1], clock)
    finally:
        serving.should_exit = True
        await task


class Browser:
    """Somebody's browser: its cookies, and its socket when it has one."""

    def __init__(self, bank: Bank) -> None:
        self.bank = bank
        self.http = httpx.AsyncClient(
            base_url=bank.url,
            headers={"Accept": "application/json", "Origin": bank.url},
            follow_redirects=True,
            verify=False,  # it is plain HTTP, and reading the machine's certificates takes 20 ms each time
        )
        self.frames: list[Frame] = []
        self.messages: list[list[Frame]] = []  # the same, as they came
        self.close_code: int | None = None
        self._socket: websockets.ClientConnection | None = None
        self._reading: asyncio.Task[None] | None = None
        self._former: list[tuple[websockets.ClientConnection, asyncio.Task[None]]] = []  # of pages they have left
        self._heard = asyncio.Event()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.hang_up()
        for socket, reading in self._former:  # one that is left to the garbage fails a later test, whichever it is
            await socket.close()
            await asyncio.wait({reading})
        await self.http.aclose()

    async def token(self) -> str:
        raise NotImplementedError

    async def connect(self, have: dict[str, int] | None = None, **hello: Any) -> Frame:
        """Open the socket and say hello; returns the welcome."""
        token = await self.token()
        if self._socket is not None and self._reading is not None:
            self._former.append((self._socket, self._reading))
        self._socket = await websockets.connect(
            f"ws://127.0.0.1:{self.bank.port}/live", origin=websockets.Origin(self.bank.url), compression=None
        )
        self.close_code = None
        self._reading = asyncio.create_task(self._read(self._socket))
        await self.send({"t": "hello", "v": 1, "token": token, "have": have or {}, **hello})
        return await self.until(lambda frame: frame["t"] == "welcome")

    async def _read(self, socket: websockets.ClientConnection) -> None:
        try:
            async for message in socket:
                self.messages.append(json.loads(message))
                self.frames += self.messages[-1]
                self._heard.set()
        except websockets.ConnectionClosed:
            pass
        finally:
            self.close_code = socket.close_code or 1006
            self._heard.set()

    async def send(self, *frames: Frame) -> None:
        assert self._socket is not None
        await self._socket.send(json.dumps(frames))

    async def until(self, wanted: Callable[[Frame], bool], since: int = 0) -> Frame:
        """The first frame that is wanted, come already or still to come."""
        async with asyncio.timeout(SOON):
            at = since
            while True:
                while at < len(self.frames):
                    if wanted(self.frames[at]):
                        return self.frames[at]
                    at += 1
                assert self.close_code is None or at < len(self.frames), f"closed: {self.close_code}"
                self._heard.clear()
                await self._heard.wait()

    async def closed(self) -> int:
        """The code the socket was closed with."""
        async with asyncio.timeout(SOON):
            while self.close_code is None:
                self._heard.clear()
                await self._heard.wait()
        return self.close_code

    async def event(self, kind: str, **body: Any) -> Frame:
        """The first event of a kind whose body holds these."""

        def wanted(frame: Frame) -> bool:
            if frame["t"] != "event" or frame["kind"] != kind:
                return False
            return all((frame["body"] or {}).get(name) == value for name, value in body.items())

        return await self.until(wanted)

    async def say(self, c: str, text: str, id_: str = "") -> Frame:
        """Send a text and wait for its acknowledgement."""
        id_ = id_ or uuid.uuid4().hex
        await self.send({"t": "send", "c": c, "id": id_, "kind": "text", "body": {"text": text}})
        return await self.until(lambda frame: frame["t"] in {"ack", "refused"} and frame["id"] == id_)

    def events(self, c: str) -> list[Frame]:
        return [frame for frame in self.frames if frame["t"] == "event" and frame["c"] == c]

    async def hang_up(self) -> None:
        """Close the socket as a browser does that is closed."""
        if self._socket is not None:
            await self._socket.close()
            self._socket = None
        if self._reading is not None:
            await asyncio.wait({self._reading})
            self._reading = None

    def vanish(self) -> None:
        """End as a browser does that is killed, or that loses its network: no goodbye."""
        assert self._socket is not None
        self._socket.transport.abort()

    async def post(self, path: str, **body: Any) -> httpx.Response:
        return await self.http.post(path, json=body)


class Customer(Browser):
    """Somebody on the chat page."""

    def __init__(self, bank: Bank, name: str, email: str = "") -> None:
        super().__init__(bank)
        self.name = name
        self.email = email or f"{name.lower()}@customers.example"

    async def token(self) -> str:
        return str((await self.session())["token"])

    async def session(self) -> Frame:
        answer = await self.post("/chat/session", zone="Europe/Paris", language="en")
        assert answer.status_code == 200, answer.text
        session: Frame = answer.json()
        return session

    async def begin(self, text: str = "Hello?", **more: Any) -> str:
        """Begin a conversation and listen to it; its uid."""
        if self._socket is None:
            await self.connect()
        body = {"id": uuid.uuid4().hex, "text": text, "name": self.name, "email": self.email, **more}
        answer = await self.post("/chat/conversations", **body)
        assert answer.status_code in {200, 201}, answer.text
        c: str = answer.json()["c"]
        await self.send({"t": "join", "c": c, "after": 0})
        await self.until(lambda frame: frame["t"] == "caught" and frame["c"] == c)
        return c


class Adviser(Browser):
    """Somebody at the dashboard."""

    def __init__(self, bank: Bank, slug: str) -> None:
        super().__init__(bank)
        self.slug = slug
        self.id = 0

    async def __aenter__(self) -> Self:
        await self.sign_in()
        await self.connect()
        await self.seen_as("available")
        return self

    async def sign_in(self) -> None:
        form = {"email": f"{self.slug}@bank.example", "password": f"{self.slug}'s long password"}
        answer = await self.http.post("/sign-in", data=form, follow_redirects=False)
        assert answer.status_code == 303, answer.text
        self.http.headers["X-CSRF-Token"] = token_for(self.http.cookies["presence"])

    async def token(self) -> str:
        answer = await self.post("/desk/token")
        assert answer.status_code == 200, answer.text
        self.id = answer.json()["you"]["id"]
        return str(answer.json()["token"])

    async def seen_as(self, state: str) -> Frame:
        """Wait until everybody sees them so."""
        what = f"adviser:{self.slug}"
        await self.send({"t": "watch", "what": [what]})
        return await self.until(
            lambda frame: frame["t"] == "presence" and frame["what"] == what and frame["state"] == state
        )

    async def do(self, c: str, action: str, **body: Any) -> httpx.Response:
        return await self.post(f"/desk/conversations/{c}/{action}", **body)

    async def take(self, c: str) -> None:
        """Accept a conversation and listen to it."""
        answer = await self.do(c, "accept")
        assert answer.status_code == 200, answer.text
        await self.send({"t": "join", "c": c, "after": 0})
        await self.until(lambda frame: frame["t"] == "caught" and frame["c"] == c)
