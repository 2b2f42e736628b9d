"""What every answer carries, and what no request may do: security headers, forged forms, bodies without end."""

import secrets
import time
from urllib.parse import urlsplit

import structlog
from prometheus_client import Histogram
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from presence.errors import Forbidden, PresenceError, TooLarge
from presence.web.problems import answer as problem_of

log = structlog.get_logger("presence.access")

_SECONDS = Histogram("presence_request_seconds", "Time to answer", ["route", "method", "status"])
_UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}
_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-src 'self'; frame-ancestors 'none'; base-uri 'none'; manifest-src 'self'"
)
_HEADERS = {
    "Content-Security-Policy": _CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # links' secrets stay with us; forms still tell their origin
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(self), geolocation=()",
}


class Guard:
    """Pure ASGI, inside of the application's state and around its routes."""

    def __init__(self, app: ASGIApp, *, base_url: str, body_bytes: int) -> None:
        self._app = app
        self._origin = urlsplit(base_url)
        self._body_bytes = body_bytes
        self._headers = dict(_HEADERS)
        if self._origin.scheme == "https":
            self._headers["Strict-Transport-Security"] = "max-age=31536000"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 500
        scope.setdefault("state", {})["request_id"] = secrets.token_hex(8)

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            refusal = self._refusal(scope)
            if refusal is not None:
                refused = problem_of(Request(scope, receive), refusal)
                await refused(scope, receive, answer)
            else:
                await self._app(scope, self._bounded(receive), answer)
        finally:
            self._told(scope, status, time.perf_counter() - began)

    def _refusal(self, scope: Scope) -> PresenceError | None:
        """What is wrong with a request before anything is read of it."""
        headers = Headers(scope=scope)
        length = headers.get("content-length", "0")
        if length.isdigit() and int(length) > self._body_bytes:
            return TooLarge()
        if scope["method"] in _UNSAFE and not scope["path"].startswith("/api/") and self._forged(headers):
            return Forbidden("This form was sent from another site")
        return None

    def _forged(self, headers: Headers) -> bool:
        """Whether a browser was led here from another site. Fetch Metadata says so; older browsers tell the origin."""
        site = headers.get("sec-fetch-site")
        if site is not None:
            return site not in {"same-origin", "none"}
        origin = headers.get("origin")
        return origin is not None and urlsplit(origin).netloc not in {self._origin.netloc, headers.get("host", "")}

    def _bounded(self, receive: Receive) -> Receive:
        left = self._body_bytes

        async def take() -> Message:
            nonlocal left
            message = await receive()
            if message["type"] == "http.request":
                left -= len(message.get("body", b""))
                if left < 0:
                    raise TooLarge()
            return message

        return take

    def _told(self, scope: Scope, status: int, seconds: float) -> None:
        """One line and one measure a request, by route: paths hold secrets and are never written down."""
        route = getattr(scope.get("route"), "path", None) or _nameless(scope["path"])
        _SECONDS.labels(route, scope["method"], str(status)).observe(seconds)
        log.info(
            "request",
            method=scope["method"],
            route=route,
            status=status,
            ms=round(seconds * 1000, 1),
            request=scope["state"]["request_id"],
        )


def _nameless(path: str) -> str:
    return "/static" if path.startswith("/static/") else "-"
