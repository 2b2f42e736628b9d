"""More time, and a next time: what an adviser can give from within a room."""

import msgspec
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from presence.booking.ahead import Running, ahead, next_start
from presence.booking.desk import Desk
from presence.calls.joining import calls_of
from presence.calls.rules import Seen
from presence.chat import rules as chat_rules
from presence.chat.model import Entry, Stored, adviser_sender
from presence.chat.pages import read
from presence.chat.visiting import assembly_of
from presence.errors import NotPossible
from presence.i18n import N_, translator
from presence.roster.model import Adviser
from presence.roster.pages import for_advisers
from presence.web.request import web_of


class ExtendBody(msgspec.Struct, frozen=True):
    """How much longer."""

    minutes: int
    ends_at: int  # the end that they have before them, in milliseconds: a repeat adds nothing


def routes() -> list[BaseRoute]:
    """What the adviser's room asks for."""
    one = "/desk/room/{uid:str}"
    return [
        Route(one + "/extend", for_advisers(extend), methods=["POST"]),
        Route(one + "/propose", for_advisers(propose), methods=["POST"]),
    ]


def looking_ahead(connection: Connection, seen: Seen, now: int) -> Seen:
    """A call with what comes after it for its adviser, and how long it may go on."""
    meeting = seen.meeting
    if meeting is not None:
        running = Running(meeting.id, meeting.state, meeting.starts_at, meeting.ends_at, meeting.adviser_ids)
        next_at, minutes = ahead(connection, running, now)
        return msgspec.structs.replace(seen, next_at=next_at, extend=minutes)
    if seen.adviser_id is None:
        return seen
    return msgspec.structs.replace(seen, next_at=next_start(connection, (seen.adviser_id,), now))


async def extend(request: Request, adviser: Adviser) -> Response:
    """Let the appointment end later; both sides are told by their rooms."""
    calls, desk = calls_of(request), _desk(request)
    seen = await calls.rooms.adviser(request.path_params["uid"], adviser.id)
    if seen.meeting is None:
        raise NotPossible()
    body = await read(request, ExtendBody)
    extended = await desk.extend(adviser.id, seen.meeting.id, body.minutes, body.ends_at // 1000)
    await calls.rooms.look()  # the room closes later, too
    calls.relay.changed(seen.call.id)
    return JSONResponse({"ends_at": extended.ends_at * 1000}, headers={"Cache-Control": "no-store"})


async def propose(request: Request, adviser: Adviser) -> Response:
    """Say in the conversation where the next appointment can be booked. A second click within the minute says it once."""
    seen = await calls_of(request).rooms.adviser(request.path_params["uid"], adviser.id)
    web, meeting = web_of(request), seen.meeting
    if seen.call.conversation_id is None:
        raise NotPossible(N_("The conversation begins when the customer comes"))
    service = f"/{meeting.service}" if meeting is not None else ""
    text = translator(meeting.language if meeting is not None else seen.call.language).gettext(
        "You can choose our next appointment here: %(link)s",
        link=f"{web.config.server.base_url}/book{service}?adviser={adviser.slug}",
    )
    once = f"propose {seen.call.uid} {web.clock.now() // 60}"
    body = msgspec.json.encode({"text": text})
    said = chat_rules.entry(seen.call.conversation_id, adviser_sender(adviser.id), once, "text", body)
    assert isinstance(said, Entry)
    (outcome,) = await assembly_of(request).journal.append(said)
    if not isinstance(outcome, Stored):
        raise NotPossible()
    return JSONResponse({"c": seen.c, "seq": outcome.seq}, headers={"Cache-Control": "no-store"})


def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk
