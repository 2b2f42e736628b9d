"""The worker that empties the outbox.

A dispatcher claims due mails into a queue; lines, each with its own connection, send them one by one; one recorder
marks all that ended meanwhile in one transaction. A line begins no mail before its last one is marked, so a death
costs at most one extra copy a line. Leases are short and renewed while mails are in hand: what a dead worker held is
soon another's.
"""

import asyncio
import random
import ssl
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import structlog
from prometheus_client import Counter, Gauge
from sqlalchemy.exc import SQLAlchemyError

from presence.clock import Clock
from presence.config import MailConfig
from presence.errors import Unavailable
from presence.mail import outbox
from presence.mail.outbox import Backlog, Claimed
from presence.mail.rules import Reply, Verdict, deadline, reconnect_after, verdict
from presence.mail.smtp import Connection, Timeouts, Unreachable
from presence.storage.database import Database
from presence.tokens import random_token

log = structlog.get_logger("presence.mail")

BATCH = 8  # mails claimed at once, for each connection
LEASE = 90  # seconds; what a dead worker held waits as long
RENEW = 20.0  # seconds between renewals
LOOK = 5.0  # seconds between looks into the outbox when nothing wakes us: other processes write into it too
IDLE = 10.0  # seconds that a connection is kept for the next mail
HOUR = 3600

_NO_DATABASE = (Unavailable, SQLAlchemyError, OSError)

_ENDED = Counter("presence_mails_total", "Tries to send a mail, by how they ended", ["outcome"])
_SERVER_FAILURES = Counter("presence_mail_server_failures_total", "Connections that could not be used")
_REACHABLE = Gauge("presence_mail_server_reachable", "1 when the mail server could be used the last time")
_WAITING = Gauge("presence_mails_waiting", "Mails in the outbox that are not sent yet")
_OLDEST = Gauge("presence_mails_oldest_seconds", "How long the oldest of them could have been sent")

Rest = Callable[[float], Awaitable[None]]


