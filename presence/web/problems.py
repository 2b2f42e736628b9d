"""Errors as answers: problem+json (RFC 9457) for the API, a friendly page for people."""

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
from presence.i18n import translator
from presence.web.request import language_of, page

log = structlog.get_logger(__name__)


def handlers() -> dict[Any, ExceptionHandler]:
    """Exception handlers for the application."""
    return {PresenceError: _known, HTTPException: _http, Exception: _unknown}


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
    known = PresenceError()
    known.status, known.title = status, _TITLES.get(status, "This cannot be done")  # type: ignore[misc]
    response = page(request, "error.html", status, error=known, message=_said(request, known.title))
    response.headers.update(headers)
    return response


_TITLES = {404: "There is nothing here", 405: "This cannot be done", 400: "This request cannot be read"}


def _unknown(request: Request, error: Exception) -> Response:
    log.error("unexpected", exc_info=error, request=request.state.request_id)
    return answer(request, PresenceError())


def answer(request: Request, error: PresenceError) -> Response:
    """The answer that tells of an error."""
    headers: dict[str, str] = {}
    if isinstance(error, TooMany):
        headers["Retry-After"] = str(error.retry_after)
    if _is_api(request):
        if isinstance(error, Unauthorised):
            headers["WWW-Authenticate"] = 'Bearer realm="presence"'
        return _problem(_described(request, error), error.status, headers)
    response = page(request, "error.html", error.status, error=error, message=_said(request, error.message))
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
    return problem


def _problem(problem: dict[str, Any], status: int, headers: dict[str, str]) -> Response:
    return Response(
        msgspec.json.encode(problem),
        status,
        media_type="application/problem+json",
        headers={"Cache-Control": "no-store", **headers},
    )


def _is_api(request: Request) -> bool:
    return request.url.path.startswith("/api/")
