"""Carol, who rings, and Alice, at whom it rings: their pages hear of calls over real sockets."""

import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest

from presence.calls.assembly import Calls
from presence.chat import log, store
from tests.chat.cast import Adviser, Bank, Browser, Customer
from tests.support import FrozenClock

RINGS = 30  # seconds
Row = dict[str, Any]


class Hears(Browser):
    """Somebody's page that hears of calls."""

    @property
    def calls(self) -> list[Row]:
        """Their calls, as they were told last."""
        told: list[list[Row]] = [frame["calls"] for frame in self.frames if frame["t"] == "calls"]
        return told[-1] if told else []

    async def hears(self, **wanted: Any) -> Row:
        """Wait until there is a call like this in their list."""

        def like(one: Row) -> bool:
            return all(one[name] == value for name, value in wanted.items())

        calls = self.calls
        if not any(map(like, calls)):
            told = await self.until(
                lambda frame: frame["t"] == "calls" and any(map(like, frame["calls"])), len(self.frames)
            )
            calls = told["calls"]
        return next(filter(like, calls))

    async def hears_nothing(self) -> None:
        """Wait until there is no call in their list."""
        if self.calls:
            await self.until(lambda frame: frame["t"] == "calls" and not frame["calls"], len(self.frames))


class Caller(Hears, Customer):
    """A customer on the chat page."""

    async def rings(self, **more: Any) -> httpx.Response:
        """Ring, as the page does."""
        if self._socket is None:
            await self.connect()
        body = {"id": uuid.uuid4().hex, "medium": "video", "name": self.name, **more}
        return await self.post("/calls", **body)

    async def ringing(self, **more: Any) -> str:
        """Ring; the call's uid."""
        answer = await self.rings(**more)
        assert answer.status_code == 201, answer.text
        call: str = answer.json()["call"]
        return call


class Desk(Hears, Adviser):
    """An adviser at the dashboard."""

    async def acts(self, call: str, act: str, **body: Any) -> httpx.Response:
        return await self.post(f"/desk/calls/{call}/{act}", **body)

    async def accepts(self, call: str) -> httpx.Response:
        return await self.acts(call, "accept")

    async def rings_at(self, c: str, **more: Any) -> httpx.Response:
        """Ring at a conversation's customer."""
        return await self.post("/desk/calls", **{"c": c, "medium": "video", "id": uuid.uuid4().hex, **more})


def calls_of(bank: Bank) -> Calls:
    found: Calls = bank.app.state.calls
    return found


async def passes(bank: Bank, seconds: int) -> None:
    """Time passes, and every process looks as it does by itself."""
    assert isinstance(bank.clock, FrozenClock)
    await bank.later(seconds)
    await calls_of(bank).rings.look()


def problem(answer: httpx.Response) -> tuple[int, str]:
    """An error's status and code."""
    return answer.status_code, answer.json()["type"].removeprefix("/problems/")


async def events_of(bank: Bank, c: str) -> list[tuple[str, dict[str, Any]]]:
    """What happened in a conversation: kinds and bodies."""

    def work(connection: Any) -> list[tuple[str, dict[str, Any]]]:
        one = store.by_uid(connection, c)
        assert one is not None
        return [(said.kind, msgspec.json.decode(said.body)) for said in log.read(connection, one.id, 0, 1000)]

    return await bank.database.read(work)


@pytest.fixture
async def alice(bank: Bank) -> AsyncIterator[Desk]:
    """Alice at her dashboard."""
    async with Desk(bank, "alice") as there:
        yield there


@pytest.fixture
async def bob(bank: Bank) -> AsyncIterator[Desk]:
    """Bob, who speaks French, at his."""
    async with Desk(bank, "bob") as there:
        yield there


@pytest.fixture
async def carol(bank: Bank) -> AsyncIterator[Caller]:
    """Carol on the chat page."""
    async with Caller(bank, "Carol") as there:
        yield there
