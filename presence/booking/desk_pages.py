"""The adviser's pages: what is to come, one appointment, and their hours."""

import datetime as dt
import hashlib
import re
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from presence.booking import rules, views
from presence.booking.desk import Desk
from presence.booking.model import Appointment
from presence.booking.requests import OfferRequest
from presence.booking.service import Booking
from presence.clock import instant
from presence.errors import FieldError, Invalid, SlotTaken
from presence.i18n import translator
from presence.roster.model import WEEKDAYS, Adviser
from presence.roster.pages import for_advisers
from presence.roster.service import Roster
from presence.web.forms import Form, form_of
from presence.web.request import language_of, page, web_of

WEEK = dt.timedelta(days=7)
LIMITS = ("daily_limit", "weekly_limit")
_SPAN = re.compile(r"([0-9]{1,12})/([0-9]{1,12})")  # an absence, by its instants


def routes() -> list[BaseRoute]:
    """The pages."""
    one = "/agenda/appointments/{id:int}"
    return [
        Route("/agenda", for_advisers(agenda), methods=["GET"]),
        Route("/agenda/hours", for_advisers(hours), methods=["GET"]),
        Route("/agenda/hours", for_advisers(set_hours), methods=["POST"]),
        Route("/agenda/exceptions", for_advisers(change_exceptions), methods=["POST"]),
        Route("/agenda/absences", for_advisers(change_absences), methods=["POST"]),
        Route("/agenda/feed", for_advisers(new_feed), methods=["POST"]),
        Route(one, for_advisers(appointment), methods=["GET"]),
        Route(one + "/move", for_advisers(move_form), methods=["GET"]),
        Route(one + "/move", for_advisers(move), methods=["POST"]),
        Route(one + "/{action:str}", for_advisers(act), methods=["POST"]),
        Route("/feed/{token}.ics", feed, methods=["GET"]),
    ]


# -- the agenda ---------------------------------------------------------------------------------------------------


async def agenda(request: Request, adviser: Adviser) -> Response:
    today = views.local(web_of(request).clock.now(), adviser.zone).date()
    monday = _monday(request.query_params.get("week", "")) or today - dt.timedelta(days=today.weekday())
    since, until = _midnight(monday, adviser.zone), _midnight(monday + WEEK, adviser.zone)
    found = await _desk(request).appointments(adviser.id, since, until)
    now = web_of(request).clock.now()
    begun = [one for one in found if one.starts_at <= now + rules.ROOM_OPENS and now < one.ends_at + rules.GRACE]
    days = [
        (day, [one for one in found if views.local(one.starts_at, adviser.zone).date() == day])
        for day in (monday + dt.timedelta(days=n) for n in range(7))
    ]
    return page(
        request,
        "desk/agenda.html",
        adviser=adviser,
        days=days,
        today=today,
        requested=[one for one in found if one.state == "requested"],
        previous=_week(monday - WEEK),
        following=_week(monday + WEEK),
        this_week=_week(monday),
        text=_texts(request),
        now=now,
        arrivals=await _desk(request).arrivals(begun),
        open_rooms={one.id for one in begun if one.state == "confirmed"},
        away=_away(request),
    )


def _monday(week: str) -> dt.date | None:
    try:
        year, number = week.split("-W")
        return dt.date.fromisocalendar(int(year), int(number), 1) if 1971 < int(year) < 9000 else None
    except ValueError:
        return None


def _week(monday: dt.date) -> str:
    year, number, _ = monday.isocalendar()
    return f"{year}-W{number:02}"


def _midnight(day: dt.date, zone: str) -> int:
    return instant(dt.datetime.combine(day, dt.time(), ZoneInfo(zone)))


# -- one appointment ----------------------------------------------------------------------------------------------


async def appointment(request: Request, adviser: Adviser) -> Response:
    found = await _desk(request).appointment(adviser.id, request.path_params["id"])
    return page(
        request,
        "desk/appointment.html",
        adviser=adviser,
        found=found,
        one=found.appointment,
        arrivals=found.arrivals,
        missed_at=_missed_at(request, found.appointment),
        away=_away(request),
        now=web_of(request).clock.now(),
        open=rules.OPEN,
        text=_texts(request),
    )


def _missed_at(request: Request, one: Appointment) -> int:
    """When a customer who has not come is written to; 0: never."""
    minutes = web_of(request).config.calls.missed_minutes
    return one.starts_at + minutes * 60 if minutes else 0


async def act(request: Request, adviser: Adviser) -> Response:
    """Confirm, decline, cancel, mark as held or missed."""
    form, desk, id_ = await form_of(request), _desk(request), request.path_params["id"]
    reason = form.text("reason")[: rules.MAX_ANSWER]
    match request.path_params["action"]:
        case "confirm":
            await desk.confirm(adviser.id, id_)
        case "decline":
            await desk.decline(adviser.id, id_, reason)
        case "cancel":
            await desk.cancel(adviser.id, id_, reason)
        case "held":
            await desk.mark_held(adviser.id, id_)
        case "missed":
            await desk.mark_missed(adviser.id, id_)
    return RedirectResponse(f"/agenda/appointments/{id_}", 303)


async def move_form(request: Request, adviser: Adviser) -> Response:
    found = await _desk(request).appointment(adviser.id, request.path_params["id"])
    return await _move_page(request, adviser, found.appointment)


