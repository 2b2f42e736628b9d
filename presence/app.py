"""The composition root: builds everything from the configuration and mounts the routes."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from functools import partial

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from presence.booking import api, desk_pages, pages
from presence.booking.correspondence import Correspondence
from presence.booking.desk import Desk
from presence.booking.letters import Organisation
from presence.booking.model import Appointment
from presence.booking.rehearsal import rehearse
from presence.booking.reminders import ReminderWorker
from presence.booking.requests import BookRequest, OfferRequest
from presence.booking.service import Booking
from presence.bus import Bus
from presence.bus.memory import MemoryBus
from presence.chat import pages as chat_pages
from presence.chat.assembly import Assembly
from presence.chat.desk import pages as chat_desk_pages
from presence.chat.mail.gateway import Gateway
from presence.chat.mail.letters import Sender
from presence.chat.service import Noted
from presence.clock import Clock, SystemClock
from presence.config import Config
from presence.errors import ConfigError, NotFound, Unavailable
from presence.first import first_of, sow
from presence.mail import catcher_pages, outbox
from presence.mail.catcher import Catcher
from presence.mail.compose import Mailbox
from presence.mail.inbound.doors import Doors, addresses_of
from presence.mail.templates import MailTemplates
from presence.mail.worker import MailWorker
from presence.roster import pages as roster_pages
from presence.roster.service import Roster
from presence.roster.sign_in import SignIn
from presence.sites.service import Sites
from presence.storage.checks import take_a_write
from presence.storage.database import Database
from presence.storage.tenancy import tenancy
from presence.tokens import derived_token
from presence.web.assets import Assets
from presence.web.guard import Guard
from presence.web.limits import Limits
from presence.web.problems import handlers
from presence.web.request import Web
from presence.web.templates import Templates

HOUR = 3600


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
    clock, first = clock or SystemClock(), first_of(config)
    secret_key = config.server.secret_key or secrets.token_urlsafe(32)
    database = Database(config.database.url, readers=config.database.readers)
    mail_worker = MailWorker(database, clock, config.mail)
    letters = correspondence_of(config, secret_key)
    booking = Booking(
        database,
        clock,
        first.opening,
        letters,
        hold_minutes=config.booking.hold_minutes,
        wake=mail_worker.wake,
    )
    reminder_worker = ReminderWorker(database, clock, letters, wake=mail_worker.wake)
    if bus is None and config.chat.redis_url:
        bus = redis_bus(config.chat.redis_url, secret_key)
    several = bus is not None
    chat = _chat(config, database, clock, bus or MemoryBus(), secret_key, booking, mail_worker)
    doors = _doors(config, database, clock, chat, mail_worker)

    def tell_conversation(one: Appointment, by: BookRequest) -> None:
        chat.booked(Noted(one.customer.email, by.visitor, one.uid, one.starts_at, one.service.name))

    booking.on_booked.append(tell_conversation)

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(tenancy(database.url, shared=several))
            await database.open()
            stack.push_async_callback(database.close)
            await sow(database, first, clock.now())
            await chat.open()
            if workers:
                await doors.open()
                stack.push_async_callback(doors.close)
            async with asyncio.TaskGroup() as group:
                chat.start(group)
                if workers:
                    group.create_task(chat.mailing.run(), name="unseen messages")
                    group.create_task(doors.run(), name="mailbox")
                    group.create_task(mail_worker.run(), name="mails")
                    group.create_task(reminder_worker.run(), name="reminders")
                yield
                doors.stop()
                await doors.close()
                await chat.stop()
                mail_worker.stop()
                reminder_worker.stop()

    app = Starlette(
        routes=[*_routes(config, catcher), *chat.routes(config.server.base_url)],
        middleware=[
            Middleware(
                Guard,
                base_url=config.server.base_url,
                body_bytes=config.limits.body_bytes,
                file_bytes=config.chat.file_bytes + 10_000,
            )
        ],
        exception_handlers=handlers(),
        lifespan=lifespan,
    )
    assets = Assets()
    app.router.routes.append(Mount(assets.prefix, assets, name="static"))
    app.state.presence = Web(config, clock, Templates(assets.url), assets)
    app.state.limits = Limits(
        {
            "sign_in": config.limits.sign_in_per_minute,
            "hold": config.limits.holds_per_minute,
            "book": config.limits.bookings_per_minute,
            "api": config.limits.api_per_minute,
            "chat": config.limits.chats_per_minute,
            "upload": 10 * config.limits.chats_per_minute,
        }
    )
    app.state.database = database
    app.state.booking = booking
    app.state.letters = letters
    app.state.desk = Desk(database, clock, booking, letters, wake=mail_worker.wake)
    app.state.roster = Roster(database, clock)
    app.state.sign_in = SignIn(database, clock)
    app.state.assembly = chat
    app.state.signed_out = chat.sign_out
    app.state.sites = Sites(database, clock)
    return app


def _chat(
    config: Config,
    database: Database,
    clock: Clock,
    bus: Bus,
    secret_key: str,
    booking: Booking,
    mail_worker: MailWorker,
) -> Assembly:
    """Conversations and presence, which ask booking when somebody is next there."""
    inbound = config.mail.inbound
    return Assembly(
        database,
        clock,
        bus,
        config.chat,
        secret_key=secret_key,
        templates=MailTemplates(config.mail.templates),
        sender=Sender(
            organisation=config.organisation.name,
            mailbox=Mailbox(config.mail.sender_name or config.organisation.name, config.mail.sender),
            base_url=config.server.base_url,
            phone=config.organisation.phone,
            privacy_url=config.organisation.privacy_url,
            reply=inbound.reply_address if inbound.open else "",
            bounce=inbound.bounce_address if inbound.open else "",
            advisers_answer=bool(inbound.trusted_authserv),
        ),
        pool=partial(_pool, booking),
        expected=partial(_expected, booking),
        wake_mail=mail_worker.wake,
    )


def _doors(config: Config, database: Database, clock: Clock, chat: Assembly, mail_worker: MailWorker) -> Doors:
    """Where mail comes in, and what it goes into."""
    inbound = config.mail.inbound
    if not inbound.open:
        return Doors(inbound)
    gateway = Gateway(
        database=database,
        clock=clock,
        journal=chat.journal,
        board=chat.board,
        mailing=chat.mailing,
        files=chat.files,
        addresses=addresses_of(inbound),
        own=config.mail.sender,
        trusted=inbound.trusted_authserv,
        changed=chat.presence_changed,
        wake_mail=mail_worker.wake,
    )
    return Doors(inbound, gateway.deliver, gateway.knows)


def correspondence_of(config: Config, secret_key: str) -> Correspondence:
    """Who writes an organisation's letters. `ConfigError` when a template of its own cannot be used."""
    organisation = Organisation(
        name=config.organisation.name,
        mailbox=Mailbox(config.mail.sender_name or config.organisation.name, config.mail.sender),
        phone=config.organisation.phone,
        privacy_url=config.organisation.privacy_url,
    )
    templates = MailTemplates(config.mail.templates)
    rehearse(templates, organisation)
    return Correspondence(
        organisation,
        templates,
        base_url=config.server.base_url,
        secret_key=secret_key,
        give_up_after=config.mail.give_up_after * HOUR,
    )


