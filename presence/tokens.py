"""Unguessable names: 128 random bits in base62, and tokens derived from a secret key.

A token that opens something is stored only as its SHA-256; the ones mails must repeat (an appointment's link in every
reminder) are derived again from the key, so a stolen database opens nothing.
"""

import hashlib
import hmac
import secrets

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_LENGTH = 22  # 62**22 > 2**128


def random_token() -> str:
    """128 random bits as 22 base62 characters."""
    return _base62(secrets.token_bytes(16))


def derived_token(key: bytes, purpose: str, *parts: str | int) -> str:
    """The 128-bit token that `key` gives to a purpose and its parts; the same every time."""
    return _base62(_derived(key, purpose, *parts)[:16])


def derived_secret(key: bytes, purpose: str, *parts: str | int) -> str:
    """The 256 bits that `key` gives to a purpose and its parts, in hex: to sign with, for somebody who has only these."""
    return _derived(key, purpose, *parts).hex()


def _derived(key: bytes, purpose: str, *parts: str | int) -> bytes:
    return hmac.digest(key, "\x1f".join((purpose, *map(str, parts))).encode(), "sha256")


def is_same(token: str, derived: str) -> bool:
    """Whether a token is the one that was derived; how long it takes tells nothing of it."""
    return hmac.compare_digest(token.encode("utf-8", "replace"), derived.encode())


def fingerprint(token: str) -> str:
    """What is stored instead of a token: its SHA-256 in hex."""
    return hashlib.sha256(token.encode()).hexdigest()


def _base62(raw: bytes) -> str:
    number = int.from_bytes(raw, "big")
    digits = []
    for _ in range(_LENGTH):
        number, digit = divmod(number, 62)
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))
