"""The customer's side over HTTP: the page, beginning, files, ending, and what is asked before a live connection."""

import asyncio
import datetime as dt
import hashlib
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from presence.chat import store
from presence.chat.assembly import Assembly
from presence.chat.model import CUSTOMER, Conversation
from presence.chat.proof import UNPROVEN
from presence.chat.service import OpenRequest
from presence.chat.transcript import transcript
from presence.chat.visiting import (
    SessionBody,
    about,
    asked_of,
    assembly_of,
    closed_until,
    known_or_new,
    offered,
    remember,
    shown_of,
    token_of,
    visitor_of,
)
from presence.errors import FieldError, Forbidden, Invalid, Malformed, NotFound
from presence.i18n import is_zone, translator
from presence.roster.pages import adviser_of
from presence.sites.framing import site_of
from presence.tokens import fingerprint
from presence.web.forms import form_of
from presence.web.kinds import PICTURES
from presence.web.limits import limited
from presence.web.request import language_of, page, web_of, zone_of


class ProofBody(msgspec.Struct, frozen=True):
    """An answer to a challenge."""

    challenge: str = ""
    nonce: str = ""


class OpenBody(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation to begin."""

    id: str
    text: str
    name: str = ""
    email: str = ""
    adviser: str = ""
    team: str = ""
    page: str = ""
    subject: str = ""
    language: str = ""
    zone: str = ""
    proof: ProofBody = ProofBody()


class MeBody(msgspec.Struct, frozen=True):
    """Who somebody says they are."""

    name: str = ""
    email: str = ""


class RatingBody(msgspec.Struct, frozen=True):
    """How it was."""

    rating: int
    comment: str = ""


class TranscriptBody(msgspec.Struct, frozen=True):
    """Where the transcript goes."""

    email: str


def routes() -> list[BaseRoute]:
    """The customer's routes."""
    one = "/chat/conversations/{c:str}"
    return [
        Route("/chat", chat_page, methods=["GET", "POST"]),
        Route("/chat/calling", calling, methods=["GET"]),
        Route("/chat/session", session, methods=["POST"]),
        Route("/chat/handover", handover, methods=["POST"]),
        Route("/chat/forget", forget, methods=["POST"]),
        Route("/chat/message", message_page, methods=["GET"]),
        Route("/chat/message", message, methods=["POST"]),
        Route("/chat/me", me, methods=["POST"]),
        Route("/chat/history", history, methods=["GET"]),
        Route("/chat/conversations", begin, methods=["POST"]),
        Route(one + "/files", upload, methods=["POST"]),
        Route(one + "/end", end, methods=["POST"]),
        Route(one + "/rating", rate, methods=["POST"]),
        Route(one + "/transcript", mail_transcript, methods=["POST"]),
        Route(one + "/transcript.txt", text_transcript, methods=["GET"]),
        Route("/chat/files/{uid:str}", file, methods=["GET"]),
        Route("/presence/{what:str}", presence, methods=["GET"]),
    ]


# -- the page and its session -------------------------------------------------------------------------------------------


async def chat_page(request: Request) -> Response:
    """The page; it holds nothing of anybody. What is posted to it is who they are, where the browser keeps that for no page."""
    chat, query = assembly_of(request), request.query_params
    team, named = asked_of(request, query.get("team", ""), query.get("adviser", ""))
    adviser = chat.board.by_slug.get(named)
    what, shown = await shown_of(request, team)
    return page(
        request,
        "chat/chat.html",
        modules=web_of(request).assets.modules("chat/chat.js"),
        shown=shown,
        what=what,
        visitor=(await form_of(request)).text("visitor") if request.method == "POST" else "",
        now=web_of(request).clock.now(),
        zone=zone_of(request),
        reply=await request.app.state.database.read(store.reply_time),
        most=web_of(request).config.chat.file_bytes,
        embed=query.get("embed") == "1" or query.get("popout") == "1",
        popout=query.get("popout") == "1",
        adviser=adviser,
        team=team,
    )


async def calling(request: Request) -> Response:
    """The part of it that only a call needs."""
    return page(request, "chat/calling.html", embed=request.query_params.get("embed") == "1")


async def message_page(request: Request) -> Response:
    """The form for browsers that run no scripts."""
    return _message_page(request, {}, {})


def _message_page(request: Request, typed: Mapping[str, str], wrong: Mapping[str, FieldError]) -> Response:
    return page(
        request,
        "chat/message.html",
        422 if wrong else 200,
        challenge=assembly_of(request).proofs.challenge(web_of(request).clock.now()),
        typed=typed,
        wrong=wrong,
        sent=request.query_params.get("sent") == "1",
    )


async def message(request: Request) -> Response:
    """That form: a first text, answered by mail."""
    limited(request, "chat")
    offered(request, "chat")
    form, chat = await form_of(request), assembly_of(request)
    there, challenge = RedirectResponse("/chat/message?sent=1", 303), form.text("challenge")
    if form.text("website"):  # nobody sees this field
        raise Forbidden(UNPROVEN)
    typed = {name: form.text(name).strip() for name in ("name", "email", "text")}
    wrong = {name: FieldError("This is needed") for name in typed if not typed[name]}
    if not chat.proofs.is_good(challenge, web_of(request).clock.now()):
        wrong = wrong or {"text": FieldError("This page had become old; please send it once more")}
    if wrong:
        return _message_page(request, typed, wrong)
    visitor, token = await known_or_new(request, SessionBody())
    said = OpenRequest(
        id=fingerprint(challenge),
        language=language_of(request),
        zone=visitor.zone,
        team=asked_of(request)[0],
        closed=await closed_until(request) is not None,
        proof=challenge,
        name=typed["name"],
        email=typed["email"],
        text=typed["text"],
    )
    try:
        await chat.chat.open(visitor, said)
    except Forbidden:  # sent already: a second click
        return there
    except Invalid as error:
        return _message_page(request, typed, error.fields)
    remember(request, there, token)
    return there


async def session(request: Request) -> Response:
    """Who this browser is, what it may open, and a pass for the live connection."""
    body, chat = await read(request, SessionBody), assembly_of(request)
    visitor, kept = await known_or_new(request, body)
    if not kept:  # whoever is known does not pay for others behind the same address
        limited(request, "hold", f"visitor:{visitor.id}")
    now = web_of(request).clock.now()
    current = await chat.chat.current(visitor)
    token, until = chat.passes.issue(f"visitor:{visitor.id}", now)
    _, shown = await shown_of(request, "")
    place = chat.dispatcher.place(current.id) if current else None
    config = web_of(request).config.chat
    adviser = chat.board.members.get(current.adviser_id or 0) if current else None
    answer = JSONResponse(
        {
            "token": token,
            "until": until * 1000,
            "you": {"name": visitor.name, "email": visitor.email},
            "open": current.uid if current else None,
            "state": current.state if current else None,
            "adviser": {"slug": adviser.slug, "name": adviser.name} if adviser else None,
            "presence": {"state": shown.state, "until": shown.until} if shown else None,
            "reply": await request.app.state.database.read(store.reply_time),
            "waiting": {"position": place.position, "wait": place.wait} if place else None,
            "prechat": [field for field in config.ask if not getattr(visitor, field)],
            "proof": {"challenge": chat.proofs.challenge(now), "bits": chat.proofs.bits},
            **about(request, visitor, kept),
        },
        headers={"Cache-Control": "no-store"},
    )
    remember(request, answer, kept, unkept=body.unkept)
    return answer


async def handover(request: Request) -> Response:
    """A ticket for a window of our own, once and soon: there this visitor is known too."""
    visitor, site = await visitor_of(request), site_of(request)
    if site is None:
        raise NotFound()
    limited(request, "hold", f"visitor:{visitor.id}")
    ticket = assembly_of(request).chat.handover(site.id, token_of(request))
    return JSONResponse({"ticket": ticket}, headers={"Cache-Control": "no-store"})


async def forget(request: Request) -> Response:
    """They have logged out of the site: what this browser showed of who they are, and what was popped out of it, is nobody's."""
    visitor, site, chat = await visitor_of(request), site_of(request), assembly_of(request)
    if site is None:
        raise NotFound()
    await chat.chat.forget(visitor)
    chat.ask_anew(f"visitor:{visitor.id}")
    return Response(status_code=204)


async def me(request: Request) -> Response:
    body = await read(request, MeBody)
    visitor = await assembly_of(request).chat.introduce(await visitor_of(request), body.name, body.email)
    return JSONResponse({"name": visitor.name, "email": visitor.email})


async def history(request: Request) -> Response:
    chat = assembly_of(request)
    found = await chat.chat.history(await visitor_of(request))
    return JSONResponse({"conversations": [_past(chat, one) for one in found]}, headers={"Cache-Control": "no-store"})


def _past(chat: Assembly, one: Conversation) -> dict[str, Any]:
    adviser = chat.board.members.get(one.adviser_id or 0)
    return {
        "c": one.uid,
        "state": one.state,
        "created_at": one.created_at * 1000,
        "updated_at": one.updated_at * 1000,
        "preview": one.preview,
        "adviser": adviser.name if adviser else None,
        "rating": one.rating,
    }


# -- conversations ------------------------------------------------------------------------------------------------------


async def begin(request: Request) -> Response:
    """Begin a conversation, or go on with the open one."""
    body, chat = await read(request, OpenBody), assembly_of(request)
    offered(request, "chat")
    visitor, now = await visitor_of(request), web_of(request).clock.now()
    open_already = await chat.chat.current(visitor) is not None  # sent again, perhaps, because no answer came
    worked = chat.proofs.accepts(body.proof.challenge, body.proof.nonce, now)
    if not open_already and not worked:
        raise Forbidden(UNPROVEN)
    limited(request, "chat", f"visitor:{visitor.id}")
    config = web_of(request).config
    team, adviser = asked_of(request, body.team, body.adviser)
    wrong: dict[str, FieldError] = {
        field: FieldError("This is needed")
        for field in config.chat.ask
        if not (getattr(body, field) or getattr(visitor, field)).strip()
    }
    wanted = OpenRequest(
        id=body.id,
        text=body.text,
        name=body.name,
        email=body.email,
        language=body.language if body.language in config.organisation.languages else visitor.language,
        zone=body.zone if is_zone(body.zone) else visitor.zone,
        adviser=adviser,
        team=team,
        page=body.page,
        subject=body.subject,
        closed=await closed_until(request) is not None,
        proof=body.proof.challenge if worked and chat.proofs.bits else "",
    )
    if wrong:
        raise Invalid(wrong)
    opened = await chat.chat.open(visitor, wanted)
    found = opened.conversation
    return JSONResponse({"c": found.uid, "state": found.state}, 200 if opened.repeated else 201)


async def end(request: Request) -> Response:
    await assembly_of(request).chat.end(await visitor_of(request), request.path_params["c"])
    return Response(status_code=204)


async def rate(request: Request) -> Response:
    body = await read(request, RatingBody)
    await assembly_of(request).chat.rate(await visitor_of(request), request.path_params["c"], body.rating, body.comment)
    return Response(status_code=204)


async def mail_transcript(request: Request) -> Response:
    body, chat = await read(request, TranscriptBody), assembly_of(request)
    visitor = await visitor_of(request)
    limited(request, "chat", f"visitor:{visitor.id}")
    found = await chat.chat.conversation(visitor, request.path_params["c"])
    await chat.mailing.send_transcript(found, visitor, body.email)
    return Response(status_code=202)


async def text_transcript(request: Request) -> Response:
    chat, visitor = assembly_of(request), await visitor_of(request)
    found = await chat.chat.conversation(visitor, request.path_params["c"])
    t = translator(language_of(request))
    text = transcript(
        found,
        await chat.chat.events(found.id),
        chat.board.members,
        visitor,
        t,
        web_of(request).config.organisation.name,
    )
    day = dt.datetime.fromtimestamp(found.created_at, dt.UTC).date().isoformat()
    headers = {"Content-Disposition": f'attachment; filename="{t.gettext("conversation")}-{day}.txt"'}
    return PlainTextResponse(text, headers={**headers, "Cache-Control": "no-store"})


# -- files --------------------------------------------------------------------------------------------------------------


async def upload(request: Request) -> Response:
    chat, visitor = assembly_of(request), await visitor_of(request)
    found = await chat.chat.conversation(visitor, request.path_params["c"])
    limited(request, "upload", f"visitor:{visitor.id}")
    return await received(request, found, CUSTOMER)


async def received(request: Request, found: Conversation, sender: str) -> Response:
    """Take a file into a conversation; the event that shows it follows over the live connection."""
    chat = assembly_of(request)
    if found.state == "closed":
        raise NotFound()
    async with request.form(max_files=1, max_fields=5) as form:
        sent = form.get("file")
        if not isinstance(sent, UploadFile):
            raise Invalid({"file": FieldError("Please choose a file")})

        async def chunks() -> Any:
            while chunk := await sent.read(65_536):
                yield chunk

        one = await chat.files.receive(sent.filename or "", chunks())
    values = {
        "uid": one.uid,
        "conversation_id": found.id,
        "sender": sender,
        "name": one.name,
        "media_type": one.media_type,
        "size": one.size,
        "sha256": one.sha256,
        "created_at": web_of(request).clock.now(),
    }

    def work(connection: Connection) -> None:
        store.add_file(connection, values)

    await request.app.state.database.write(work)
    return JSONResponse({"file": one.uid, "name": one.name, "type": one.media_type, "size": one.size}, 201)


async def file(request: Request) -> Response:
    """A file, to those whose conversation it is in: a plain picture may be shown, everything else is downloaded."""
    uid = request.path_params["uid"]
    row = await request.app.state.database.read(lambda connection: store.file_by_uid(connection, uid))
    if row is None:
        raise NotFound()
    await _may_read(request, row.conversation_id)
    return await delivered(request, row)


async def delivered(request: Request, row: Any) -> Response:
    """A file, by its row, to whoever may have it."""
    path = assembly_of(request).files.path(row.uid)
    if not await asyncio.to_thread(path.is_file):  # the database was restored, the files were not
        raise NotFound()
    shown = row.media_type in PICTURES and request.query_params.get("preview") == "1"
    return FileResponse(
        path,
        media_type=row.media_type,
        filename=row.name,
        content_disposition_type="inline" if shown else "attachment",
        headers={
            "Cache-Control": "private, max-age=86400, immutable",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "X-Content-Type-Options": "nosniff",
        },
    )


async def _may_read(request: Request, conversation_id: int) -> None:
    chat = assembly_of(request)
    adviser = await adviser_of(request) if site_of(request) is None else None
    found = await request.app.state.database.read(lambda connection: store.by_id(connection, conversation_id))
    if found is None:
        raise NotFound()
    if adviser is not None and adviser.id in chat.board.members:
        await chat.desk.conversation(chat.board.members[adviser.id], found.uid)
    else:
        await chat.chat.conversation(await visitor_of(request), found.uid)


# -- presence -----------------------------------------------------------------------------------------------------------


async def presence(request: Request) -> Response:
    """Whether somebody is there, small and cacheable: badges ask for it."""
    what = request.path_params["what"]
    shown = await assembly_of(request).watching.shown("site:" if what == "site" else what)
    if shown is None:
        raise NotFound()
    body = msgspec.json.encode({"state": shown.state, "until": shown.until, "name": shown.name})
    headers = {
        "ETag": f'"{hashlib.blake2b(body, digest_size=8).hexdigest()}"',
        "Cache-Control": "public, max-age=5",
        "Access-Control-Allow-Origin": "*",
    }
    if headers["ETag"] in request.headers.get("if-none-match", ""):  # a proxy may have called it weak
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)


T = TypeVar("T", bound=msgspec.Struct)


async def read(request: Request, shape: type[T]) -> T:
    """A JSON body as a struct; `Malformed` when it is not one."""
    try:
        return msgspec.json.decode(await request.body() or b"{}", type=shape)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise Malformed() from None
