"""The catcher's pages: what was sent, as a mail client would show it, and a form to answer it as its reader would."""

import asyncio
from datetime import datetime
from typing import Any

import aiosmtplib
from icalendar import Calendar
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from presence.clock import instant
from presence.config import InboundConfig
from presence.errors import NotFound, Unavailable
from presence.mail.catcher import MANNERS, Catcher, Caught, Manner, answer_to
from presence.mail.inbound.doors import addresses_of
from presence.web.forms import form_of
from presence.web.request import page, web_of

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
        return page(
            request,
            "catcher/mail.html",
            mail=mail,
            event=_event(mail),
            text=mail.part("text/plain"),
            can_answer=_can_answer(web_of(request).config.mail.inbound, mail),
            answered="answered" in request.query_params,
        )

    async def answered(request: Request) -> Response:
        mail, form = await _mail(request), await form_of(request)
        inbound = web_of(request).config.mail.inbound
        if not _can_answer(inbound, mail):
            raise NotFound()
        manner = next((one for one in MANNERS if one == form.text("manner")), MANNERS[0])
        await _bring(inbound, mail, form.text("text")[:10_000], manner)
        return RedirectResponse(f"/catcher/{mail.id}?answered", 303)

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
        Route("/catcher/{key}/answer", answered, methods=["POST"]),
        Route("/catcher/{key}/body", body),
        Route("/catcher/{key}/source", source),
        Route("/catcher/{key}/invite.ics", invitation),
    ]


def _can_answer(inbound: InboundConfig, mail: Caught) -> bool:
    """Whether answers to a mail come in by a door at a path of this machine, as the demo's do."""
    if not inbound.smtp_listen.startswith("unix:"):
        return False
    addresses = [one.addr_spec for one in getattr(mail.message["Reply-To"], "addresses", ())]
    return addresses_of(inbound).reply.first_token(addresses) is not None


async def _bring(inbound: InboundConfig, mail: Caught, text: str, manner: Manner) -> None:
    """Hand an answer in at the door, as another mail server does. `Unavailable` when it is not taken."""
    answer = answer_to(mail, text, manner, server=inbound.trusted_authserv)
    try:
        await aiosmtplib.send(answer, socket_path=inbound.smtp_listen.removeprefix("unix:"))
    except (aiosmtplib.SMTPException, OSError) as error:
        raise Unavailable() from error


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
