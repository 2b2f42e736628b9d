"""What falls due by itself, done a batch a transaction until it is stopped."""

import asyncio
from collections.abc import Callable

import structlog
from sqlalchemy import Connection

from presence.clock import Clock
from presence.errors import Unavailable
from presence.storage.database import Database

log = structlog.get_logger("presence.booking")

EVERY = 10.0  # seconds between looks


class Settler:
    """Looks for what is due. Whatever one transaction did is whole, so stopping is always safe.

    `what` falls due, in a word for the log; `batch` of it are settled at once; `wake` is called when some were.
    """

    def __init__(self, database: Database, clock: Clock, what: str, batch: int, wake: Callable[[], None]) -> None:
        self._database = database
        self._clock = clock
        self._what = what
        self._batch = batch
        self._wake = wake
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Ask it to end after what it is doing."""
        self._stopping.set()

    async def run(self) -> None:
        """Settle what is due, again and again."""
        while not self._stopping.is_set():
            try:
                settled = await self.settle()
            except Unavailable:
                log.warning("the database is waited for", by=self._what)
                settled = 0
            if settled < self._batch:
                try:
                    await asyncio.wait_for(self._stopping.wait(), EVERY)
                except TimeoutError:
                    continue

    async def settle(self) -> int:
        """Settle one batch; returns how many. A look that finds nothing does not write."""
        now = self._clock.now()
        if not await self._database.read(lambda connection: self._any_due(connection, now)):
            return 0
        settled = await self._database.write(lambda connection: self._settle(connection, now))
        self._wake()
        return settled

    def _any_due(self, connection: Connection, now: int) -> bool:
        raise NotImplementedError

    def _settle(self, connection: Connection, now: int) -> int:
        raise NotImplementedError
