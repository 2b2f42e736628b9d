"""The mail behind conversations: what a customer has not seen, what nobody was there for, and transcripts.

One mail holds all that is unseen; it is written in the transaction that says so, and is withdrawn when it was seen before
it could be sent. What waits for a mail server that is away grows into one mail instead of many.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec
import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from presence.chat import log, rules, store
from presence.chat.journal import Journal
from presence.chat.log import Outcome
from presence.chat.mail import correspondence
from presence.chat.mail.correspondence import READER, Undelivered
from presence.chat.mail.letters import Letters, Sender, Thread
from presence.chat.model import CUSTOMER, SYSTEM, Conversation, Entry, Visitor, adviser_sender
from presence.chat.service import system
from presence.chat.transcript import Said, spoken, transcript
from presence.clock import Clock
from presence.errors import FieldError, Invalid, Unavailable
from presence.i18n import translator
from presence.mail import outbox
from presence.mail.compose import Letter, Mailbox, addressable, composed, message_id
from presence.mail.templates import MailTemplates
from presence.roster.board import Board
from presence.storage.database import Database
from presence.tokens import derived_token, fingerprint

logger = structlog.get_logger("presence.chat")

PACE = 5.0  # seconds between looks
LAST = 20  # messages in one mail
TOLD = 8  # advisers who are told of one conversation
KEPT = 7 * 86_400  # seconds for which it is tried
_EVENTS = 10_000  # that are read for one mail


class Due(NamedTuple):
    """What one look finds."""

    unseen: list[Conversation]
    unheard: list[int]
    needless: list[str]
    undelivered: list[Undelivered]


class Mailing:
    """Writes mails of conversations into the outbox."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        journal: Journal,
        board: Board,
        templates: MailTemplates,
        sender: Sender,
        secret_key: str,
        wake_mail: Callable[[], None],
    ) -> None:
        self._database = database
        self._clock = clock
        self._journal = journal
        self._board = board
        self._letters = Letters(templates, sender)
        self._sender = sender
        self._key = secret_key.encode()
        self._wake_mail = wake_mail
        self._stop = asyncio.Event()

    async def run(self) -> None:
        """Mail what is unseen for too long, until stopped."""
        while not self._stop.is_set():
            try:
                await self.look()
            except (Unavailable, SQLAlchemyError, OSError) as error:
                logger.warning("unseen messages could not be mailed", error=type(error).__name__)
            try:
                async with asyncio.timeout(PACE):
                    await self._stop.wait()
            except TimeoutError:
                pass

    def wake(self) -> None:
        """Mails have been committed: send them soon."""
        self._wake_mail()

    def stop(self) -> None:
        """Mail nothing more."""
        self._stop.set()

    async def look(self) -> int:
        """One round; how many conversations it wrote mails of."""
        now = self._clock.now()
        away = [id_ for id_ in self._board.members if not self._is_there(id_)]

        def find(connection: Connection) -> Due:
            return Due(
                store.mail_due(connection, now),
                correspondence.unheard(connection, away, now - rules.MAIL_AFTER),
                correspondence.needless(connection),
                correspondence.undelivered(connection),
            )

        due = await self._database.read(find)
        if due.needless:
            await self._database.write(lambda connection: correspondence.withdraw(connection, due.needless))
        for failed in due.undelivered:
            await self._tell_of_failure(failed, now)
        written = 0
        for one in due.unseen:
            written += await self._mail_unseen(one.id, now)
        for id_ in due.unheard:
            written += await self._tell_unheard(id_, now)
        if written:
            self.wake()
        return written

    # -- what customers have not seen -----------------------------------------------------------------------------

    async def _mail_unseen(self, id_: int, now: int) -> bool:
        at = self._clock.now_ms()

        def work(connection: Connection) -> tuple[bool, list[Outcome]]:
            one = store.by_id(connection, id_, lock=True)
            if one is None or one.mail_due_at is None or one.mail_due_at > now:
                return False, []
            visitor = store.visitor_by_id(connection, one.visitor_id) if one.visitor_id else None
            unseen = _unseen(connection, one, one.mailed_seq)
            if not unseen or visitor is None or not visitor.email:
                store.change(connection, id_, mail_due_at=None)
                return False, []
            ripe = unseen[0].at // 1000 + rules.MAIL_AFTER
            if ripe > now:  # what it was due for has been seen, and more was said since
                store.change(connection, id_, mail_due_at=ripe)
                return False, []
            mailed = correspondence.withdraw_waiting(connection, id_, "unseen", visitor.email)
            unseen = _unseen(connection, one, mailed)
            last = unseen[-1].seq
            store.change(connection, id_, mail_due_at=None, mailed_seq=last)
            thread = self._thread(connection, one, CUSTOMER, visitor.email, now)
            letter = self._letters.unseen(one, visitor, unseen[-LAST:], self._board.members, thread)
            self._send(connection, one, "unseen", CUSTOMER, letter, last, now)
            return True, log.append(connection, [system(id_, "mailed", to="customer", seq=last)], at)

        return await self._journal.change(work)

    # -- what advisers have not seen --------------------------------------------------------------------------------

    def tell_team(self, connection: Connection, one: Conversation, visitor: Visitor, now: int) -> None:
        """Nobody was there: advisers are told by mail, in the transaction that stores the message."""
        told = max(correspondence.told_seq(connection, one.id), one.adviser_seen)
        said = [each for each in spoken(log.read(connection, one.id, told, _EVENTS)) if each.sender == CUSTOMER]
        correspondence.tell_up_to(connection, one.id, one.last_seq)
        if said:
            self._tell(connection, one, visitor, said[-LAST:], said[-1].seq, now)

    def tell_of_doubtful(
        self, connection: Connection, one: Conversation, visitor: Visitor, note: Said, now: int
    ) -> None:
        """A mail came in that may be somebody else's: advisers are told. The note's sender is the address that it names."""
        self._tell(connection, one, visitor, [note], note.seq, now, doubtful=note.sender)

    def somebody_is_there(self, connection: Connection, one: Conversation) -> bool:
        """Whether one of those who should hear of a conversation is at the desk."""
        return any(self._is_there(id_) for id_ in self._concerned(connection, one))

    async def _tell_unheard(self, id_: int, now: int) -> bool:
        def work(connection: Connection) -> bool:
            one = store.by_id(connection, id_, lock=True)
            if one is None or one.state not in {"message", "active"} or self.somebody_is_there(connection, one):
                return False
            visitor = store.visitor_by_id(connection, one.visitor_id) if one.visitor_id else None
            if one.updated_at > now - rules.MAIL_AFTER or visitor is None:
                return False
            before = correspondence.told_seq(connection, id_)
            self.tell_team(connection, one, visitor, now)
            return before < one.last_seq

        return await self._database.write(work)

    def _is_there(self, adviser_id: int) -> bool:
        standing = self._board.standings.get(adviser_id)
        return standing is not None and standing.reachable

    def _concerned(self, connection: Connection, one: Conversation) -> list[int]:
        """The advisers who should hear of it: whose it is, who was asked for, the customer's own; else some of the team.

        Some, and others each time: a bank of hundreds is not woken by one question.
        """
        personal = store.personal_advisers(connection, [one])
        for id_ in (one.adviser_id, one.wanted_adviser_id, *personal.values()):
            if id_ is not None and id_ in self._board.members:
                return [id_]
        members = sorted(self._board.members.values(), key=lambda member: member.id)
        team = [member for member in members if one.team_id is None or one.team_id in member.team_ids]
        speaking = [member.id for member in team if one.language in member.languages] or [member.id for member in team]
        first = one.id * TOLD % len(speaking) if speaking else 0
        return (speaking[first:] + speaking[:first])[:TOLD]

    def _tell(
        self,
        connection: Connection,
        one: Conversation,
        visitor: Visitor,
        said: Sequence[Said],
        seq: int,
        now: int,
        doubtful: str = "",
    ) -> None:
        concerned = self._concerned(connection, one)
        emails = correspondence.emails_of(connection, concerned)
        for member in (self._board.members[id_] for id_ in concerned if id_ in emails):
            person, to = adviser_sender(member.id), Mailbox(member.name, emails[member.id])
            thread = self._thread(connection, one, person, to.email, now)
            letter = self._letters.told(one, visitor, said, member, to, thread, doubtful=doubtful)
            self._send(connection, one, "told", person, letter, seq, now)

    # -- what did not arrive ----------------------------------------------------------------------------------------

    async def _tell_of_failure(self, failed: Undelivered, now: int) -> None:
        """The mail server refused it, or could not be reached for too long: whoever has the conversation must know."""
        at = self._clock.now_ms()
        body = {"to": failed.person, "hard": failed.refused, "reason": failed.reason}

        def work(connection: Connection) -> tuple[None, list[Outcome]]:
            correspondence.told(connection, [failed.message_id], now)
            once = f"undelivered {fingerprint(failed.message_id)[:40]}"
            said = Entry(failed.conversation_id, SYSTEM, once, "undelivered", msgspec.json.encode(body).decode())
            return None, log.append(connection, [said], at)

        await self._journal.change(work)

    # -- transcripts --------------------------------------------------------------------------------------------------

    async def send_transcript(self, one: Conversation, visitor: Visitor, email: str) -> None:
        """Mail a conversation to its customer. `Invalid` when the address is none."""
        email = email.strip().lower()
        if not addressable(email):
            raise Invalid({"email": FieldError("This is not an email address, such as name@example.com")})
        now, t = self._clock.now(), translator(one.language)
        # Whoever else is sent it reads it, and does not speak for the customer.
        person = CUSTOMER if email == visitor.email else READER

        def work(connection: Connection) -> None:
            events = log.read(connection, one.id, 0, _EVENTS)
            text = transcript(one, events, self._board.members, visitor, t, self._sender.organisation)
            thread = self._thread(connection, one, person, email, now)
            letter = self._letters.transcript(one, Mailbox(visitor.name, email), text, thread)
            self._send(connection, one, "transcript", person, letter, one.last_seq, now)

        await self._database.write(work)
        self.wake()

    # -- envelopes ------------------------------------------------------------------------------------------------------

    def subject(self, one: Conversation) -> str:
        """What the customer's mails of a conversation are called."""
        return self._letters.subject(one)

    def _thread(self, connection: Connection, one: Conversation, person: str, email: str, now: int) -> Thread:
        root = message_id(self._sender.mailbox.domain, "chat", one.uid, person)
        before = correspondence.mailed_before(connection, one.id, person, email)
        if not self._sender.reply:
            return Thread(reply_to=None, before=before, root=root)
        token = self._token(one, person, email)
        correspondence.give_out(connection, token, one.id, person, email, now)
        address = self._sender.reply.replace("{token}", token)
        return Thread(reply_to=Mailbox(self._sender.organisation, address), before=before, root=root)

    def _token(self, one: Conversation, person: str, email: str) -> str:
        return derived_token(self._key, "reply", one.uid, person, email)

    def _send(
        self, connection: Connection, one: Conversation, kind: str, person: str, letter: Letter, seq: int, now: int
    ) -> None:
        """Put a mail into the outbox: once for a recipient and up to a seq."""
        to = letter.to.email
        own_id = message_id(self._sender.mailbox.domain, "chat", one.uid, kind, to, seq)
        envelope = self._sender.mailbox.email
        if self._sender.bounce:
            envelope = self._sender.bounce.replace("{token}", self._token(one, person, to))
        raw = composed(letter, sender=self._sender.mailbox, message_id=own_id, date=now)
        outbox.enqueue(
            connection,
            [outbox.Mail(own_id, kind, envelope, to, raw)],
            appointment_id=None,
            now=now,
            expires_at=now + KEPT,
        )
        tie = {"conversation_id": one.id, "kind": kind, "person": person, "recipient": to, "seq": seq}
        correspondence.note_mail(connection, own_id, tie)


def _unseen(connection: Connection, one: Conversation, mailed: int) -> list[Said]:
    """What advisers said that the customer has neither seen nor been mailed."""
    events = log.read(connection, one.id, max(one.customer_seen, mailed), _EVENTS)
    return [said for said in spoken(events) if said.sender != CUSTOMER]
