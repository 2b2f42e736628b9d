"""Advisers' sign-in: argon2id, sessions as random tokens of which only the fingerprint is stored."""

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Connection, delete, insert, select, update

from presence.clock import Clock
from presence.errors import FieldError, Invalid
from presence.roster import store
from presence.roster.model import Adviser
from presence.storage.database import Database
from presence.storage.tables import adviser as adviser_table
from presence.storage.tables import session
from presence.tokens import fingerprint, random_token

LASTS = 12 * 3600  # seconds
_hasher = PasswordHasher()
_NOBODY = _hasher.hash("nobody's password")  # so that an unknown address takes as long as a known one


class SignIn:
    """Who somebody at the desk is."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def sign_in(self, email: str, password: str) -> str:
        """A new session's token; the same `Invalid` for a wrong password and an unknown address."""
        account = await self._database.read(lambda connection: store.account(connection, email.strip().lower()))
        stored = account.password_hash if account and account.password_hash else _NOBODY
        right = await asyncio.to_thread(_verified, stored, password[:1000])
        if account is None or not account.password_hash or not right:
            raise Invalid({"password": FieldError("This address and password do not belong together")})
        token, now, adviser_id = random_token(), self._clock.now(), account.adviser_id
        renewed = await asyncio.to_thread(_hasher.hash, password) if _hasher.check_needs_rehash(stored) else ""

        def work(connection: Connection) -> None:
            connection.execute(delete(session).where(session.c.expires_at <= now))
            connection.execute(
                insert(session).values(
                    fingerprint=fingerprint(token),
                    adviser_id=adviser_id,
                    created_at=now,
                    expires_at=now + LASTS,
                )
            )
            if renewed:
                connection.execute(
                    update(adviser_table).where(adviser_table.c.id == adviser_id).values(password_hash=renewed)
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
        """Set an adviser's password and end their sessions. `Invalid` when it is shorter than 12 characters."""
        if len(password) < 12:
            raise Invalid({"password": FieldError("At least %(count)s characters are needed", count=12)})
        hashed = await asyncio.to_thread(_hasher.hash, password)

        def work(connection: Connection) -> None:
            connection.execute(
                update(adviser_table).where(adviser_table.c.id == adviser_id).values(password_hash=hashed)
            )
            connection.execute(delete(session).where(session.c.adviser_id == adviser_id))

        await self._database.write(work)


def _verified(stored: str, password: str) -> bool:
    try:
        return _hasher.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False
