"""Passwords: which are taken, and their argon2id hashes. Hashing takes tens of milliseconds; keep it off the event loop."""

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from presence.errors import FieldError
from presence.tokens import random_token

SHORTEST = 12
LONGEST = 1000  # characters; hashing more is work that a stranger could give us
_hasher = PasswordHasher()


def wrong_with(password: str) -> FieldError | None:
    """What keeps a password from being set."""
    if len(password) < SHORTEST:
        return FieldError("At least %(count)s characters are needed", count=SHORTEST)
    if len(password) > LONGEST:
        return FieldError("Please keep it under %(count)s characters", count=LONGEST)
    return None


def hashed(password: str) -> str:
    """The hash to store."""
    return _hasher.hash(password)


def is_outdated(stored: str) -> bool:
    """Whether a hash was made with less work than is usual now."""
    return _hasher.check_needs_rehash(stored)


def is_right(stored: str, password: str) -> bool:
    """Whether a password is the one that was hashed. An empty hash takes as long, and nothing is right."""
    try:
        return _hasher.verify(stored or _nobodys(), password[: LONGEST + 1]) and bool(stored)
    except (VerificationError, InvalidHashError):
        return False


@cache
def _nobodys() -> str:
    return _hasher.hash(random_token())
