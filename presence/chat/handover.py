"""From a site's page into a window of our own: a ticket that lets the same visitor in there, once, and within a minute.

It holds the visitor's token under our own lock, for we keep only what tokens look like from outside.
"""

import base64
import hashlib
import hmac

from cryptography.fernet import Fernet, InvalidToken
from sqlalchemy import Connection

from presence.sites import store
from presence.sites.signers import KEPT
from presence.tokens import fingerprint, random_token

LASTS = 60  # seconds


class Handovers:
    """Makes tickets, and reads them."""

    def __init__(self, secret_key: str) -> None:
        key = hmac.digest(secret_key.encode(), b"presence handover", hashlib.sha256)
        self._lock = Fernet(base64.urlsafe_b64encode(key))

    def ticket(self, site_id: int, token: str, now: int) -> str:
        """A ticket for the visitor of a token."""
        held = f"{site_id} {random_token()} {token}"
        return self._lock.encrypt_at_time(held.encode(), now).decode()

    def read(self, site_id: int, ticket: str, now: int) -> tuple[str, str] | None:
        """The ticket's own name and the token in it; None when it is not ours, of another site, or old."""
        try:
            held = self._lock.decrypt_at_time(ticket.encode(), LASTS, now).decode()
        except (InvalidToken, ValueError):
            return None
        site, name, token = held.split(" ")
        return (name, token) if site == str(site_id) else None


def used(connection: Connection, site_id: int, name: str, now: int) -> bool:
    """Use a ticket up, within a transaction; False when it had been used."""
    store.forget_spent(connection, now - KEPT)
    return store.spend(connection, site_id, fingerprint(name), now + LASTS)
