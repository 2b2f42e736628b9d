"""Queries about the mail of conversations: whose an address is, what came before, what was sent and what became of it."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, and_, exists, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from presence.chat.mail.by_mail import Before, Correspondent
from presence.chat.model import CUSTOMER, Text
from presence.storage.tables import (
    adviser,
    conversation,
    conversation_mail,
    event,
    outbox,
    received_mail,
    reply_address,
    visitor,
)
from presence.tokens import fingerprint

HOUR, DAY = 3_600, 86_400
READER = "reader"  # whom a transcript was sent to: nobody whose answers are a message
_TEXTS = 200  # of the last day that are compared
_MANY = 500  # conversations looked at in one round


class Addressed(NamedTuple):
    """What an address stands for."""

    conversation_id: int
    correspondent: Correspondent


# -- addresses ------------------------------------------------------------------------------------------------------


def addressed(connection: Connection, token: str) -> Addressed | None:
    """What a token was given out for; None when it is none of ours, or was withdrawn, or its adviser has left.

    The person's mail address is the one that they have now: whoever had typed a wrong one does not answer from there.
    """
    query = (
        select(
            reply_address.c.conversation_id, reply_address.c.person, reply_address.c.email, visitor.c.email.label("now")
        )
        .join_from(reply_address, conversation, reply_address.c.conversation_id == conversation.c.id)
        .join(visitor, conversation.c.visitor_id == visitor.c.id, isouter=True)
        .where(reply_address.c.fingerprint == fingerprint(token), reply_address.c.revoked_at.is_(None))
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    email = row.email
    if row.person == CUSTOMER:
        email = row.now or row.email
    elif row.person != READER:
        emails = emails_of(connection, [int(row.person.partition(":")[2])])
        if not emails:
            return None
        email = next(iter(emails.values()))
    return Addressed(row.conversation_id, Correspondent(row.person, email))


def give_out(connection: Connection, token: str, conversation_id: int, person: str, email: str, now: int) -> None:
    """Let answers come in by a token, from now on."""
    connection.execute(
        _once(connection, reply_address).values(
            fingerprint=fingerprint(token), conversation_id=conversation_id, person=person, email=email, created_at=now
        )
    )


def emails_of(connection: Connection, adviser_ids: Iterable[int]) -> dict[int, str]:
    """The mail addresses of advisers who are still here."""
    query = select(adviser.c.id, adviser.c.email).where(adviser.c.id.in_(list(adviser_ids)), adviser.c.active)
    return {row.id: row.email for row in connection.execute(query)}


# -- mails that come in ---------------------------------------------------------------------------------------------


def came_before(connection: Connection, message_key: str) -> bool:
    """Whether a mail is here already."""
    query = select(received_mail.c.id).where(received_mail.c.message_key == message_key)
    return connection.execute(query).first() is not None


def record(connection: Connection, message_key: str, found: Addressed, message_id: str, now: int) -> int | None:
    """Note that a mail is here, once: returns the row's id, or None when it was here before."""
    return connection.execute(
        _once(connection, received_mail)
        .values(
            message_key=message_key,
            conversation_id=found.conversation_id,
            verdict="",
            person=found.correspondent.person,
            message_id=message_id,
            received_at=now,
        )
        .returning(received_mail.c.id)
    ).scalar_one_or_none()


def decide(connection: Connection, id_: int, verdict: str) -> None:
    """What a mail was taken for."""
    connection.execute(update(received_mail).where(received_mail.c.id == id_).values(verdict=verdict))


def before(connection: Connection, conversation_id: int, person: str, now: int) -> Before:
    """What came by mail in the last day, this mail not counted."""
    mine = received_mail.c.conversation_id == conversation_id
    counted = select(func.count()).where(mine, received_mail.c.verdict != "")
    rows = connection.execute(
        select(event.c.body)
        .where(
            event.c.conversation_id == conversation_id,
            event.c.sender == person,
            event.c.kind == "text",
            event.c.at > (now - DAY) * 1000,
        )
        .order_by(event.c.seq.desc())
        .limit(_TEXTS)
    )
    texts = [msgspec.json.decode(row.body, type=Text) for row in rows]
    return Before(
        hour=connection.execute(counted.where(received_mail.c.received_at > now - HOUR)).scalar_one(),
        day=connection.execute(counted.where(received_mail.c.received_at > now - DAY)).scalar_one(),
        texts=frozenset(one.text for one in texts if one.via == "mail"),
    )


def open_beside(connection: Connection, conversation_id: int) -> int | None:
    """The open conversation of the person whose conversation this is: another one, when this one is closed."""
    person = select(conversation.c.person_key).where(conversation.c.id == conversation_id).scalar_subquery()
    query = select(conversation.c.id).where(conversation.c.person_key == person, conversation.c.closed_at.is_(None))
    return connection.execute(query).scalar_one_or_none()


def came_back(connection: Connection, message_id: str, sender: str, why: str, now: int) -> None:
    """A mail that had been sent did not arrive. `sender` is its return path, which none but its recipient knows."""
    # A report can be here before the worker has marked that the mail was sent, and then its mark comes too late.
    sent = (outbox.c.message_id == message_id, outbox.c.sender == sender, outbox.c.state.in_(("sent", "attempting")))
    failed = update(outbox).where(*sent).values(state="failed", last_error=why, lease="", leased_until=0)
    if connection.execute(failed).rowcount:
        told(connection, [message_id], now)


# -- mails that go out ----------------------------------------------------------------------------------------------


