"""A room's pages, and what their scripts ask over HTTP. Unknown, foreign, early, cancelled and over are one and the same."""

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from presence.booking.correspondence import Correspondence
from presence.calls import extending, joining, ring_api
from presence.calls.joining import COOKIE, calls_of
from presence.calls.model import Role
from presence.calls.rooms import Guest
from presence.calls.rules import Seen
from presence.chat import pages as chat_pages
from presence.chat import store as chat_store
from presence.chat.model import CUSTOMER, adviser_sender
from presence.chat.pages import read, received
from presence.chat.visiting import assembly_of, known, token_of
from presence.errors import NotFound
from presence.live.frames import Turn
from presence.roster.model import Adviser
from presence.roster.pages import for_advisers
from presence.sites.framing import site_of
from presence.web.forms import form_of
from presence.web.guard import FOR_ROOMS
from presence.web.limits import limited
from presence.web.request import page, web_of


class RatingBody(msgspec.Struct, frozen=True):
    """How it was."""

    rating: int
    comment: str = ""


def routes() -> list[BaseRoute]:
    """The pages, after the doors that lead to them."""
    one, desk = "/room/{uid:str}", "/desk/room/{uid:str}"
    return [
        *joining.routes(),
        *extending.routes(),
        *ring_api.routes(),
        Route(one, room, methods=["GET", "POST"]),
        Route(one + "/pass", customers_pass, methods=["POST"]),
        Route(one + "/check", check, methods=["POST"]),
        Route(one + "/rating", rate, methods=["POST"]),
        Route(one + "/files", upload, methods=["POST"]),
        Route(one + "/files/{file:str}", file, methods=["GET"]),
        Route(desk, for_advisers(desk_room), methods=["GET"]),
        Route(desk + "/check", for_advisers(desk_check), methods=["POST"]),
    ]


# -- the customer's side --------------------------------------------------------------------------------------------


async def room(request: Request) -> Response:
    """The room, to whoever has used its link with this browser, or has rung from it: who says so by the form it posts where
    it keeps no cookie of ours."""
    said = (await form_of(request)).text("visitor") if request.method == "POST" else ""
    guest = await _guest(request, said)
    seen, uid = guest.seen, guest.seen.call.uid
    adviser = assembly_of(request).board.members.get(seen.adviser_id or 0)
    letters: Correspondence = request.app.state.letters
    meeting, mine = seen.meeting, f"/room/{uid}"
    asked = f"?adviser={adviser.slug}" if adviser else ""
    site = site_of(request)
    bookable = site is None or "book" in site.settings.capabilities
    return _page(
        request,
        seen,
        "customer",
        by=CUSTOMER,
        me=seen.customer,
        peer=adviser.name if adviser else "",
        phone=web_of(request).config.organisation.phone,
        token=said,
        urls={
            "pass": f"{mine}/pass",
            "check": f"{mine}/check",
            "rating": f"{mine}/rating",
            "files": f"{mine}/files",
            "file": f"{mine}/files",
            "book": "" if not bookable else f"/book/{meeting.service}{asked}" if meeting else f"/book{asked}",
            "back": f"/a/{letters.token(meeting.uid)}" if meeting else "/chat",
            "chat": "" if meeting else "/chat",
        },
    )


async def customers_pass(request: Request) -> Response:
    """A pass for the room and the conversation beside it, and for nothing else."""
    guest = await _guest(request)
    c = await calls_of(request).rooms.beside(guest)
    now = web_of(request).clock.now()
    token, until = assembly_of(request).passes.issue(f"visitor:{guest.visitor.id}", now, only=c)
    return _json({"token": token, "until": until * 1000, "by": CUSTOMER, "c": c})


async def check(request: Request) -> Response:
    """Servers to look at one's network with, for a minute."""
    guest = await _guest(request)
    person = f"visitor:{guest.visitor.id}"
    limited(request, "call", person)
    return _servers(calls_of(request).turn_for_check(person))


