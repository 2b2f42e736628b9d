"""The outbox: final bytes of mails, written in the transaction of what caused them, and leases on sending them.

A row is `queued` until a worker claims it (`attempting`), then `sent`, `queued` again for later, `failed` (the server
refused it for good), `expired` (too old to be of use) or `withdrawn` (what it told of was undone). All functions work
inside the caller's transaction, on SQLite as on PostgreSQL.
"""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, bindparam, func, select, update

from presence.mail.rules import Verdict
from presence.storage.rows import Rows
from presence.storage.tables import outbox


class Mail(NamedTuple):
    """A mail to put into the outbox; sender and recipient are the envelope's, `raw` the final bytes."""

    message_id: str
    kind: str
    sender: str
    recipient: str
    raw: bytes


class Claimed(NamedTuple):
    """A mail that one worker alone may send while its lease lasts."""

    id: int
    sender: str
    recipient: str
    raw: bytes
    attempts: int  # this one included
    first_due_at: int
    expires_at: int
    lease: str


class Batch(NamedTuple):
    """What a claim found: mails to send, and how many had become too old."""

    mails: tuple[Claimed, ...]
    expired: int


class Backlog(NamedTuple):
    """What waits: how many mails, and since when the oldest could have been sent (None: nothing waits)."""

    waiting: int
    oldest: int | None


# A Message-ID is stored once: what causes a mail may run again, and causes no second one.
_MAILS = Rows(
    outbox,
    *("message_id", "kind", "appointment_id", "sender", "recipient", "raw", "state", "attempts"),
    *("due_at", "first_due_at", "expires_at", "leased_until"),
    once="message_id",
)


def enqueue(
    connection: Connection,
    mails: Sequence[Mail],
    *,
    appointment_id: int | None,
    now: int,
    due_at: int | None = None,
    expires_at: int,
) -> None:
    """Store mails to be sent from `due_at` (now when None) until `expires_at`."""
    due = now if due_at is None else due_at
    _MAILS.add(
        connection,
        [
            (
                one.message_id,
                one.kind,
                appointment_id,
                one.sender,
                one.recipient,
                one.raw,
                "queued",
                0,
                due,
                due,
                expires_at,
                0,
            )
            for one in mails
        ],
    )


# -- leases ---------------------------------------------------------------------------------------------------


def claim(connection: Connection, *, lease: str, now: int, until: int, count: int) -> Batch:
    """Take up to `count` mails whose worker was lost, or that are due; `lease` fences what is said of them later.

    What has become too old is marked instead, so that nothing is sent past its `expires_at`.
    """
    lost = (outbox.c.state == "attempting") & (outbox.c.leased_until <= now)
    due = (outbox.c.state == "queued") & (outbox.c.due_at <= now)
    rows = _locked(connection, lost, count)
    if len(rows) < count:
        rows += _locked(connection, due, count - len(rows))
    old = [row.id for row in rows if row.expires_at <= now]
    if old:
        connection.execute(update(outbox).where(outbox.c.id.in_(old)).values(state="expired", lease="", leased_until=0))
    mails = tuple(
        Claimed(
            row.id,
            row.sender,
            row.recipient,
            row.raw,
            row.attempts + 1,
            row.first_due_at,
            row.expires_at,
            lease,
        )
        for row in rows
        if row.expires_at > now
    )
    if mails:
        connection.execute(
            update(outbox)
            .where(outbox.c.id.in_([mail.id for mail in mails]))
            .values(state="attempting", attempts=outbox.c.attempts + 1, lease=lease, leased_until=until)
        )
    return Batch(mails, len(old))


def _locked(connection: Connection, ready: ColumnElement[bool], count: int) -> list[Any]:
    """Rows that nobody else is claiming. SQLite ignores the lock: its one transaction that writes is alone."""
    return list(
        connection.execute(
            select(
                outbox.c.id,
                outbox.c.sender,
                outbox.c.recipient,
                outbox.c.raw,
                outbox.c.attempts,
                outbox.c.first_due_at,
                outbox.c.expires_at,
            )
            .where(ready)
            .order_by(outbox.c.due_at)
            .limit(count)
            .with_for_update(skip_locked=True)
        )
    )


