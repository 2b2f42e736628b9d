"""An hour kept for somebody while they say who they are, and the appointment it becomes."""

from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from presence.booking import views
from presence.booking.pages import draft
from presence.booking.pages.shared import PREFILL, address, booking_of, medium_of, offered, show, visitor_of, words
from presence.booking.requests import BookRequest, Held, HoldRequest
from presence.booking.rules import normal_mail
from presence.errors import FieldError, HoldGone, Invalid, SlotTaken
from presence.i18n import is_zone
from presence.sites.framing import site_of
from presence.tokens import fingerprint, random_token
from presence.web.forms import Form, form_of
from presence.web.limits import limited
from presence.web.request import at_of, language_of, visitor_cookie, zone_of


async def hold(request: Request) -> Response:
    """Keep the chosen start, and go on to its form."""
    limited(request, "hold")
    offered(request, request.path_params["service"])
    form, kept, booking = await form_of(request), draft.read(request), booking_of(request)
    wanted = _chosen(form, request.path_params["service"])
    before = kept.get("hold") or form.text("hold")
    if before:  # else the hour they chose before would be in their own way
        await booking.release(before)
    try:
        held = await booking.hold(wanted)
    except SlotTaken as error:
        return await _taken(request, form, error, wanted.service)
    typed = {**kept, **_typed(form), **_place(held)}
    onward = RedirectResponse(address(request, f"/book/hold/{held.token}", **draft.carried(request, typed)), 303)
    return onward if draft.keep(request, onward, typed) else _form(request, held, typed, {})


async def hold_form(request: Request) -> Response:
    """Who they are, and the service's questions."""
    kept, token = draft.read(request), request.path_params["token"]
    try:
        held = await booking_of(request).held(token)
    except HoldGone as error:
        mine = kept if kept.get("hold") == token else {}
        return show(
            request, "booking/gone.html", 410, error=error, service=mine.get("service"), start=mine.get("start")
        )
    return _form(request, held, kept, {})


async def book(request: Request) -> Response:
    """Make the appointment. The same form posted twice is one."""
    limited(request, "book")
    form, token = await form_of(request), request.path_params["token"]
    chosen = _chosen(form, form.text("service"))
    offered(request, chosen.service)
    site, email = site_of(request), form.text("email")
    shown = form.text("visitor") if site else request.cookies.get(visitor_cookie(request), "")
    visitor = await visitor_of(request, shown)
    wanted = BookRequest(
        request_key=f"form:{form.text('request_key')[:64] or token}",
        hold=token,
        service=chosen.service,
        start=chosen.start,
        duration=chosen.duration,
        medium=chosen.medium,
        adviser=chosen.adviser,
        spoken=chosen.spoken,
        name=form.text("name"),
        email=email,
        phone=form.text("phone"),
        language=language_of(request),
        zone=_zone(request, form.text("zone")),
        answers=form.named("answers."),
        guests=_lines(form.text("guests")),
        site_id=site.id if site else None,
        known=visitor is not None and visitor.verified and normal_mail(visitor.email) == normal_mail(email),
        visitor=fingerprint(shown) if visitor else "",
    )
    try:
        booked = await booking_of(request).book(wanted)
    except Invalid as error:
        return await _again(request, form, token, error.fields)
    except SlotTaken as error:
        return await _taken(request, form, error, wanted.service)
    done = RedirectResponse(address(request, f"/a/{booked.token}", booked="1", draft=""), 303)
    draft.forget(request, done)
    return done


async def keep(request: Request) -> Response:
    """Come back to the form with everything that was typed: in the other language, which the address says."""
    form, token = await form_of(request), request.path_params["token"]
    kept = {"hold": token, "service": form.text("service"), "start": form.text("start"), **_typed(form)}
    carried = draft.carried(request, kept)
    back = RedirectResponse(address(request, f"/book/hold/{token}", lang=language_of(request), **carried), 303)
    return back if draft.keep(request, back, kept) else await _again(request, form, token, {}, 200)


