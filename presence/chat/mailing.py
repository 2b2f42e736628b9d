"""The mail behind conversations: what a customer has not seen, what nobody was there for, and transcripts.

One mail holds all that is unseen; it is written in the transaction that says so, and cancelled by being seen before.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import structlog
from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import SQLAlchemyError

from presence.chat import log, store
from presence.chat.journal import Journal
from presence.chat.log import Outcome
from presence.chat.model import CUSTOMER, Conversation, Visitor
from presence.chat.service import system
from presence.chat.transcript import Said, name_of, spoken, transcript
from presence.clock import Clock
from presence.errors import FieldError, Invalid, Unavailable
from presence.i18n import translator
from presence.mail import outbox
from presence.mail.compose import Letter, Mailbox, addressable, composed, message_id
from presence.mail.templates import MailTemplates
from presence.roster.board import Board
from presence.storage.database import Database
from presence.storage.tables import adviser, reply_address
from presence.tokens import derived_token, fingerprint

logger = structlog.get_logger("presence.chat")

PACE = 5.0  # seconds between looks
LAST = 20  # messages in one mail
KEPT = 7 * 86_400  # seconds for which it is tried


class Sender(msgspec.Struct, frozen=True, kw_only=True):
    """In whose name mails go out. `reply` is the pattern of answers' addresses, such as "reply+{token}@bank.example"."""

    organisation: str
    mailbox: Mailbox
    base_url: str
    reply: str = ""
    bounce: str = ""


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
        wake: Callable[[], None],
    ) -> None:
        self._database = database
        self._clock = clock
        self._journal = journal
        self._board = board
        self._templates = templates
        self._sender = sender
        self._key = secret_key.encode()
        self._wake = wake
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

    def stop(self) -> None:
        """Mail nothing more."""
        self._stop.set()

    async def look(self) -> int:
        """One round; how many mails it wrote."""
        now = self._clock.now()
        due = await self._database.read(lambda connection: store.mail_due(connection, now))
        written = 0
        for one in due:
            written += await self._mail_unseen(one, now)
        if written:
            self._wake()
        return written

    async def _mail_unseen(self, due: Conversation, now: int) -> bool:
        at = self._clock.now_ms()

        def work(connection: Connection) -> tuple[bool, list[Outcome]]:
            one = store.by_id(connection, due.id, lock=True)
            if one is None or one.mail_due_at is None or one.mail_due_at > now:
                return False, []
            store.change(connection, one.id, mail_due_at=None)
            visitor = store.visitor_by_id(connection, one.visitor_id) if one.visitor_id else None
            events = log.read(connection, one.id, 0, 10_000)
            seen = max(one.customer_seen, one.mailed_seq)
            unseen = [said for said in spoken(events) if said.seq > seen and said.sender != CUSTOMER]
            if not unseen or visitor is None or not visitor.email:
                return False, []
            store.change(connection, one.id, mailed_seq=one.last_seq)
            self._enqueue(connection, one, visitor, unseen[-LAST:], now)
            return True, log.append(connection, [system(one.id, "mailed", to="customer", seq=unseen[-1].seq)], at)

        return await self._journal.change(work)

    def _enqueue(
        self, connection: Connection, one: Conversation, visitor: Visitor, unseen: Sequence[Said], now: int
    ) -> None:
        t = translator(one.language)
        context = {
            "organisation": self._sender.organisation,
            "said": [
                {
                    "who": name_of(said.sender, self._board.members, visitor, t),
                    "when": f"{t.date(said.at // 1000, visitor.zone, 'day')}, {t.time(said.at // 1000, visitor.zone)}",
                    "text": said.text,
                    "file": bool(said.file),
                }
                for said in unseen
            ],
            "link": f"{self._sender.base_url}/chat",
            "can_answer": bool(self._sender.reply),
            "name": visitor.name,
        }
        subject = self._subject(one, t)
        previous = self._message_id(one, one.mailed_seq) if one.mailed_seq else ""
        self._send(
            connection,
            one,
            "chat",
            Mailbox(visitor.name, visitor.email),
            person=CUSTOMER,
            own_id=self._message_id(one, one.last_seq),
            letter=Letter(
                to=Mailbox(visitor.name, visitor.email),
                subject=subject,
                text=self._templates.render("chat/unseen.txt", one.language, context),
                html=self._templates.render("chat/unseen.html", one.language, context),
                language=one.language,
                reply_to=self.reply_to(connection, one, CUSTOMER, visitor.email, now),
                references=tuple(id_ for id_ in (self._message_id(one, 0), previous) if id_),
            ),
            now=now,
        )

    def _subject(self, one: Conversation, t: Any) -> str:
        """The same for the whole conversation: clients thread by it too."""
        return one.subject or t.gettext(
            "Your conversation with %(organisation)s", organisation=self._sender.organisation
        )

    def _message_id(self, one: Conversation, seq: int) -> str:
        return message_id(self._sender.mailbox.domain, "chat", one.uid, seq)

    def reply_to(self, connection: Connection, one: Conversation, person: str, email: str, now: int) -> Mailbox | None:
        """The address that answers come in by: for this conversation and this correspondent alone."""
        if not self._sender.reply:
            return None
        token = derived_token(self._key, "reply", one.uid, person, email)
        known = connection.execute(
            select(reply_address.c.fingerprint).where(reply_address.c.fingerprint == fingerprint(token))
        ).first()
        if known is None:
            connection.execute(
                insert(reply_address).values(
                    fingerprint=fingerprint(token),
                    conversation_id=one.id,
                    person=person,
                    email=email,
                    created_at=now,
                )
            )
        return Mailbox(self._sender.organisation, self._sender.reply.format(token=token))

    def _send(
        self,
        connection: Connection,
        one: Conversation,
        kind: str,
        to: Mailbox,
        *,
        person: str,
        own_id: str,
        letter: Letter,
        now: int,
    ) -> None:
        envelope = self._sender.mailbox.email
        if self._sender.bounce:
            token = derived_token(self._key, "reply", one.uid, person, to.email)
            envelope = self._sender.bounce.format(token=token)
        raw = composed(letter, sender=self._sender.mailbox, message_id=own_id, date=now)
        mail = outbox.Mail(own_id, kind, envelope, to.email, raw)
        outbox.enqueue(connection, [mail], appointment_id=None, now=now, expires_at=now + KEPT)

    def concerned(self, one: Conversation) -> list[int]:
        """The advisers who should hear of it: whose it is, else who was asked for, else the team."""
        for id_ in (one.adviser_id, one.wanted_adviser_id):
            if id_ in self._board.members:
                return [id_]
        members = self._board.members.values()
        return [member.id for member in members if one.team_id is None or one.team_id in member.team_ids]

    def tell_team(
        self, connection: Connection, one: Conversation, visitor: Visitor, text: str, now: int, *, seq: int = 0
    ) -> None:
        """Nobody was there: the team is told by mail, in the transaction that stores the message.

        `seq` is the message's, when it is not the first.
        """
        members = [self._board.members[id_] for id_ in self.concerned(one)]
        emails = dict(
            tuple(row)
            for row in connection.execute(
                select(adviser.c.id, adviser.c.email).where(adviser.c.id.in_([member.id for member in members]))
            )
        )
        for member in members:
            language = member.languages[0] if member.languages[:1] in (("fr",), ("en",)) else "en"
            context = {
                "organisation": self._sender.organisation,
                "customer": visitor.name or visitor.email,
                "email": visitor.email,
                "text": text,
                "link": f"{self._sender.base_url}/desk#{one.uid}",
            }
            t = translator(language)
            first = message_id(self._sender.mailbox.domain, "chat", one.uid, "team", member.id)
            letter = Letter(
                to=Mailbox(member.name, emails[member.id]),
                subject=t.gettext("Message from %(name)s", name=visitor.name or visitor.email),
                text=self._templates.render("chat/offline.txt", language, context),
                html=self._templates.render("chat/offline.html", language, context),
                language=language,
                reply_to=self.reply_to(connection, one, f"adviser:{member.id}", emails[member.id], now),
                references=(first,) if seq else (),
            )
            own_id = message_id(self._sender.mailbox.domain, "chat", one.uid, "team", member.id, seq) if seq else first
            self._send(
                connection, one, "chat", letter.to, person=f"adviser:{member.id}", own_id=own_id, letter=letter, now=now
            )

    async def send_transcript(self, one: Conversation, visitor: Visitor, email: str) -> None:
        """Mail a conversation to its customer. `Invalid` when the address is none."""
        email = email.strip().lower()
        if not addressable(email):
            raise Invalid({"email": FieldError("This is not an email address, such as name@example.com")})
        now, t = self._clock.now(), translator(one.language)

        def work(connection: Connection) -> None:
            events = log.read(connection, one.id, 0, 10_000)
            text = transcript(one, events, self._board.members, visitor, t, self._sender.organisation)
            context = {"organisation": self._sender.organisation, "text": text}
            letter = Letter(
                to=Mailbox(visitor.name, email),
                subject=self._subject(one, t),
                text=text,
                html=self._templates.render("chat/transcript.html", one.language, context),
                language=one.language,
                references=(self._message_id(one, 0),),
            )
            own_id = message_id(self._sender.mailbox.domain, "transcript", one.uid, one.last_seq, email)
            self._send(connection, one, "transcript", letter.to, person=CUSTOMER, own_id=own_id, letter=letter, now=now)

        await self._database.write(work)
        self._wake()
