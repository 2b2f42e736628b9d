"""Readers, and the one writer with its group commit.

Work on the database is a plain function of a `Connection`; it cannot await, so no transaction ever waits on the network.
All writes that are waiting share one transaction, each in its own savepoint; they are answered after its one fsync.
On SQLite the writer is a thread with its own connection (the only one that writes or checkpoints: Debian's 3.40 has the
WAL-reset bug that needs two); on PostgreSQL it is a task that runs the same batches through asyncpg.
"""

import asyncio
import contextlib
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import StaticPool

from presence.errors import Unavailable

T = TypeVar("T")
Work = Callable[[Connection], T]

BATCH = 256  # writes that share a transaction at most
WAITING = 10_000  # writes that may wait; more are refused, not queued
_RETRIES = 3  # of a batch that PostgreSQL ended for a deadlock or a serialization failure


class _Job:
    """One piece of work and the future that is told how it ended."""

    __slots__ = ("error", "future", "loop", "result", "work")

    def __init__(self, work: Work[Any]) -> None:
        self.work = work
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Any] = self.loop.create_future()
        self.result: Any = None
        self.error: BaseException | None = None

    def settle(self) -> None:
        """Answer whoever waits; on the loop's thread."""
        if self.future.done():  # whoever asked has gone; the work is committed all the same
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


class Writer(Protocol):
    """Takes work and answers it once committed."""

    async def write(self, work: Work[T]) -> T: ...

    async def close(self) -> None: ...


class Database:
    """`read` runs work on a snapshot, `write` commits it; both give what the work returns."""

    def __init__(self, url: str, *, readers: int = 4) -> None:
        self.url = make_url(url)
        self.dialect = self.url.get_backend_name()
        self._readers = _reader_engine(self.url, readers)
        self._writer: Writer | None = None

    async def open(self) -> None:
        """Start the writer. The schema must have been migrated."""
        if self.dialect == "sqlite":
            self._writer = SqliteWriter(sqlite_writer_engine(self.url))
        else:
            self._writer = PostgresWriter(create_async_engine(driver_url(self.url), pool_size=1, max_overflow=0))

    async def read(self, work: Work[T]) -> T:
        """Run `work` on one consistent snapshot; it cannot write. `Unavailable` while the database is gone."""
        try:
            async with self._readers.connect() as connection:
                return await connection.run_sync(work)
        except Exception as error:
            if is_gone(error):
                raise Unavailable() from error
            raise

    async def write(self, work: Work[T]) -> T:
        """Run `work` in a transaction and return its result once that is durable.

        An exception of `work` undoes what it alone did and is raised here. `Unavailable` means nothing was stored; but
        when PostgreSQL goes in the middle of a commit, nobody can know. What is asked again needs a key of its own.
        `work` may run more than once: its only effects are on the database.
        """
        if self._writer is None:
            raise RuntimeError("the database is not open")
        return await self._writer.write(work)

    async def close(self) -> None:
        """Commit what waits, then close every connection."""
        if self._writer is not None:
            await self._writer.close()
            self._writer = None
        await self._readers.dispose()


class SqliteWriter:
    """A thread that owns the connection that writes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="presence-writer", daemon=True)
        self._thread.start()

    async def write(self, work: Work[T]) -> T:
        if self._closed or self._jobs.qsize() >= WAITING:
            raise Unavailable()
        job = _Job(work)
        self._jobs.put(job)
        result: T = await job.future
        return result

    async def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        with self._engine.connect() as connection:
            running = True
            while running:
                batch, running = self._next_batch()
                if batch:
                    self._commit(connection, batch)
                    _settle(batch)
            raw: Any = connection.connection.dbapi_connection  # outside of a transaction, which SQLAlchemy would begin
            with contextlib.suppress(sqlite3.OperationalError):  # others work with the file
                raw.execute("PRAGMA optimize").close()
                raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
        self._engine.dispose()

    def _next_batch(self) -> tuple[list[_Job], bool]:
        """Wait for work, then take all that waits; False once the writer is told to stop."""
        batch: list[_Job] = []
        job = self._jobs.get()
        while job is not None:
            batch.append(job)
            if len(batch) == BATCH:
                return batch, True
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return batch, True
        return batch, False

    def _commit(self, connection: Connection, batch: Sequence[_Job]) -> None:
        try:
            with connection.begin():
                _run_batch(connection, batch)
        except Exception as error:  # the disk is full, or the file is gone: nobody is told that it was stored
            connection.rollback()
            _fail(batch, error)


class PostgresWriter:
    """A task that runs batches on one connection."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._jobs: asyncio.Queue[_Job | None] = asyncio.Queue(WAITING)
        self._closed = False
        self._task = asyncio.create_task(self._run(), name="presence-writer")

    async def write(self, work: Work[T]) -> T:
        if self._closed:
            raise Unavailable()
        job = _Job(work)
        try:
            self._jobs.put_nowait(job)
        except asyncio.QueueFull:
            raise Unavailable() from None
        result: T = await job.future
        return result

    async def close(self) -> None:
        if not self._closed:
            self._closed = True
            await self._jobs.put(None)
        await self._task
        await self._engine.dispose()

    async def _run(self) -> None:
        running = True
        while running:
            batch: list[_Job] = []
            job = await self._jobs.get()
            while job is not None:
                batch.append(job)
                if len(batch) == BATCH or self._jobs.empty():
                    break
                job = self._jobs.get_nowait()
            running = job is not None
            if batch:
                await self._commit(batch)
                for done in batch:
                    done.settle()

    async def _commit(self, batch: Sequence[_Job]) -> None:
        for attempt in range(_RETRIES):
            try:
                async with self._engine.begin() as connection:
                    await connection.run_sync(_run_batch, batch)
            except Exception as error:  # the driver's own, too, when it cannot connect: the task must outlive them all
                may_be_repeated = isinstance(error, DBAPIError) and _may_be_repeated(error)
                if attempt + 1 == _RETRIES or not may_be_repeated:
                    return _fail(batch, error)
            else:
                return None
        return None


