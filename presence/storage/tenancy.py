"""One process at a time, unless a bus joins them: two that do not hear each other would show each its own half of the truth.

The claim is the operating system's or PostgreSQL's own lock, so that it ends with the process however that ends.
"""

import contextlib
import fcntl
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from sqlalchemy.engine import URL

from presence.errors import ConfigError

_LOCK = 7_353_641_290  # any number, the same in every process


@contextlib.asynccontextmanager
async def tenancy(url: URL, *, shared: bool) -> AsyncIterator[None]:
    """Hold the database for this process, or share it with others that share it. `ConfigError` when that cannot be."""
    if url.get_backend_name() == "sqlite":
        with _file_lock(Path(url.database or "presence.db"), shared=shared):
            yield
        return
    import asyncpg  # of the extra "scale"

    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    connection = await asyncpg.connect(address)
    try:
        kind = "_shared" if shared else ""
        if not await connection.fetchval(f"SELECT pg_try_advisory_lock{kind}({_LOCK})"):
            raise ConfigError(_REFUSED)
        yield
    finally:
        with contextlib.suppress(OSError, asyncpg.PostgresError):
            await connection.close(timeout=5)


@contextlib.contextmanager
def alone(url: URL) -> Iterator[None]:
    """Hold a SQLite file while a command writes into it; PostgreSQL takes many writers. `ConfigError` when it is in use.

    Debian's SQLite can corrupt its log when two processes write (see `presence.storage.database`).
    """
    if url.get_backend_name() != "sqlite":
        yield
        return
    with _file_lock(Path(url.database or "presence.db"), shared=False, refused=_IN_USE):
        yield


_IN_USE = "database.url: presence is running on this database; stop it first"
_REFUSED = (
    "chat.redis_url: another process of presence uses this database, and at least one of the two has no bus to hear the "
    "other by. Set chat.redis_url to the same Redis in every process, or stop the other one"
)


@contextlib.contextmanager
def _file_lock(database: Path, *, shared: bool, refused: str = _REFUSED) -> Iterator[None]:
    lock = database.with_name(database.name + ".lock")
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("a") as stream:
        try:
            fcntl.flock(stream, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except OSError:
            raise ConfigError(refused) from None
        yield
