"""Power loss: the disk has what was synced before, and perhaps some of what came after. Nothing acknowledged is lost by it.

SQLite's log only grows until it is copied into the database, so cutting it where it ended when bookings were acknowledged
is the disk as a power loss leaves it at that fsync.
"""

import asyncio
import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from presence.app import create_app
from presence.booking.requests import BookRequest, OfferRequest
from presence.booking.service import Booking
from presence.errors import SlotTaken
from presence.storage.database import Database
from tests.booking.conftest import configuration, running
from tests.support import FrozenClock

SECTOR = 512
BURSTS = 30


class Synced(NamedTuple):
    """A moment when everybody had been answered: how long the log was, and the UIDs acknowledged so far."""

    log_bytes: int
    acknowledged: frozenset[str]


class Load(NamedTuple):
    """What is on the disk after a load: the database, to which nothing has been copied yet, and its log."""

    database: bytes
    log: bytes
    synced: list[Synced]


@pytest.fixture
async def load(migrated: Path, tmp_path: Path, clock: FrozenClock) -> Load:
    """Book in bursts of several sizes, and keep the files of every stage."""
    file, log = tmp_path / "presence.db", tmp_path / "presence.db-wal"
    shutil.copyfile(migrated, file)
    chance, synced, acknowledged = random.Random(3), list[Synced](), set[str]()
    async with running(create_app(configuration(f"sqlite:///{file}"), clock, workers=False)) as app:
        booking: Booking = app.state.booking
        database: Database = app.state.database
        pragma = "PRAGMA synchronous"
        assert await database.write(lambda one: one.exec_driver_sql(pragma).scalar_one()) == 2, "FULL: before an answer"
        starts = list((await booking.offers(OfferRequest(service="talk"))).starts)
        chance.shuffle(starts)
        for burst in range(BURSTS):
            wishes = [_wish(burst, n, starts.pop()) for n in range(chance.choice((1, 1, 2, 5)))]
            answers = await asyncio.gather(*map(booking.book, wishes), return_exceptions=True)
            acknowledged |= {one.appointment.uid for one in answers if not isinstance(one, BaseException)}
            assert all(isinstance(one, SlotTaken) for one in answers if isinstance(one, BaseException))
            synced.append(Synced(log.stat().st_size, frozenset(acknowledged)))
        return Load(file.read_bytes(), log.read_bytes(), synced)


def _wish(burst: int, number: int, start: int) -> BookRequest:
    return BookRequest(
        request_key=f"{burst}-{number}",
        service="talk",
        start=start,
        name="Carol",
        email=f"carol-{burst}-{number}@example.org",
        language="fr",
        zone="Europe/Paris",
    )


def placed(directory: Path, database: bytes, log: bytes) -> Path:
    """A database with its log, as the power loss left them."""
    file = directory / "found.db"
    for old in directory.glob("found.db*"):
        old.unlink()
    file.write_bytes(database)
    file.with_name("found.db-wal").write_bytes(log)
    return file


def stored(file: Path) -> set[str]:
    """What a start after the power loss finds; everything that is there is whole."""
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        halves = connection.execute(
            "SELECT a.uid FROM appointment a WHERE (SELECT count(*) FROM outbox o WHERE o.appointment_id = a.id) <> 2"
            " OR (SELECT count(*) FROM reminder r WHERE r.appointment_id = a.id) = 0"
            " OR (SELECT count(*) FROM busy_interval b JOIN adviser_cell c ON c.busy_id = b.id"
            "     WHERE b.appointment_id = a.id) <> 6"
        ).fetchall()
        assert halves == [], "a booking is whole or not there"
        return {uid for (uid,) in connection.execute("SELECT uid FROM appointment")}


def test_what_was_acknowledged_survives_a_power_loss_at_any_fsync(load: Load, tmp_path: Path) -> None:
    assert len({one.log_bytes for one in load.synced}) == BURSTS, (
        "the log grew with every burst: nothing was copied yet"
    )
    for one in load.synced:
        assert stored(placed(tmp_path, load.database, load.log[: one.log_bytes])) == one.acknowledged


def test_what_was_written_and_not_synced_may_be_torn(load: Load, tmp_path: Path) -> None:
    chance = random.Random(5)
    for one, following in zip(load.synced, load.synced[1:], strict=False):
        unsynced = load.log[one.log_bytes : following.log_bytes]
        cut = chance.randrange(len(unsynced))
        sectors = [
            part if chance.random() < 0.5 else chance.choice((bytes(len(part)), chance.randbytes(len(part))))
            for part in (unsynced[at : at + SECTOR] for at in range(0, len(unsynced), SECTOR))
        ]
        for tail in (unsynced[:cut], b"".join(sectors)):
            found = stored(placed(tmp_path, load.database, load.log[: one.log_bytes] + tail))
            assert one.acknowledged <= found <= following.acknowledged


def test_the_log_may_be_half_copied_into_the_database(load: Load, tmp_path: Path) -> None:
    whole = placed(tmp_path, load.database, load.log)
    with closing(sqlite3.connect(whole)) as connection:
        assert connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
    after, chance = whole.read_bytes(), random.Random(7)
    before = load.database.ljust(len(after), b"\0")
    for share in (0.1, 0.5, 0.9):
        mixed = b"".join(
            (after if chance.random() < share else before)[at : at + SECTOR] for at in range(0, len(after), SECTOR)
        )
        assert stored(placed(tmp_path, mixed, load.log)) == load.synced[-1].acknowledged
