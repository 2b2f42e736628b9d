"""The bank with its chat, as in the tests of chat."""

from tests.chat.stage import alice, bank, carol, config, database_url, settled_postgres, settled_sqlite

__all__ = ["alice", "bank", "carol", "config", "database_url", "settled_postgres", "settled_sqlite"]
