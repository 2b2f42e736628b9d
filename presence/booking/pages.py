"""The customer's pages. They are complete without JavaScript; no GET changes anything."""

from typing import Any
from urllib.parse import urlencode
from zoneinfo import available_timezones

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from presence.booking import rules, views
from presence.booking.correspondence import Correspondence
from presence.booking.service import Booking, BookRequest, Held, HoldRequest, OfferRequest, Shown
from presence.errors import HoldGone, Invalid, NotFound, SlotTaken
from presence.i18n import translator
from presence.roster.model import MEDIA, Medium
from presence.tokens import random_token
from presence.web.forms import Form, form_of
from presence.web.limits import limited
from presence.web.request import language_of, page, web_of, zone_of

PREFILL = ("name", "email", "phone")
CARRIED = ("adviser", "medium", "spoken", "duration", "zone", *PREFILL)


def routes() -> list[BaseRoute]:
    """The pages."""
    return [
        Route("/", services, methods=["GET"]),
        Route("/book", services, methods=["GET"]),
        Route("/book/hold/{token}", hold_form, methods=["GET"]),
        Route("/book/hold/{token}", book, methods=["POST"]),
        Route("/book/hold/{token}/release", release, methods=["POST"]),
        Route("/book/{service}", choose, methods=["GET"]),
        Route("/book/{service}/hold", hold, methods=["POST"]),
        Route("/a/{token}", appointment, methods=["GET"]),
        Route("/a/{token}/invite.ics", invitation, methods=["GET"]),
        Route("/a/{token}/answers", answer, methods=["POST"]),
        Route("/a/{token}/move", move_form, methods=["GET"]),
        Route("/a/{token}/move", move, methods=["POST"]),
        Route("/a/{token}/cancel", cancel_form, methods=["GET"]),
        Route("/a/{token}/cancel", cancel, methods=["POST"]),
        Route("/a/{token}/room", room, methods=["GET"]),
    ]


# -- choosing -----------------------------------------------------------------------------------------------------


async def services(request: Request) -> Response:
    booking = _booking(request)
    found = [await booking.offers(OfferRequest(service=one.slug)) for one in await booking.services()]
    return page(request, "booking/services.html", offers=found, zone=zone_of(request), text=_texts(request))


async def choose(request: Request) -> Response:
    wanted = _wanted(request, request.path_params["service"])
    offers = await _booking(request).offers(wanted)
    return page(request, "booking/choose.html", **_picker(request, wanted, offers), moving=None)


def _wanted(request: Request, service: str, moving: str = "") -> OfferRequest:
    query = request.query_params
    duration = query.get("duration", "")
    return OfferRequest(
        service=service,
        duration=int(duration) if duration.isdigit() and len(duration) < 5 else None,
        adviser=query.get("adviser", ""),
        medium=_medium(query.get("medium", "")),
        spoken=query.get("spoken", ""),
        moving=moving,
    )


def _picker(request: Request, wanted: OfferRequest, offers: Any) -> dict[str, Any]:
    query, zone, web = request.query_params, zone_of(request), web_of(request)
    carried = {name: query[name] for name in CARRIED if query.get(name)}

    def link(**changes: str) -> str:
        kept = {**carried, **{key: value for key, value in changes.items() if value}}
        return f"{request.url.path}?{urlencode({k: v for k, v in kept.items() if changes.get(k, v)})}"

    return {
        "offers": offers,
        "wanted": wanted,
        "zone": zone,
        "zones": ZONES,
        "carried": carried,
        "link": link,
        "text": _texts(request),
        "picker": views.picker(
            offers.starts,
            zone,
            web.clock.now(),
            translator(language_of(request)),
            day=query.get("day", ""),
            month=query.get("month", ""),
        ),
    }


ZONES = tuple(
    sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith(("Etc/", "SystemV/")))
)


def _medium(text: str) -> Medium | None:
    return next((medium for medium in MEDIA if medium == text), None)


# -- holding and booking ------------------------------------------------------------------------------------------


