"""Presence as the outside sees it: of an adviser, a team, a service or a whole site, pushed to those who watch.

What there is, by name: "adviser:SLUG", "team:SLUG", "service:SLUG", "site:" (everybody) and "site:SLUG" (who answers at that
site); with "@SLUG" after it, as one sees it from that site's pages. A site that is closed is offline until it opens.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import msgspec
import structlog
from sqlalchemy.exc import SQLAlchemyError

from presence.clock import Clock
from presence.errors import Unavailable
from presence.live.connection import Connection
from presence.live.frames import Shown
from presence.live.hub import Hub
from presence.roster.board import Board
from presence.roster.presence import State

log = structlog.get_logger("presence.roster")

TOPIC = "presence:"
MAX_WATCHED = 50
REMEMBERED = 60  # seconds for which "back at" is believed
POOLED = 5  # seconds for which a service is believed to be its advisers'
RETRY = 1.0  # seconds until what could not be read is read again

_GONE = frozenset({"away", "offline"})  # whoever is not there is told when somebody will be

Pool = Callable[[str], Awaitable[frozenset[str] | None]]  # a service's slug -> its advisers' slugs
Expected = Callable[[str, frozenset[str]], Awaitable[int | None]]  # what, its advisers -> when one is next there


class Premises(msgspec.Struct, frozen=True):
    """A site as presence knows it: who answers there (everybody when empty), and whether it is open until when."""

    team: str = ""
    open: bool = True
    changes_at: int | None = None  # when it closes, or opens


Housed = Callable[[str], Awaitable[Premises | None]]  # a site's slug -> what it is just now


async def nowhere(_slug: str) -> Premises | None:
    """For who has no sites."""
    return None


_OURS = Premises()  # our own pages never close


class _Subject(msgspec.Struct, frozen=True):
    """What a name stands for: of whom it tells, their ids, and the site from whose pages one looks."""

    whom: str  # without the site
    members: frozenset[int]
    premises: Premises


class Watching:
    """Computes and pushes. `pool` and `expected` are asked of the booking side, `housed` of the sites'."""

    def __init__(
        self, hub: Hub, board: Board, clock: Clock, pool: Pool, expected: Expected, housed: Housed = nowhere
    ) -> None:
        self._hub = hub
        self._board = board
        self._clock = clock
        self._pool = pool
        self._expected = expected
        self._housed = housed
        self._backs: dict[str, tuple[int, int | None]] = {}
        self._pools: dict[str, tuple[int, frozenset[str] | None]] = {}
        self._told: dict[str, Shown] = {}
        self._task: asyncio.Task[None] | None = None
        self._changed: set[int] = set()
        self._at_sites = False  # what is seen from sites is to be looked at, whoever has come or gone
        self._looked_at = clock.now()
        board.on_change.append(self._hear)

    async def shown(self, what: str) -> Shown | None:
        """The presence of something, as it is when this returns; None when there is no such thing."""
        subject = await self._subject(what)
        if subject is None:
            return None
        whom, members, premises = subject.whom, subject.members, subject.premises
        if not premises.open or self._state(members) in _GONE:
            await self._learn_back(whom, members)
        # Nothing is awaited from here on. They may have come meanwhile, and whoever hears of that first must not be told
        # afterwards that they are gone.
        standing = self._board.together(members)
        state = standing.state if standing and premises.open else "offline"
        member = self._board.members.get(standing.adviser_id) if standing and whom.startswith("adviser:") else None
        until = self._backs[whom][1] if state in _GONE and whom in self._backs else None
        if not premises.open:  # whoever is expected before it opens is not there for who asks
            until = max(premises.changes_at, until or 0) if premises.changes_at else None
        return Shown(what, state, until * 1000 if until else None, member.name if member else "")

    async def closed_until(self, slug: str) -> int | None:
        """When a site that is closed just now opens; 0 when it never does, None when it is open, or there is none."""
        premises = await self._housed(slug)
        return None if premises is None or premises.open else premises.changes_at or 0

    async def watch(self, connection: Connection, whats: Sequence[str]) -> None:
        """Let a connection listen to these, and to no others; what there is not is left out.

        It listens before each is looked at, so that what changes meanwhile is pushed after what was seen.
        """
        wanted = list(dict.fromkeys(whats))[:MAX_WATCHED]
        self._hub.listen(connection, (TOPIC + what for what in wanted))
        there = []
        for what in wanted:
            shown = await self.shown(what)
            if shown is None:
                continue
            there.append(what)
            connection.push(shown)
            if self._told.get(what) != shown:  # others have not heard it yet: their turn must not be skipped
                self._told.pop(what, None)
        self._hub.listen(connection, (TOPIC + what for what in there))

    def _state(self, members: frozenset[int]) -> State:
        standing = self._board.together(members)
        return standing.state if standing else "offline"

    async def _subject(self, what: str) -> _Subject | None:
        whom, _, slug = what.partition("@")
        if whom.startswith("site:") and whom != "site:":
            whom, slug = "site:", whom.removeprefix("site:")
        premises = await self._housed(slug) if slug else _OURS
        if premises is None:
            return None
        if whom == "site:" and premises.team:
            whom = f"team:{premises.team}"
            members = await self._members(whom) or frozenset()  # a team that is gone is nobody
        else:
            found = await self._members(whom)
            if found is None:
                return None
            members = found
        return _Subject(whom, members, premises)

    async def _members(self, whom: str) -> frozenset[int] | None:
        kind, _, slug = whom.partition(":")
        match kind:
            case "site" if not slug:
                return frozenset(self._board.members)
            case "adviser" if slug in self._board.by_slug:
                return frozenset({self._board.by_slug[slug].id})
            case "team" if slug in self._board.teams:
                team_id = self._board.teams[slug]
                return frozenset(id_ for id_, one in self._board.members.items() if team_id in one.team_ids)
            case "service":
                slugs = await self._pool_of(slug)
                if slugs is not None:
                    return frozenset(self._board.by_slug[one].id for one in slugs if one in self._board.by_slug)
        return None

    async def _pool_of(self, slug: str) -> frozenset[str] | None:
        """A service's advisers, looked up now and then: badges ask for them all the time."""
        now = self._clock.now()
        believed_until, slugs = self._pools.get(slug, (0, None))
        if believed_until <= now:
            slugs = await self._pool(slug)
            if len(self._pools) > 1000:
                self._pools.clear()
            self._pools[slug] = (now + POOLED, slugs)
        return slugs

    async def _learn_back(self, whom: str, members: frozenset[int]) -> None:
        """Know when one is next expected: looked up now and then, and again when that has passed."""
        now = self._clock.now()
        believed_until, back = self._backs.get(whom, (0, None))
        if believed_until <= now or (back is not None and back <= now):
            if len(self._backs) > 1000:
                self._backs.clear()
            slugs = frozenset(self._board.members[id_].slug for id_ in members if id_ in self._board.members)
            self._backs[whom] = (now + REMEMBERED, await self._expected(whom, slugs))

    def look_again(self) -> None:
        """Now and then: sites open and close, and when somebody is next expected may have changed while nobody came or went."""
        now, changed = self._clock.now(), set[int]()
        if now >= self._looked_at + REMEMBERED:
            self._looked_at = now
            changed = set(self._board.members)
        self._at_sites = True
        self._hear(changed)

    def _hear(self, changed: set[int]) -> None:
        self._changed |= changed
        if self._task is None:
            self._task = asyncio.create_task(self._push())

    async def _push(self) -> None:
        try:
            while self._changed or self._at_sites:
                changed, self._changed = self._changed, set()
                at_sites, self._at_sites = self._at_sites, False
                try:
                    await self._push_all(changed, at_sites)
                except (Unavailable, SQLAlchemyError, OSError) as error:
                    log.warning("presence could not be pushed", error=type(error).__name__)
                    self._changed |= changed  # whoever watches is told later
                    self._at_sites |= at_sites
                    await asyncio.sleep(RETRY)
        finally:
            self._task = None

    async def _push_all(self, changed: set[int], at_sites: bool) -> None:
        for topic in self._hub.topics(TOPIC):
            what = topic.removeprefix(TOPIC)
            subject = await self._subject(what)
            if subject is None:
                continue
            looked_at = at_sites and subject.premises is not _OURS
            if subject.members and not subject.members & changed and not looked_at:
                continue
            shown = await self.shown(what)
            if shown is not None and self._told.get(what) != shown:
                self._told[what] = shown
                self._hub.publish(topic, shown)

    async def close(self) -> None:
        """Push nothing more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
