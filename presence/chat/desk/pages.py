"""The adviser's side over HTTP: the dashboard, its lists, and what is done with conversations."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from sqlalchemy import Connection, select
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from presence.chat import store
from presence.chat.assembly import Assembly
from presence.chat.desk.service import Listed, visible
from presence.chat.model import adviser_sender
from presence.chat.pages import read, received
from presence.chat.visiting import assembly_of
from presence.errors import FieldError, Invalid, NotFound
from presence.i18n import N_, translator
from presence.roster.board import Member
from presence.roster.model import Adviser
from presence.roster.pages import cookie_name, for_advisers
from presence.roster.presence import WISHES, Wish
from presence.storage.tables import appointment, appointment_adviser, customer, service, team
from presence.tokens import fingerprint
from presence.web.request import page, web_of

_SHORTCUT = re.compile(r"[\w-]{1,40}")
MAX_REPLY = 4_000
DAY = 86_400
SOON = 5  # appointments that are shown as the next ones

# What a customer in the waiting room may be told with one click.
READY = {
    "hold": (
        N_("I will be with you in a moment."),
        N_("I am finishing another conversation: about five minutes more."),
        N_("I am getting your papers ready, and let you in then."),
    ),
    "reject": (
        N_("I am sorry: I cannot take our appointment now. I will write to you at once."),
        N_("I am sorry: please choose another hour."),
    ),
}


class TransferBody(msgspec.Struct, frozen=True):
    """To an adviser or to a team, by slug."""

    adviser: str = ""
    team: str = ""


class TagsBody(msgspec.Struct, frozen=True):
    """A conversation's tags."""

    tags: list[str]


class WishBody(msgspec.Struct, frozen=True):
    """An adviser's own presence."""

    wish: Wish
    capacity: int | None = None


class CannedBody(msgspec.Struct, frozen=True):
    """A canned reply."""

    shortcut: str
    language: str
    text: str


Endpoint = Callable[[Request, Assembly, Member], Awaitable[Response]]


def routes() -> list[BaseRoute]:
    """The adviser's routes."""
    one = "/desk/conversations/{c:str}"

    def route(path: str, endpoint: Endpoint, method: str) -> Route:
        return Route(path, for_advisers(_at_desk(endpoint)), methods=[method], name=endpoint.__name__)

    return [
        Route("/desk", for_advisers(dashboard), methods=["GET"]),
        route("/desk/token", token, "POST"),
        route("/desk/inbox", inbox, "GET"),
        route("/desk/today", today, "GET"),
        route("/desk/roster", roster, "GET"),
        route("/desk/presence", set_presence, "POST"),
        route("/desk/canned", canned, "GET"),
        route("/desk/canned", add_canned, "POST"),
        route("/desk/canned/{id:int}/delete", drop_canned, "POST"),
        route(one, show, "GET"),
        route(one + "/transfer", transfer, "POST"),
        route(one + "/tags", set_tags, "POST"),
        route(one + "/files", upload, "POST"),
        route(one + "/{action:str}", act, "POST"),
    ]


def _at_desk(endpoint: Endpoint) -> Callable[[Request, Adviser], Awaitable[Response]]:
    async def answer(request: Request, adviser: Adviser) -> Response:
        chat = assembly_of(request)
        member = chat.board.members.get(adviser.id)
        if member is None:  # added a moment ago
            await chat.board.refresh()
            member = chat.board.members[adviser.id]
        return await endpoint(request, chat, member)

    return answer


async def dashboard(request: Request, adviser: Adviser) -> Response:
    config = web_of(request).config
    return page(
        request,
        "desk/dashboard.html",
        adviser=adviser,
        languages=config.organisation.languages,
        file_bytes=config.chat.file_bytes,
        wishes=WISHES,
        ready={
            what: {code: [translator(code).gettext(text) for text in texts] for code in config.organisation.languages}
            for what, texts in READY.items()
        },
    )


async def token(request: Request, chat: Assembly, me: Member) -> Response:
    """A pass for the live connection."""
    sign_in = fingerprint(request.cookies[cookie_name(request)])
    issued, until = chat.passes.issue(adviser_sender(me.id), web_of(request).clock.now(), sign_in)
    you = {"id": me.id, "slug": me.slug, "name": me.name, "languages": me.languages}
    return JSONResponse({"token": issued, "until": until * 1000, "you": you}, headers={"Cache-Control": "no-store"})


