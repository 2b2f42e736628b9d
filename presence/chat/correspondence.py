"""Queries about mails that come in: whose an address is, and what came before."""

from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from presence.chat.by_mail import Before, Correspondent
from presence.chat.model import Text
from presence.storage.tables import conversation, event, outbox, received_mail, reply_address
from presence.tokens import fingerprint

HOUR, DAY = 3_600, 86_400
_TEXTS = 200  # of the last day that are compared


class Addressed(NamedTuple):
    """What an address stands for."""

    conversation_id: int
    correspondent: Correspondent


def addressed(connection: Connection, token: str) -> Addressed | None:
    """What a token was given out for; None when it is none of ours, or was withdrawn."""
    row = connection.execute(
        select(reply_address.c.conversation_id, reply_address.c.person, reply_address.c.email).where(
            reply_address.c.fingerprint == fingerprint(token), reply_address.c.revoked_at.is_(None)
        )
    ).one_or_none()
    return None if row is None else Addressed(row.conversation_id, Correspondent(row.person, row.email))


def came_before(connection: Connection, message_key: str) -> bool:
    """Whether a mail is here already."""
    query = select(received_mail.c.id).where(received_mail.c.message_key == message_key)
    return connection.execute(query).first() is not None


def record(connection: Connection, message_key: str, conversation_id: int | None, now: int) -> int | None:
    """Note that a mail is here, once: returns the row's id, or None when it was here before."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    return connection.execute(
        dialect.insert(received_mail)
        .values(message_key=message_key, conversation_id=conversation_id, verdict="", received_at=now)
        .on_conflict_do_nothing(index_elements=["message_key"])
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


def came_back(connection: Connection, message_id: str, sender: str, why: str) -> None:
    """A mail that had been sent did not arrive. `sender` is its return path, which none but its recipient knows."""
    connection.execute(
        update(outbox)
        .where(outbox.c.message_id == message_id, outbox.c.sender == sender, outbox.c.state == "sent")
        .values(state="failed", last_error=why)
    )
