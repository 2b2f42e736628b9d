"""Rows stored in one statement, on both databases."""

from sqlalchemy import Connection, select

from presence.storage.database import Database
from presence.storage.rows import Rows
from presence.storage.tables import team

TEAMS = Rows(team, "slug", "name", once="slug")


def _stored(connection: Connection) -> list[tuple[str, str]]:
    return [(row.slug, row.name) for row in connection.execute(select(team.c.slug, team.c.name).order_by(team.c.slug))]


async def test_rows_are_stored_together_whatever_their_number(database: Database) -> None:
    for many in ([], [("a", "{}")], [("b", "{}"), ("c", "l'été ✓")]):
        await database.write(lambda connection, rows=many: TEAMS.add(connection, rows))  # type: ignore[misc]
    assert await database.read(_stored) == [("a", "{}"), ("b", "{}"), ("c", "l'été ✓")]


async def test_a_row_that_is_there_stays_and_its_neighbours_are_stored(database: Database) -> None:
    await database.write(lambda connection: TEAMS.add(connection, [("a", "first")]))
    await database.write(lambda connection: TEAMS.add(connection, [("a", "again"), ("b", "new")]))
    assert await database.read(_stored) == [("a", "first"), ("b", "new")]
