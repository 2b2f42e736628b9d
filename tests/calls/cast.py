"""Carol and Alice at the hour of their appointment: the link, the pages, and a socket each in the room."""

import uuid
from typing import Any, Self

import httpx
from sqlalchemy import Connection, select

from presence.booking.requests import Booked, BookRequest
from presence.calls import store
from presence.calls.assembly import Calls
from presence.calls.rules import Seen, number_of
from presence.calls.session import RoomSession
from presence.storage.tables import call
from tests.chat.cast import Adviser, Bank, Browser, Frame
from tests.support import HOUR, MONDAY, FrozenClock

STARTS = MONDAY + 2 * HOUR  # 10:00 in Paris
EARLY = 600  # seconds before the start at which they come
OFFER = {"type": "offer", "sdp": "v=0"}
CANDIDATE = {"candidate": "candidate:1 1 udp 1 192.0.2.1 9 typ host", "sdpMid": "0"}


def calls_of(bank: Bank) -> Calls:
    found: Calls = bank.app.state.calls
    return found


async def booked(
    bank: Bank, name: str = "Carol", *, start: int = STARTS, adviser: str = "alice", **more: Any
) -> Booked:
    """An appointment of Carol's with Alice."""
    request = BookRequest(
        request_key=uuid.uuid4().hex,
        service="talk",
        start=start,
        adviser=adviser,
        name=f"{name} Petit",
        email=f"{name.lower()}@customers.example",
        zone="Europe/Paris",
        **more,
    )
    made: Booked = await bank.app.state.booking.book(request)
    return made


def in_time(bank: Bank, one: Booked, before: int = EARLY) -> None:
    """It is shortly before the start."""
    assert isinstance(bank.clock, FrozenClock)
    bank.clock.set(one.appointment.starts_at - before)


async def seen(bank: Bank) -> Seen:
    """The one call there is."""

    def work(connection: Connection) -> Seen:
        found = connection.execute(select(call)).one()
        return store.seen(connection, [store.of_row(found)], bank.clock.now())[0]

    return await bank.database.read(work)


async def visitor_in(bank: Bank) -> int:
    """Who is in the customer's place."""
    return number_of((await seen(bank)).places["customer"].person)


async def adviser_id(bank: Bank, slug: str) -> int:
    return bank.chat.board.by_slug[slug].id


def session_of(bank: Bank, role: str) -> RoomSession:
    """The session that this process has in the customer's place, or in the adviser's."""
    inside = calls_of(bank).relay._inside.values()
    return next(one for one in inside if isinstance(one, RoomSession) and one.role == role)


class InRoom(Browser):
    """Somebody's browser with the page of a room."""

    uid = ""
    inst = ""

    async def come(self, *, inst: str = "", **hello: Any) -> Frame:
        """Open the room's socket as a page that has just been loaded; the room as it is then."""
        self.inst = inst or uuid.uuid4().hex
        since = len(self.frames)
        await self.connect(call=self.uid, inst=self.inst, **hello)
        return await self.until(lambda frame: frame["t"] == "room", since)

    async def come_back(self) -> Frame:
        """Open it again as the same page."""
        return await self.come(inst=self.inst)

    async def sees(self, since: int = 0, **wanted: Any) -> Frame:
        """Wait until the room is so; `peer__here` looks into the peer."""

        def fits(frame: Frame) -> bool:
            return frame["t"] == "room" and all(_within(frame, name) == value for name, value in wanted.items())

        return await self.until(fits, since)

    @property
    def room(self) -> Frame:
        """The room as it was told last."""
        return [frame for frame in self.frames if frame["t"] == "room"][-1]

    async def ready(self, on: bool = True) -> None:
        await self.send({"t": "ready", "on": on})

    async def offer(self, gen: int, description: Any = OFFER) -> None:
        await self.send({"t": "sdp", "gen": gen, "description": description})

    async def beat(self) -> None:
        """Everything that was sent before has been looked at when this returns."""
        since = len(self.frames)
        await self.send({"t": "beat", "on": True})
        await self.until(lambda frame: frame["t"] == "beat", since)

    def heard(self, kind: str) -> list[Frame]:
        return [frame for frame in self.frames if frame["t"] == kind]


def _within(frame: Frame, path: str) -> Any:
    found: Any = frame
    for name in path.split("__"):
        found = found[name]
    return found


class Visitor(InRoom):
    """A customer who has the link from the mail."""

    def __init__(self, bank: Bank, one: Booked) -> None:
        super().__init__(bank)
        self.one = one
        self.link = f"/a/{one.token}/room"

    async def use_link(self) -> httpx.Response:
        """Press the button; the room's page, or what says why not."""
        answer = await self.http.post(self.link)
        if answer.status_code == 200:
            self.uid = answer.url.path.removeprefix("/room/")
        return answer

    async def passed(self) -> Frame:
        answer = await self.post(f"/room/{self.uid}/pass")
        assert answer.status_code == 200, answer.text
        found: Frame = answer.json()
        return found

    async def token(self) -> str:
        return str((await self.passed())["token"])

    async def enter(self) -> Frame:
        """By the link, into the waiting room."""
        answer = await self.use_link()
        assert answer.status_code == 200, answer.text
        return await self.come()


class Host(InRoom, Adviser):
    """An adviser in the room."""

    def __init__(self, bank: Bank, slug: str, one: Booked) -> None:
        Adviser.__init__(self, bank, slug)
        self.one = one
        self.door = f"/agenda/appointments/{one.appointment.id}/room"

    async def __aenter__(self) -> Self:
        await self.sign_in()
        return self

    async def use_door(self) -> httpx.Response:
        answer = await self.http.post(self.door)
        if answer.status_code == 200:
            self.uid = answer.url.path.removeprefix("/desk/room/")
        return answer

    async def enter(self) -> Frame:
        """By the agenda, into the room."""
        answer = await self.use_door()
        assert answer.status_code == 200, answer.text
        return await self.come()


async def admitted(carol: Visitor, alice: Host) -> int:
    """Both are there and ready, and may talk; the generation."""
    await carol.ready()
    await alice.ready()
    await alice.sees(peer__here=True)
    await alice.send({"t": "admit"})
    await carol.sees(state="admitted", peer__here=True, peer__ready=True)
    return int((await alice.sees(state="admitted", peer__here=True, peer__ready=True))["gen"])
