"""What customers thought, summed up on both databases."""

from typing import Any

from sqlalchemy import Connection, insert, text
from starlette.applications import Starlette

from presence.experts import store
from presence.experts.rules import Rating
from presence.storage.tables import call, conversation


def talked(number: int, **values: Any) -> dict[str, Any]:
    return {
        "uid": f"c{number}",
        "person_key": f"p{number}",
        "state": "closed",
        "language": "en",
        "last_seq": 1,
        "customer_seen": 1,
        "adviser_seen": 1,
        "mailed_seq": 0,
        "created_at": 1,
        "updated_at": 1,
        "closed_at": 2,
        "adviser_id": None,
        "rating": None,
        **values,
    }


def called(number: int, **values: Any) -> dict[str, Any]:
    return {
        "uid": f"k{number}",
        "request_key": f"r{number}",
        "origin": "customer",
        "state": "ended",
        "medium": "video",
        "language": "en",
        "gen": 0,
        "created_at": 1,
        "closes_at": 2,
        **values,
    }


def rate(connection: Connection, alice: int, bob: int) -> None:
    connection.execute(
        insert(conversation),
        [
            talked(1, adviser_id=alice, rating=5),
            talked(2, adviser_id=alice, rating=4),
            talked(3, adviser_id=alice),
            talked(4, rating=1),
            talked(5, adviser_id=bob),
        ],
    )
    connection.execute(insert(call), [called(1, adviser_id=alice, rating=3), called(2, adviser_id=bob, rating=2)])


async def test_ratings_of_chats_and_of_calls_count_together(app: Starlette) -> None:
    members = app.state.assembly.board.by_slug
    alice, bob = members["alice"].id, members["bob"].id
    await app.state.database.write(lambda connection: rate(connection, alice, bob))
    assert await app.state.database.read(store.ratings) == {alice: Rating(3, 12), bob: Rating(1, 2)}


async def test_nothing_is_read_but_what_was_rated(app: Starlette, database_url: str) -> None:
    def plan(connection: Connection) -> str:
        if database_url.startswith("postgresql"):
            connection.execute(text("SET LOCAL enable_seqscan = off"))  # a table without rows is read whole
            words = "EXPLAIN"
        else:
            words = "EXPLAIN QUERY PLAN"
        told = ""
        for table in ("conversation", "call"):
            query = f"SELECT adviser_id, count(*), sum(rating) FROM {table} WHERE rating IS NOT NULL AND adviser_id IS NOT NULL GROUP BY adviser_id"
            told += "\n".join(str(row) for row in connection.execute(text(f"{words} {query}")))
        return told

    found = await app.state.database.read(plan)
    assert "ix_conversation_rated" in found
    assert "ix_call_rated" in found
