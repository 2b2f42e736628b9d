"""One process at a time, unless a bus joins them: two that do not hear each other would show each its own half of the truth.

The claim is the operating system's or PostgreSQL's own lock, so that it ends with the process however that ends. PostgreSQL's
ends with its connection, too: it is taken again when that has gone, and whoever comes too late for it stops.
"""

import asyncio
import contextlib
import fcntl
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import structlog
from sqlalchemy.engine import URL

from presence.errors import ConfigError

log = structlog.get_logger("presence.tenancy")


def stop() -> None:
    """End this process as an operator's stop does: what is under way ends in order, and clients are told."""
    signal.raise_signal(signal.SIGTERM)


@contextlib.asynccontextmanager
async def tenancy(url: URL, *, shared: bool, lost: Callable[[], None] = stop) -> AsyncIterator[None]:
    """Hold the database for this process, or share it with others that share it. `ConfigError` when that cannot be.

    `lost` is called when another process has taken it while PostgreSQL or the way to it was away.
    """
    if url.get_backend_name() == "sqlite":
        with _file_lock(Path(url.database or "presence.db"), shared=shared):
            yield
        return
    from presence.storage.claim import Claim  # its driver is of the extra "scale"

    def refused() -> None:
        log.critical("stopping", reason=_REFUSED)
        lost()

    async with Claim(url, shared=shared) as claim:
        if not await claim.take():
            raise ConfigError(_REFUSED)
        keeping = asyncio.create_task(claim.keep(refused), name="tenancy")
        try:
            yield
        finally:
            keeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await keeping


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