async def hold(request: Request) -> Response:
    limited(request, "hold")
    form = await form_of(request)
    wanted = HoldRequest(
        service=request.path_params["service"],
        start=form.whole("start") or 0,
        duration=form.whole("duration"),
        medium=_medium(form.text("medium")),
        adviser=form.text("adviser"),
        spoken=form.text("spoken"),
    )
    try:
        held = await _booking(request).hold(wanted)
    except SlotTaken as error:
        return await _taken(request, form, error, wanted.service)
    typed = {name: form.text(name) for name in (*PREFILL, "zone", "adviser", "guests") if form.text(name)}
    typed |= {f"answers.{key}": value for key, value in form.named("answers.").items() if value}
    if any(name not in (*PREFILL, "zone", "adviser") for name in typed):
        return _form(request, held, typed, {})  # what was typed for a start that was taken stays typed
    onward = f"/book/hold/{held.token}"
    return RedirectResponse(f"{onward}?{urlencode(typed)}" if typed else onward, 303)


async def hold_form(request: Request) -> Response:
    try:
        held = await _booking(request).held(request.path_params["token"])
    except HoldGone as error:
        return page(request, "booking/gone.html", 410, error=error)
    typed = {name: request.query_params.get(name, "") for name in (*PREFILL, "adviser")}
    return _form(request, held, typed, {})


def _form(request: Request, held: Held, typed: dict[str, str], wrong: dict[str, Any], status: int = 200) -> Response:
    return page(
        request,
        "booking/form.html",
        status,
        held=held,
        typed=typed,
        wrong=wrong,
        zone=typed.get("zone") or zone_of(request),
        request_key=typed.get("request_key") or random_token(),
        now=web_of(request).clock.now(),
        text=_texts(request),
    )


async def book(request: Request) -> Response:
    limited(request, "book")
    form, token = await form_of(request), request.path_params["token"]
    zone = form.text("zone") or zone_of(request)
    wanted = BookRequest(
        request_key=f"form:{form.text('request_key')[:64] or token}",
        hold=token,
        service=form.text("service"),
        start=form.whole("start") or 0,
        duration=form.whole("duration"),
        medium=_medium(form.text("medium")),
        adviser=form.text("adviser"),
        spoken=form.text("spoken"),
        name=form.text("name"),
        email=form.text("email"),
        phone=form.text("phone"),
        language=language_of(request),
        zone=zone,
        answers=form.named("answers."),
        guests=_lines(form.text("guests")),
    )
    try:
        booked = await _booking(request).book(wanted)
    except Invalid as error:
        return await _again(request, form, token, error)
    except SlotTaken as error:
        return await _taken(request, form, error, wanted.service)
    return RedirectResponse(f"/a/{booked.token}?booked=1", 303)


async def _again(request: Request, form: Form, token: str, error: Invalid) -> Response:
    """The form again, with what is wrong beside each field and everything that was typed."""
    booking = _booking(request)
    try:
        held = await booking.held(token)
    except HoldGone:  # it ran out while they were typing: keep the same start anew
        again = HoldRequest(
            service=form.text("service"),
            start=form.whole("start") or 0,
            duration=form.whole("duration"),
            medium=_medium(form.text("medium")),
            adviser=form.text("adviser"),
            spoken=form.text("spoken"),
        )
        try:
            held = await booking.hold(again)
        except SlotTaken as taken:
            return await _taken(request, form, taken, again.service)
    return _form(request, held, _typed(form), error.fields, 422)


async def _taken(request: Request, form: Form, error: SlotTaken, service: str) -> Response:
    """The nearest free starts, each a button that carries on everything that was typed."""
    return page(
        request,
        "booking/taken.html",
        409,
        service=await _booking(request).service(service),
        nearest=error.nearest,
        typed=_typed(form),
        zone=form.text("zone") or zone_of(request),
        text=_texts(request),
    )


def _typed(form: Form) -> dict[str, str]:
    names = (*CARRIED, "guests", "request_key")
    typed = {name: form.text(name) for name in names if form.text(name)}
    return typed | {f"answers.{key}": value for key, value in form.named("answers.").items()}


def _lines(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.replace(",", "\n").replace(";", "\n").split("\n") if part.strip())


async def release(request: Request) -> Response:
    form = await form_of(request)
    booking, token = _booking(request), request.path_params["token"]
    try:
        held = await booking.held(token)
    except HoldGone:
        return RedirectResponse("/book", 303)
    await booking.release(token)
    typed = {name: form.text(name) for name in CARRIED if form.text(name)}
    return RedirectResponse(f"/book/{held.service.slug}?{urlencode(typed)}", 303)


