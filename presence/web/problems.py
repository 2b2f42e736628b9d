"""Errors as answers: problem+json (RFC 9457) for the API, a friendly page for people."""

import traceback
from http import HTTPStatus
from typing import Any

import msgspec
import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ExceptionHandler

from presence.clock import utc
from presence.errors import Invalid, PresenceError, SlotTaken, TooMany, Unauthorised
from presence.i18n import N_, translator
from presence.web.request import language_of, page

log = structlog.get_logger(__name__)


def handlers() -> dict[Any, ExceptionHandler]:
    """Exception handlers for the application. What they do not know is the guard's: see `unexpected`."""
    return {PresenceError: _known, HTTPException: _http}


def _known(request: Request, error: Exception) -> Response:
    if not isinstance(error, PresenceError):
        raise error
    return answer(request, error)


def _http(request: Request, error: Exception) -> Response:
    """What the router and the form parser raise."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = getattr(error, "headers", None) or {}
    phrase = HTTPStatus(status).phrase
    if _is_api(request):
        slug = phrase.lower().replace(" ", "-")
        return _problem({"type": f"/problems/{slug}", "title": phrase, "status": status}, status, headers)
    known = PresenceError(_TITLES.get(status, N_("This cannot be done")))
    known.status, known.title = status, known.message  # type: ignore[misc]
    return _page(request, known, headers)


_TITLES = {
    400: N_("This request cannot be read"),
    404: N_("There is nothing here"),
    405: N_("This cannot be done"),
    408: N_("This took too long; please try again"),
}


def unexpected(request: Request, error: Exception) -> Response:
    """The answer to an error nobody foresaw: a number that finds it in the log, and none of its own words."""
    log.error("unexpected", error=type(error).__qualname__, trace=_where(error), request=request.state.request_id)
    return answer(request, PresenceError())


def _where(error: BaseException) -> str:
    """Where an error and its causes came from, without what they say: a database repeats the values it was given."""
    parts: list[str] = []
    one: BaseException | None = error
    while one is not None and len(parts) < 5:
        frames = "".join(traceback.format_list(traceback.extract_tb(one.__traceback__)))
        parts.append(f"{frames}{type(one).__module__}.{type(one).__qualname__}")
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
    return "\ncaused by\n".join(parts)


def answer(request: Request, error: PresenceError) -> Response:
    """The answer that tells of an error."""
    headers: dict[str, str] = {}
    if isinstance(error, TooMany):
        headers["Retry-After"] = str(error.retry_after)
    if _is_api(request):
        if isinstance(error, Unauthorised):
            headers["WWW-Authenticate"] = 'Bearer realm="presence"'
        return _problem(_described(request, error), error.status, headers)
    return _page(request, error, headers)


def _page(request: Request, error: PresenceError, headers: dict[str, str]) -> Response:
    response = page(
        request,
        "error.html",
        error.status,
        error=error,
        message=_said(request, error.message, **error.values),
        retry_after=error.retry_after if isinstance(error, TooMany) else 0,
        request_id=request.state.request_id if error.status >= 500 else "",
    )
    response.headers.update(headers)
    return response


def _said(request: Request, message: str, **values: Any) -> str:
    return translator(language_of(request)).gettext(message, **values)


def _described(request: Request, error: PresenceError) -> dict[str, Any]:
    problem: dict[str, Any] = {
        "type": f"/problems/{error.code}",
        "title": _said(request, error.title),
        "status": error.status,
    }
    if error.message != error.title:
        problem["detail"] = _said(request, error.message, **error.values)
    if isinstance(error, Invalid):
        problem["errors"] = [
            {"field": field, "detail": _said(request, one.message, **one.values)} for field, one in error.fields.items()
        ]
    if isinstance(error, SlotTaken):
        problem["nearest"] = [utc(start) for start in error.nearest]
    return {**problem, **error.members}


def _problem(problem: dict[str, Any], status: int, headers: dict[str, str]) -> Response:
    return Response(
        msgspec.json.encode(problem),
        status,
        media_type="application/problem+json",
        headers={"Cache-Control": "no-store", **headers},
    )


def _is_api(request: Request) -> bool:
    """Whether a program asks: one of the API's, a script of our pages, or the widget."""
    return request.url.path.startswith(("/api/", "/widget/")) or "application/json" in request.headers.get("accept", "")
