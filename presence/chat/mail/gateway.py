"""Mail into conversations: the one place where what comes in by any door is stored.

The mail is answered for (250, \\Seen) after `deliver` returns: everything is committed then. A mail comes again when the
answer was lost, and is known by its Message-ID.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, NamedTuple

import msgspec
import structlog
from prometheus_client import Counter
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from presence.chat import log, store
from presence.chat.files import Files, Received
from presence.chat.journal import Journal
from presence.chat.log import Outcome
from presence.chat.mail import by_mail, correspondence
from presence.chat.mail.by_mail import Judgement
from presence.chat.mail.correspondence import Addressed
from presence.chat.mail.mailing import Mailing
from presence.chat.model import CUSTOMER, SYSTEM, Conversation, Entry, FileBody, Stored, Text
from presence.chat.rules import plain
from presence.chat.service import system
from presence.chat.transcript import Said
from presence.clock import Clock
from presence.errors import Invalid, TooLarge, Unavailable
from presence.i18n import Translator, translator
from presence.mail.compose import is_message_id
from presence.mail.inbound import reading
from presence.mail.inbound.addresses import Addresses
from presence.mail.inbound.bounces import Bounce, read_bounce
from presence.mail.inbound.model import Attachment, InboundEnvelope, Incoming, Verdict
from presence.roster.board import Board
from presence.storage.database import Database
from presence.tokens import fingerprint

logger = structlog.get_logger("presence.chat")

_CAME_IN = Counter("presence_mails_received_total", "Mails that came in, by what they were taken for", ["verdict"])
_TROUBLE = (OperationalError, InterfaceError, PoolTimeout, OSError)


class Taken(NamedTuple):
    """What became of a mail, and whether the team was told of it by mail."""

    verdict: str  # message, unverified, automatic, unreadable, bounce, refused; "repeated" when it was here before
    told: bool = False


class Kept(NamedTuple):
    """A file of a mail: on the disk, or too large and only named."""

    attachment: Attachment
    received: Received | None


class Gateway:
    """Takes mails to the addresses that `Mailing` gives out. `wake_mail` is called when a mail is to be sent."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        journal: Journal,
        board: Board,
        mailing: Mailing,
        files: Files,
        addresses: Addresses,
        own: str,
        trusted: str,
        changed: Callable[[], None],
        wake_mail: Callable[[], None],
    ) -> None:
        self._database = database
        self._clock = clock
        self._journal = journal
        self._board = board
        self._mailing = mailing
        self._files = files
        self._addresses = addresses
        self._own = own.lower()  # the address that our mails come from
        self._trusted = trusted
        self._changed = changed
        self._wake_mail = wake_mail

    # -- for the doors ------------------------------------------------------------------------------------------

    async def knows(self, address: str) -> bool:
        """Whether an address is one that was given out. `Unavailable` when that cannot be told now."""
        token = self._token((address,))
        if token is None:
            return False
        try:
            return await self._database.read(lambda connection: correspondence.addressed(connection, token)) is not None
        except _TROUBLE as error:
            raise Unavailable() from error

    async def deliver(self, envelope: InboundEnvelope) -> Verdict:
        """Store a mail, once. `Unavailable`: nothing was stored, and it should come again."""
        token = self._token(envelope.recipients)
        if token is None:
            return self._for_the_postmaster(envelope)
        mail = await asyncio.to_thread(
            reading.read,
            envelope.raw,
            recipients=envelope.recipients,
            return_path=envelope.sender,
            cut=envelope.cut,
        )
        try:
            return await self._stored(envelope, mail, token)
        except _TROUBLE as error:
            raise Unavailable() from error

    def _token(self, recipients: Sequence[str]) -> str | None:
        return self._addresses.reply.first_token(recipients) or self._addresses.bounce.first_token(recipients)

    def _for_the_postmaster(self, envelope: InboundEnvelope) -> Verdict:
        """RFC 5321 4.5.1 wants it taken; whom it concerns reads the logs."""
        if not any(one.partition("@")[0].lower() == "postmaster" for one in envelope.recipients):
            return Verdict.UNKNOWN
        logger.warning("a mail to the postmaster came in, and was not kept", size=len(envelope.raw))
        return Verdict.TAKEN

    async def _stored(self, envelope: InboundEnvelope, mail: Incoming, token: str) -> Verdict:
        key = _key(mail, envelope, token)

        def look(connection: Connection) -> tuple[Addressed | None, bool]:
            return correspondence.addressed(connection, token), correspondence.came_before(connection, key)

        found, came = await self._database.read(look)
        if found is None:
            return Verdict.UNKNOWN
        if came:
            return Verdict.TAKEN
        bounce = read_bounce(mail)
        kept = [] if bounce else await self._kept(by_mail.files_of(mail, envelope.raw))
        if bounce is not None:
            taken = await self._returned(key, found, bounce, mail.message_id, token)
        else:
            taken = await self._answered(key, found, mail, kept)
        # Whatever else went wrong may have been committed all the same: its files stay.
        if taken.verdict in {"repeated", "refused"}:
            await asyncio.to_thread(self._drop, kept)
        _CAME_IN.labels(taken.verdict).inc()
        logger.info("a mail came in", verdict=taken.verdict, via=envelope.via)
        if taken.told:
            self._wake_mail()
        return Verdict.REFUSED if taken.verdict == "refused" else Verdict.TAKEN

    # -- mails that came back -----------------------------------------------------------------------------------

    async def _returned(self, key: str, found: Addressed, bounce: Bounce, message_id: str, token: str) -> Taken:
        now, at = self._clock.now(), self._clock.now_ms()

        def work(connection: Connection) -> tuple[Taken, list[Outcome]]:
            row = correspondence.record(connection, key, found, message_id, now)
            if row is None:
                return Taken("repeated"), []
            seen = correspondence.before(connection, found.conversation_id, "", now)
            correspondence.decide(connection, row, "bounce")
            if not bounce.failed or seen.day >= by_mail.PER_DAY:
                return Taken("bounce"), []
            correspondence.came_back(
                connection, bounce.message_id, self._addresses.bounce.address(token), bounce.diagnostic, now
            )
            told = system(
                found.conversation_id,
                "undelivered",
                to=found.correspondent.person,
                hard=bounce.hard,
                reason=bounce.diagnostic,
            )
            return Taken("bounce"), log.append(connection, [told], at)

        return await self._journal.change(work)

    # -- answers ------------------------------------------------------------------------------------------------

    async def _answered(self, key: str, found: Addressed, mail: Incoming, kept: Sequence[Kept]) -> Taken:
        now, at = self._clock.now(), self._clock.now_ms()
        ours = mail.sender.email == self._own or self._addresses.ours(mail.sender.email)

        def work(connection: Connection) -> tuple[Taken, list[Outcome]]:
            message_id = mail.message_id if is_message_id(mail.message_id) else ""
            row = correspondence.record(connection, key, found, message_id, now)
            if row is None:
                return Taken("repeated"), []
            person = found.correspondent.person
            before = correspondence.before(connection, found.conversation_id, person, now)
            judgement = by_mail.judged(mail, found.correspondent, before, ours=ours, trusted=self._trusted)
            correspondence.decide(connection, row, judgement.verdict)
            if judgement.verdict == "refused":
                return Taken("refused"), []
            if judgement.verdict == "message":
                return Taken("message"), self._said(connection, key, found, mail, kept, now, at)
            one = store.by_id(connection, found.conversation_id, lock=True)
            if one is None:
                return Taken(judgement.verdict), []
            outcomes = self._noted(connection, key, one, mail, judgement, kept, now, at)
            told = judgement.verdict == "unverified" and not before.hour and self._tell(connection, one, outcomes, now)
            return Taken(judgement.verdict, told), outcomes

        try:
            taken = await self._journal.change(work)
        except IntegrityError:  # the customer has begun another conversation meanwhile: it goes there
            taken = await self._journal.change(work)
        if taken.verdict == "message":
            self._changed()
        return taken

    def _noted(
        self,
        connection: Connection,
        key: str,
        one: Conversation,
        mail: Incoming,
        judgement: Judgement,
        kept: Sequence[Kept],
        now: int,
        at: int,
    ) -> list[Outcome]:
        """A note that changes nothing and that no customer sees."""
        t = translator(one.language)
        body = by_mail.body_of(
            mail,
            judgement,
            t,
            subject=self._mailing.subject(one),
            files=tuple(_file(file.received) for file in kept if file.received is not None),
            left=tuple(_left(file.attachment, t) for file in kept if file.received is None),
        )
        self._own_files(connection, one.id, SYSTEM, kept, now)
        return log.append(connection, [Entry(one.id, SYSTEM, _client_id(key, 0), "note", body)], at)

    def _tell(self, connection: Connection, one: Conversation, outcomes: Sequence[Outcome], now: int) -> bool:
        """Mail a note about somebody unknown to those whom it concerns, when none of them is there to see it."""
        visitor = store.visitor_by_id(connection, one.visitor_id) if one.visitor_id else None
        noted = next((said for said in outcomes if isinstance(said, Stored)), None)
        if visitor is None or noted is None or self._mailing.somebody_is_there(connection, one):
            return False
        body = msgspec.json.decode(noted.body, type=Text)
        note = Said(noted.seq, noted.at, body.unverified, body.text)
        self._mailing.tell_of_doubtful(connection, one, visitor, note, now)
        return True

    def _said(
        self,
        connection: Connection,
        key: str,
        found: Addressed,
        mail: Incoming,
        kept: Sequence[Kept],
        now: int,
        at: int,
    ) -> list[Outcome]:
        """A message, in the conversation that the person has open now."""
        person = found.correspondent.person
        one, entries = self._open(connection, found, now)
        if one is None:
            return []
        t = translator(one.language)
        if person == CUSTOMER:
            # Whoever answers has seen what was mailed, and not what was said since.
            store.change(connection, one.id, customer_seen=max(one.customer_seen, one.mailed_seq))
            if by_mail.text_of(mail, t):
                subject = self._mailing.subject(one)
                body = by_mail.body_of(mail, Judgement("message"), t, subject=subject)
                entries.append(Entry(one.id, person, _client_id(key, 0), "text", body))
        else:
            entries += self._taken_on(connection, one, person)
            entries += _advisers_words(one.id, person, key, mail, t)
        entries += _file_entries(one.id, person, key, kept, t)
        self._own_files(connection, one.id, person, kept, now)
        return log.append(connection, entries, at)

    def _taken_on(self, connection: Connection, one: Conversation, person: str) -> list[Entry]:
        """A message that nobody has is the adviser's who answers it."""
        member = self._board.members.get(int(person.partition(":")[2]))
        if member is None or one.adviser_id is not None or one.state != "message":
            return []
        store.change(connection, one.id, adviser_id=member.id)
        return [system(one.id, "joined", adviser=member.id, name=member.name)]

    def _open(self, connection: Connection, found: Addressed, now: int) -> tuple[Conversation | None, list[Entry]]:
        """The conversation to go on with: the person's open one, or theirs of then, opened again."""
        one = store.by_id(connection, found.conversation_id, lock=True)
        if one is None or one.state != "closed":
            return one, []
        beside = correspondence.open_beside(connection, one.id)
        if beside is not None:
            return store.by_id(connection, beside, lock=True), []
        changes: dict[str, Any] = {
            "state": "message",
            "closed_at": None,
            "adviser_id": None,
            "wanted_adviser_id": one.adviser_id or one.wanted_adviser_id,
            "updated_at": now,
        }
        store.change(connection, one.id, **changes)
        return store.by_id(connection, one.id, lock=True), [system(one.id, "reopened"), system(one.id, "message")]

    # -- files ----------------------------------------------------------------------------------------------------

    async def _kept(self, attachments: Sequence[Attachment]) -> list[Kept]:
        """Store files on the disk; one that is too large is only named."""
        kept = []
        for one in attachments:
            try:
                received = await self._files.receive(one.name, _once(one.data)) if one.data else None
            except (TooLarge, Invalid):
                received = None
            kept.append(Kept(one, received))
        return kept

    def _drop(self, kept: Sequence[Kept]) -> None:
        for one in kept:
            if one.received is not None:
                self._files.path(one.received.uid).unlink(missing_ok=True)

    def _own_files(
        self, connection: Connection, conversation_id: int, sender: str, kept: Sequence[Kept], now: int
    ) -> None:
        for _, received in kept:
            if received is not None:
                values = {
                    "uid": received.uid,
                    "conversation_id": conversation_id,
                    "sender": sender,
                    "name": received.name,
                    "media_type": received.media_type,
                    "size": received.size,
                    "sha256": received.sha256,
                    "created_at": now,
                }
                store.add_file(connection, values)