async def inbox(request: Request, chat: Assembly, me: Member) -> Response:
    """One of their lists, or what a search finds."""
    query = request.query_params
    if query.get("q", "").strip():
        listed = Listed(await chat.desk.search(me, query["q"]), None)
    else:
        listed = await chat.desk.inbox(me, query.get("view", "mine"), query.get("after", ""))
    return _json({"rows": listed.rows, "next": listed.next})


async def show(request: Request, chat: Assembly, me: Member) -> Response:
    """A conversation with all that is known of its customer; what was said comes over the live connection."""

    def work(connection: Connection) -> dict[str, Any]:
        found = visible(connection, me, request.path_params["c"])
        past = []
        if found.customer_id is not None:
            past = [one for one in store.of_customer(connection, found.customer_id) if one.id != found.id]
        return {
            "row": chat.desk.rows(connection, [found])[0],
            "customer": _customer(connection, chat, found.customer_id, found.visitor_id),
            "conversations": chat.desk.rows(connection, past),
            "appointments": _appointments(connection, found.customer_id),
            "files": [
                {
                    "file": row.uid,
                    "name": row.name,
                    "type": row.media_type,
                    "size": row.size,
                    "at": row.created_at * 1000,
                }
                for row in store.files_of(connection, found.id)
            ],
        }

    return _json(await request.app.state.database.read(work))


def _customer(
    connection: Connection, chat: Assembly, customer_id: int | None, visitor_id: int | None
) -> dict[str, Any]:
    visitor = store.visitor_by_id(connection, visitor_id) if visitor_id is not None else None
    row = connection.execute(select(customer).where(customer.c.id == customer_id)).one_or_none()
    personal = chat.board.members.get(row.personal_adviser_id or 0) if row else None
    return {
        "name": visitor.name if visitor else (row.name if row else ""),
        "email": visitor.email if visitor else (row.email if row else ""),
        "phone": row.phone if row else "",
        "language": visitor.language if visitor else (row.language if row else ""),
        "zone": visitor.zone if visitor else (row.zone if row else ""),
        "verified": bool(visitor and visitor.verified),
        "personal_adviser": personal.name if personal else None,
        "since": row.created_at * 1000 if row else None,
    }


async def today(request: Request, chat: Assembly, me: Member) -> Response:
    """Their own appointments that are running or begin within a day."""
    now = web_of(request).clock.now()

    def work(connection: Connection) -> list[dict[str, Any]]:
        rows = connection.execute(
            select(
                appointment.c.id,
                appointment.c.starts_at,
                appointment.c.ends_at,
                appointment.c.state,
                service.c.definition,
                customer.c.name,
            )
            .join_from(appointment_adviser, appointment)
            .join(service)
            .join(customer)
            .where(
                appointment_adviser.c.adviser_id == me.id,
                appointment_adviser.c.starts_at.between(now - DAY, now + DAY),
                appointment.c.ends_at > now,
                appointment.c.state.in_(("confirmed", "requested")),
            )
            .order_by(appointment.c.starts_at)
            .limit(SOON)
        )
        return [{**_appointment(row), "ends_at": row.ends_at * 1000, "customer": row.name} for row in rows]

    return _json({"appointments": await request.app.state.database.read(work)})


def _appointments(connection: Connection, customer_id: int | None) -> list[dict[str, Any]]:
    if customer_id is None:
        return []
    rows = connection.execute(
        select(appointment.c.id, appointment.c.starts_at, appointment.c.state, service.c.definition)
        .join_from(appointment, service)
        .where(appointment.c.customer_id == customer_id)
        .order_by(appointment.c.starts_at.desc())
        .limit(20)
    )
    return [_appointment(row) for row in rows]


def _appointment(row: Any) -> dict[str, Any]:
    return {
        "starts_at": row.starts_at * 1000,
        "state": row.state,
        "service": msgspec.json.decode(row.definition)["name"],
        "url": f"/agenda/appointments/{row.id}",
    }


async def act(request: Request, chat: Assembly, me: Member) -> Response:
    """Accept, pass, release, take over, close, reopen; a supervisor may also join and leave."""
    actions = {
        "accept": chat.desk.accept,
        "pass": chat.desk.pass_on,
        "release": chat.desk.release,
        "takeover": chat.desk.takeover,
        "join": chat.desk.join,
        "leave": chat.desk.leave,
        "close": chat.desk.close,
        "reopen": chat.desk.reopen,
    }
    action = actions.get(request.path_params["action"])
    if action is None:
        raise NotFound()
    await action(me, request.path_params["c"])
    return await _row(request, chat, me)


