"""The API's edge: parse, one call, encode."""

import hashlib
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, TypeVar, cast

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from presence.booking.api import shapes
from presence.booking.api.operations import OPERATIONS, document
from presence.booking.requests import BookRequest, HoldRequest, OfferRequest, Shown
from presence.booking.service import Booking
from presence.clock import instant, utc
from presence.errors import FieldError, Invalid, Malformed
from presence.roster.model import MEDIA, Medium
from presence.sites.service import Site, Sites
from presence.tokens import random_token
from presence.web.limits import limited
from presence.web.request import web_of

T = TypeVar("T")
Handler = Callable[[Request, Site], Awaitable[Response]]

_encoder = msgspec.json.Encoder()


def routes() -> list[BaseRoute]:
    """Every operation of the table, and the document that describes them."""
    handlers = {
        name: cast(Handler, handler) for name, handler in globals().items() if name in {op.name for op in OPERATIONS}
    }
    return [
        Route("/api/v1/openapi.json", _openapi, methods=["GET"]),
        *(
            Route(f"/api/v1{op.path}", _guarded(handlers[op.name]), methods=[op.method], name=op.name)
            for op in OPERATIONS
        ),
    ]


def _guarded(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        sites: Sites = request.app.state.sites
        site = await sites.by_authorization(request.headers.get("authorization", ""))
        limited(request, "api", f"site:{site.id}")
        return await handler(request, site)

    return endpoint


async def _openapi(request: Request) -> Response:
    return _json(document(web_of(request).config.server.base_url))


# -- looking ------------------------------------------------------------------------------------------------------


async def list_services(request: Request, site: Site) -> Response:
    services = await _booking(request).services()
    return _cacheable(request, shapes.ServicesShape(services=tuple(map(shapes.service, services))))


async def show_service(request: Request, site: Site) -> Response:
    return _json(shapes.service(await _booking(request).service(request.path_params["service"])))


async def list_starts(request: Request, site: Site) -> Response:
    since, until = _moment(request, "since"), _moment(request, "until")
    wanted = OfferRequest(
        service=request.path_params["service"],
        duration=_whole(request, "duration"),
        adviser=request.query_params.get("adviser", ""),
        medium=_medium(request),
        spoken=request.query_params.get("spoken", ""),
        since=None if since is None else instant(since),
        until=None if until is None else instant(until),
    )
    return _cacheable(request, shapes.starts(await _booking(request).offers(wanted)))


async def explain_start(request: Request, site: Site) -> Response:
    at = _moment(request, "at")
    if at is None:
        raise Invalid({"at": FieldError("This is needed")})
    service = request.path_params["service"]
    reasons = await _booking(request).why(service, instant(at), _whole(request, "duration"))
    shape = shapes.WhyShape(service=service, at=utc(instant(at)), reasons=tuple(map(shapes.reason, reasons)))
    return _json(shape)


# -- holding and booking ------------------------------------------------------------------------------------------


async def hold_start(request: Request, site: Site) -> Response:
    body = await _body(request, shapes.HoldBody)
    held = await _booking(request).hold(
        HoldRequest(
            service=body.service,
            start=instant(body.start),
            duration=body.duration,
            medium=body.medium,
            adviser=body.adviser,
            spoken=body.spoken,
        )
    )
    return _json(shapes.held(held), 201)


async def show_hold(request: Request, site: Site) -> Response:
    return _json(shapes.held(await _booking(request).held(request.path_params["token"])))


async def release_hold(request: Request, site: Site) -> Response:
    await _booking(request).release(request.path_params["token"])
    return Response(status_code=204)


async def book(request: Request, site: Site) -> Response:
    body = await _body(request, shapes.BookBody)
    if not body.hold and (not body.service or body.start is None):
        raise Invalid({"start": FieldError("Name a hold, or a service and a start")})
    booking = _booking(request)
    booked = await booking.book(
        BookRequest(
            request_key=f"site:{site.id}:{_idempotency_key(request)}",
            hold=body.hold,
            service=body.service,
            start=instant(body.start) if body.start is not None else 0,
            duration=body.duration,
            medium=body.medium,
            adviser=body.adviser,
            spoken=body.spoken,
            name=body.name,
            email=body.email,
            phone=body.phone,
            language=body.language,
            zone=body.zone,
            answers=body.answers,
            guests=body.guests,
            site_id=site.id,
            known=body.verified,
        )
    )
    shown = booking.shown(booked.appointment, booked.token)
    return _json(shapes.appointment(shown), 200 if booked.repeated else 201)


def _idempotency_key(request: Request) -> str:
    key = request.headers.get("idempotency-key", "")
    if not key:
        return random_token()
    if len(key) > 128 or not key.replace("-", "").replace("_", "").replace(".", "").isalnum() or not key.isascii():
        raise Invalid({"Idempotency-Key": FieldError("At most 128 letters, digits, dots, dashes and underscores")})
    return key


# -- the appointment ----------------------------------------------------------------------------------------------


async def show_appointment(request: Request, site: Site) -> Response:
    return _appointment(await _booking(request).show(request.path_params["token"]))


async def move_appointment(request: Request, site: Site) -> Response:
    body = await _body(request, shapes.MoveBody)
    token = request.path_params["token"]
    return _appointment(await _booking(request).move(token, instant(body.start), body.reason))


async def cancel_appointment(request: Request, site: Site) -> Response:
    body = await _body(request, shapes.CancelBody)
    return _appointment(await _booking(request).cancel(request.path_params["token"], body.reason))


async def answer_questions(request: Request, site: Site) -> Response:
    body = await _body(request, shapes.AnswersBody)
    return _appointment(await _booking(request).answer(request.path_params["token"], body.answers))


async def download_invitation(request: Request, site: Site) -> Response:
    ics = await _booking(request).invitation(request.path_params["token"])
    return Response(
        ics,
        media_type="text/calendar",
        headers={"Content-Disposition": 'attachment; filename="invite.ics"', "Cache-Control": "no-store"},
    )


# -- parsing and encoding -----------------------------------------------------------------------------------------


def _booking(request: Request) -> Booking:
    booking: Booking = request.app.state.booking
    return booking


async def _body(request: Request, shape: type[T]) -> T:
    try:
        return msgspec.json.decode(await request.body(), type=shape)
    except msgspec.ValidationError as error:
        detail, _, path = str(error).partition(" - at `$")
        raise Invalid({path.strip("`.") or "body": FieldError(detail)}) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Malformed() from None


def _moment(request: Request, name: str) -> datetime | None:
    text = request.query_params.get(name)
    if text is None:
        return None
    try:
        return msgspec.convert(text, shapes.Moment)
    except msgspec.ValidationError:
        raise Invalid({name: FieldError("An instant such as 2026-11-26T14:30:00Z is needed")}) from None


def _whole(request: Request, name: str) -> int | None:
    text = request.query_params.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 6):
        raise Invalid({name: FieldError("A whole number is needed")})
    return int(text)


def _medium(request: Request) -> Medium | None:
    text = request.query_params.get("medium")
    if text is None:
        return None
    for medium in MEDIA:
        if medium == text:
            return medium
    raise Invalid({"medium": FieldError("One of video, audio and text is needed")})


def _appointment(shown: Shown) -> Response:
    return _json(shapes.appointment(shown))


def _json(shape: Any, status: int = 200) -> Response:
    return Response(
        _encoder.encode(shape), status, media_type="application/json", headers={"Cache-Control": "no-store"}
    )


def _cacheable(request: Request, shape: Any) -> Response:
    """An answer that caches may keep for a few seconds and then ask after by its tag."""
    body = _encoder.encode(shape)
    tag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    headers = {"ETag": tag, "Cache-Control": "private, max-age=5", "Vary": "Authorization"}
    if tag in {one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")}:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)
