"""Full text search over what was said: SQLite's FTS5, PostgreSQL's tsvector, and the same words in both.

Texts are indexed a moment after they were said, by whoever has time, so that saying them costs nothing. What was withdrawn is
found no more, what was edited is found as it reads now. Case and accents count for nothing.
"""

import re
import unicodedata
from collections.abc import Sequence

from sqlalchemy import Connection, select, text, update

from presence.chat import log
from presence.chat.model import Stored
from presence.chat.transcript import spoken
from presence.storage.tables import conversation

CLAIM = 20  # conversations that are indexed in one transaction: whoever says something meanwhile waits for it
MAX_WORDS = 12
_WORD = re.compile(r"\w+")


def words(said: str) -> list[str]:
    """The words of a text as they are indexed and looked for."""
    if not said.isascii():
        said = "".join(c for c in unicodedata.normalize("NFKD", said) if not unicodedata.combining(c))
    return _WORD.findall(said.casefold())


def index(connection: Connection) -> int:
    """Index what has been said since; how many conversations that was."""
    query = select(conversation.c.id, conversation.c.indexed_seq, conversation.c.last_seq).where(
        conversation.c.last_seq > conversation.c.indexed_seq
    )
    rows = connection.execute(query.order_by(conversation.c.id).limit(CLAIM).with_for_update(skip_locked=True)).all()
    for id_, before, last_seq in rows:
        events = log.read(connection, id_, before, 10_000)
        if any(one.kind in {"edit", "withdraw"} for one in events):  # of something that is indexed, perhaps
            connection.execute(text("DELETE FROM event_text WHERE conversation_id = :c"), {"c": id_})
            events = log.read(connection, id_, 0, 10_000)
        _add(connection, id_, events)
        connection.execute(update(conversation).where(conversation.c.id == id_).values(indexed_seq=last_seq))
    return len(rows)


def _add(connection: Connection, conversation_id: int, events: Sequence[Stored]) -> None:
    texts = {one.seq: one.text for one in spoken(events, notes=True)}
    rows = [{"c": conversation_id, "s": seq, "t": " ".join(words(said))} for seq, said in texts.items() if said]
    if rows:
        connection.execute(text("INSERT INTO event_text (conversation_id, seq, text) VALUES (:c, :s, :t)"), rows)


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