def sqlite_writer_engine(url: URL) -> Engine:
    """The engine whose one connection writes: WAL, an fsync before every answer, BEGIN IMMEDIATE."""
    if url.database and url.database != ":memory:":
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        url.set(drivername="sqlite+pysqlite"), poolclass=StaticPool, connect_args={"check_same_thread": False}
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # SQLAlchemy begins and commits, not the driver
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",  # NORMAL may lose what was acknowledged when the power fails
            "foreign_keys=ON",
            "busy_timeout=5000",
            "cache_size=-65536",
            "wal_autocheckpoint=8000",  # 32 MB: a page that changes with every commit is copied back once
        ):
            connection.execute(f"PRAGMA {pragma}").close()

    # Not by an event: SQLAlchemy would ask for listeners around every statement.
    engine.dialect.do_begin = _begin_immediate  # type: ignore[method-assign]
    return engine


def _begin_immediate(dbapi_connection: Any) -> None:
    dbapi_connection.execute("BEGIN IMMEDIATE").close()


def _reader_engine(url: URL, readers: int) -> AsyncEngine:
    if url.get_backend_name() != "sqlite":
        return create_async_engine(
            driver_url(url),
            pool_size=readers,
            max_overflow=0,
            isolation_level="REPEATABLE READ",
            execution_options={"postgresql_readonly": True},
        )
    engine = create_async_engine(driver_url(url), pool_size=readers, max_overflow=0)

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        # Readers neither write nor checkpoint: see the WAL-reset bug above.
        for pragma in ("query_only=1", "wal_autocheckpoint=0", "busy_timeout=5000", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine


def driver_url(url: URL) -> URL:
    """The address with the asynchronous driver for its database."""
    return url.set(drivername="sqlite+aiosqlite" if url.get_backend_name() == "sqlite" else "postgresql+asyncpg")


def _run_batch(connection: Connection, batch: Sequence[_Job]) -> None:
    """Run each job in a savepoint; one that raises is undone alone."""
    tell = connection.exec_driver_sql  # SQLAlchemy's own savepoints are compiled anew each time
    for job in batch:
        tell("SAVEPOINT job")
        try:
            job.result, job.error = job.work(connection), None
        except DBAPIError as error:
            if error.connection_invalidated or not _in_transaction(connection) or _may_be_repeated(error):
                raise  # the whole transaction is gone, not this savepoint alone
            tell("ROLLBACK TO SAVEPOINT job")
            job.error = _told(error)
        except Exception as error:
            tell("ROLLBACK TO SAVEPOINT job")
            job.error = error
        tell("RELEASE SAVEPOINT job")


def _told(error: DBAPIError) -> Exception:
    """What the caller is told: that there is no room, or the error as it is."""
    code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
    state = getattr(error.orig, "sqlstate", None) or ""
    if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR) or state.startswith("53"):
        unavailable = Unavailable()
        unavailable.__cause__ = error
        return unavailable
    return error


def _in_transaction(connection: Connection) -> bool:
    """Whether the database still has our transaction: SQLite ends it by itself when the disk is full."""
    raw: Any = connection.connection.dbapi_connection
    return bool(getattr(raw, "in_transaction", True))


def is_gone(error: Exception) -> bool:
    """Whether the database could not be reached, or left in the middle: connecting raises the driver's own errors."""
    if isinstance(error, DBAPIError):
        if error.connection_invalidated:
            return True
        cause: BaseException | None = error.orig
    else:
        cause = error
    # Connection exceptions, too many connections, and a server that starts or stops.
    return isinstance(cause, OSError) or str(getattr(cause, "sqlstate", "")).startswith(("08", "53", "57P"))


def _may_be_repeated(error: DBAPIError) -> bool:
    """PostgreSQL's serialization_failure and deadlock_detected: nothing was stored, the same work may succeed."""
    return getattr(error.orig, "sqlstate", None) in {"40001", "40P01"}


def _fail(batch: Sequence[_Job], cause: BaseException) -> None:
    for job in batch:
        job.error = Unavailable()
        job.error.__cause__ = cause


def _settle(batch: Sequence[_Job]) -> None:
    """Answer a batch from the writer's thread: one call into each loop."""
    for loop in {job.loop for job in batch}:
        jobs = [job for job in batch if job.loop is loop]
        if not loop.is_closed():
            loop.call_soon_threadsafe(_answer, jobs)


def _answer(jobs: Sequence[_Job]) -> None:
    for job in jobs:
        job.settle()