async def release(request: Request) -> Response:
    """Give the hour back, and choose another one near it."""
    form, token, booking = await form_of(request), request.path_params["token"], booking_of(request)
    try:
        held = await booking.held(token)
    except HoldGone:
        return RedirectResponse(address(request, "/book"), 303)
    await booking.release(token)
    options = {name: form.text(name) for name in ("adviser", "medium", "spoken", "duration") if form.text(name)}
    options |= _zone_kept(request, form)
    options["day"] = views.local(held.starts_at, _zone(request, form.text("zone"))).date().isoformat()
    typed = _typed(form)
    options |= draft.carried(request, typed)
    back = RedirectResponse(address(request, f"/book/{held.service.slug}", **options), 303)
    draft.keep(request, back, typed)
    return back


# -- the pages ----------------------------------------------------------------------------------------------------


def _form(
    request: Request, held: Held, typed: dict[str, str], wrong: dict[str, FieldError], status: int = 200
) -> Response:
    return show(
        request,
        "booking/form.html",
        status,
        held=held,
        typed=typed,
        wrong=wrong,
        zone=_zone(request, typed.get("zone", "")),
        request_key=typed.get("request_key") or random_token(),
    )


async def _again(request: Request, form: Form, token: str, wrong: dict[str, FieldError], status: int = 422) -> Response:
    """The form again, with what is wrong beside each field and everything that was typed."""
    booking, typed = booking_of(request), {**_typed(form), "request_key": form.text("request_key")}
    try:
        held = await booking.held(token)
    except HoldGone:  # it ran out while they were typing: keep the same start anew
        try:
            held = await booking.hold(_chosen(form, form.text("service")))
        except SlotTaken as taken:
            return await _taken(request, form, taken, form.text("service"))
    return _form(request, held, typed, wrong, status)


async def _taken(request: Request, form: Form, error: SlotTaken, service: str) -> Response:
    """The nearest free starts, each a button that carries on everything that was typed."""
    zone, wanted = _zone(request, form.text("zone")), _chosen(form, service)
    typed: dict[str, Any] = {
        **draft.read(request),
        **_typed(form),
        "zone": zone,
        "request_key": form.text("request_key"),
        "medium": wanted.medium or "",
        "duration": wanted.duration or "",
        "spoken": wanted.spoken,
    }
    hidden = {name: value for name, value in typed.items() if value and name not in ("hold", "service", "start")}
    response = show(
        request,
        "booking/taken.html",
        409,
        service=await booking_of(request).service(service),
        days=views.by_day(error.nearest, zone, words(request)),
        start=wanted.start,
        hidden=hidden,
        zone=zone,
        moving=None,
        kept={**_zone_kept(request, form), **draft.carried(request, _typed(form))},
    )
    draft.keep(request, response, _typed(form))  # so that it also survives another way onward
    return response


# -- reading the form ---------------------------------------------------------------------------------------------


def _chosen(form: Form, service: str) -> HoldRequest:
    return HoldRequest(
        service=service,
        start=form.whole("start") or 0,
        duration=form.whole("duration"),
        medium=medium_of(form.text("medium")),
        adviser=form.text("adviser"),
        spoken=form.text("spoken"),
    )


def _place(held: Held) -> dict[str, str]:
    return {"hold": held.token, "service": held.service.slug, "start": str(held.starts_at)}


def _typed(form: Form) -> dict[str, str]:
    """What is worth keeping of a form, by field."""
    typed = {name: form.text(name) for name in (*PREFILL, "guests", "zone", "adviser") if form.text(name)}
    return typed | {f"answers.{key}": value for key, value in form.named("answers.").items() if value}


def _zone(request: Request, wish: str) -> str:
    return wish if wish and is_zone(wish) else zone_of(request)


def _zone_kept(request: Request, form: Form) -> dict[str, str]:
    """Their zone, for an address: inside of another site's page no cookie keeps it."""
    return {"zone": _zone(request, form.text("zone"))} if at_of(request) else {}


def _lines(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.replace(",", "\n").replace(";", "\n").split("\n") if part.strip())
