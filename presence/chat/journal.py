"""Entries from many connections, committed together, then acknowledged, then given out: in that order, always."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

import structlog
from prometheus_client import Counter
from sqlalchemy import Connection as Sql

from presence.chat import log
from presence.chat.channels import Channels, Committed
from presence.chat.log import Outcome
from presence.chat.model import SYSTEM, Entry, Refusal, Stored
from presence.clock import Clock
from presence.errors import Unavailable
from presence.live.connection import Connection
from presence.storage.database import Database

T = TypeVar("T")

BATCH = 1000  # entries that share one look at their conversations
WAITING = 20_000  # entries that may wait; more are refused, and sent again

logger = structlog.get_logger("presence.chat")

_EVENTS = Counter("presence_chat_events_total", "Events appended to conversations")

Answer = Callable[[Outcome], None]
Changed = Callable[[Sequence[Stored]], None]


class _Waiting:
    """An entry and who is told what became of it."""

    __slots__ = ("answer", "entry", "origin")

    def __init__(self, entry: Entry, origin: Connection | None, answer: Answer) -> None:
        self.entry = entry
        self.origin = origin
        self.answer = answer


class Journal:
    """The only way into a log. `changed` hears of every event after its commit; it must not raise."""

    def __init__(
        self, database: Database, clock: Clock, channels: Channels, changed: Changed = lambda stored: None
    ) -> None:
        self._database = database
        self._clock = clock
        self._channels = channels
        self._changed = changed
        self._waiting: list[_Waiting] = []
        self._task: asyncio.Task[None] | None = None

    def hand_in(self, entry: Entry, origin: Connection | None, answer: Answer) -> bool:
        """Append soon. `origin` gets the Ack; `answer` is called with what became of it. False: too much is waiting."""
        if len(self._waiting) >= WAITING:
            return False
        self._waiting.append(_Waiting(entry, origin, answer))
        if self._task is None:
            self._task = asyncio.create_task(self._commit_all())
        return True

    async def append(self, *entries: Entry) -> list[Outcome]:
        """Append, and return once that is durable."""
        return await self.change(lambda connection: (log.append(connection, entries, self._clock.now_ms()),) * 2)

    async def change(self, work: Callable[[Sql], tuple[T, Sequence[Outcome]]]) -> T:
        """Run `work` in a transaction; it returns its result and what it appended, which is given out once durable."""
        result, outcomes = await self._database.write(work)
        self._give_out([Committed(one) for one in outcomes if isinstance(one, Stored)])
        return result

    def touched(self, conversation_id: int) -> None:
        """A conversation has changed without an event."""
        self._changed([Stored(conversation_id, 0, 0, SYSTEM, "", "changed", "{}")])

    async def close(self) -> None:
        """Commit what waits."""
        while self._task is not None:
            await asyncio.wait({self._task})

    async def _commit_all(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
                await self._commit(batch)
        finally:
            self._task = None

    async def _commit(self, batch: Sequence[_Waiting]) -> None:
        entries = [one.entry for one in batch]

        def work(connection: Sql) -> list[Outcome]:
            return log.append(connection, log.complete_files(connection, entries), self._clock.now_ms())

        try:
            outcomes = await self._database.write(work)
        except Exception as error:  # nothing was stored, and everybody may send again
            logger.warning("a batch was not stored", error=type(error).__name__, events=len(batch))
            if len(batch) > 1 and not isinstance(error, Unavailable):  # for one of them: the others shall not suffer
                for one in batch:
                    await self._commit([one])
                return
            outcomes = [Refusal("unavailable")] * len(batch)
        self._give_out(
            [
                Committed(outcome, one.origin)
                for one, outcome in zip(batch, outcomes, strict=True)
                if isinstance(outcome, Stored)
            ]
        )
        for one, outcome in zip(batch, outcomes, strict=True):
            one.answer(outcome)

    def _give_out(self, committed: Sequence[Committed]) -> None:
        self._channels.deliver(committed)
        new = [one.stored for one in committed if not one.stored.repeated]
        if new:
            _EVENTS.inc(len(new))
            self._changed(new)
