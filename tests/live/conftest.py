"""The bank with its chat, as in the tests of chat, but on SQLite alone: how sockets are handled is the same on both databases."""

from pathlib import Path

import pytest

from tests.chat.stage import alice, bank, carol, config, copied_sqlite, settled_postgres, settled_sqlite

__all__ = ["alice", "bank", "carol", "config", "settled_postgres", "settled_sqlite"]


@pytest.fixture
def database_url(settled_sqlite: Path, tmp_path: Path) -> str:
    """The address of a database with the bank's people in it."""
    return copied_sqlite(settled_sqlite, tmp_path)
