"""The catcher's pages: what was sent, as a mail client would show it."""

import asyncio
from datetime import datetime
from typing import Any

from icalendar import Calendar
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from presence.clock import instant
from presence.errors import NotFound
from presence.mail.catcher import Catcher, Caught
from presence.web.request import page

# A mail is a stranger's page: no scripts, no forms, nothing fetched; its links open beside it.
_SANDBOX = (
    "sandbox allow-popups allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation; "
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
)


def routes(catcher: Catcher) -> list[BaseRoute]:
    """The pages of one catcher."""

    async def listed(request: Request) -> Response:
        mails = await asyncio.to_thread(catcher.mails, request.query_params.get("to", ""))
        return page(request, "catcher/list.html", mails=mails, to=request.query_params.get("to", ""))

    async def shown(request: Request) -> Response:
        mail = await _mail(request)
        return page(request, "catcher/mail.html", mail=mail, event=_event(mail), text=mail.part("text/plain"))

    async def body(request: Request) -> Response:
        html = (await _mail(request)).part("text/html") or ""
        html = html.replace("<head>", '<head><base target="_blank">', 1)
        return Response(html, media_type="text/html", headers={"Content-Security-Policy": _SANDBOX})

    async def source(request: Request) -> Response:
        return Response((await _mail(request)).raw, media_type="text/plain")

    async def invitation(request: Request) -> Response:
        ics = (await _mail(request)).part("text/calendar")
        if ics is None:
            raise NotFound()
        disposition = {"Content-Disposition": 'attachment; filename="invite.ics"'}
        return Response(ics, media_type="text/calendar", headers=disposition)

    async def _mail(request: Request) -> Caught:
        mail = await asyncio.to_thread(catcher.mail, request.path_params["key"])
        if mail is None:
            raise NotFound()
        return mail

    return [
        Route("/catcher", listed, name="catcher"),
        Route("/catcher/{key}", shown),
        Route("/catcher/{key}/body", body),
        Route("/catcher/{key}/source", source),
        Route("/catcher/{key}/invite.ics", invitation),
    ]


def _event(mail: Caught) -> dict[str, Any] | None:
    """The invitation in a mail, for a card, if it can be read."""
    try:
        calendar = Calendar.from_ical(mail.part("text/calendar") or "")
        event = calendar.events[0]
        starts_at = instant(event.start) if isinstance(event.start, datetime) else None
    except (ValueError, LookupError):
        return None
    if starts_at is None:  # a whole day: none of ours
        return None
    return {
        "method": str(calendar.get("METHOD", "")),
        "summary": str(event.get("SUMMARY", "")),
        "starts_at": starts_at,
        "sequence": str(event.get("SEQUENCE", 0)),
    }
