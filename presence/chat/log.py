"""Appending to logs, inside a transaction: the one place where a `seq` is given.

The rows of the conversations are locked first, so that on PostgreSQL two processes cannot give the same seq; a batch is one
look at the heads, one insert and one update, however many events it has.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, select, tuple_
from sqlalchemy.exc import IntegrityError

from presence.chat import rules
from presence.chat.model import Change, Entry, Head, Refusal, Stored
from presence.storage.tables import attachment, event

Outcome = Stored | Refusal
_Dates = dict[int, tuple[int, int | None]]

# Plain statements, for these are on every message's path: SQLAlchemy would take as long as the database does.
# On PostgreSQL a batch is one statement over columns, on SQLite one statement run for each row.
_HEADS = """
SELECT conversation.id, conversation.uid, state, last_seq, customer_seen, adviser_seen, preview, answered_at,
  mail_due_at, updated_at, adviser_id, coalesce(visitor.email, '') != ''
FROM conversation LEFT JOIN visitor ON visitor.id = conversation.visitor_id
"""
_READ_HEADS = {
    "sqlite": _HEADS + "WHERE conversation.id IN (SELECT value FROM json_each(?))",  # noqa: S608 - nothing in it is from outside
    # In the same order everywhere: no deadlock.
    "postgresql": _HEADS
    + "WHERE conversation.id = ANY($1::bigint[]) ORDER BY conversation.id FOR UPDATE OF conversation",
}
_STORE = {
    "sqlite": "INSERT INTO event (conversation_id, seq, at, sender, client_id, kind, body) VALUES (?, ?, ?, ?, ?, ?, ?)",
    "postgresql": (
        "INSERT INTO event (conversation_id, seq, at, sender, client_id, kind, body) SELECT * FROM"
        " unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[])"
    ),
}
# Twice: what is in an index, too, takes SQLite four times as long, and changes once a second at most.
_ADVANCE = {
    "sqlite": (
        "UPDATE conversation SET last_seq = ?, customer_seen = ?, adviser_seen = ?, preview = ?, answered_at = ?"
        " WHERE id = ?"
    ),
    "postgresql": (
        "UPDATE conversation SET last_seq = new.a, customer_seen = new.b, adviser_seen = new.c, preview = new.d,"
        " answered_at = new.e FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::bigint[],"
        " $6::bigint[]) AS new(a, b, c, d, e, id) WHERE conversation.id = new.id"
    ),
}
_DATE = {
    "sqlite": "UPDATE conversation SET updated_at = ?, mail_due_at = ? WHERE id = ?",
    "postgresql": (
        "UPDATE conversation SET updated_at = new.a, mail_due_at = new.b FROM"
        " unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS new(a, b, id) WHERE conversation.id = new.id"
    ),
}
COLUMNS = (
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
    heads = _heads(connection, entries)
    before = _dates(heads)
    outcomes = _lay_out(heads, entries, {}, referred, at)
    if not any(isinstance(one, Refusal) for one in outcomes):
        connection.exec_driver_sql("SAVEPOINT appended")
        try:
            _save(connection, outcomes, heads, before)
        except IntegrityError:  # somebody sends again what had been acknowledged: find out what
            connection.exec_driver_sql("ROLLBACK TO SAVEPOINT appended")
        else:
            connection.exec_driver_sql("RELEASE SAVEPOINT appended")
            return outcomes
    known = _known(connection, entries)
    heads = _heads(connection, entries)
    before = _dates(heads)
    outcomes = _lay_out(heads, entries, known, referred, at)
    _save(connection, outcomes, heads, before)
    return outcomes


def _lay_out(
    heads: dict[int, Head],
    entries: Sequence[Entry],
    known: dict[tuple[int, str, str], Stored],
    referred: dict[tuple[int, int], Stored],
    at: int,
) -> list[Outcome]:
    """Decide on each entry and give it its seq; the heads are as they will be afterwards."""
    known = dict(known)
    outcomes: list[Outcome] = []
    for one in entries:
        key = (one.conversation_id, one.sender, one.client_id)
        before = known.get(key)
        if before is not None:
            outcomes.append(msgspec.structs.replace(before, repeated=True))
            continue
        head = heads.get(one.conversation_id)
        named = referred.get((one.conversation_id, _seq_named(one))) if referred else None
        why_not = rules.refusal(head, one, at, named)
        if why_not is not None or head is None:
            outcomes.append(why_not or Refusal("unknown"))
            continue
        rules.advance(head, one, at)
        stored = Stored(head.id, head.last_seq, at, one.sender, one.client_id, one.kind, one.body)
        known[key] = stored
        outcomes.append(stored)
    return outcomes


def _save(connection: Connection, outcomes: Iterable[Outcome], heads: dict[int, Head], before: _Dates) -> None:
    new = [one for one in outcomes if isinstance(one, Stored) and not one.repeated]
    changed = [heads[id_] for id_ in dict.fromkeys(one.conversation_id for one in new)]
    _for_all(
        connection,
        _STORE,
        [(one.conversation_id, one.seq, one.at, one.sender, one.client_id, one.kind, one.body) for one in new],
    )
    _for_all(
        connection,
        _ADVANCE,
        [(one.last_seq, one.customer_seen, one.adviser_seen, one.preview, one.answered_at, one.id) for one in changed],
    )
    _for_all(
        connection,
        _DATE,
        [(*dates, id_) for id_, dates in _dates({one.id: one for one in changed}).items() if dates != before[id_]],
    )


def _dates(heads: dict[int, Head]) -> _Dates:
    return {id_: (one.updated_at, one.mail_due_at) for id_, one in heads.items()}


def _for_all(connection: Connection, statement: dict[str, str], rows: list[tuple[Any, ...]]) -> None:
    """Run a statement with every row."""
    if rows:
        dialect = connection.dialect.name
        together = tuple(map(list, zip(*rows, strict=True)))
        connection.exec_driver_sql(statement[dialect], rows if dialect == "sqlite" else together)


def _heads(connection: Connection, entries: Iterable[Entry]) -> dict[int, Head]:
    dialect = connection.dialect.name
    ids: Any = list({one.conversation_id for one in entries})
    rows = connection.exec_driver_sql(_READ_HEADS[dialect], (str(ids) if dialect == "sqlite" else ids,))
    return {row[0]: Head(*row) for row in rows}


def _known(connection: Connection, entries: Iterable[Entry]) -> dict[tuple[int, str, str], Stored]:
    keys = [(one.conversation_id, one.sender, one.client_id) for one in entries]
    rows = connection.execute(select(*COLUMNS).where(tuple_(*_KEY).in_(keys)))
    return {(row.conversation_id, row.sender, row.client_id): Stored(*row) for row in rows}


def _referred(connection: Connection, entries: Iterable[Entry]) -> dict[tuple[int, int], Stored]:
    """The events that edits and withdrawals name."""
    keys = [(one.conversation_id, _seq_named(one)) for one in entries if one.kind in {"edit", "withdraw"}]
    if not keys:
        return {}
    rows = connection.execute(select(*COLUMNS).where(tuple_(event.c.conversation_id, event.c.seq).in_(keys)))
    return {(row.conversation_id, row.seq): Stored(*row) for row in rows}


def _seq_named(one: Entry) -> int:
    return msgspec.json.decode(one.body, type=Change).seq if one.kind in {"edit", "withdraw"} else 0


def read(connection: Connection, conversation_id: int, after: int, limit: int) -> list[Stored]:
    """The events after a seq, in order."""
    rows = connection.execute(
        select(*COLUMNS)
        .where(event.c.conversation_id == conversation_id, event.c.seq > after)
        .order_by(event.c.seq)
        .limit(limit)
    )
    return [Stored(*row) for row in rows]


def recent(connection: Connection, conversation_id: int, limit: int) -> list[Stored]:
    """The last events, in order."""
    rows = connection.execute(
        select(*COLUMNS).where(event.c.conversation_id == conversation_id).order_by(event.c.seq.desc()).limit(limit)
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
