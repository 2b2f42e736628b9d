"""Rows of what every booking writes several of: one statement for all of them, and plain tuples.

SQLAlchemy binds each row's values anew, which takes longer than SQLite needs to store them; and a statement a row hands the
interpreter to another thread a row, or crosses the network.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Dialect, Table


class Rows:
    """Inserts into some columns of a table. A row that is there already, by the column `once`, stays as it is."""

    def __init__(self, table: Table, *columns: str, once: str = "") -> None:
        self._table = table
        self._columns = [table.c[name] for name in columns]
        self._once = f" ON CONFLICT ({once}) DO NOTHING" if once else ""
        self._statements: dict[tuple[str, int], str] = {}

    def add(self, connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
        """Store rows, each a value a column in their order."""
        if rows:
            flat = tuple(value for row in rows for value in row)
            connection.exec_driver_sql(self._statement(connection.dialect, len(rows)), flat)

    def _statement(self, dialect: Dialect, count: int) -> str:
        key = (dialect.name, count)
        if key not in self._statements:
            names = ", ".join(dialect.identifier_preparer.format_column(one) for one in self._columns)
            places = self._places(dialect, count)
            table = dialect.identifier_preparer.format_table(self._table)
            self._statements[key] = f"INSERT INTO {table} ({names}) VALUES {places}{self._once}"  # noqa: S608 - names alone
        return self._statements[key]

    def _places(self, dialect: Dialect, count: int) -> str:
        width = len(self._columns)
        if dialect.name == "sqlite":
            return ", ".join([f"({', '.join('?' * width)})"] * count)
        types = [one.type.compile(dialect) for one in self._columns]
        return ", ".join(
            f"({', '.join(f'${row * width + n}::{kind}' for n, kind in enumerate(types, 1))})" for row in range(count)
        )
