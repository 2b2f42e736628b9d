"""Presence as the outside sees it: of an adviser, a team, a service or the whole site, pushed to those who watch."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

import msgspec

from presence.clock import Clock
from presence.live.frames import Shown
from presence.live.hub import Hub
from presence.roster.board import Board

TOPIC = "presence:"
MAX_WATCHED = 50
REMEMBERED = 60  # seconds for which "back at" is believed

SITE = "site:"

Pool = Callable[[str], Awaitable[frozenset[str] | None]]  # a service's slug -> its advisers' slugs
Expected = Callable[[str], Awaitable[int | None]]  # what -> the instant of its next free start


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
        board.on_change.append(self._hear)

    async def shown(self, what: str) -> Shown | None:
        """The presence of something; None when there is no such thing."""
        members = await self._members(what)
        if members is None:
            return None
        standing = self._board.together(members)
        state = standing.state if standing else "offline"
        member = self._board.members.get(standing.adviser_id) if standing and what.startswith("adviser:") else None
        until = None if state in {"available", "busy"} else await self._back_at(what)
        return Shown(what, state, until * 1000 if until else None, member.name if member else "")

    async def current(self, whats: Iterable[str]) -> list[Shown]:
        """The presence of several things; what there is not is left out."""
        found = [await self.shown(what) for what in list(whats)[:MAX_WATCHED]]
        for one in found:
            if one is not None:
                self._told[one.what] = one
        return [one for one in found if one is not None]

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

    async def _back_at(self, what: str) -> int | None:
        now = self._clock.now()
        known = self._backs.get(what)
        if known is None or known[0] <= now:
            if len(self._backs) > 1000:
                self._backs.clear()
            known = self._backs[what] = (now + REMEMBERED, await self._expected(what))
        return known[1]

    def _hear(self, changed: set[int]) -> None:
        self._changed |= changed
        if self._task is None:
            self._task = asyncio.create_task(self._push())

    async def _push(self) -> None:
        try:
            while self._changed:
                changed, self._changed = self._changed, set()
                for topic in self._hub.topics(TOPIC):
                    what = topic.removeprefix(TOPIC)
                    members = await self._members(what)
                    if members and members & changed:
                        await self._push_one(what)
        finally:
            self._task = None

    async def _push_one(self, what: str) -> None:
        shown = await self.shown(what)
        if shown is not None and self._told.get(what) != shown:
            self._told[what] = shown
            self._hub.publish(TOPIC + what, shown)

    async def close(self) -> None:
        """Push nothing more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})


def etag(shown: Shown) -> str:
    """Names what is shown, for conditional requests."""
    return f'"{msgspec.json.encode(shown).hex()[-40:]}"'
