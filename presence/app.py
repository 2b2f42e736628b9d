"""The composition root: the application of a configuration, its routes, and what it runs by itself."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from presence.booking import api, desk_pages, pages
from presence.bus import Bus
from presence.calls import pages as calls_pages
from presence.chat import pages as chat_pages
from presence.chat import visiting
from presence.chat.desk import pages as chat_desk_pages
from presence.clock import Clock, SystemClock
from presence.config import Config, LimitsConfig
from presence.errors import Unavailable
from presence.experts import pages as experts_pages
from presence.first import First, first_of, sow
from presence.mail import catcher_pages, outbox
from presence.mail.catcher import Catcher
from presence.parts import Parts
from presence.roster import pages as roster_pages
from presence.sites import desk_pages as site_desk_pages
from presence.sites import pages as site_pages
from presence.sites.badges import Badges
from presence.sites.framing import Framing
from presence.sites.memory import FromMemory
from presence.storage.checks import take_a_write
from presence.storage.database import Database
from presence.storage.tenancy import tenancy
from presence.web.assets import Assets
from presence.web.guard import Guard
from presence.web.limits import Limits
from presence.web.problems import handlers
from presence.web.request import Web
from presence.web.templates import Templates


def create_app(
    config: Config,
    clock: Clock | None = None,
    *,
    catcher: Catcher | None = None,
    workers: bool = True,
    bus: Bus | None = None,
) -> Starlette:
    """The application. Its lifespan opens the database, adds the first people and services, and runs the workers.

    Without `workers` nothing is mailed and no mail comes in: another process with them does that.
    """
    clock, first, assets = clock or SystemClock(), first_of(config), Assets()
    parts = Parts(config, clock, first, bus)
    badges = Badges(
        parts.sites,
        parts.chat.board,
        parts.chat.watching,
        clock,
        languages=config.organisation.languages,
        modules=f"{assets.prefix}/widget/",
        own=config.server.base_url.rstrip("/"),
    )
    app = Starlette(
        routes=[*_routes(config, catcher), *parts.chat.routes(config.server.base_url)],
        middleware=[
            Middleware(FromMemory, badges=badges),
            Middleware(
                Guard,
                base_url=config.server.base_url,
                body_bytes=config.limits.body_bytes,
                file_bytes=config.chat.file_bytes + 10_000,
            ),
            Middleware(Framing, sites=parts.sites),
        ],
        exception_handlers=handlers(),
        lifespan=_lifespan(parts, first, clock, workers=workers),
    )
    app.router.routes.append(Mount(assets.prefix, assets, name="static"))
    app.state.presence = Web(config, clock, Templates(assets.url), assets)
    app.state.limits = _limits(config.limits)
    app.state.badges = badges
    _lay_out(app, parts)
    return app


def _lifespan(
    parts: Parts, first: First, clock: Clock, *, workers: bool
) -> Callable[[Starlette], contextlib.AbstractAsyncContextManager[None]]:
    """What runs as long as the application does: started in order, stopped in the other."""
    database, chat, doors = parts.database, parts.chat, parts.doors

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(tenancy(database.url, shared=parts.several))
            await database.open()
            stack.push_async_callback(database.close)
            await sow(database, first, clock.now())
            await chat.open()
            if workers:
                await doors.open()
                stack.push_async_callback(doors.close)
            async with asyncio.TaskGroup() as group:
                chat.start(group)
                parts.calls.start(group)
                if workers:
                    group.create_task(chat.mailing.run(), name="unseen messages")
                    group.create_task(doors.run(), name="mailbox")
                    group.create_task(parts.mails.run(), name="mails")
                    group.create_task(parts.reminders.run(), name="reminders")
                    group.create_task(parts.attending.run(), name="attendance")
                yield
                doors.stop()
                await doors.close()
                await parts.calls.stop()
                await chat.stop()
                parts.mails.stop()
                parts.reminders.stop()
                parts.attending.stop()

    return lifespan


def _limits(limits: LimitsConfig) -> Limits:
    return Limits(
        {
            "sign_in": limits.sign_in_per_minute,
            "hold": limits.holds_per_minute,
            "book": limits.bookings_per_minute,
            "api": limits.api_per_minute,
            "chat": limits.chats_per_minute,
            "call": limits.calls_per_minute,
            "upload": 10 * limits.chats_per_minute,
        }
    )


def _lay_out(app: Starlette, parts: Parts) -> None:
    """Where the pages find what they call."""
    app.state.database = parts.database
    app.state.booking = parts.booking
    app.state.letters = parts.letters
    app.state.desk = parts.desk
    app.state.drafts = parts.drafts
    app.state.visitor_by = visiting.known
    app.state.attending = parts.attending
    app.state.roster = parts.roster
    app.state.sign_in = parts.sign_in
    app.state.assembly = parts.chat
    app.state.calls = parts.calls
    app.state.signed_out = parts.chat.sign_out
    app.state.sites = parts.sites
    app.state.directory = parts.directory
    app.state.editing = parts.editing
    app.state.signers = parts.signers
    app.state.vouching = parts.vouching


def _routes(config: Config, catcher: Catcher | None) -> list[BaseRoute]:
    routes = [
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        Route("/metrics", metrics),
        *site_pages.routes(),  # before all others: asked for most
        *api.routes(),
        *pages.routes(),
        *calls_pages.routes(),  # before the agenda's, whose appointments take any act
        *desk_pages.routes(),
        *roster_pages.routes(),
        *chat_pages.routes(),
        *experts_pages.routes(),
        *chat_desk_pages.routes(),
        *site_desk_pages.routes(),
    ]
    if config.server.demo and catcher is not None:
        routes += catcher_pages.routes(catcher)
    return routes


async def healthz(_request: Request) -> Response:
    """The process answers."""
    return JSONResponse({"status": "ok"})


async def readyz(request: Request) -> Response:
    """The database answers, and takes writes."""
    database: Database = request.app.state.database
    try:
        waiting = await database.read(outbox.waiting)
        await database.write(take_a_write)
    except (Unavailable, SQLAlchemyError, OSError):
        return JSONResponse({"status": "unavailable"}, 503)
    return JSONResponse({"status": "ok", "mails_waiting": waiting})


async def metrics(_request: Request) -> Response:
    """Prometheus' text."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
