"""Appending to logs, inside a transaction: the one place where a `seq` is given.

The rows of the conversations are locked first, so that on PostgreSQL two processes cannot give the same seq; a batch is one
look at the heads, one insert and one update, however many events it has.
"""

from collections.abc import Iterable, Sequence

import msgspec
from sqlalchemy import Connection, bindparam, func, insert, select, tuple_, update
from sqlalchemy.exc import IntegrityError

from presence.chat import rules
from presence.chat.model import Change, Entry, Head, Refusal, Stored
from presence.storage.tables import attachment, conversation, event, visitor

Outcome = Stored | Refusal

_HEADS = (
    select(
        conversation.c.id,
        conversation.c.uid,
        conversation.c.state,
        conversation.c.last_seq,
        conversation.c.customer_seen,
        conversation.c.adviser_seen,
        conversation.c.preview,
        conversation.c.answered_at,
        conversation.c.mail_due_at,
        conversation.c.updated_at,
        conversation.c.adviser_id,
        (func.coalesce(visitor.c.email, "") != "").label("has_mail"),
    )
    .join_from(conversation, visitor, isouter=True)
    .where(conversation.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(conversation.c.id)  # the same order everywhere: no deadlock
    .with_for_update(of=conversation)
)
_STORE = insert(event)
_ADVANCE = (
    update(conversation)
    .where(conversation.c.id == bindparam("b_id"))
    .values(
        last_seq=bindparam("b_last_seq"),
        customer_seen=bindparam("b_customer_seen"),
        adviser_seen=bindparam("b_adviser_seen"),
        preview=bindparam("b_preview"),
        answered_at=bindparam("b_answered_at"),
        mail_due_at=bindparam("b_mail_due_at"),
        updated_at=bindparam("b_updated_at"),
    )
)
_COLUMNS = (
    event.c.conversation_id,
    event.c.seq,
    event.c.at,
    event.c.sender,
    event.c.client_id,
    event.c.kind,
    event.c.body,
)
_KEY = (event.c.conversation_id, event.c.sender, event.c.client_id)


def append(connection: Connection, entries: Sequence[Entry], at: int) -> list[Outcome]:
    """Append entries, in order; `at` in milliseconds. One that is there already is returned as it was stored."""
    referred = _referred(connection, entries)
    outcomes, heads = _lay_out(_heads(connection, entries), entries, {}, referred, at)
    if not any(isinstance(one, Refusal) for one in outcomes):
        try:
            with connection.begin_nested():
                _save(connection, outcomes, heads)
            return outcomes
        except IntegrityError:  # somebody sends again what had been acknowledged: find out what
            pass
    known = _known(connection, entries)
    outcomes, heads = _lay_out(_heads(connection, entries), entries, known, referred, at)
    _save(connection, outcomes, heads)
    return outcomes


def _lay_out(
    heads: dict[int, Head],
    entries: Sequence[Entry],
    known: dict[tuple[int, str, str], Stored],
    referred: dict[tuple[int, int], Stored],
    at: int,
) -> tuple[list[Outcome], list[Head]]:
    """Decide on each entry and give it its seq."""
    known = dict(known)
    outcomes: list[Outcome] = []
    changed: dict[int, Head] = {}
    for one in entries:
        key = (one.conversation_id, one.sender, one.client_id)
        before = known.get(key)
        if before is not None:
            outcomes.append(msgspec.structs.replace(before, repeated=True))
            continue
        head = heads.get(one.conversation_id)
        why_not = rules.refusal(head, one, at, referred.get((one.conversation_id, _seq_named(one))))
        if why_not is not None or head is None:
            outcomes.append(why_not or Refusal("unknown"))
            continue
        rules.advance(head, one, at)
        changed[head.id] = head
        known[key] = Stored(head.id, head.last_seq, at, one.sender, one.client_id, one.kind, one.body)
        outcomes.append(known[key])
    return outcomes, list(changed.values())


def _save(connection: Connection, outcomes: Iterable[Outcome], heads: Sequence[Head]) -> None:
    rows = [
        {
            "conversation_id": one.conversation_id,
            "seq": one.seq,
            "sender": one.sender,
            "client_id": one.client_id,
            "kind": one.kind,
            "body": one.body,
            "at": one.at,
        }
        for one in outcomes
        if isinstance(one, Stored) and not one.repeated
    ]
    if not rows:
        return
    connection.execute(_STORE, rows)
    connection.execute(
        _ADVANCE,
        [
            {
                "b_id": head.id,
                "b_last_seq": head.last_seq,
                "b_customer_seen": head.customer_seen,
                "b_adviser_seen": head.adviser_seen,
                "b_preview": head.preview,
                "b_answered_at": head.answered_at,
                "b_mail_due_at": head.mail_due_at,
                "b_updated_at": head.updated_at,
            }
            for head in heads
        ],
    )


def _heads(connection: Connection, entries: Iterable[Entry]) -> dict[int, Head]:
    ids = {one.conversation_id for one in entries}
    rows = connection.execute(_HEADS, {"ids": sorted(ids)})
    return {row.id: Head(*tuple(row)) for row in rows}


def _known(connection: Connection, entries: Iterable[Entry]) -> dict[tuple[int, str, str], Stored]:
    keys = [(one.conversation_id, one.sender, one.client_id) for one in entries]
    rows = connection.execute(select(*_COLUMNS).where(tuple_(*_KEY).in_(keys)))
    return {(row.conversation_id, row.sender, row.client_id): Stored(*row) for row in rows}


def _referred(connection: Connection, entries: Iterable[Entry]) -> dict[tuple[int, int], Stored]:
    """The events that edits and withdrawals name."""
    keys = [(one.conversation_id, _seq_named(one)) for one in entries if one.kind in {"edit", "withdraw"}]
    if not keys:
        return {}
    rows = connection.execute(select(*_COLUMNS).where(tuple_(event.c.conversation_id, event.c.seq).in_(keys)))
    return {(row.conversation_id, row.seq): Stored(*row) for row in rows}


def _seq_named(one: Entry) -> int:
    return msgspec.json.decode(one.body, type=Change).seq if one.kind in {"edit", "withdraw"} else 0


def read(connection: Connection, conversation_id: int, after: int, limit: int) -> list[Stored]:
    """The events after a seq, in order."""
    rows = connection.execute(
        select(*_COLUMNS)
        .where(event.c.conversation_id == conversation_id, event.c.seq > after)
        .order_by(event.c.seq)
        .limit(limit)
    )
    return [Stored(*row) for row in rows]


def recent(connection: Connection, conversation_id: int, limit: int) -> list[Stored]:
    """The last events, in order."""
    rows = connection.execute(
        select(*_COLUMNS).where(event.c.conversation_id == conversation_id).order_by(event.c.seq.desc()).limit(limit)
    )
    return [Stored(*row) for row in rows][::-1]


def complete_files(connection: Connection, entries: Sequence[Entry]) -> list[Entry]:
    """File entries with what the upload found of the file; one that is not of this conversation and sender loses its name."""
    uids = [msgspec.json.decode(one.body)["file"] for one in entries if one.kind == "file"]
    if not uids:
        return list(entries)
    found = {
        row.uid: row
        for row in connection.execute(
            select(
                attachment.c.uid,
                attachment.c.conversation_id,
                attachment.c.sender,
                attachment.c.name,
                attachment.c.media_type,
                attachment.c.size,
            ).where(attachment.c.uid.in_(uids))
        )
    }
    complete = []
    for one in entries:
        if one.kind == "file":
            row = found.get(msgspec.json.decode(one.body)["file"])
            if row is None or (row.conversation_id, row.sender) != (one.conversation_id, one.sender):
                complete.append(msgspec.structs.replace(one, conversation_id=0))  # refused as unknown
                continue
            body = {"file": row.uid, "name": row.name, "type": row.media_type, "size": row.size}
            one = msgspec.structs.replace(one, body=msgspec.json.encode(body).decode())
        complete.append(one)
    return complete
