"""Presence as the outside sees it: of an adviser, a team, a service or the whole site, pushed to those who watch."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

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
RETRY = 1.0  # seconds until what could not be read is read again

_GONE = frozenset({"away", "offline"})  # whoever is not there is told when somebody will be

Pool = Callable[[str], Awaitable[frozenset[str] | None]]  # a service's slug -> its advisers' slugs
Expected = Callable[[str, frozenset[str]], Awaitable[int | None]]  # what, its advisers -> when one is next there


class Watching:
    """Computes and pushes. `pool` and `expected` are asked of the booking side."""

    def __init__(self, hub: Hub, board: Board, clock: Clock, pool: Pool, expected: Expected) -> None:
        self._hub = hub
        self._board = board
        self._clock = clock
        self._pool = pool
        self._expected = expected
        self._backs: dict[str, tuple[int, int | None]] = {}
        self._told: dict[str, Shown] = {}
        self._task: asyncio.Task[None] | None = None
        self._changed: set[int] = set()
        self._looked_at = clock.now()
        board.on_change.append(self._hear)

    async def shown(self, what: str) -> Shown | None:
        """The presence of something, as it is when this returns; None when there is no such thing."""
        members = await self._members(what)
        if members is None:
            return None
        if self._state(members) in _GONE:
            await self._learn_back(what, members)
        # Nothing is awaited from here on. They may have come meanwhile, and whoever hears of that first must not be told
        # afterwards that they are gone.
        standing = self._board.together(members)
        state = standing.state if standing else "offline"
        member = self._board.members.get(standing.adviser_id) if standing and what.startswith("adviser:") else None
        until = self._backs[what][1] if state in _GONE and what in self._backs else None
        return Shown(what, state, until * 1000 if until else None, member.name if member else "")

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

    async def _members(self, what: str) -> frozenset[int] | None:
        kind, _, slug = what.partition(":")
        match kind:
            case "site" if not slug:
                return frozenset(self._board.members)
            case "adviser" if slug in self._board.by_slug:
                return frozenset({self._board.by_slug[slug].id})
            case "team" if slug in self._board.teams:
                team_id = self._board.teams[slug]
                return frozenset(id_ for id_, one in self._board.members.items() if team_id in one.team_ids)
            case "service":
                slugs = await self._pool(slug)
                if slugs is not None:
                    return frozenset(self._board.by_slug[one].id for one in slugs if one in self._board.by_slug)
        return None

    async def _learn_back(self, what: str, members: frozenset[int]) -> None:
        """Know when it is next expected: looked up now and then, and again when that has passed."""
        now = self._clock.now()
        believed_until, back = self._backs.get(what, (0, None))
        if believed_until <= now or (back is not None and back <= now):
            if len(self._backs) > 1000:
                self._backs.clear()
            slugs = frozenset(self._board.members[id_].slug for id_ in members if id_ in self._board.members)
            self._backs[what] = (now + REMEMBERED, await self._expected(what, slugs))

    def look_again(self) -> None:
        """Now and then: when somebody is next expected may have changed while nobody came or went."""
        now = self._clock.now()
        if now >= self._looked_at + REMEMBERED:
            self._looked_at = now
            self._hear(set(self._board.members))

    def _hear(self, changed: set[int]) -> None:
        self._changed |= changed
        if self._task is None:
            self._task = asyncio.create_task(self._push())

    async def _push(self) -> None:
        try:
            while self._changed:
                changed, self._changed = self._changed, set()
                try:
                    await self._push_all(changed)
                except (Unavailable, SQLAlchemyError, OSError) as error:
                    log.warning("presence could not be pushed", error=type(error).__name__)
                    self._changed |= changed  # whoever watches is told later
                    await asyncio.sleep(RETRY)
        finally:
            self._task = None

    async def _push_all(self, changed: set[int]) -> None:
        for topic in self._hub.topics(TOPIC):
            what = topic.removeprefix(TOPIC)
            members = await self._members(what)
            if members is None or (members and not members & changed):
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