def _advisers_words(conversation_id: int, person: str, key: str, mail: Incoming, t: Translator) -> list[Entry]:
    """What an adviser wrote is the message. What their mail repeats may be talk among colleagues, and is a note."""
    entries = []
    text, quoted = plain(mail.text), by_mail.quoted_of(mail, t)
    if text:
        body = by_mail.answer_body(text)
        entries.append(Entry(conversation_id, person, _client_id(key, 0), "text", body))
    if quoted or not text:
        said = by_mail.note_body(t.gettext("What an adviser's mail repeats:"), quoted or by_mail.text_of(mail, t))
        entries.append(Entry(conversation_id, SYSTEM, _client_id(key, 99), "note", said))
    return entries


def _file_entries(conversation_id: int, person: str, key: str, kept: Sequence[Kept], t: Translator) -> list[Entry]:
    entries = []
    for number, (attachment, received) in enumerate(kept, 1):
        id_ = _client_id(key, number)
        if received is None:
            entries.append(Entry(conversation_id, SYSTEM, id_, "note", by_mail.note_body(_left(attachment, t))))
        else:
            body = by_mail.file_body(_file(received))
            entries.append(Entry(conversation_id, person, id_, "file", body))
    return entries


def _left(attachment: Attachment, t: Translator) -> str:
    return by_mail.too_large(attachment.name, attachment.size, t)


def _file(received: Received) -> FileBody:
    return FileBody(received.uid, received.name, received.media_type, received.size)


def _key(mail: Incoming, envelope: InboundEnvelope, token: str) -> str:
    """What a mail is known by when it comes again: its Message-ID, for this address; or else its bytes."""
    name = mail.message_id or hashlib.sha256(envelope.raw).hexdigest()
    return fingerprint(f"{name} {token}")


def _client_id(key: str, number: int) -> str:
    return f"mail {key[:48]} {number}"


async def _once(octets: bytes) -> AsyncIterator[bytes]:
    yield octets
