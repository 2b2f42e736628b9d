"""The worker that empties the outbox."""

import asyncio
import contextlib
import random
from collections.abc import Sequence

import structlog
from prometheus_client import Counter

from presence.clock import Clock
from presence.config import MailConfig
from presence.errors import Unavailable
from presence.mail import outbox
from presence.mail.outbox import Claimed
from presence.mail.rules import Reply, verdict
from presence.mail.smtp import FINAL_DOT, Connection, Unreachable
from presence.storage.database import Database
from presence.tokens import random_token

log = structlog.get_logger(__name__)

BATCH = 20  # mails a connection takes at once
LEASE = 1800  # seconds: longer than a batch can take on a slow server, so that nobody else sends it too
LOOK = 5.0  # seconds between looks when nothing wakes us
_OUTCOMES = Counter("presence_mails_total", "Tries to send a mail, by how they ended", ["outcome"])


class MailWorker:
    """Sends what is due over up to `config.connections` connections, until it is stopped."""

    def __init__(
        self, database: Database, clock: Clock, config: MailConfig, *, final_dot: float = FINAL_DOT
    ) -> None:
        self._database = database
        self._clock = clock
        self._config = config
        self._final_dot = final_dot
        self._awake = asyncio.Event()
        self._stopping = False

    def wake(self) -> None:
        """Something may be due: called after a commit, from the event loop."""
        self._awake.set()

    def stop(self) -> None:
        """Ask it to end: the mail in hand is finished, the other leases are handed back."""
        self._stopping = True
        self._awake.set()

    async def run(self) -> None:
        """Send and wait, again and again."""
        while not self._stopping:
            self._awake.clear()
            try:
                sent = await self.send_due()
            except Unavailable:
                log.warning("the outbox waits for the database")
                sent = 0
            if not sent and not self._stopping:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._awake.wait(), LOOK)

    async def send_due(self) -> int:
        """Send one round of what is due; returns how many mails were tried."""
        now = self._clock.now()
        due = await self._database.read(outbox.next_due)
        if due is None or due > now:
            return 0
        await self._database.write(lambda connection: outbox.expire(connection, now))
        async with asyncio.TaskGroup() as group:
            lines = [group.create_task(self._line()) for _ in range(self._config.connections)]
        return sum(line.result() for line in lines)

    async def _line(self) -> int:
        """One connection's part of a round."""
        mails = await self._claim()
        if not mails:
            return 0
        left = list(mails)
        try:
            async with Connection(self._config, final_dot=self._final_dot) as connection:
                while left and connection.usable and not self._stopping:
                    mail = left.pop(0)
                    await self._settle(mail, await connection.send(mail.sender, mail.recipient, mail.raw))
        except Unreachable as error:
            log.warning("the mail server cannot be reached", code=error.reply.code)
            for mail in left:
                await self._settle(mail, error.reply)
            return len(mails)
        await self._hand_back(left)
        return len(mails) - len(left)

    async def _claim(self) -> list[Claimed]:
        now, lease = self._clock.now(), random_token()
        return await self._database.write(
            lambda connection: outbox.claim(connection, lease=lease, now=now, until=now + LEASE, count=BATCH)
        )

    async def _settle(self, mail: Claimed, reply: Reply) -> None:
        now = self._clock.now()
        outcome = verdict(reply, mail.attempts, now, mail.expires_at, random.random())  # noqa: S311 - spreads retries
        await self._database.write(lambda connection: outbox.settle(connection, mail, outcome, now))
        _OUTCOMES.labels(outcome.state if outcome.state != "queued" else "retried").inc()

    async def _hand_back(self, mails: Sequence[Claimed]) -> None:
        if mails:
            await self._database.write(lambda connection: outbox.hand_back(connection, mails))
