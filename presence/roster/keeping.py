"""Keeps the leases of the connections to this node."""

import asyncio

import structlog
from sqlalchemy.exc import SQLAlchemyError

from presence.clock import Clock
from presence.errors import Unavailable
from presence.roster import leases
from presence.roster.presence import GRACE, RENEW
from presence.storage.database import Database
from presence.tokens import random_token

log = structlog.get_logger("presence.roster")


class LeaseKeeper:
    """Opens, renews and closes leases. A person is "adviser:<id>" or "visitor:<id>"."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._mine: dict[str, tuple[str, bool]] = {}
        self._stop = asyncio.Event()
        self.node = random_token()

    async def open(self, id_: str, person: str, engaged: bool) -> None:
        """A connection begins to count; one that counts already goes on."""
        if id_ in self._mine:
            return
        now = self._clock.now()
        self._mine[id_] = (person, engaged)
        await self._database.write(lambda sql: leases.open_lease(sql, id_, self.node, person, engaged, now))

    async def engage(self, id_: str, engaged: bool) -> bool:
        """Whether somebody looks at it; True when that has changed."""
        known = self._mine.get(id_)
        if known is None or known[1] == engaged:
            return False
        self._mine[id_] = (known[0], engaged)
        await self._database.write(lambda sql: leases.engage(sql, id_, engaged))
        return True

    async def close(self, id_: str) -> None:
        """The connection has closed; it counts for the grace that a page change takes."""
        if self._mine.pop(id_, None) is not None:
            await self._end(id_, GRACE)

    async def lose(self, id_: str) -> None:
        """Nothing has been heard of the connection for long: it counts no more."""
        if self._mine.pop(id_, None) is not None:
            await self._end(id_, 0)

    async def _end(self, id_: str, grace: int) -> None:
        now = self._clock.now()
        try:
            await self._database.write(lambda sql: leases.close_lease(sql, id_, now + grace))
        except (Unavailable, SQLAlchemyError, OSError) as error:
            log.warning("a lease ends by itself", error=type(error).__name__)

    async def sign_out(self, person: str) -> None:
        """They are gone at once, on every device."""
        self.forget(person)
        await self._database.write(lambda sql: leases.end_leases(sql, person))

    def forget(self, person: str) -> None:
        """They have signed out, here or elsewhere: what they have open here counts no more."""
        for id_ in [id_ for id_, (who, _) in self._mine.items() if who == person]:
            del self._mine[id_]

    async def run(self) -> None:
        """Renew until stopped."""
        while not self._stop.is_set():
            try:
                await self.renew()
            except (Unavailable, SQLAlchemyError, OSError) as error:
                log.warning("leases could not be renewed", error=type(error).__name__)
            try:
                async with asyncio.timeout(RENEW):
                    await self._stop.wait()
            except TimeoutError:
                pass

    async def renew(self) -> None:
        """Once: what is connected here counts for another lease."""
        mine, now = dict(self._mine), self._clock.now()
        await self._database.write(lambda sql: leases.renew(sql, self.node, mine, now))

    def stop(self) -> None:
        """Renew no more: what is left ends by itself."""
        self._stop.set()
