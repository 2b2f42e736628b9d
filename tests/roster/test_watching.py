"""Who watches is told every change once, the latest only, and nothing that was so before what they know."""

import asyncio

import msgspec
import pytest

from presence.live.connection import Connection
from presence.live.hub import Hub
from presence.roster import watching
from presence.roster.board import Board, Member
from presence.roster.presence import Facts, standing_of
from presence.roster.watching import MAX_WATCHED, REMEMBERED, Premises, Watching
from presence.storage.database import Database
from tests.live.test_ending import Recorded
from tests.support import HOUR, MONDAY, FrozenClock


class Watched:
    """A board that a test sets, and what is asked of the booking side, which takes its time."""

    def __init__(self, clock: FrozenClock) -> None:
        self.hub = Hub()
        self.board = Board(Database("sqlite:///never-opened.db"), clock)
        self.board.members = {
            id_: Member(id=id_, slug=f"a{id_}", name=f"A{id_}", languages=("en",), team_ids=frozenset({id_ % 2}))
            for id_ in (1, 2, 3)
        }
        self.board.by_slug = {one.slug: one for one in self.board.members.values()}
        self.board.teams = {"even": 0, "odd": 1}
        self.back: int | None = MONDAY + HOUR
        self.asked = 0
        self.expected_of: list[str] = []
        self.answer = asyncio.Event()
        self.answer.set()
        self.failing = 0
        self.sites = {"shop": Premises(), "odd": Premises(team="odd"), "lost": Premises(team="gone")}
        self.watching = Watching(self.hub, self.board, clock, self.pool, self.expected, self.housed)
        for id_ in (1, 2, 3):
            self.set(id_, there=False)

    async def pool(self, slug: str) -> frozenset[str] | None:
        if self.failing:
            self.failing -= 1
            raise OSError
        return frozenset({"a1", "a2"}) if slug == "talk" else None

    async def housed(self, slug: str) -> Premises | None:
        return self.sites.get(slug)

    async def expected(self, what: str, slugs: frozenset[str]) -> int | None:
        self.asked += 1
        await self.answer.wait()
        self.expected_of.append(what)
        return self.back

    def set(self, id_: int, *, there: bool) -> None:
        """An adviser comes or goes; whoever watches hears of it soon."""
        facts = Facts(adviser_id=id_, reachable=there, engaged=there)
        self.board.standings = {**self.board.standings, id_: standing_of(facts)}
        for hear in self.board.on_change:
            hear({id_})


class Watcher:
    def __init__(self, watched: Watched) -> None:
        self.socket = Recorded()
        self.connection = Connection(self.socket, 0.0)
        watched.hub.add(self.connection)

    async def told(self) -> list[tuple[str, str]]:
        for _ in range(10):
            await asyncio.sleep(0)
        frames = [frame for message in self.socket.sent for frame in msgspec.json.decode(message)]
        return [(frame["what"], frame["state"]) for frame in frames]


@pytest.fixture
async def watched(clock: FrozenClock) -> Watched:
    return Watched(clock)


async def test_each_is_told_what_they_watch_and_nothing_else(watched: Watched) -> None:
    one, other = Watcher(watched), Watcher(watched)
    await watched.watching.watch(one.connection, ["adviser:a1", "team:even", "service:talk", "nothing", "team:none"])
    await watched.watching.watch(other.connection, ["site:"])
    watched.set(2, there=True)
    offline = [("adviser:a1", "offline"), ("team:even", "offline"), ("service:talk", "offline")]
    told = await one.told()
    assert told[:3] == offline
    assert sorted(told[3:]) == [("service:talk", "available"), ("team:even", "available")]
    assert await other.told() == [("site:", "offline"), ("site:", "available")]
    await watched.watching.watch(one.connection, ["adviser:a3"])
    watched.set(2, there=False)
    assert (await one.told())[5:] == [("adviser:a3", "offline")]


async def test_changes_that_come_together_are_told_as_one(watched: Watched) -> None:
    one = Watcher(watched)
    await watched.watching.watch(one.connection, ["site:"])
    for id_ in (1, 2, 3):
        watched.set(id_, there=True)
    watched.set(1, there=False)
    assert await one.told() == [("site:", "offline"), ("site:", "available")]


async def test_nothing_older_follows_something_newer(watched: Watched) -> None:
    one = Watcher(watched)
    watched.answer.clear()
    looking = asyncio.create_task(watched.watching.watch(one.connection, ["adviser:a1"]))
    await one.told()  # it has seen that she is not there, and asks when she will be
    watched.set(1, there=True)
    watched.answer.set()
    await looking
    told = await one.told()
    assert told[-1] == ("adviser:a1", "available")
    assert ("adviser:a1", "offline") not in told


async def test_a_newcomers_look_does_not_keep_a_change_from_the_others(watched: Watched) -> None:
    first, second = Watcher(watched), Watcher(watched)
    await watched.watching.watch(first.connection, ["adviser:a1"])
    watched.set(1, there=True)
    await watched.watching.watch(second.connection, ["adviser:a1"])  # before the others are told
    assert (await first.told())[-1] == ("adviser:a1", "available")
    watched.set(1, there=False)
    for one in (first, second):
        assert (await one.told())[-1] == ("adviser:a1", "offline")


