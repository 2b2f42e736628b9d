"""A lock in PostgreSQL that is ours for as long as this process runs, also when the server or the way to it was away."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Self

import asyncpg
import structlog
from sqlalchemy.engine import URL

from presence.tokens import random_token

log = structlog.get_logger("presence.storage")

LOCK = 7_353_641_290  # any number, the same in every process
LOOK = 20.0  # seconds between looks at a connection that nothing is heard of
AGAIN = 0.2  # seconds between tries to take the lock again
PATIENCE = 5.0  # seconds in which PostgreSQL answers, or ends a session

_AWAY = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)
_OWN = "FROM pg_stat_activity WHERE application_name = $1 AND pid != pg_backend_pid()"


class Claim:
    """The lock, on a connection of its own, with which it ends."""

    def __init__(self, url: URL, *, shared: bool) -> None:
        self._address = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._lock = f"SELECT pg_try_advisory_lock{'_shared' if shared else ''}({LOCK})"
        self._name = f"presence {random_token()}"  # by which we know our own sessions
        self._connection: asyncpg.Connection | None = None
        self._gone = asyncio.Event()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._close()

    async def take(self) -> bool:
        """Take the lock; False when somebody else has it."""
        name = {"application_name": self._name}
        connection = self._connection = await asyncpg.connect(self._address, timeout=PATIENCE, server_settings=name)
        # A session of ours that PostgreSQL has not noticed to be dead would be in our own way.
        await connection.fetch(f"SELECT pg_terminate_backend(pid) {_OWN}", self._name, timeout=PATIENCE)
        async with asyncio.timeout(PATIENCE):
            own = True
            while not await connection.fetchval(self._lock):
                if not own:
                    return False
                own = await connection.fetchval(f"SELECT count(*) > 0 {_OWN}", self._name)
        gone = self._gone = asyncio.Event()
        connection.add_termination_listener(lambda _: gone.set())
        return True

    async def keep(self, lost: Callable[[], None]) -> None:
        """Take it again whenever its connection has gone; `lost` is called, once, when somebody else was faster."""
        while True:
            await self._until_gone()
            log.warning("the lock on the database has gone with its connection")
            if not await self._again():
                return lost()
            log.info("the lock on the database is taken again")

    async def _until_gone(self) -> None:
        """Until the connection has ended; one that died unheard is found by asking."""
        while not self._gone.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._gone.wait(), LOOK)
            if self._connection is not None and not self._gone.is_set():
                try:
                    await self._connection.fetchval("SELECT 1", timeout=PATIENCE)
                except _AWAY:
                    self._gone.set()

    async def _again(self) -> bool:
        while True:
            await self._close()
            try:
                return await self.take()
            except _AWAY:
                await asyncio.sleep(AGAIN)

    async def _close(self) -> None:
        """Close the connection, and with it the lock."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(*_AWAY):
                await connection.close(timeout=PATIENCE)