async def rate(request: Request) -> Response:
    body = await read(request, RatingBody)
    await calls_of(request).rooms.rate(await _guest(request), body.rating, body.comment)
    return Response(status_code=204)


async def upload(request: Request) -> Response:
    """A file for the conversation beside the room."""
    guest = await _guest(request)
    limited(request, "upload", f"visitor:{guest.visitor.id}")
    c = await calls_of(request).rooms.beside(guest)
    found = await request.app.state.database.read(lambda connection: chat_store.by_uid(connection, c))
    if found is None:
        raise NotFound()
    return await received(request, found, CUSTOMER)


async def file(request: Request) -> Response:
    """A file of that conversation, and of no other."""
    guest, uid = await _guest(request), request.path_params["file"]
    row = await request.app.state.database.read(lambda connection: chat_store.file_by_uid(connection, uid))
    if row is None or row.conversation_id != guest.seen.call.conversation_id:
        raise NotFound()
    return await chat_pages.delivered(request, row)


async def _guest(request: Request, said: str = "") -> Guest:
    visitor = await known(request, said if said and site_of(request) else token_of(request))
    key = request.cookies.get(COOKIE, "") if site_of(request) is None else ""
    return await calls_of(request).rooms.customer(request.path_params["uid"], key, visitor)


# -- the adviser's side ---------------------------------------------------------------------------------------------


async def desk_room(request: Request, adviser: Adviser) -> Response:
    """The room, to its adviser. In `urls.files`, {c} stands for the conversation, which begins when the customer comes."""
    seen = await calls_of(request).rooms.adviser(request.path_params["uid"], adviser.id)
    mine, meeting = f"/desk/room/{seen.call.uid}", seen.meeting
    return _page(
        request,
        seen,
        "adviser",
        by=adviser_sender(adviser.id),
        me=adviser.name,
        peer=seen.customer,
        phone=meeting.phone if meeting else "",
        urls={
            "pass": "/desk/token",
            "check": f"{mine}/check",
            "extend": f"{mine}/extend",
            "propose": f"{mine}/propose",
            "files": "/desk/conversations/{c}/files",
            "file": "/chat/files",
            "back": f"/agenda/appointments/{meeting.id}" if meeting else "/desk",
            "chat": "/desk",
        },
    )


async def desk_check(request: Request, adviser: Adviser) -> Response:
    """Servers to look at one's network with, for a minute."""
    await calls_of(request).rooms.adviser(request.path_params["uid"], adviser.id)
    person = f"adviser:{adviser.id}"
    limited(request, "call", person)
    return _servers(calls_of(request).turn_for_check(person))


# -- both -----------------------------------------------------------------------------------------------------------

_NOWHERE = dict.fromkeys(("pass", "check", "rating", "extend", "propose", "book", "back", "chat", "files", "file"), "")


def _page(
    request: Request,
    seen: Seen,
    role: Role,
    *,
    by: str,
    me: str,
    peer: str,
    phone: str,
    urls: dict[str, str],
    token: str = "",
) -> Response:
    config, meeting = web_of(request).config, seen.meeting
    data: dict[str, Any] = {
        "uid": seen.call.uid,
        "role": role,
        "medium": seen.call.medium,
        "me": me,
        "peer": peer,
        "by": by,
        "c": seen.c,
        "starts_at": meeting.starts_at * 1000 if meeting else None,
        "ends_at": meeting.ends_at * 1000 if meeting else None,
        "phone": phone,
        "organisation": config.organisation.name,
        "turn": bool(config.calls.turn_urls),
        "urls": {**_NOWHERE, **urls},
    }
    modules = web_of(request).assets.modules("room/room.js")
    answer = page(request, "room/room.html", room=data, most=config.chat.file_bytes, modules=modules, visitor=token)
    answer.headers.update(FOR_ROOMS)
    return answer


def _servers(servers: Turn) -> Response:
    return _json({"ice_servers": servers.ice_servers, "until": servers.until})


def _json(body: dict[str, Any]) -> Response:
    return JSONResponse(body, headers={"Cache-Control": "no-store"})