async def test_when_the_database_is_away_the_change_is_told_later(
    watched: Watched, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "RETRY", 0)
    one = Watcher(watched)
    await watched.watching.watch(one.connection, ["service:talk"])
    clock.advance(watching.POOLED)
    watched.failing = 2
    watched.set(1, there=True)
    assert (await one.told())[-1] == ("service:talk", "available")


async def test_back_at_is_asked_now_and_then_and_again_when_it_has_passed(watched: Watched, clock: FrozenClock) -> None:
    for _ in range(3):
        shown = await watched.watching.shown("adviser:a1")
    assert shown is not None
    assert (shown.until, watched.asked) == ((MONDAY + HOUR) * 1000, 1)
    one = Watcher(watched)
    await watched.watching.watch(one.connection, ["adviser:a1"])
    clock.set(MONDAY + HOUR)
    watched.back = MONDAY + 5 * HOUR
    watched.watching.look_again()
    await one.told()
    assert b'"until":%d' % ((MONDAY + 5 * HOUR) * 1000) in one.socket.sent[-1]
    watched.set(1, there=True)
    await one.told()
    assert b'"until":null' in one.socket.sent[-1]


async def test_so_many_and_no_more(watched: Watched) -> None:
    one = Watcher(watched)
    await watched.watching.watch(
        one.connection, ["adviser:a1", "adviser:a1", *(f"x{n}" for n in range(MAX_WATCHED)), "site:"]
    )
    assert await one.told() == [("adviser:a1", "offline")]
    assert watched.hub.topics("presence:") == {"presence:adviser:a1"}


async def test_a_site_is_its_team_or_everybody(watched: Watched) -> None:
    one = Watcher(watched)
    await watched.watching.watch(one.connection, ["site:shop", "site:odd", "site:unknown"])
    watched.set(2, there=True)
    assert await one.told() == [("site:shop", "offline"), ("site:odd", "offline"), ("site:shop", "available")]
    watched.set(1, there=True)
    assert (await one.told())[3:] == [("site:odd", "available")]
    lost = await watched.watching.shown("site:lost")  # its team is gone
    assert lost is not None
    assert lost.state == "offline"
    assert watched.expected_of == ["site:", "team:odd", "team:gone"]


async def test_a_closed_site_is_offline_until_it_opens_or_somebody_comes(watched: Watched) -> None:
    opens, comes = MONDAY + 2 * HOUR, MONDAY + HOUR
    watched.sites["shop"] = Premises(open=False, changes_at=opens)
    watched.set(1, there=True)
    for what, name in (("site:shop", ""), ("adviser:a1@shop", "A1"), ("team:odd@shop", ""), ("service:talk@shop", "")):
        watched.back = comes
        shown = await watched.watching.shown(what)
        assert shown is not None
        assert (shown.what, shown.state, shown.until, shown.name) == (what, "offline", opens * 1000, name)
    elsewhere = await watched.watching.shown("adviser:a1")
    assert elsewhere is not None
    assert elsewhere.state == "available"
    watched.back = opens + HOUR
    late = await watched.watching.shown("adviser:a2@shop")
    assert late is not None
    assert late.until == (opens + HOUR) * 1000
    watched.sites["shop"] = Premises(open=False)  # it never opens
    never = await watched.watching.shown("site:shop")
    assert never is not None
    assert (never.state, never.until) == ("offline", None)
    assert await watched.watching.closed_until("shop") == 0
    assert await watched.watching.closed_until("odd") is None
    assert await watched.watching.closed_until("unknown") is None
    for what in ("adviser:a1@unknown", "adviser:a9@shop", "nothing@shop"):
        assert await watched.watching.shown(what) is None


async def test_opening_and_closing_are_told_though_nobody_comes_or_goes(watched: Watched, clock: FrozenClock) -> None:
    closes = MONDAY + 10
    watched.sites["shop"] = Premises(open=True, changes_at=closes)
    watched.set(1, there=True)
    one = Watcher(watched)
    await watched.watching.watch(one.connection, ["site:shop", "adviser:a1@shop", "adviser:a1"])
    seen = await one.told()
    assert {state for _, state in seen} == {"available"}
    clock.set(closes)
    assert clock.now() < MONDAY + REMEMBERED
    watched.sites["shop"] = Premises(open=False, changes_at=closes + HOUR)
    watched.watching.look_again()
    told = (await one.told())[len(seen) :]
    assert sorted(told) == [("adviser:a1@shop", "offline"), ("site:shop", "offline")]
    watched.sites["shop"] = Premises()
    watched.watching.look_again()
    watched.watching.look_again()
    assert sorted((await one.told())[len(seen) + 2 :]) == [("adviser:a1@shop", "available"), ("site:shop", "available")]