def renew(connection: Connection, leases: Collection[str], until: int) -> set[int]:
    """Prolong leases; returns the ids of the mails that are still held under them."""
    return set(
        connection.execute(
            update(outbox)
            .where(outbox.c.state == "attempting", outbox.c.lease.in_(leases))
            .values(leased_until=until)
            .returning(outbox.c.id)
        ).scalars()
    )


def record(connection: Connection, outcomes: Sequence[tuple[Claimed, Verdict]], now: int) -> set[int]:
    """Record how tries ended; returns the ids that were still leased as claimed. Others are left as they are."""
    recorded: set[int] = set()
    sent: dict[str, list[int]] = {}
    for mail, outcome in outcomes:
        if outcome.state == "sent":
            sent.setdefault(mail.lease, []).append(mail.id)
        else:
            values = {"state": outcome.state, "due_at": outcome.due_at or now, "last_error": outcome.error}
            recorded |= _end_lease(connection, mail.lease, [mail.id], values)
    for lease, ids in sent.items():
        recorded |= _end_lease(connection, lease, ids, {"state": "sent", "sent_at": now, "last_error": ""})
    return recorded


def _end_lease(connection: Connection, lease: str, ids: list[int], values: dict[str, Any]) -> set[int]:
    return set(
        connection.execute(
            update(outbox)
            .where(outbox.c.id.in_(ids), outbox.c.lease == lease, outbox.c.state == "attempting")
            .values(lease="", leased_until=0, **values)
            .returning(outbox.c.id)
        ).scalars()
    )


_HAND_BACK = (
    update(outbox)
    .where(
        outbox.c.id == bindparam("mail"),
        outbox.c.lease == bindparam("held"),
        outbox.c.state == "attempting",
    )
    .values(state="queued", attempts=outbox.c.attempts - 1, lease="", leased_until=0)
)


def hand_back(connection: Connection, mails: Sequence[Claimed], error: str = "") -> None:
    """Give up leases without having tried: attempts and due time stay. `error` tells why, when there is a reason."""
    statement = _HAND_BACK.values(last_error=error) if error else _HAND_BACK
    if mails:
        connection.execute(statement, [{"mail": mail.id, "held": mail.lease} for mail in mails])


# -- what others ask --------------------------------------------------------------------------------------------


def withdraw(connection: Connection, appointment_id: int, *, kind: str) -> None:
    """Do not send what waits of one kind: a reminder of what has been cancelled. Ends a worker's lease on it too."""
    connection.execute(
        update(outbox)
        .where(
            outbox.c.appointment_id == appointment_id,
            outbox.c.kind == kind,
            outbox.c.state.in_(("queued", "attempting")),
        )
        .values(state="withdrawn", lease="", leased_until=0)
    )


def next_due(connection: Connection) -> int | None:
    """When the next mail is due, or the next lease runs out."""
    due = select(func.min(outbox.c.due_at)).where(outbox.c.state == "queued")
    lost = select(func.min(outbox.c.leased_until)).where(outbox.c.state == "attempting")
    times = [connection.execute(query).scalar_one() for query in (due, lost)]
    return min((time for time in times if time is not None), default=None)


def failures_of(connection: Connection, appointment_id: int) -> list[tuple[str, str]]:
    """(recipient, what the server said) of mails of an appointment that will not arrive."""
    rows = connection.execute(
        select(outbox.c.recipient, outbox.c.last_error)
        .where(outbox.c.appointment_id == appointment_id, outbox.c.state.in_(("failed", "expired")))
        .order_by(outbox.c.id)
    ).all()
    return [(recipient, error) for recipient, error in rows]


def backlog(connection: Connection) -> Backlog:
    """What waits, mails in a worker's hands included."""
    row = connection.execute(
        select(func.count(), func.min(outbox.c.first_due_at)).where(outbox.c.state.in_(("queued", "attempting")))
    ).one()
    return Backlog(row[0], row[1])


def waiting(connection: Connection) -> int:
    """How many mails wait."""
    return backlog(connection).waiting
