"""The outbox: final bytes of mails, written in the transaction of what caused them, and leases on sending them."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, and_, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from presence.mail.rules import Verdict
from presence.storage.tables import outbox


class Mail(NamedTuple):
    """A mail to put into the outbox; sender and recipient are the envelope's."""

    message_id: str
    kind: str
    sender: str
    recipient: str
    raw: bytes


class Claimed(NamedTuple):
    """A mail that this worker alone may send while its lease lasts."""

    id: int
    sender: str
    recipient: str
    raw: bytes
    attempts: int  # this one included
    expires_at: int
    lease: str


def enqueue(
    connection: Connection,
    mails: Sequence[Mail],
    *,
    appointment_id: int | None,
    now: int,
    expires_at: int,
) -> None:
    """Store mails to be sent from now on; one whose Message-ID is there already is not stored again."""
    if not mails:
        return
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    connection.execute(
        dialect.insert(outbox).on_conflict_do_nothing(index_elements=["message_id"]),
        [
            {
                "message_id": mail.message_id,
                "kind": mail.kind,
                "appointment_id": appointment_id,
                "sender": mail.sender,
                "recipient": mail.recipient,
                "raw": mail.raw,
                "state": "queued",
                "attempts": 0,
                "due_at": now,
                "expires_at": expires_at,
                "leased_until": 0,
                "created_at": now,
            }
            for mail in mails
        ],
    )


def claim(connection: Connection, *, lease: str, now: int, until: int, count: int) -> list[Claimed]:
    """Take up to `count` due mails, and those whose worker's lease ran out; `lease` fences what is said of them."""
    ready = or_(
        and_(outbox.c.state == "queued", outbox.c.due_at <= now),
        and_(outbox.c.state == "attempting", outbox.c.leased_until <= now),
    )
    some = (
        select(outbox.c.id)
        .where(ready)
        .order_by(outbox.c.due_at, outbox.c.id)
        .limit(count)
        .with_for_update(skip_locked=True)
    )
    rows = connection.execute(
        update(outbox)
        .where(outbox.c.id.in_(some.scalar_subquery()))
        .values(state="attempting", attempts=outbox.c.attempts + 1, lease=lease, leased_until=until)
        .returning(
            outbox.c.id,
            outbox.c.sender,
            outbox.c.recipient,
            outbox.c.raw,
            outbox.c.attempts,
            outbox.c.expires_at,
        )
    ).all()
    return sorted(Claimed(*row, lease) for row in rows)


def settle(connection: Connection, mail: Claimed, outcome: Verdict, now: int) -> bool:
    """Record how a try ended; False when the lease is no longer ours, and then nothing is changed."""
    changed = connection.execute(
        update(outbox)
        .where(outbox.c.id == mail.id, outbox.c.lease == mail.lease, outbox.c.state == "attempting")
        .values(
            state=outcome.state,
            due_at=outcome.due_at or now,
            last_error=outcome.error,
            lease="",
            leased_until=0,
            sent_at=now if outcome.state == "sent" else None,
        )
    )
    return changed.rowcount == 1


def hand_back(connection: Connection, mails: Sequence[Claimed]) -> None:
    """Give up leases without having tried."""
    for mail in mails:
        connection.execute(
            update(outbox)
            .where(outbox.c.id == mail.id, outbox.c.lease == mail.lease)
            .values(state="queued", attempts=mail.attempts - 1, lease="", leased_until=0)
        )


def expire(connection: Connection, now: int) -> int:
    """End what is too old to be of use; returns how many."""
    return connection.execute(
        update(outbox)
        .where(outbox.c.state == "queued", outbox.c.expires_at <= now)
        .values(state="expired")
    ).rowcount


def withdraw(connection: Connection, appointment_id: int, *, kind: str) -> None:
    """Do not send what waits of one kind: a reminder of what has been cancelled."""
    connection.execute(
        update(outbox)
        .where(
            outbox.c.appointment_id == appointment_id, outbox.c.kind == kind, outbox.c.state == "queued"
        )
        .values(state="expired", last_error="withdrawn")
    )


def next_due(connection: Connection) -> int | None:
    """When the next mail is due, or a lost lease runs out."""
    due = select(func.min(outbox.c.due_at)).where(outbox.c.state == "queued")
    lost = select(func.min(outbox.c.leased_until)).where(outbox.c.state == "attempting")
    times = [connection.execute(query).scalar_one() for query in (due, lost)]
    return min((time for time in times if time is not None), default=None)


def failures_of(connection: Connection, appointment_id: int) -> list[tuple[str, str]]:
    """(recipient, what the server said) of mails of an appointment that will not arrive."""
    rows = connection.execute(
        select(outbox.c.recipient, outbox.c.last_error)
        .where(
            outbox.c.appointment_id == appointment_id,
            outbox.c.state.in_(("failed", "expired")),
            outbox.c.last_error != "withdrawn",
        )
        .order_by(outbox.c.id)
    ).all()
    return [(recipient, error) for recipient, error in rows]


def waiting(connection: Connection) -> int:
    """How many mails wait."""
    return connection.execute(
        select(func.count()).select_from(outbox).where(outbox.c.state.in_(("queued", "attempting")))
    ).scalar_one()
