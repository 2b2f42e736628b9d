"""The door for a company that has a mailbox and no mail server: new mail is fetched over IMAP.

A mail is marked \\Seen only once it is committed; one that is for none of our addresses is left as it is, for the people
who read that mailbox. Trouble with the server or the database ends nothing: the mail is there, and is fetched later.
"""

import asyncio
import random
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable

import structlog
from prometheus_client import Gauge

from presence.errors import Unavailable
from presence.mail.inbound import reading
from presence.mail.inbound.imap_session import Account, ImapError, ImapSession, Timeouts
from presence.mail.inbound.model import Deliver, InboundEnvelope, Verdict
from presence.mail.rules import reconnect_after

log = structlog.get_logger("presence.mail")

BEGINNING = 65_536  # bytes that are fetched of a mail that is too large
TRIES = 3  # of a mail at which the connection ends
_AGAIN = 30.0  # seconds after which a mail is handed in again that could not be committed

_REACHABLE = Gauge("presence_mailbox_reachable", "1 while new mail can be fetched")

Rest = Callable[[float], Awaitable[None]]


class ImapDoor:
    """Fetches what is unseen and `ours`, and hands it to `deliver`, until stopped."""

    def __init__(
        self,
        account: Account,
        deliver: Deliver,
        ours: Callable[[str], bool],
        *,
        max_bytes: int,
        timeouts: Timeouts | None = None,
        trust: ssl.SSLContext | None = None,
        rest: Rest = asyncio.sleep,
    ) -> None:
        self._account = account
        self._deliver = deliver
        self._ours = ours
        self._max_bytes = max_bytes
        self._timeouts = timeouts
        self._trust = trust
        self._rest = rest
        self._stop = asyncio.Event()
        self._validity = 0
        self._left: set[int] = set()  # UIDs that are not for us
        self._tries: Counter[int] = Counter()

    def stop(self) -> None:
        """Fetch nothing more; what is being handed in is finished."""
        self._stop.set()

    async def run(self) -> None:
        """Fetch and wait, again and again, until `stop`."""
        failures = 0
        while not self._stop.is_set():
            try:
                async with ImapSession(
                    self._account, timeouts=self._timeouts, trust=self._trust, largest=self._max_bytes + BEGINNING
                ) as session:
                    failures = 0
                    _REACHABLE.set(1)
                    await self._serve(session)
            except (ImapError, OSError, TimeoutError) as error:
                _REACHABLE.set(0)
                failures += 1
                wait = reconnect_after(failures, random.random())  # noqa: S311 - spreads, and keeps no secret
                log.warning("the mailbox cannot be used", error=_said(error), seconds=wait)
                await self._pause(wait)

    async def _serve(self, session: ImapSession) -> None:
        if session.validity != self._validity:  # the folder was made anew: UIDs mean other mails
            self._validity = session.validity
            self._left.clear()
            self._tries.clear()
        while not self._stop.is_set():
            try:
                for uid in await session.unseen():
                    if uid not in self._left and not self._stop.is_set():
                        await self._take(session, uid)
            except Unavailable:
                log.warning("the mailbox waits for the database")
                await self._pause(_AGAIN)
                continue
            await session.news(self._stop)

    async def _take(self, session: ImapSession, uid: int) -> None:
        """Hand in one mail, once for each of our addresses that it is for."""
        self._tries[uid] += 1
        if self._tries[uid] > TRIES:
            log.error("a mail in the mailbox cannot be fetched, and is left there", uid=uid)
            self._left.add(uid)
            return
        found = await session.header(uid)
        if found is None:
            return
        size, header = found
        summary = reading.read(header)
        addresses = [address for address in summary.recipients if self._ours(address)]
        cut = size > self._max_bytes
        raw = await session.mail(uid, BEGINNING if cut else None) if addresses else None
        if raw is None:
            self._left.add(uid)
            return
        verdicts = []
        for address in addresses:
            mail = InboundEnvelope(sender=summary.return_path, recipients=(address,), raw=raw, via="imap", cut=cut)
            verdicts.append(await self._handed_in(mail))
        if set(verdicts) <= {Verdict.UNKNOWN}:
            self._left.add(uid)
        else:
            await session.mark_seen(uid)
        del self._tries[uid]

    async def _handed_in(self, mail: InboundEnvelope) -> Verdict:
        try:
            return await self._deliver(mail)
        except Unavailable:
            self._tries.clear()  # no mail is to blame
            raise
        except Exception as error:
            # Nothing was stored, and it would fail again: it stays unseen, for people and for the next start.
            log.error("a mail could not be taken", error=type(error).__name__, exc_info=error)
            return Verdict.UNKNOWN

    async def _pause(self, seconds: float) -> None:
        tasks = [asyncio.ensure_future(one) for one in (self._stop.wait(), self._rest(seconds))]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__