def note_mail(connection: Connection, message_id: str, values: dict[str, Any]) -> None:
    """Tie a mail in the outbox to its conversation; the same again is the same."""
    connection.execute(_once(connection, conversation_mail).values(message_id=message_id, **values))


def mailed_before(connection: Connection, conversation_id: int, person: str, recipient: str) -> tuple[str, ...]:
    """The Message-IDs of the last mail to somebody and of their last answer, the later one last."""
    ours = connection.execute(
        select(outbox.c.message_id, outbox.c.first_due_at)
        .join_from(conversation_mail, outbox)
        .where(
            conversation_mail.c.conversation_id == conversation_id,
            conversation_mail.c.recipient == recipient,
            outbox.c.state != "withdrawn",
        )
        .order_by(outbox.c.id.desc())
        .limit(1)
    ).one_or_none()
    theirs = connection.execute(
        select(received_mail.c.message_id, received_mail.c.received_at)
        .where(
            received_mail.c.conversation_id == conversation_id,
            received_mail.c.person == person,
            received_mail.c.verdict == "message",
            received_mail.c.message_id != "",
        )
        .order_by(received_mail.c.id.desc())
        .limit(1)
    ).one_or_none()
    found = sorted((one for one in (ours, theirs) if one is not None), key=lambda one: one[1])
    return tuple(one.message_id for one in found)


def withdraw_waiting(connection: Connection, conversation_id: int, kind: str, recipient: str) -> int:
    """Do not send what nobody has begun to send; returns the seq up to which mails of this kind went out all the same."""
    mine = and_(
        conversation_mail.c.conversation_id == conversation_id,
        conversation_mail.c.kind == kind,
        conversation_mail.c.recipient == recipient,
    )
    withdraw(connection, connection.execute(select(conversation_mail.c.message_id).where(mine)).scalars().all())
    query = select(func.max(conversation_mail.c.seq)).join_from(conversation_mail, outbox)
    return connection.execute(query.where(mine, outbox.c.state != "withdrawn")).scalar_one() or 0


def withdraw(connection: Connection, message_ids: Sequence[str]) -> None:
    """Do not send mails that nobody has begun to send."""
    waiting = (outbox.c.message_id.in_(message_ids), outbox.c.state == "queued")
    connection.execute(update(outbox).where(*waiting).values(state="withdrawn"))


def needless(connection: Connection) -> list[str]:
    """Mails that wait while what they tell has been seen meanwhile."""
    seen = or_(
        and_(conversation_mail.c.kind == "unseen", conversation.c.customer_seen >= conversation_mail.c.seq),
        and_(conversation_mail.c.kind == "told", conversation.c.adviser_seen >= conversation_mail.c.seq),
    )
    tied = (
        select(conversation_mail.c.message_id)
        .join_from(conversation_mail, conversation)
        .where(conversation_mail.c.message_id == outbox.c.message_id, seen)
    )
    return list(
        connection.execute(select(outbox.c.message_id).where(outbox.c.state == "queued", exists(tied))).scalars()
    )


class Undelivered(NamedTuple):
    """A mail that the mail server has refused, or that could not be sent for too long."""

    message_id: str
    conversation_id: int
    person: str
    refused: bool
    reason: str


def undelivered(connection: Connection) -> list[Undelivered]:
    """Those that nobody has been told of."""
    rows = connection.execute(
        select(
            outbox.c.message_id,
            conversation_mail.c.conversation_id,
            conversation_mail.c.person,
            outbox.c.state,
            outbox.c.last_error,
        )
        .join_from(outbox, conversation_mail)
        .where(outbox.c.state.in_(("failed", "expired")), conversation_mail.c.told_at.is_(None))
        .limit(_MANY)
    )
    return [Undelivered(row[0], row[1], row[2], row[3] == "failed", row[4]) for row in rows]


def told(connection: Connection, message_ids: Sequence[str], now: int) -> None:
    """The conversation says that these did not arrive."""
    these = conversation_mail.c.message_id.in_(message_ids)
    connection.execute(update(conversation_mail).where(these).values(told_at=now))


# -- advisers who have not seen -------------------------------------------------------------------------------------


def told_seq(connection: Connection, conversation_id: int) -> int:
    """Up to where advisers were told of a conversation by mail."""
    query = select(conversation.c.told_seq).where(conversation.c.id == conversation_id)
    return int(connection.execute(query).scalar_one())


def unheard(connection: Connection, unreachable: Collection[int], quiet_since: int) -> list[int]:
    """Conversations in which nothing was said since `quiet_since`, but something before that no adviser may have seen.

    Only such as no adviser has, or one who is not there.
    """
    away = or_(conversation.c.adviser_id.is_(None), conversation.c.adviser_id.in_(list(unreachable)))
    query = (
        select(conversation.c.id)
        .where(
            conversation.c.state.in_(("message", "active")),
            conversation.c.last_seq > conversation.c.told_seq,
            conversation.c.last_seq > conversation.c.adviser_seen,
            conversation.c.updated_at <= quiet_since,
            away,
        )
        .order_by(conversation.c.updated_at.desc())
    )
    return list(connection.execute(query.limit(_MANY)).scalars())


def tell_up_to(connection: Connection, conversation_id: int, seq: int) -> None:
    """Advisers have been told of everything up to here, or it was nothing to be told of."""
    connection.execute(update(conversation).where(conversation.c.id == conversation_id).values(told_seq=seq))


def _once(connection: Connection, table: Any) -> Any:
    dialect: Any = sqlite if connection.dialect.name == "sqlite" else postgresql
    return dialect.insert(table).on_conflict_do_nothing()
