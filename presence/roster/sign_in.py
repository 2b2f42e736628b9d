"""Advisers' sign-in: argon2id, sessions as random tokens of which only the fingerprint is stored."""

import asyncio
from collections.abc import Iterable

from sqlalchemy import Connection, delete, insert, select, update

from presence.clock import Clock
from presence.errors import FieldError, Invalid
from presence.roster import passwords, store
from presence.roster.model import Adviser
from presence.storage.database import Database
from presence.storage.tables import adviser as adviser_table
from presence.storage.tables import session
from presence.tokens import fingerprint, random_token

LASTS = 12 * 3600  # seconds


class SignIn:
    """Who somebody at the desk is."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def sign_in(self, email: str, password: str, former: str = "") -> str:
        """A new session's token; the same `Invalid` for a wrong password and an unknown address, after the same work.

        `former` is the token the browser had until now: it ends, so that nobody goes on with what was theirs before.
        """
        email = email.strip().lower()
        account = await self._database.read(lambda connection: store.account(connection, email))
        stored = account.password_hash if account else ""
        if not await asyncio.to_thread(passwords.is_right, stored, password):
            raise _refusal()
        token, now = random_token(), self._clock.now()
        renewed = await asyncio.to_thread(passwords.hashed, password) if passwords.is_outdated(stored) else ""

        def work(connection: Connection) -> None:
            if account is None or store.account(connection, email) != account:  # it was changed while we looked
                raise _refusal()
            ended = (session.c.expires_at <= now) | (session.c.fingerprint == fingerprint(former))
            connection.execute(delete(session).where(ended))
            connection.execute(
                insert(session).values(
                    fingerprint=fingerprint(token),
                    adviser_id=account.adviser_id,
                    created_at=now,
                    expires_at=now + LASTS,
                )
            )
            if renewed:
                connection.execute(
                    update(adviser_table).where(adviser_table.c.id == account.adviser_id).values(password_hash=renewed)
                )

        await self._database.write(work)
        return token

    async def adviser_of(self, token: str) -> Adviser | None:
        """Whose session a token is, while it lasts."""
        if not token:
            return None
        now = self._clock.now()

        def work(connection: Connection) -> Adviser | None:
            id_ = connection.execute(
                select(session.c.adviser_id)
                .join(adviser_table)
                .where(
                    session.c.fingerprint == fingerprint(token),
                    session.c.expires_at > now,
                    adviser_table.c.active,
                )
            ).scalar_one_or_none()
            return store.advisers_by_id(connection, [id_])[id_] if id_ is not None else None

        return await self._database.read(work)

    async def sign_out(self, token: str) -> None:
        """End a session."""
        await self._database.write(
            lambda connection: (
                connection.execute(delete(session).where(session.c.fingerprint == fingerprint(token))).rowcount
            )
        )

    async def set_password(self, adviser_id: int, password: str) -> None:
        """Set an adviser's password and end their sessions. `Invalid` when it is too short or too long."""
        wrong = passwords.wrong_with(password)
        if wrong is not None:
            raise Invalid({"password": wrong})
        hashed = await asyncio.to_thread(passwords.hashed, password)

        def work(connection: Connection) -> None:
            connection.execute(
                update(adviser_table).where(adviser_table.c.id == adviser_id).values(password_hash=hashed)
            )
            connection.execute(delete(session).where(session.c.adviser_id == adviser_id))

        await self._database.write(work)


def still_signed_in(connection: Connection, prints: Iterable[str], now: int) -> set[str]:
    """Which of these fingerprints are sessions that last."""
    every, found = list(prints), set()
    for first in range(0, len(every), 500):
        query = (
            select(session.c.fingerprint).join(adviser_table).where(session.c.expires_at > now, adviser_table.c.active)
        )
        found |= set(connection.execute(query.where(session.c.fingerprint.in_(every[first : first + 500]))).scalars())
    return found


def _refusal() -> Invalid:
    return Invalid({"password": FieldError("This address and password do not belong together")})
