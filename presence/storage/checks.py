"""What `presence check` looks at in the database."""

import time

from sqlalchemy import Connection, text, update

from presence.storage.tables import agenda_clock

RELEASED = 1_763_000_000  # a clock before this release is wrong
TOLERATED = 5  # seconds between this machine's clock and the database server's


def check_integrity(connection: Connection) -> str | None:
    """What is wrong with the stored data, if anything."""
    if connection.dialect.name == "sqlite":
        found = connection.execute(text("PRAGMA integrity_check")).scalars().all()
        if found != ["ok"]:
            return "; ".join(map(str, found[:3]))
        if connection.execute(text("PRAGMA foreign_key_check")).first() is not None:
            return "a row refers to one that is not there"
        return None
    connection.execute(text("SELECT count(*) FROM appointment"))
    return None


def check_clock(connection: Connection) -> str | None:
    """What is wrong with the clock, if anything."""
    here = time.time()
    if here < RELEASED:
        return "the clock is in the past"
    if connection.dialect.name == "postgresql":
        there = float(connection.execute(text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one())
        if abs(there - here) > TOLERATED:
            return f"{here - there:+.0f} s from the database server's"
    return None


def take_a_write(connection: Connection) -> None:
    """Write as much as a page of the database, and change nothing."""
    connection.execute(update(agenda_clock).values(version=agenda_clock.c.version))