def redis_bus(url: str, secret_key: str) -> Bus:
    """The bus for the processes that share a secret key. `ConfigError` when its client is not installed."""
    try:
        from presence.bus.redis import RedisBus
    except ImportError:
        raise ConfigError("chat.redis_url: the client of Redis is missing: pip install 'presence[scale]'") from None
    return RedisBus(url, derived_token(secret_key.encode(), "bus"))


async def _pool(booking: Booking, slug: str) -> frozenset[str] | None:
    """A service's advisers, for presence."""
    try:
        return await booking.pool(slug)
    except NotFound:
        return None


async def _expected(booking: Booking, what: str, slugs: frozenset[str]) -> int | None:
    """When one of these advisers is next expected: when the first begins to work, or the first free start before that."""
    kind, _, slug = what.partition(":")
    begins = await booking.next_beginning(slugs)
    firsts = [] if begins is None else [begins]
    for service in await booking.services():
        if (kind == "service" and service.slug != slug) or (kind == "team" and service.pool.team != slug):
            continue
        offers = await booking.offers(OfferRequest(service=service.slug, adviser=slug if kind == "adviser" else ""))
        if offers.starts and (kind != "adviser" or offers.adviser is not None):
            firsts.append(offers.starts[0])
    return min(firsts, default=None)


def _routes(config: Config, catcher: Catcher | None) -> list[BaseRoute]:
    routes = [
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        Route("/metrics", metrics),
        *api.routes(),
        *pages.routes(),
        *desk_pages.routes(),
        *roster_pages.routes(),
        *chat_pages.routes(),
        *chat_desk_pages.routes(),
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
