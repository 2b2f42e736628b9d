"""The appointment behind its link: see it, answer, move, cancel, join."""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from presence.booking import rules, views
from presence.booking.correspondence import Correspondence
from presence.booking.pages import shared
from presence.booking.pages.choosing import picker_of
from presence.booking.pages.shared import booking_of, words
from presence.booking.requests import OfferRequest, Shown
from presence.errors import FieldError, Invalid, NotPossible, PresenceError, SlotTaken, TooLate
from presence.web.forms import Form, form_of
from presence.web.request import web_of, zone_of

NEWS = ("booked", "moved", "cancelled", "answered")  # what has just been done, told once at the top


async def show(request: Request) -> Response:
    """The appointment; `?booked=1` and the like say what has just been done."""
    return _page(request, await _shown(request))


def _page(
    request: Request,
    shown: Shown,
    *,
    wrong: Mapping[str, FieldError] | None = None,
    typed: Mapping[str, str] | None = None,
    refused: PresenceError | None = None,
    status: int = 200,
) -> Response:
    letters: Correspondence = request.app.state.letters
    one = shown.appointment
    return shared.show(
        request,
        "booking/appointment.html",
        status,
        shown=shown,
        one=one,
        zone=zone_of_customer(request, shown),
        links=letters.calendar_links(one),
        away=views.away(one.starts_at - web_of(request).clock.now(), words(request)),
        wrong=wrong or {},
        typed=typed or {f"answers.{key}": value for key, value in one.answers.items()},
        news=next((name for name in NEWS if name in request.query_params), "") if request.method == "GET" else "",
        refused=refused,
    )


def zone_of_customer(request: Request, shown: Shown) -> str:
    """The zone they booked in, unless the address asks for another."""
    return zone_of(request) if "zone" in request.query_params else shown.appointment.customer.zone


async def invitation(request: Request) -> Response:
    """The calendar file."""
    ics = await booking_of(request).invitation(request.path_params["token"])
    headers = {"Content-Disposition": 'attachment; filename="invite.ics"', "Cache-Control": "no-store"}
    return Response(ics, media_type="text/calendar", headers=headers)


async def answer(request: Request) -> Response:
    """Take the answers to the service's questions."""
    form, booking, token = await form_of(request), booking_of(request), request.path_params["token"]
    try:
        await booking.answer(token, form.named("answers."))
    except Invalid as error:
        typed = {f"answers.{key}": value for key, value in form.named("answers.").items()}
        return _page(request, await booking.show(token), wrong=error.fields, typed=typed, status=422)
    except NotPossible as error:
        return _page(request, await booking.show(token), refused=error, status=409)
    return RedirectResponse(shared.address(request, f"/a/{token}", answered="1"), 303)


# -- moving -------------------------------------------------------------------------------------------------------


async def move_form(request: Request) -> Response:
    """The picker again; with `?start=` the hour to confirm."""
    shown = await _shown(request)
    if not shown.can_move:
        return RedirectResponse(shared.address(request, f"/a/{shown.token}"), 303)
    one = shown.appointment
    wanted = OfferRequest(
        service=one.service.slug,
        duration=(one.ends_at - one.starts_at) // 60,
        medium=one.medium,
        moving=shown.token,
    )
    offers = await booking_of(request).offers(wanted)
    zone = zone_of_customer(request, shown)
    return shared.show(request, "booking/choose.html", **picker_of(request, wanted, offers, zone), moving=shown)


async def move(request: Request) -> Response:
    """Move it to the start that was chosen."""
    form, booking, token = await form_of(request), booking_of(request), request.path_params["token"]
    try:
        await booking.move(token, form.whole("start") or 0, _reason(form))
    except SlotTaken as error:
        return await _taken(request, form, error)
    except (TooLate, NotPossible) as error:
        return _page(request, await booking.show(token), refused=error, status=409)
    return RedirectResponse(shared.address(request, f"/a/{token}", moved="1"), 303)


async def _taken(request: Request, form: Form, error: SlotTaken) -> Response:
    shown = await _shown(request)
    zone = zone_of_customer(request, shown)
    return shared.show(
        request,
        "booking/taken.html",
        409,
        service=shown.appointment.service,
        days=views.by_day(error.nearest, zone, words(request)),
        start=form.whole("start") or 0,
        hidden={name: value for name, value in {**shared.framed(request), "reason": _reason(form)}.items() if value},
        zone=zone,
        moving=shown,
        kept={},
    )


# -- cancelling and joining ---------------------------------------------------------------------------------------


async def cancel_form(request: Request) -> Response:
    """Ask once more, and for the reason."""
    shown = await _shown(request)
    if not shown.can_cancel:
        return RedirectResponse(shared.address(request, f"/a/{shown.token}"), 303)
    return _about(request, "booking/cancel.html", shown)


async def cancel(request: Request) -> Response:
    """Cancel it."""
    form, booking, token = await form_of(request), booking_of(request), request.path_params["token"]
    try:
        await booking.cancel(token, _reason(form))
    except (TooLate, NotPossible) as error:
        return _page(request, await booking.show(token), refused=error, status=409)
    return RedirectResponse(shared.address(request, f"/a/{token}", cancelled="1"), 303)


def _about(request: Request, template: str, shown: Shown, **context: Any) -> Response:
    zone = zone_of_customer(request, shown)
    return shared.show(request, template, shown=shown, one=shown.appointment, zone=zone, **context)


async def _shown(request: Request) -> Shown:
    return await booking_of(request).show(request.path_params["token"])


def _reason(form: Form) -> str:
    return form.text("reason").strip()[: rules.MAX_ANSWER]
