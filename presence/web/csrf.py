"""The second check of what a signed-in adviser sends: a token that only a page of theirs holds.

The first is the guard's, by Fetch Metadata and Origin. The token follows from the session, so nothing more is stored; each
page masks it anew, so that what a compressed page weighs tells nothing of it (BREACH).
"""

import hashlib
import hmac
import secrets

from starlette.requests import Request

from presence.errors import Forbidden
from presence.i18n import N_
from presence.web.forms import form_of
from presence.web.guard import UNSAFE
from presence.web.templates import CSRF_FIELD

HEADER = "x-csrf-token"  # for scripts
_BYTES = 16


def token_for(session: str) -> str:
    """The token for the pages of a session, masked."""
    mask = secrets.token_bytes(_BYTES)
    return (mask + _xor(mask, _secret(session))).hex()


def is_right(session: str, token: str) -> bool:
    """Whether a page of this session gave the token."""
    try:
        raw = bytes.fromhex(token)
    except ValueError:
        return False
    return len(raw) == 2 * _BYTES and hmac.compare_digest(_xor(raw[:_BYTES], raw[_BYTES:]), _secret(session))


async def protect(request: Request, session: str) -> None:
    """Give the request's pages the session's token, and ask for it when something is changed: else `Forbidden`."""
    request.state.csrf = token_for(session)
    if request.method in UNSAFE:
        sent = request.headers.get(HEADER) or (await form_of(request)).text(CSRF_FIELD)
        if not is_right(session, sent):
            raise Forbidden(N_("This page is older than your session. Go back, reload it, and try again."))


def _secret(session: str) -> bytes:
    return hmac.digest(session.encode(), b"presence csrf", hashlib.sha256)[:_BYTES]


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))
