"""Ringing over HTTP: what customers and advisers ask, and what they are answered. What becomes of it comes as `calls`."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from presence.calls.assembly import Calls
from presence.calls.joining import calls_of
from presence.calls.model import Call
from presence.calls.rings import CallBackRequest, RingRequest
from presence.calls.rules import Act
from presence.chat.model import Visitor, adviser_sender
from presence.chat.pages import read
from presence.chat.visiting import asked_of, assembly_of, closed_until, offered, visitor_of
from presence.errors import FieldError, Invalid, Nobody, NotFound
from presence.roster.board import Member
from presence.roster.model import Adviser, Medium
from presence.roster.pages import for_advisers
from presence.web.limits import limited
from presence.web.request import web_of


class RingBody(msgspec.Struct, frozen=True, kw_only=True):
    """A call that a customer wants now."""

    id: str
    medium: Medium
    name: str = ""
    email: str = ""
    adviser: str = ""
    team: str = ""
    page: str = ""
    language: str = ""


class CallBackBody(msgspec.Struct, frozen=True, kw_only=True):
    """Where and when to call back."""

    phone: str = ""
    email: str = ""
    at: int | None = None
    text: str = ""


class RingCustomerBody(msgspec.Struct, frozen=True, kw_only=True):
    """The customer of a conversation, to be rung."""

    c: str
    medium: Medium
    id: str


class WordsBody(msgspec.Struct, frozen=True):
    """What is said to who is asked to wait, or turned away."""

    text: str = ""


def routes() -> list[BaseRoute]:
    """Both sides'."""
    one, desk = "/calls/{uid:str}", "/desk/calls/{uid:str}"
    return [
        Route("/calls", ring, methods=["POST"]),
        Route(one + "/accept", answer, methods=["POST"]),
        Route(one + "/cancel", leave, methods=["POST"], name="cancel"),
        Route(one + "/decline", leave, methods=["POST"], name="decline"),
        Route(one + "/callback", call_back, methods=["POST"]),
        _at_desk("/desk/calls", listed, "GET"),
        _at_desk("/desk/calls", ring_customer, "POST"),
        _at_desk(desk + "/accept", accept, "POST"),
        _at_desk(desk + "/decline", decline, "POST"),
        _at_desk(desk + "/cancel", cancel, "POST"),
        _at_desk(desk + "/{act:str}", at_the_door, "POST"),
    ]


# -- the customer ---------------------------------------------------------------------------------------------------


async def ring(request: Request) -> Response:
    """Ring at who can answer."""
    body, visitor = await read(request, RingBody), await visitor_of(request)
    limited(request, "call", f"visitor:{visitor.id}")
    offered(request, "chat" if body.medium == "text" else body.medium)
    opens_at = await closed_until(request)
    if opens_at is not None:
        raise Nobody(opens_at * 1000 or None)
    current = await assembly_of(request).chat.current(visitor)
    if current is None or current.state != "active":  # nobody knows them: a new cookie is soon made, and a message sent
        limited(request, "call")
    _introduced(request, body, visitor)
    languages = web_of(request).config.organisation.languages
    team, adviser = asked_of(request, body.team, body.adviser)
    wanted = RingRequest(
        id=body.id,
        medium=body.medium,
        name=body.name,
        email=body.email,
        language=body.language if body.language in languages else visitor.language,
        adviser=adviser,
        team=team,
        page=body.page,
    )
    rung = await calls_of(request).rings.ring(visitor, wanted)
    until = rung.call.rings_until
    return _json(
        {
            "call": rung.call.uid,
            "state": rung.call.state,
            "until": until * 1000 if until and rung.call.state == "ringing" else None,
            "room": f"/room/{rung.call.uid}" if rung.call.state == "admitted" else "",
        },
        200 if rung.repeated else 201,
    )


def _introduced(request: Request, body: RingBody, visitor: Visitor) -> None:
    """`Invalid` when something is asked of everybody before they talk, and they have not said it."""
    wrong: dict[str, FieldError] = {
        field: FieldError("This is needed")
        for field in web_of(request).config.chat.ask
        if not (getattr(body, field) or getattr(visitor, field)).strip()
    }
    if wrong:
        raise Invalid(wrong)


async def answer(request: Request) -> Response:
    """The customer accepts an adviser's ring."""
    call = await calls_of(request).rings.answer(await visitor_of(request), request.path_params["uid"])
    return _json({"room": f"/room/{call.uid}"})


async def leave(request: Request) -> Response:
    """The customer gives up ringing, or declines."""
    await calls_of(request).rings.leave(await visitor_of(request), request.path_params["uid"])
    return Response(status_code=204)


async def call_back(request: Request) -> Response:
    """Nobody answered: the customer says where they can be called."""
    body, visitor = await read(request, CallBackBody), await visitor_of(request)
    limited(request, "call", f"visitor:{visitor.id}")
    wanted = CallBackRequest(phone=body.phone, email=body.email, at=body.at, text=body.text)
    await calls_of(request).rings.call_back(visitor, request.path_params["uid"], wanted)
    return Response(status_code=204)


# -- the adviser ----------------------------------------------------------------------------------------------------

Endpoint = Callable[[Request, Calls, Member], Awaitable[Response]]


def _at_desk(path: str, endpoint: Endpoint, method: str) -> Route:
    async def answer(request: Request, adviser: Adviser) -> Response:
        board = assembly_of(request).board
        if adviser.id not in board.members:  # added a moment ago
            await board.refresh()
        return await endpoint(request, calls_of(request), board.members[adviser.id])

    return Route(path, for_advisers(answer), methods=[method], name=endpoint.__name__)


async def listed(_request: Request, calls: Calls, me: Member) -> Response:
    """The rows of the frame `calls`."""
    found = await calls.lists.read()
    return _json({"calls": found.get(adviser_sender(me.id), []), "now": calls.now_ms()})


async def ring_customer(request: Request, calls: Calls, me: Member) -> Response:
    """Ring at a conversation's customer."""
    body = await read(request, RingCustomerBody)
    limited(request, "call", adviser_sender(me.id))
    return _entered(await calls.rings.ring_customer(me, body.c, body.medium, body.id))


async def accept(request: Request, calls: Calls, me: Member) -> Response:
    """The first has it."""
    return _entered(await calls.rings.accept(me, request.path_params["uid"]))


async def decline(request: Request, calls: Calls, me: Member) -> Response:
    await calls.rings.decline(me, request.path_params["uid"])
    return Response(status_code=204)


async def cancel(request: Request, calls: Calls, me: Member) -> Response:
    await calls.rings.cancel(me, request.path_params["uid"])
    return Response(status_code=204)


_ACTS: dict[str, Act] = {"admit": "admit", "hold": "hold", "reject": "reject"}


async def at_the_door(request: Request, calls: Calls, me: Member) -> Response:
    """Let in who waits, ask them for patience, or turn them away: from the dashboard, without entering the room."""
    act = _ACTS.get(request.path_params["act"])
    if act is None:
        raise NotFound()
    body = await read(request, WordsBody)
    return _entered(await calls.rooms.act(request.path_params["uid"], adviser_sender(me.id), act, body.text))


def _entered(call: Call) -> Response:
    return _json({"call": call.uid, "room": f"/desk/room/{call.uid}"})


def _json(body: Any, status: int = 200) -> Response:
    headers = {"Cache-Control": "no-store"}
    return Response(msgspec.json.encode(body), status, media_type="application/json", headers=headers)
