"""Full text search over what was said: SQLite's FTS5, PostgreSQL's tsvector, and the same words in both.

Texts are indexed a moment after they were said, by whoever has time, so that saying them costs nothing. What was withdrawn is
found no more, what was edited is found as it reads now. Case and accents count for nothing.
"""

import re
import unicodedata
from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, bindparam, select, text, update

from presence.chat import log
from presence.chat.model import Change, Stored
from presence.chat.transcript import spoken
from presence.storage.tables import conversation, event

# What is indexed in one transaction at most: whoever says something meanwhile waits for it.
CLAIM = 20  # conversations
EVENTS = 200
BYTES = 32 * 1024
MAX_WORDS = 12
_WORD = re.compile(r"\w+")

_UNINDEXED = (
    select(conversation.c.id)
    .where(conversation.c.last_seq > conversation.c.indexed_seq)
    .order_by(conversation.c.id)
    .limit(CLAIM)
    .with_for_update(skip_locked=True)
)
_SINCE = (
    select(*log.COLUMNS)
    .join_from(event, conversation)
    .where(conversation.c.id.in_(bindparam("ids", expanding=True)), event.c.seq > conversation.c.indexed_seq)
    .order_by(event.c.conversation_id, event.c.seq)
    .limit(EVENTS)
)
# SQLite's FTS5 finds rows by their words and by their number alone, so that the number is the event's key: conversation and seq.
_ROW = "((:c << 24) | :s)"
INDEX = {
    "sqlite": text(f"INSERT INTO event_text (rowid, text) VALUES ({_ROW}, :t)"),  # noqa: S608 - nothing in it is from outside
    "postgresql": text("INSERT INTO event_text (conversation_id, seq, text) VALUES (:c, :s, :t)"),
}
EDIT = {
    "sqlite": text(f"UPDATE event_text SET text = :t WHERE rowid = {_ROW}"),  # noqa: S608
    "postgresql": text("UPDATE event_text SET text = :t WHERE conversation_id = :c AND seq = :s"),
}
WITHDRAW = {
    "sqlite": text(f"DELETE FROM event_text WHERE rowid = {_ROW}"),  # noqa: S608
    "postgresql": text("DELETE FROM event_text WHERE conversation_id = :c AND seq = :s"),
}
_FOUND = {
    "sqlite": ("conversation.id = event_text.rowid >> 24", "event_text MATCH :q"),
    "postgresql": (
        "conversation.id = event_text.conversation_id",
        "to_tsvector('simple', event_text.text) @@ to_tsquery('simple', :q)",
    ),
}
_INDEXED = update(conversation).where(conversation.c.id == bindparam("c")).values(indexed_seq=bindparam("s"))


def words(said: str) -> list[str]:
    """The words of a text as they are indexed and looked for."""
    if not said.isascii():
        said = "".join(c for c in unicodedata.normalize("NFKD", said) if not unicodedata.combining(c))
    return _WORD.findall(said.casefold())


def index(connection: Connection) -> int:
    """Index some of what has been said since, so little that nobody waits for it; how many events that was."""
    ids = connection.execute(_UNINDEXED).scalars().all()
    if not ids:
        return 0
    events: dict[int, list[Stored]] = {}
    room = BYTES
    for row in connection.execute(_SINCE, {"ids": ids}):
        one = Stored(*row)
        events.setdefault(one.conversation_id, []).append(one)
        room -= len(one.body)
        if room < 0:
            break
    dialect = connection.dialect.name
    found = [
        {"c": id_, "s": one.seq, "t": " ".join(words(one.text))}
        for id_, since in events.items()
        for one in spoken(since, notes=True)
        if one.text
    ]
    if found:
        connection.execute(INDEX[dialect], found)
    for id_, since in events.items():
        for kind, change in _changes_before(since):
            key = {"c": id_, "s": change.seq}
            if kind == "edit":  # nothing where it was withdrawn meanwhile
                connection.execute(EDIT[dialect], {**key, "t": " ".join(words(change.text))})
            else:
                connection.execute(WITHDRAW[dialect], key)
    if events:
        connection.execute(_INDEXED, [{"c": id_, "s": since[-1].seq} for id_, since in events.items()])
    return sum(map(len, events.values()))


def _changes_before(since: Sequence[Stored]) -> list[tuple[str, Change]]:
    """Edits and withdrawals of what was said before these events, and is indexed."""
    changes = [
        (one.kind, msgspec.json.decode(one.body, type=Change)) for one in since if one.kind in {"edit", "withdraw"}
    ]
    return [(kind, change) for kind, change in changes if change.seq < since[0].seq]


def find(connection: Connection, wanted: str, limit: int) -> list[int]:
    """Conversations in which all these words were said, the last word perhaps only begun; the latest first."""
    looked_for = words(wanted)[:MAX_WORDS]
    if not looked_for:
        return []
    dialect = connection.dialect.name
    if dialect == "sqlite":
        query = " ".join(f'"{word}"' for word in looked_for) + "*"
    else:
        query = " & ".join(f"'{word}'" for word in looked_for) + ":*"
    joined, matches = _FOUND[dialect]
    rows = connection.execute(
        text(
            f"SELECT conversation.id FROM conversation JOIN event_text ON {joined}"  # noqa: S608
            f" WHERE {matches} GROUP BY conversation.id, conversation.updated_at"
            f" ORDER BY conversation.updated_at DESC LIMIT :n"
        ),
        {"q": query, "n": limit},
    )
    return [row[0] for row in rows]
