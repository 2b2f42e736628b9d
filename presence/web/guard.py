"""What every answer carries, and what no request may do: security headers, forged forms, bodies without end."""

import asyncio
import secrets
import time
from urllib.parse import urlsplit

import structlog
from prometheus_client import Histogram
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from presence.errors import Forbidden, PresenceError, TooLarge
from presence.web import problems

log = structlog.get_logger("presence.access")

_SECONDS = Histogram("presence_request_seconds", "Time to answer", ["route", "method", "status"])
UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_METHODS = UNSAFE | {"GET", "HEAD", "OPTIONS"}  # a client may invent others; a label for each would fill the memory
_LEFT = 499  # in the log alone: the client went before it had sent its body
_UNFRAMED = "frame-ancestors 'none'"  # by other sites; `state.framed_by` names the origins that a page may be framed by
_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    f"form-action 'self'; frame-src 'self'; {_UNFRAMED}; base-uri 'none'; manifest-src 'self'"
)
_HEADERS = {
    "Content-Security-Policy": _CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # links' secrets stay with us; forms still tell their origin
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), display-capture=(), geolocation=()",
}
_IN_ROOMS = (
    "camera",
    "microphone",
    "display-capture",
    "autoplay",
    "fullscreen",
    "picture-in-picture",
    "speaker-selection",
    "on-device-speech-recognition",
)
# What the pages of rooms carry in the place of the others': there alone people show and say something.
FOR_ROOMS = {
    "Content-Security-Policy": f"{_CSP}; media-src 'self' blob:; worker-src 'self'",
    "Permissions-Policy": ", ".join([*(f"{name}=(self)" for name in _IN_ROOMS), "geolocation=()"]),
}


def form_to(host: str) -> dict[str, str]:
    """What a page carries whose form is answered by leading on to another host: browsers ask for leave for that, too."""
    return {"Content-Security-Policy": _CSP.replace("form-action 'self'", f"form-action 'self' https://{host}")}


def measured(route: str, method: str, status: int, seconds: float) -> None:
    """Count a request that was answered."""
    _SECONDS.labels(route, method, str(status)).observe(seconds)


class Guard:
    """Pure ASGI, inside of the application's state and around its routes.

    `body_bytes` bounds a request's body, `file_bytes` that of a path that ends in "/files"; `body_seconds` the time from
    its first to its last byte.
    """

    def __init__(
        self, app: ASGIApp, *, base_url: str, body_bytes: int, file_bytes: int = 0, body_seconds: float = 30
    ) -> None:
        self._app = app
        self._origin = urlsplit(base_url)
        self._body_bytes = body_bytes
        self._file_bytes = max(body_bytes, file_bytes)
        self._body_seconds = body_seconds
        self._headers = dict(_HEADERS)
        if self._origin.scheme == "https":
            self._headers["Strict-Transport-Security"] = "max-age=31536000"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 0
        scope.setdefault("state", {})["request_id"] = secrets.token_hex(8)

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                framing = scope["state"].get("framed_by")
                if framing:
                    policy = headers["Content-Security-Policy"]
                    headers["Content-Security-Policy"] = policy.replace(_UNFRAMED, f"frame-ancestors {framing}")
                headers["X-Request-Id"] = scope["state"]["request_id"]
            await send(message)

        try:
            refusal = self._refusal(scope)
            if refusal is not None:
                await problems.answer(Request(scope, receive), refusal)(scope, receive, answer)
            else:
                await self._app(scope, self._bounded(receive, self._most(scope)), answer)
        except ClientDisconnect:
            status = _LEFT
        except Exception as error:
            response = problems.unexpected(Request(scope), error)
            if status:  # half of an answer is out: cut the connection, and do not repeat what the error says
                raise RuntimeError("an answer broke off") from None
            await response(scope, receive, answer)
        finally:
            self._told(scope, status or 500, time.perf_counter() - began)

    def _refusal(self, scope: Scope) -> PresenceError | None:
        """What is wrong with a request before anything is read of it."""
        headers = Headers(scope=scope)
        length = headers.get("content-length", "0")
        if length.isdigit() and int(length) > self._most(scope):
            return TooLarge()
        if scope["method"] in UNSAFE and not scope["path"].startswith("/api/") and self._forged(headers):
            return Forbidden("This form was sent from another site")
        return None

    def _most(self, scope: Scope) -> int:
        return self._file_bytes if scope["path"].endswith("/files") else self._body_bytes

    def _forged(self, headers: Headers) -> bool:
        """Whether a browser was led here from another site. Fetch Metadata says so; older browsers tell the origin."""
        site = headers.get("sec-fetch-site")
        if site is not None:
            return site not in {"same-origin", "none"}
        origin = headers.get("origin")
        if origin is None:  # no browser, or one from before 2020; a signed-in session also asks for its token
            return False
        return (urlsplit(origin).netloc or None) not in {self._origin.netloc, headers.get("host")}

    def _bounded(self, receive: Receive, most: int) -> Receive:
        """A body up to its limit of bytes and of time; a slow sender holds a connection no longer than that."""
        left, until = most, None

        async def take() -> Message:
            nonlocal left, until
            loop = asyncio.get_running_loop()
            if left < 0:
                raise TooLarge()
            until = loop.time() + self._body_seconds if until is None else until
            try:
                async with asyncio.timeout_at(until):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(408, headers={"Connection": "close"}) from None
            if message["type"] == "http.request":
                left -= len(message.get("body", b""))
                if left < 0:
                    raise TooLarge()
                if not message.get("more_body", False):
                    until = float("inf")  # the body is whole; what still comes is that the client leaves
            return message

        return take

    def _told(self, scope: Scope, status: int, seconds: float) -> None:
        """One line and one measure a request, by route: paths hold secrets and are never written down."""
        route = getattr(scope.get("route"), "path", None) or _nameless(scope["path"])
        method = scope["method"] if scope["method"] in _METHODS else "other"
        measured(route, method, status, seconds)
        log.info(
            "request",
            method=method,
            route=route,
            status=status,
            ms=round(seconds * 1000, 1),
            request=scope["state"]["request_id"],
        )


def _nameless(path: str) -> str:
    return "/static" if path.startswith("/static/") else "-"
