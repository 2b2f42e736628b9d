"""What somebody has typed, kept while they go from page to page: in a cookie, or in the address where no cookie comes along.

Inside of another site's page browsers keep our cookies away. There it travels sealed: an address stands in histories and
logs, where nobody else shall read what was typed. It is stored nowhere here.

Names and values are as in the form; beside them `hold`, `service` and `start` tell which hour is kept for them. It is
read as carefully as a form: it comes from the browser.
"""

import base64
import binascii
import hmac
import zlib
from collections.abc import Mapping

import msgspec
from cryptography.fernet import Fernet, InvalidToken
from starlette.requests import Request
from starlette.responses import Response

from presence.web.request import at_of, web_of

NAME = "draft"
SECONDS = 1800
_MAX = 3_800  # bytes; browsers take cookies of 4,096 with name and attributes, and servers longer addresses than that
_MAX_TEXT = 65_536


def sealer(secret_key: str) -> Fernet:
    """What seals drafts in addresses; the same in all processes that share a secret key."""
    return Fernet(base64.urlsafe_b64encode(hmac.digest(secret_key.encode(), b"draft", "sha256")))


def read(request: Request) -> dict[str, str]:
    """What was typed before; nothing when there is none, or it cannot be read."""
    try:
        raw = _opened(request) if at_of(request) else base64.urlsafe_b64decode(request.cookies.get(NAME, "").encode())
        text = zlib.decompressobj().decompress(raw, _MAX_TEXT)
        return msgspec.json.decode(text, type=dict[str, str])
    except (binascii.Error, zlib.error, InvalidToken, ValueError, msgspec.DecodeError):
        return {}


def keep(request: Request, response: Response, typed: Mapping[str, str]) -> bool:
    """Let the browser keep it; False, and nothing kept, when it is too much for a cookie, or for an address."""
    if at_of(request):
        return bool(carried(request, typed)[NAME])
    value = base64.urlsafe_b64encode(_packed(typed)).decode()
    if len(value) > _MAX:
        return False
    secure = web_of(request).config.server.base_url.startswith("https://")
    response.set_cookie(NAME, value, max_age=SECONDS, path="/book", secure=secure, httponly=True, samesite="lax")
    return True


def carried(request: Request, typed: Mapping[str, str]) -> dict[str, str]:
    """What an address carries of it, by name: nothing where a cookie does, an empty value where it is too much."""
    if not at_of(request):
        return {}
    sealing: Fernet = request.app.state.drafts
    value = sealing.encrypt_at_time(_packed(typed), web_of(request).clock.now()).decode()
    return {NAME: value if len(value) <= _MAX else ""}


def forget(request: Request, response: Response) -> None:
    """The browser need not keep it any longer."""
    if not at_of(request):
        response.delete_cookie(NAME, path="/book")


def _opened(request: Request) -> bytes:
    sealing: Fernet = request.app.state.drafts
    return sealing.decrypt_at_time(request.query_params.get(NAME, ""), SECONDS, web_of(request).clock.now())


def _packed(typed: Mapping[str, str]) -> bytes:
    return zlib.compress(msgspec.json.encode(dict(typed)), 9)
