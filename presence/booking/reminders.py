"""The worker that turns due reminders into mails; one is at most as late as its looks are apart."""

from collections.abc import Callable

from sqlalchemy import Connection

from presence.booking.correspondence import CLAIM, Correspondence
from presence.booking.settling import Settler
from presence.clock import Clock
from presence.storage.database import Database


class ReminderWorker(Settler):
    """Sends what is due."""

    def __init__(
        self, database: Database, clock: Clock, letters: Correspondence, *, wake: Callable[[], None] = lambda: None
    ) -> None:
        super().__init__(database, clock, "reminders", CLAIM, wake)
        self._letters = letters

    def _any_due(self, connection: Connection, now: int) -> bool:
        return self._letters.any_due(connection, now)

    def _settle(self, connection: Connection, now: int) -> int:
        return self._letters.send_due_reminders(connection, now)
