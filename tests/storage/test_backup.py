"""What was backed up comes back, row by row."""

from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, select

from presence.errors import ConfigError
from presence.storage.backup import backup, restore
from presence.storage.checks import check_clock, check_integrity
from presence.storage.database import Database
from presence.storage.tables import team


def rows(connection: Connection) -> list[tuple[object, ...]]:
    return [tuple(row) for row in connection.execute(select(team).order_by(team.c.id))]


async def test_a_backup_restores_every_row(database: Database, database_url: str, tmp_path: Path) -> None:
    teams = [{"slug": f"t{n}", "name": "{}"} for n in range(50)]
    await database.write(lambda connection: connection.execute(insert(team), teams).rowcount)
    before = await database.read(rows)
    file = tmp_path / "backup"
    backup(database_url, file)
    await database.write(lambda connection: connection.execute(team.delete()).rowcount)
    await database.close()
    with pytest.raises(ConfigError):
        restore(database_url, file)
    restore(database_url, file, force=True)
    again = Database(database_url)
    assert await again.read(rows) == before
    assert await again.read(check_integrity) is None
    assert await again.read(check_clock) is None
    await again.close()


def test_what_is_no_backup_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "letter.txt"
    file.write_text("not a database" * 100)
    with pytest.raises(ConfigError, match="not a backup"):
        restore(f"sqlite:///{tmp_path / 'new.db'}", file)
