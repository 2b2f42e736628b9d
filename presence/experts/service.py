"""The directory, as it is now: who is there is known to the board; what costs more to know is believed for a minute."""

import asyncio
from collections.abc import Collection, Sequence

from presence.booking.service import Booking
from presence.clock import Clock
from presence.experts import store
from presence.experts.rules import Expert, Rating
from presence.roster.board import Board
from presence.storage.database import Database

BELIEVED = 60  # seconds
AT_ONCE = 25  # advisers whose free hours are looked for in one turn of the loop: who talks does not wait for it
_KEPT = 100  # choices of services whose hours are kept


class Directory:
    """Everybody who can be asked for advice."""

    def __init__(self, database: Database, clock: Clock, board: Board, booking: Booking) -> None:
        self._database = database
        self._clock = clock
        self._board = board
        self._booking = booking
        self._looking = asyncio.Lock()
        self._ratings: tuple[int, dict[int, Rating]] = (0, {})
        self._hours: dict[tuple[str, ...], tuple[int, dict[str, int]]] = {}  # by services: until when, first starts

    async def experts(self, team: str = "", services: tuple[str, ...] = ()) -> tuple[Expert, ...]:
        """A team's members, everybody's when it is empty. `services`: those in which they can be booked; all when empty."""
        ratings = await self._rated()
        hours = await self._free(tuple(sorted(services)))
        now, board = self._clock.now(), self._board
        wanted = board.teams.get(team)
        return tuple(
            Expert(
                id=one.id,
                slug=one.slug,
                name=one.name,
                languages=one.languages,
                media=one.media,
                topics=one.topics,
                state=board.standings[one.id].state,
                next_free=start if (start := hours.get(one.slug, 0)) > now else None,
                rating=ratings.get(one.id, Rating(0, 0)),
            )
            for one in board.members.values()
            if one.id in board.standings and (not team or wanted in one.team_ids)
        )

    def teams(self) -> dict[str, Sequence[int]]:
        """Each team's members, in the order of the configuration; those without are left out."""
        members: dict[str, Sequence[int]] = {
            slug: [one.id for one in self._board.members.values() if id_ in one.team_ids]
            for slug, id_ in self._board.teams.items()
        }
        return {slug: ids for slug, ids in members.items() if ids}

    async def _rated(self) -> dict[int, Rating]:
        async with self._looking:
            until, known = self._ratings
            if until <= self._clock.now():
                known = await self._database.read(store.ratings)
                self._ratings = self._clock.now() + BELIEVED, known
            return known

    async def _free(self, services: tuple[str, ...]) -> dict[str, int]:
        async with self._looking:
            until, known = self._hours.get(services, (0, {}))
            if until <= self._clock.now():
                known = await self._look(sorted(self._board.by_slug), services)
                if len(self._hours) >= _KEPT:
                    self._hours.clear()
                self._hours[services] = self._clock.now() + BELIEVED, known
            return known

    async def _look(self, slugs: Sequence[str], services: Collection[str]) -> dict[str, int]:
        found: dict[str, int] = {}
        for first in range(0, len(slugs), AT_ONCE):
            found |= await self._booking.first_starts(slugs[first : first + AT_ONCE], services)
            await asyncio.sleep(0)
        return found
