"""Passes: short signed tokens that open a live connection, so that a storm of reconnects asks no database who everybody is."""

import base64
import hashlib
import hmac

import msgspec

from presence.errors import Unauthorised
from presence.tokens import derived_token

LASTS = 600  # seconds


class Pass(msgspec.Struct, frozen=True, array_like=True):
    """Who may connect, until when. `session` names the sign-in it came from; with `only` it opens one conversation."""

    who: str  # "adviser:<id>", "visitor:<id>", or "onlooker:": somebody who only sees who is there
    until: int
    session: str = ""
    only: str = ""


class Passes:
    """Issues and reads passes with one secret key."""

    def __init__(self, secret_key: str) -> None:
        self._key = derived_token(secret_key.encode(), "live pass").encode()

    def issue(self, who: str, now: int, session: str = "", *, only: str = "") -> tuple[str, int]:
        """A pass, and the instant until which it opens."""
        until = now + LASTS
        payload = msgspec.json.encode(Pass(who, until, session, only))
        return f"{_text(payload)}.{_text(self._signature(payload))}", until

    def read(self, token: str, now: int) -> Pass:
        """The pass a token is; `Unauthorised` when it is not ours, or old."""
        payload, _, signature = token.partition(".")
        try:
            raw = _bytes(payload)
            right = hmac.compare_digest(_bytes(signature), self._signature(raw))
            found = msgspec.json.decode(raw, type=Pass) if right else None
        except (ValueError, msgspec.MsgspecError):
            found = None
        if found is None or found.until <= now:
            raise Unauthorised()
        return found

    def _signature(self, payload: bytes) -> bytes:
        return hmac.digest(self._key, payload, hashlib.sha256)[:16]


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
