"""The doors of appointments' rooms: the customer's link, the guest's, the adviser's. GET shows, POST enters."""

from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from presence.booking import rules as booking_rules
from presence.booking import views, wording
from presence.booking.correspondence import Correspondence
from presence.booking.desk import Desk
from presence.booking.external import host_of, is_external
from presence.booking.model import Appointment
from presence.booking.pages import shared
from presence.booking.pages.appointment import zone_of_customer
from presence.booking.pages.shared import booking_of, words
from presence.calls.assembly import Calls
from presence.calls.model import Call
from presence.calls.rooms import Opened
from presence.calls.rules import Door
from presence.roster.model import Adviser
from presence.roster.pages import for_advisers
from presence.web.guard import form_to
from presence.web.limits import limited
from presence.web.request import language_of, web_of, zone_of

COOKIE = "presence_room"  # opens the one room in whose address it is sent
COOKIE_LASTS = 86_400  # seconds; what it opens closes by itself, and later when an appointment takes longer


def routes() -> list[BaseRoute]:
    """The doors."""
    mine = "/agenda/appointments/{id:int}/room"
    return [
        Route("/a/{token}/room", door, methods=["GET"]),
        Route("/a/{token}/room", enter, methods=["POST"]),
        Route("/join/{local}/{token}", guest, methods=["GET"]),
        Route("/join/{local}/{token}", guest_enter, methods=["POST"]),
        Route(mine, for_advisers(desk_door), methods=["GET"]),
        Route(mine, for_advisers(desk_enter), methods=["POST"]),
    ]


def calls_of(request: Request) -> Calls:
    """Everything the pages of calls use."""
    found: Calls = request.app.state.calls
    return found


# -- the customer's link --------------------------------------------------------------------------------------------


async def door(request: Request) -> Response:
    """Where they will meet: until it opens, when it does; then a button."""
    shown = await booking_of(request).show(request.path_params["token"])
    at = await calls_of(request).rooms.door(shown.appointment.id)
    return _door(request, shown.appointment, at, zone_of_customer(request, shown), token=shown.token)


async def enter(request: Request) -> Response:
    """Enter with this browser; another one that has entered before is told when this one takes its place."""
    shown = await booking_of(request).show(request.path_params["token"])
    limited(request, "call", f"appointment:{shown.appointment.id}")  # not by address: a whole branch may be behind one
    if is_external(shown.appointment):
        at = await calls_of(request).rooms.door(shown.appointment.id)
        if at == "open":
            return _elsewhere(request, shown.appointment)
        return _door(request, shown.appointment, at, zone_of_customer(request, shown), 409, token=shown.token)
    opened = await calls_of(request).rooms.open_for_customer(shown.appointment.id)
    if not isinstance(opened, Opened):
        zone = zone_of_customer(request, shown)
        return _door(request, shown.appointment, opened, zone, 409, token=shown.token)
    answer = RedirectResponse(f"/room/{opened.uid}", 303)
    answer.set_cookie(
        COOKIE,
        opened.key,
        path=f"/room/{opened.uid}",
        max_age=COOKIE_LASTS,
        httponly=True,
        samesite="lax",
        secure=web_of(request).config.server.base_url.startswith("https://"),
    )
    return answer


def _elsewhere(request: Request, one: Appointment) -> Response:
    """On to a room that is not ours. Nothing is stored: who comes there is not for us to know."""
    letters: Correspondence = request.app.state.letters
    address = letters.external_room(one, language_of(request))
    return Response(status_code=303, headers={"Location": address, "Cache-Control": "no-store"})


def _door(
    request: Request, one: Appointment, at: Door, zone: str, status: int = 200, *, token: str = "", **more: Any
) -> Response:
    opens_at, host = one.starts_at - booking_rules.ROOM_OPENS, host_of(one)
    answer = shared.show(
        request,
        "call/door.html",
        status,
        one=one,
        door=at,
        zone=zone,
        opens_at=opens_at,
        away=views.away(opens_at - web_of(request).clock.now(), words(request)),
        token=token,
        adviser=more.get("adviser"),
        elsewhere=host,
    )
    answer.headers.update(form_to(host) if host else {})
    return answer


# -- a guest's ------------------------------------------------------------------------------------------------------


async def guest(request: Request) -> Response:
    """The appointment as its invitation tells it. A room has two places: guests are beside whom they come with."""
    one = await booking_of(request).invited(request.path_params["local"], request.path_params["token"])
    return _guests(request, one, await calls_of(request).rooms.door(one.id))


async def guest_enter(request: Request) -> Response:
    """A room elsewhere has places for guests, too."""
    limited(request, "call")
    one = await booking_of(request).invited(request.path_params["local"], request.path_params["token"])
    if not is_external(one):  # ours has none: nothing can be done here
        raise HTTPException(405, headers={"Allow": "GET, HEAD"})
    at = await calls_of(request).rooms.door(one.id)
    return _elsewhere(request, one) if at == "open" else _guests(request, one, at, 409)


def _guests(request: Request, one: Appointment, at: Door, status: int = 200) -> Response:
    opens_at, host = one.starts_at - booking_rules.ROOM_OPENS, host_of(one)
    answer = shared.show(
        request,
        "call/guest.html",
        status,
        one=one,
        door=at,
        host=wording.plain_name(one.customer.name),
        advisers=wording.adviser_names(one),
        opens_at=opens_at,
        away=views.away(opens_at - web_of(request).clock.now(), words(request)),
        zone=zone_of(request) if "zone" in request.query_params else one.customer.zone,
        elsewhere=host,
    )
    answer.headers.update(form_to(host) if host else {})
    return answer


# -- the adviser's --------------------------------------------------------------------------------------------------


async def desk_door(request: Request, adviser: Adviser) -> Response:
    """The same, to the adviser."""
    one = await _mine(request, adviser)
    at = await calls_of(request).rooms.door(one.id)
    return _door(request, one, at, adviser.zone, adviser=adviser)


async def desk_enter(request: Request, adviser: Adviser) -> Response:
    """Enter; the customer need not be there."""
    limited(request, "call", f"adviser:{adviser.id}")
    one = await _mine(request, adviser)
    if is_external(one):
        at = await calls_of(request).rooms.door(one.id)
        return _elsewhere(request, one) if at == "open" else _door(request, one, at, adviser.zone, 409, adviser=adviser)
    opened = await calls_of(request).rooms.open_for_adviser(one.id)
    if not isinstance(opened, Call):
        return _door(request, one, opened, adviser.zone, 409, adviser=adviser)
    return RedirectResponse(f"/desk/room/{opened.uid}", 303)


async def _mine(request: Request, adviser: Adviser) -> Appointment:
    desk: Desk = request.app.state.desk
    return (await desk.appointment(adviser.id, request.path_params["id"])).appointment