# -- the appointment ----------------------------------------------------------------------------------------------


async def appointment(request: Request) -> Response:
    shown = await _booking(request).show(request.path_params["token"])
    return _appointment(request, shown, {}, {})


def _appointment(
    request: Request, shown: Shown, wrong: dict[str, Any], typed: dict[str, str], status: int = 200
) -> Response:
    letters: Correspondence = request.app.state.letters
    now = web_of(request).clock.now()
    return page(
        request,
        "booking/appointment.html",
        status,
        shown=shown,
        one=shown.appointment,
        zone=request.query_params.get("zone") or shown.appointment.customer.zone,
        links=letters.calendar_links(shown.appointment),
        away=views.away(shown.appointment.starts_at - now, translator(language_of(request))),
        now=now,
        wrong=wrong,
        typed=typed or {f"answers.{key}": value for key, value in shown.appointment.answers.items()},
        booked="booked" in request.query_params,
        moved="moved" in request.query_params,
        text=_texts(request),
    )


async def invitation(request: Request) -> Response:
    ics = await _booking(request).invitation(request.path_params["token"])
    headers = {"Content-Disposition": 'attachment; filename="invite.ics"', "Cache-Control": "no-store"}
    return Response(ics, media_type="text/calendar", headers=headers)


async def answer(request: Request) -> Response:
    form, token = await form_of(request), request.path_params["token"]
    booking = _booking(request)
    try:
        await booking.answer(token, form.named("answers."))
    except Invalid as error:
        return _appointment(request, await booking.show(token), error.fields, _typed(form), 422)
    return RedirectResponse(f"/a/{token}?answered=1", 303)


async def move_form(request: Request) -> Response:
    booking, token = _booking(request), request.path_params["token"]
    shown = await booking.show(token)
    if not shown.can_move:
        return RedirectResponse(f"/a/{token}", 303)
    one = shown.appointment
    wanted = OfferRequest(
        service=one.service.slug,
        duration=(one.ends_at - one.starts_at) // 60,
        medium=one.medium,
        moving=token,
    )
    offers = await booking.offers(wanted)
    return page(request, "booking/choose.html", **_picker(request, wanted, offers), moving=shown)


async def move(request: Request) -> Response:
    form, token = await form_of(request), request.path_params["token"]
    booking = _booking(request)
    try:
        await booking.move(token, form.whole("start") or 0, form.text("reason")[: rules.MAX_ANSWER])
    except SlotTaken as error:
        shown = await booking.show(token)
        return page(
            request,
            "booking/taken.html",
            409,
            service=shown.appointment.service,
            nearest=error.nearest,
            typed={},
            moving=token,
            zone=zone_of(request),
            text=_texts(request),
        )
    return RedirectResponse(f"/a/{token}?moved=1", 303)


async def cancel_form(request: Request) -> Response:
    shown = await _booking(request).show(request.path_params["token"])
    if not shown.can_cancel:
        return RedirectResponse(f"/a/{shown.token}", 303)
    return page(
        request,
        "booking/cancel.html",
        shown=shown,
        one=shown.appointment,
        zone=shown.appointment.customer.zone,
        text=_texts(request),
    )


async def cancel(request: Request) -> Response:
    form, token = await form_of(request), request.path_params["token"]
    await _booking(request).cancel(token, form.text("reason")[: rules.MAX_ANSWER])
    return RedirectResponse(f"/a/{token}", 303)


async def room(request: Request) -> Response:
    shown = await _booking(request).show(request.path_params["token"])
    if shown.appointment.state not in rules.OPEN:
        raise NotFound()
    now = web_of(request).clock.now()
    return page(
        request,
        "booking/room.html",
        shown=shown,
        one=shown.appointment,
        zone=shown.appointment.customer.zone,
        now=now,
        away=views.away(shown.opens_at - now, translator(language_of(request))),
        text=_texts(request),
    )


# -- shared -------------------------------------------------------------------------------------------------------


def _booking(request: Request) -> Booking:
    booking: Booking = request.app.state.booking
    return booking


def _texts(request: Request) -> Any:
    """A service's texts in the reader's language."""
    language = language_of(request)
    return lambda texts: texts.get(language) or texts.get("en") or next(iter(texts.values()), "")
