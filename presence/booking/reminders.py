"""The worker that turns due reminders into mails."""

import asyncio
from collections.abc import Callable

import structlog

from presence.booking.correspondence import CLAIM, Correspondence
from presence.clock import Clock
from presence.errors import Unavailable
from presence.storage.database import Database

log = structlog.get_logger(__name__)

EVERY = 10.0  # seconds between looks; a reminder is at most so late


class ReminderWorker:
    """Looks for due reminders until it is stopped; whatever one transaction took is whole, so stopping is always safe."""

    def __init__(
        self, database: Database, clock: Clock, letters: Correspondence, *, wake: Callable[[], None] = lambda: None
    ) -> None:
        self._database = database
        self._clock = clock
        self._letters = letters
        self._wake = wake
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Ask it to end after what it is doing."""
        self._stopping.set()

    async def run(self) -> None:
        """Send what is due, again and again."""
        while not self._stopping.is_set():
            try:
                settled = await self.send_due()
            except Unavailable:
                log.warning("reminders wait for the database")
                settled = 0
            if settled < CLAIM:
                try:
                    await asyncio.wait_for(self._stopping.wait(), EVERY)
                except TimeoutError:
                    continue

    async def send_due(self) -> int:
        """Settle one batch; returns how many. A look that finds nothing does not write."""
        now = self._clock.now()
        if not await self._database.read(lambda connection: self._letters.any_due(connection, now)):
            return 0
        settled = await self._database.write(lambda connection: self._letters.send_due_reminders(connection, now))
        self._wake()
        return settled
