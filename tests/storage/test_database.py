"""The writer commits in groups, and what it acknowledges is stored."""

import asyncio

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.exc import DBAPIError

from presence.errors import Unavailable
from presence.storage.database import Database
from presence.storage.tables import agenda_clock, metadata, team


def add(slug: str):  # type: ignore[no-untyped-def]
    return lambda connection: connection.execute(
        insert(team).values(slug=slug, name="{}").returning(team.c.id)
    ).scalar_one()


def count(connection: Connection) -> int:
    return int(connection.execute(select(func.count()).select_from(team)).scalar_one())


async def test_every_acknowledged_write_is_stored(database: Database) -> None:
    ids = await asyncio.gather(*(database.write(add(f"team-{n}")) for n in range(500)))
    assert len(set(ids)) == 500
    assert await database.read(count) == 500


async def test_work_that_fails_undoes_itself_alone(database: Database) -> None:
    def fails(connection: Connection) -> None:
        add("lost")(connection)
        raise ValueError("changed my mind")

    results = await asyncio.gather(
        database.write(add("one")), database.write(fails), database.write(add("two")), return_exceptions=True
    )
    assert isinstance(results[1], ValueError)
    assert await database.read(count) == 2


async def test_a_constraint_refuses_one_work_and_not_its_neighbours(database: Database) -> None:
    results = await asyncio.gather(
        *(database.write(add(slug)) for slug in ("one", "one", "two")), return_exceptions=True
    )
    assert [isinstance(result, DBAPIError) for result in results] == [False, True, False]
    assert await database.read(count) == 2


async def test_writes_happen_in_the_order_they_were_asked_for(database: Database) -> None:
    def raised(connection: Connection) -> int:
        return int(
            connection.execute(
                update(agenda_clock).values(version=agenda_clock.c.version + 1).returning(agenda_clock.c.version)
            ).scalar_one()
        )

    assert list(await asyncio.gather(*(database.write(raised) for _ in range(100)))) == list(range(1, 101))


async def test_readers_cannot_write(database: Database) -> None:
    with pytest.raises(DBAPIError):
        await database.read(add("sneaky"))
    assert await database.read(count) == 0


async def test_a_write_whose_asker_has_gone_is_stored_all_the_same(database: Database) -> None:
    asked = asyncio.ensure_future(database.write(add("kept")))
    await asyncio.sleep(0)
    asked.cancel()
    await database.write(add("next"))
    assert await database.read(count) == 2


async def test_closing_commits_what_waits_and_refuses_what_comes(database: Database) -> None:
    waiting = [asyncio.ensure_future(database.write(add(f"team-{n}"))) for n in range(20)]
    await asyncio.sleep(0)
    await database.close()
    assert len(await asyncio.gather(*waiting)) == 20
    with pytest.raises((Unavailable, RuntimeError)):
        await database.write(add("late"))


async def test_migrations_make_the_tables_that_the_program_knows(database: Database) -> None:
    def differences(connection: Connection) -> list[object]:
        options = {"include_name": lambda name, kind, _parents: not (kind == "table" and name.startswith("event_text"))}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))

    assert await database.read(differences) == []


async def test_a_full_disk_acknowledges_nothing_and_is_got_over(migrated, tmp_path) -> None:  # type: ignore[no-untyped-def]
    import shutil

    file = tmp_path / "small.db"
    shutil.copyfile(migrated, file)
    database = Database(f"sqlite:///{file}")
    await database.open()

    def pages(limit: int):  # type: ignore[no-untyped-def]
        return lambda connection: connection.exec_driver_sql(f"PRAGMA max_page_count={limit}").scalar()

    size = await database.read(lambda connection: connection.exec_driver_sql("PRAGMA page_count").scalar())
    await database.write(pages(int(size or 0)))
    big = "x" * 100_000
    results = await asyncio.gather(*(database.write(add(f"{n}{big}")) for n in range(3)), return_exceptions=True)
    assert all(isinstance(result, Unavailable) for result in results)
    assert await database.read(count) == 0
    await database.write(pages(1_000_000))
    await database.write(add("after"))
    assert await database.read(count) == 1
    await database.close()
