"""Choosing: a service, then a day and an hour in the visitor's zone."""

from typing import Any
from urllib.parse import quote, urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from presence.booking import views, zones
from presence.booking.pages.shared import (
    CARRIED,
    PREFILL,
    address,
    booking_of,
    framed,
    medium_of,
    minutes_of,
    offered,
    show,
    start_of,
    words,
)
from presence.booking.requests import OfferRequest, Offers
from presence.booking.service import Booking
from presence.i18n import is_zone
from presence.sites.framing import site_of
from presence.web.request import web_of, zone_of


async def services(request: Request) -> Response:
    """What can be booked, each with its next free start."""
    query, booking = request.query_params, booking_of(request)
    offered(request)
    if query.get("service"):
        rest = {name: value for name, value in query.items() if name != "service"}
        return RedirectResponse(address(request, f"/book/{quote(query['service'], safe='')}", **rest), 303)
    theirs = site_of(request)
    chosen = theirs.settings.services if theirs else ()
    asked = [
        OfferRequest(service=one.slug, adviser=query.get("adviser", ""))
        for one in await booking.services()
        if not chosen or one.slug in chosen
    ]
    found = [(await settled(booking, one))[1] for one in asked]
    kept = {name: query[name] for name in ("adviser", "zone", *PREFILL) if query.get(name)}
    return show(request, "booking/services.html", offers=found, zone=zone_of(request), kept=kept)


async def choose(request: Request) -> Response:
    """The month, the day and its hours."""
    offered(request, request.path_params["service"])
    wanted, offers = await settled(booking_of(request), _asked(request))
    return show(request, "booking/choose.html", **picker_of(request, wanted, offers, zone_of(request)), moving=None)


def _asked(request: Request) -> OfferRequest:
    query = request.query_params
    return OfferRequest(
        service=request.path_params["service"],
        duration=minutes_of(query.get("duration", "")),
        adviser=query.get("adviser", ""),
        medium=medium_of(query.get("medium", "")),
        spoken=query.get("spoken", ""),
    )


async def settled(booking: Booking, asked: OfferRequest) -> tuple[OfferRequest, Offers]:
    """The request with nothing left open, and what is offered to it.

    What an old link asks for and the service does not have any more gives way to what it has.
    """
    service = await booking.service(asked.service)
    wanted = msgspec.structs.replace(
        asked,
        duration=asked.duration if asked.duration in service.durations else None,
        medium=asked.medium if asked.medium in service.media else None,
    )
    offers = await booking.offers(wanted)
    medium = offers.medium if offers.medium in offers.media or not offers.media else offers.media[0]
    spoken = wanted.spoken if wanted.spoken in offers.languages else ""
    wanted = msgspec.structs.replace(wanted, duration=offers.duration, medium=medium, spoken=spoken)
    if (medium, spoken) == (offers.medium, asked.spoken):
        return wanted, offers
    return wanted, await booking.offers(wanted)


def picker_of(request: Request, wanted: OfferRequest, offers: Offers, zone: str) -> dict[str, Any]:
    """What the picker's template is given; the same for a new appointment and for one that moves."""
    query, now, t = request.query_params, web_of(request).clock.now(), words(request)
    carried = {name: query[name] for name in CARRIED if query.get(name) and (name != "zone" or is_zone(query[name]))}

    def link(**changes: str) -> str:
        """This page's address with some of it changed, or left out when empty."""
        kept = {name: value for name, value in {**framed(request), **carried, **changes}.items() if value}
        return f"{request.url.path}?{urlencode(kept)}" if kept else request.url.path

    start = start_of(query.get("start", ""))
    picker = views.picker(
        offers.starts, zone, now, t, day=query.get("day", ""), month=query.get("month", ""), start=start
    )
    settled = {"medium": wanted.medium or "", "duration": str(offers.duration), "zone": zone}
    place = {"day": picker.day.isoformat() if picker.day else "", "month": picker.month.first.strftime("%Y-%m")}
    return {
        "offers": offers,
        "wanted": wanted,
        "zone": zone,
        "regions": zones.regions(t, now, zone, web_of(request).config.organisation.zone) if query.get("zones") else (),
        "carried": carried | {name: value for name, value in framed(request).items() if value},
        "hidden": {**carried, **settled},
        "place": place,
        "link": link,
        "picker": picker,
        "reason": query.get("reason", "")[:2000],
    }