async def _move_page(request: Request, adviser: Adviser, one: Any, status: int = 200) -> Response:
    booking: Booking = request.app.state.booking
    wanted = OfferRequest(
        service=one.service.slug, duration=(one.ends_at - one.starts_at) // 60, adviser=adviser.slug, medium=one.medium
    )
    offers = await booking.offers(wanted)
    mine = () if offers.fell_back else offers.starts
    days = sorted({views.local(start, adviser.zone).date() for start in mine})
    t = translator(language_of(request))
    return page(
        request,
        "desk/move.html",
        status,
        adviser=adviser,
        one=one,
        days=[(day, views.hours_of(mine, adviser.zone, day, t)) for day in days],
        text=_texts(request),
    )


async def move(request: Request, adviser: Adviser) -> Response:
    form, desk, id_ = await form_of(request), _desk(request), request.path_params["id"]
    try:
        await desk.move(adviser.id, id_, form.whole("start") or 0, form.text("reason")[: rules.MAX_ANSWER])
    except SlotTaken:
        return await _move_page(request, adviser, (await desk.appointment(adviser.id, id_)).appointment, 409)
    return RedirectResponse(f"/agenda/appointments/{id_}", 303)


# -- hours --------------------------------------------------------------------------------------------------------


async def hours(request: Request, adviser: Adviser) -> Response:
    return _hours(request, adviser)


def _hours(
    request: Request,
    adviser: Adviser,
    wrong: dict[str, FieldError] | None = None,
    typed: Form | None = None,
    status: int = 200,
    feed: str = "",
) -> Response:
    written = {day: ", ".join(getattr(adviser.hours, day)) for day in WEEKDAYS}
    limits = {name: getattr(adviser, name) for name in LIMITS}
    if typed is not None and typed.text("form") == "hours":
        written = {day: typed.text(day) for day in WEEKDAYS}
        limits = {name: typed.text(name) for name in LIMITS}
    monday = dt.date(2024, 1, 1)
    return page(
        request,
        "desk/hours.html",
        status,
        adviser=adviser,
        written=written,
        limits={name: "" if limit is None else limit for name, limit in limits.items()},
        names={day: monday + dt.timedelta(days=n) for n, day in enumerate(WEEKDAYS)},
        wrong=wrong or {},
        typed=typed,
        feed=feed,
        exceptions=[(dt.date.fromisoformat(one.day), one) for one in adviser.exceptions],
        now=web_of(request).clock.now(),
    )


async def set_hours(request: Request, adviser: Adviser) -> Response:
    form, roster = await form_of(request), _roster(request)
    try:
        lines: dict[str, str] = {day: form.text(day) for day in WEEKDAYS}
        await roster.set_week(adviser.id, lines, form.text("daily_limit"), form.text("weekly_limit"))
    except Invalid as error:
        return _hours(request, adviser, error.fields, form, 422)
    return RedirectResponse("/agenda/hours", 303)


async def change_exceptions(request: Request, adviser: Adviser) -> Response:
    form, roster = await form_of(request), _roster(request)
    try:
        if form.text("remove"):
            await roster.drop_exception(adviser.id, form.text("remove"))
        else:
            await roster.set_exception(adviser.id, form.text("day"), form.text("ranges"), form.text("note"))
    except Invalid as error:
        return _hours(request, adviser, error.fields, form, 422)
    return RedirectResponse("/agenda/hours", 303)


async def change_absences(request: Request, adviser: Adviser) -> Response:
    form, roster = await form_of(request), _roster(request)
    try:
        if form.text("remove"):
            found = _SPAN.fullmatch(form.text("remove"))
            if found:
                await roster.drop_absence(adviser.id, int(found[1]), int(found[2]))
        else:
            starts, ends = (_moment(form, name, adviser.zone) for name in ("starts", "ends"))
            await roster.add_absence(adviser.id, starts, ends, form.text("note"))
    except Invalid as error:
        return _hours(request, adviser, error.fields, form, 422)
    return RedirectResponse("/agenda/hours", 303)


def _moment(form: Form, name: str, zone: str) -> int:
    """A local date and time of the adviser's; `Invalid` names the field."""
    try:
        moment = dt.datetime.fromisoformat(form.text(name))
    except ValueError:
        moment = None
    if moment is None or not 1971 <= moment.year <= 9000:  # others have no date in some zones
        raise Invalid({name: FieldError("Please choose a date and a time")})
    return instant(moment.replace(tzinfo=ZoneInfo(zone)))


# -- the feed -----------------------------------------------------------------------------------------------------


async def new_feed(request: Request, adviser: Adviser) -> Response:
    token = await _desk(request).new_feed(adviser.id)
    return _hours(request, adviser, feed=f"{web_of(request).config.server.base_url}/feed/{token}.ics")


async def feed(request: Request) -> Response:
    ics = await _desk(request).feed(request.path_params["token"])
    headers = {"ETag": f'"{hashlib.blake2b(ics, digest_size=12).hexdigest()}"', "Cache-Control": "private, max-age=60"}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return Response(ics, media_type="text/calendar", headers=headers)


def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


def _roster(request: Request) -> Roster:
    roster: Roster = request.app.state.roster
    return roster


def _away(request: Request) -> Callable[[int], str]:
    """Seconds in words."""
    t = translator(language_of(request))
    return lambda seconds: views.away(seconds, t)


def _texts(request: Request) -> Any:
    language = language_of(request)
    return lambda texts: texts.get(language) or texts.get("en") or next(iter(texts.values()), "")