class MailWorker:
    """Sends what is due over up to `config.connections` connections, until it is stopped.

    `rest` waits for seconds of the clock; `grace` is how many of them a stop waits for mails that are under way.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        config: MailConfig,
        *,
        timeouts: Timeouts | None = None,
        trust: ssl.SSLContext | None = None,
        rest: Rest = asyncio.sleep,
        grace: float = 20.0,
    ) -> None:
        self._database = database
        self._clock = clock
        self._config = config
        self._timeouts = timeouts or Timeouts()
        self._trust = trust
        self._rest = rest
        self._grace = grace
        self._stopping = False
        self._awake = asyncio.Event()
        self._idle = asyncio.Event()
        self._ready: deque[Claimed] = deque()
        self._work = asyncio.Event()
        self._held: dict[int, Claimed] = {}  # leased to us: ready, or on a line
        self._until: dict[str, int] = {}  # lease -> when it runs out
        self._under_way: set[int] = set()  # after DATA: the server may have them
        self._marks: list[tuple[Claimed, Verdict, asyncio.Future[bool]]] = []
        self._marked = asyncio.Event()
        self._trouble: Reply | None = None  # why the server could not be used, while it cannot
        self._failures = 0  # in a row
        self._retry_at = 0
        _REACHABLE.set(1)

    # -- for others -----------------------------------------------------------------------------------------------

    @property
    def trouble(self) -> str:
        """What keeps the server from being used, such as a refused sign-in; empty when nothing does."""
        return str(self._trouble) if self._trouble else ""

    def wake(self) -> None:
        """Something may be due: called after a commit, from the event loop."""
        self._idle.clear()
        self._awake.set()

    def stop(self) -> None:
        """Ask it to end: nothing more is claimed, mails under way are finished, other leases are handed back."""
        self._stopping = True
        self._awake.set()
        self._work.set()

    async def idle(self) -> None:
        """Wait until nothing is in hand and nothing is due, or the server cannot be used."""
        await self._idle.wait()

    async def run(self) -> None:
        """Send and wait, again and again, until `stop`. Trouble with the database or the server does not end it."""
        async with asyncio.TaskGroup() as group:
            keepers = [group.create_task(self._record_marks()), group.create_task(self._renew_leases())]
            lines = [group.create_task(self._line()) for _ in range(max(1, self._config.connections))]
            await self._dispatch()
            await self._finish(lines)
            for keeper in keepers:
                keeper.cancel()

    # -- the dispatcher -------------------------------------------------------------------------------------------

    async def _dispatch(self) -> None:
        failures = 0
        while not self._stopping:
            self._awake.clear()
            try:
                wait = await self._fetch()
                failures = 0
            except _NO_DATABASE as error:
                failures += 1
                wait = reconnect_after(failures, _chance())
                log.warning("the outbox waits for the database", error=type(error).__name__, seconds=wait)
            if wait > 0:
                await _first_of(self._awake.wait(), self._rest(wait))

    async def _fetch(self) -> float:
        """Claim what is due and can be sent now; returns how many seconds there is nothing to do."""
        now, lines = self._clock.now(), self._config.connections
        if self._trouble is not None and now < self._retry_at:
            self._look_idle()
            return float(self._retry_at - now)
        # A server that could not be used gets one mail to try; a line that is done wakes us.
        if len(self._ready) >= lines or (self._trouble is not None and self._held):
            return LOOK
        due, waiting = await self._database.read(
            lambda connection: (outbox.next_due(connection), outbox.backlog(connection))
        )
        _measure(waiting, now)
        if due is None or due > now:
            self._look_idle()
            return LOOK if due is None else min(LOOK, float(due - now))
        return await self._claim(now, 1 if self._trouble is not None else BATCH * lines)

    async def _claim(self, now: int, count: int) -> float:
        lease, until = random_token(), now + LEASE
        batch = await self._database.write(
            lambda connection: outbox.claim(connection, lease=lease, now=now, until=until, count=count)
        )
        if batch.expired:
            _ENDED.labels("expired").inc(batch.expired)
            log.warning("mails became too old to be sent", count=batch.expired)
        self._until[lease] = until
        for mail in batch.mails:
            # When the clock jumped past our own lease the mail is still on our line: it goes on under the new lease.
            if mail.id not in self._held:
                self._ready.append(mail)
            self._held[mail.id] = mail
        self._work.set()
        return 0 if batch.mails or batch.expired else LOOK  # locked by another worker: it will send them

    def _look_idle(self) -> None:
        if not self._held and not self._awake.is_set():
            self._idle.set()

    async def _finish(self, lines: list[asyncio.Task[None]]) -> None:
        """Let the lines end what is under way, for `grace` seconds at most, and give back the rest."""
        self._ready.clear()
        self._work.set()
        await _first_of(asyncio.wait(lines), self._rest(self._grace))
        for line in lines:
            line.cancel()
        await asyncio.wait(lines)
        unheard = Reply(0, "stopped before the server answered")
        cut = [(mail, self._judged(mail, unheard)) for id, mail in self._held.items() if id in self._under_way]
        unbegun = [mail for id, mail in self._held.items() if id not in self._under_way]

        def give_back(connection: Any) -> None:
            outbox.record(connection, cut, self._clock.now())
            outbox.hand_back(connection, unbegun)

        try:
            if self._held:
                await self._database.write(give_back)
        except _NO_DATABASE as error:
            log.warning("leases run out by themselves", count=len(self._held), error=type(error).__name__)
        self._held.clear()

    # -- a line ---------------------------------------------------------------------------------------------------

    async def _line(self) -> None:
        """One connection at a time: opened for a mail, used while more come, closed after a while."""
        mail = await self._take()
        while mail is not None:
            left = await self._connected(mail)
            mail = left or await self._take()

    async def _connected(self, mail: Claimed) -> Claimed | None:
        """A connection's life; returns a mail that it did not last for."""
        connection = Connection(self._config, timeouts=self._timeouts, trust=self._trust)
        try:
            async with connection:
                self._reached()
                return await self._serve(connection, mail)
        except Unreachable as error:
            await self._unreached(error.reply, mail)
        return None

    async def _serve(self, connection: Connection, mail: Claimed) -> Claimed | None:
        """Send over a connection while it lasts and mails come; returns a mail that it did not last for."""
        used = False
        while True:
            if self._is_ours(mail):
                reply = await self._tried(connection, mail)
                if used and not connection.usable and reply.step == "sender":
                    return mail  # this connection has served its time, which says nothing of the mail
                await self._settle(mail, reply)
            if not connection.usable:
                return None
            following = await self._take(IDLE)
            if following is None:
                return None
            mail, used = following, True

    async def _tried(self, connection: Connection, mail: Claimed) -> Reply:
        try:
            refusal = await connection.begin(mail.sender, mail.recipient, len(mail.raw))
            if refusal is not None:
                return refusal
            self._under_way.add(mail.id)
            return await connection.deliver(mail.raw)
        except Exception as error:  # a mail that we stumble over waits and is told of; the others go on
            log.error("a mail could not be tried", error=type(error).__name__)
            connection.abandon()
            return Reply(0, type(error).__name__)

    async def _take(self, patience: float | None = None) -> Claimed | None:
        """The next mail; None when it is time to stop, or when none came for `patience` seconds."""
        while not self._ready and not self._stopping:
            self._work.clear()
            if patience is None:
                await self._work.wait()
            elif await _first_of(self._work.wait(), self._rest(patience)) == 1 and not self._ready:
                return None
        return self._ready.popleft() if self._ready else None

    def _is_ours(self, mail: Claimed) -> bool:
        """Whether the mail may still be begun: a paused worker may have lost it to another."""
        held = self._held.get(mail.id)
        if held is not None and self._clock.now() < self._until.get(held.lease, 0):
            return True
        self._let_go(mail)
        return False

    def _let_go(self, mail: Claimed) -> None:
        self._held.pop(mail.id, None)
        self._under_way.discard(mail.id)
        self._awake.set()

    # -- outcomes -------------------------------------------------------------------------------------------------

    def _judged(self, mail: Claimed, reply: Reply) -> Verdict:
        end = deadline(mail.expires_at, mail.first_due_at, self._config.give_up_after * HOUR)
        return verdict(reply, mail.attempts, self._clock.now(), end, _chance())

    async def _settle(self, mail: Claimed, reply: Reply) -> None:
        """Mark how a try ended; returns once that is durable, or the lease was lost."""
        outcome = self._judged(mail, reply)
        held = self._held.get(mail.id, mail)
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._marks.append((held, outcome, future))
        self._marked.set()
        if await future:
            _ENDED.labels("retried" if outcome.state == "queued" else outcome.state).inc()
        else:
            log.warning("a lease was lost before its mail was marked", outcome=outcome.state)
        if outcome.state != "sent":
            log.info("a mail was not sent", outcome=outcome.state, step=reply.step, code=reply.code)
        self._let_go(mail)

    async def _record_marks(self) -> None:
        """Mark everything that ended meanwhile in one transaction, again and again."""
        failures = 0
        while True:
            await self._marked.wait()
            self._marked.clear()
            marks, self._marks = self._marks, []
            outcomes = [(mail, outcome) for mail, outcome, _ in marks]
            now = self._clock.now()
            try:
                recorded = await self._database.write(partial(outbox.record, outcomes=outcomes, now=now))
            except _NO_DATABASE as error:
                failures += 1
                self._marks = marks + self._marks
                self._marked.set()
                log.warning("marks wait for the database", count=len(marks), error=type(error).__name__)
                await self._rest(reconnect_after(failures, _chance()))
                continue
            failures = 0
            for mail, _, future in marks:
                if not future.done():
                    future.set_result(mail.id in recorded)

    async def _renew_leases(self) -> None:
        """Keep what is in hand ours; let go of what is not any more, because it was withdrawn or taken over."""
        while True:
            await self._rest(RENEW)
            leases = {mail.lease for mail in self._held.values()}
            self._until = {lease: until for lease, until in self._until.items() if lease in leases}
            if not leases:
                continue
            asked, until = dict(self._held), self._clock.now() + LEASE
            try:
                kept = await self._database.write(partial(outbox.renew, leases=leases, until=until))
            except _NO_DATABASE as error:
                log.warning("leases wait for the database", error=type(error).__name__)
                continue
            self._until.update(dict.fromkeys(leases, until))
            for id, mail in asked.items():
                if id not in kept and id not in self._under_way and self._held.get(id) is mail:
                    del self._held[id]

    # -- the server as a whole ------------------------------------------------------------------------------------

    def _reached(self) -> None:
        if self._trouble is not None:
            log.info("the mail server can be used again")
        self._trouble, self._failures = None, 0
        _REACHABLE.set(1)
        self._awake.set()

    async def _unreached(self, reply: Reply, mail: Claimed) -> None:
        """Nothing is wrong with the mails: they are handed back untried, and the server is tried again by and by."""
        now = self._clock.now()
        _SERVER_FAILURES.inc()
        _REACHABLE.set(0)
        if self._trouble is None or now >= self._retry_at:  # lines that fail together are one failure
            self._failures += 1
            wait = reconnect_after(self._failures, _chance())
            self._retry_at = now + wait
            log.warning("the mail server cannot be used", code=reply.code, reason=str(reply), seconds=wait)
        self._trouble = reply
        back = [self._held[one.id] for one in (mail, *self._ready) if one.id in self._held]
        self._ready.clear()
        try:
            await self._database.write(lambda connection: outbox.hand_back(connection, back, str(reply)))
        except _NO_DATABASE as error:
            log.warning("leases run out by themselves", count=len(back), error=type(error).__name__)
        for one in back:
            self._let_go(one)
        self._awake.set()


async def _first_of(*waits: Awaitable[Any]) -> int:
    """Wait until one of them ends, and end the others; returns which one it was."""
    tasks: list[asyncio.Future[Any]] = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return next(number for number, task in enumerate(tasks) if task.done())
    finally:
        for task in tasks:
            task.cancel()


def _measure(waiting: Backlog, now: int) -> None:
    _WAITING.set(waiting.waiting)
    _OLDEST.set(max(0, now - waiting.oldest) if waiting.oldest is not None else 0)


def _chance() -> float:
    return random.random()  # noqa: S311 - spreads retries, hides nothing