async def transfer(request: Request, chat: Assembly, me: Member) -> Response:
    body = await read(request, TransferBody)
    await chat.desk.transfer(me, request.path_params["c"], adviser=body.adviser, team=body.team)
    return Response(status_code=204)


async def set_tags(request: Request, chat: Assembly, me: Member) -> Response:
    await chat.desk.tag(me, request.path_params["c"], (await read(request, TagsBody)).tags)
    return await _row(request, chat, me)


async def upload(request: Request, chat: Assembly, me: Member) -> Response:
    found = await chat.desk.conversation(me, request.path_params["c"])
    return await received(request, found, adviser_sender(me.id))


async def _row(request: Request, chat: Assembly, me: Member) -> Response:
    def work(connection: Connection) -> Any:
        return chat.desk.rows(connection, [visible(connection, me, request.path_params["c"])])[0]

    return _json({"row": await request.app.state.database.read(work)})


# -- presence and canned replies ----------------------------------------------------------------------------------------


async def roster(request: Request, chat: Assembly, me: Member) -> Response:
    """Who is there, and how much there is to do."""
    slugs = {id_: slug for slug, id_ in chat.board.teams.items()}
    advisers = [
        {
            "id": one.id,
            "slug": one.slug,
            "name": one.name,
            "languages": one.languages,
            "teams": sorted(slugs[id_] for id_ in one.team_ids if id_ in slugs),
            **_standing(chat, one.id),
        }
        for one in sorted(chat.board.members.values(), key=lambda one: one.name)
    ]
    names = await request.app.state.database.read(_team_names)
    return _json(
        {
            "now": web_of(request).clock.now_ms(),
            "you": {"id": me.id, "supervisor": me.supervisor, **_standing(chat, me.id)},
            "advisers": advisers,
            "teams": [{"slug": slug, "name": names.get(slug, {})} for slug in sorted(chat.board.teams)],
            "load": await chat.desk.live_load(me),
        }
    )


def _team_names(connection: Connection) -> dict[str, dict[str, str]]:
    return {slug: msgspec.json.decode(name) for slug, name in connection.execute(select(team.c.slug, team.c.name))}


def _standing(chat: Assembly, adviser_id: int) -> dict[str, Any]:
    standing = chat.board.standings.get(adviser_id)
    if standing is None:
        return {"state": "offline", "wish": "available", "load": 0, "capacity": 0}
    return {"state": standing.state, "wish": standing.wish, "load": standing.load, "capacity": standing.capacity}


async def set_presence(request: Request, chat: Assembly, me: Member) -> Response:
    body = await read(request, WishBody)
    await chat.desk.wish(me, body.wish, body.capacity)
    await chat.board.refresh()
    return _json({"id": me.id, **_standing(chat, me.id)})


async def canned(request: Request, _chat: Assembly, _me: Member) -> Response:
    language = request.query_params.get("language", "")
    rows = await request.app.state.database.read(lambda connection: store.canned(connection, language))
    return _json(
        {"replies": [{"id": r.id, "shortcut": r.shortcut, "language": r.language, "text": r.text} for r in rows]}
    )


async def add_canned(request: Request, _chat: Assembly, _me: Member) -> Response:
    body = await read(request, CannedBody)
    wrong = {}
    if not _SHORTCUT.fullmatch(body.shortcut):
        wrong["shortcut"] = FieldError("Letters, digits and dashes")
    if body.language not in web_of(request).config.organisation.languages:
        wrong["language"] = FieldError("This language is not spoken here")
    if not body.text.strip() or len(body.text) > MAX_REPLY:
        wrong["text"] = FieldError("Please write something")
    if wrong:
        raise Invalid(wrong)
    id_ = await request.app.state.database.write(
        lambda connection: store.add_canned(connection, body.shortcut, body.language, body.text.strip())
    )
    return _json({"id": id_}, 201)


async def drop_canned(request: Request, _chat: Assembly, _me: Member) -> Response:
    id_ = request.path_params["id"]
    await request.app.state.database.write(lambda connection: store.drop_canned(connection, id_))
    return Response(status_code=204)


def _json(body: Any, status: int = 200) -> Response:
    headers = {"Cache-Control": "no-store"}
    return Response(msgspec.json.encode(body), status, media_type="application/json", headers=headers)
