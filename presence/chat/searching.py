"""Full text search over what was said: SQLite's FTS5, PostgreSQL's tsvector, and the same words in both.

Texts are indexed a moment after they were said, by whoever has time, so that saying them costs nothing. What was withdrawn is
found no more, what was edited is found as it reads now. Case and accents count for nothing.
"""

import re
import unicodedata

from sqlalchemy import Connection, bindparam, select, text, update

from presence.chat import log
from presence.chat.model import Stored
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
_INDEX = text("INSERT INTO event_text (conversation_id, seq, text) VALUES (:c, :s, :t)")
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
    for id_, since in events.items():
        if any(one.kind in {"edit", "withdraw"} for one in since):  # of something that is indexed, perhaps
            connection.execute(text("DELETE FROM event_text WHERE conversation_id = :c"), {"c": id_})
            events[id_] = log.read(connection, id_, 0, 10_000)
    found = [
        {"c": id_, "s": one.seq, "t": " ".join(words(one.text))}
        for id_, since in events.items()
        for one in spoken(since, notes=True)
        if one.text
    ]
    if found:
        connection.execute(_INDEX, found)
    if events:
        connection.execute(_INDEXED, [{"c": id_, "s": since[-1].seq} for id_, since in events.items()])
    return sum(map(len, events.values()))


def find(connection: Connection, wanted: str, limit: int) -> list[int]:
    """Conversations in which all these words were said, the last word perhaps only begun; the latest first."""
    looked_for = words(wanted)[:MAX_WORDS]
    if not looked_for:
        return []
    if connection.dialect.name == "sqlite":
        condition = "event_text MATCH :q"
        query = " ".join(f'"{word}"' for word in looked_for) + "*"
    else:
        condition = "to_tsvector('simple', event_text.text) @@ to_tsquery('simple', :q)"
        query = " & ".join(f"'{word}'" for word in looked_for) + ":*"
    rows = connection.execute(
        text(
            f"SELECT conversation.id FROM conversation JOIN event_text ON conversation.id = event_text.conversation_id"  # noqa: S608
            f" WHERE {condition} GROUP BY conversation.id, conversation.updated_at"
            f" ORDER BY conversation.updated_at DESC LIMIT :n"
        ),
        {"q": query, "n": limit},
    )
    return [row[0] for row in rows]
