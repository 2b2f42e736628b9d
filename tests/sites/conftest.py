"""The bank's people, as in the tests of chat."""

from tests.chat.stage import settled_sqlite

__all__ = ["settled_sqlite"]
