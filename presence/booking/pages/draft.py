"""What somebody has typed, kept in a cookie while they go from page to page: it is neither stored here nor put in addresses.

Names and values are as in the form; beside them `hold`, `service` and `start` tell which hour is kept for them. It is
read as carefully as a form: it comes from the browser.
"""

import base64
import binascii
import zlib
from collections.abc import Mapping

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from presence.web.request import web_of

NAME = "draft"
SECONDS = 1800
_MAX_COOKIE = 3_800  # bytes; browsers take 4,096 with name and attributes
_MAX_TEXT = 65_536


def read(request: Request) -> dict[str, str]:
    """What was typed before; nothing when there is none, or it cannot be read."""
    try:
        raw = base64.urlsafe_b64decode(request.cookies.get(NAME, "").encode())
        text = zlib.decompressobj().decompress(raw, _MAX_TEXT)
        return msgspec.json.decode(text, type=dict[str, str])
    except (binascii.Error, zlib.error, ValueError, msgspec.DecodeError):
        return {}


def keep(request: Request, response: Response, typed: Mapping[str, str]) -> bool:
    """Let the browser keep it; False, and nothing kept, when it is too much for a cookie."""
    value = base64.urlsafe_b64encode(zlib.compress(msgspec.json.encode(dict(typed)), 9)).decode()
    if len(value) > _MAX_COOKIE:
        return False
    secure = web_of(request).config.server.base_url.startswith("https://")
    response.set_cookie(NAME, value, max_age=SECONDS, path="/book", secure=secure, httponly=True, samesite="lax")
    return True


def forget(response: Response) -> None:
    """The browser need not keep it any longer."""
    response.delete_cookie(NAME, path="/book")
