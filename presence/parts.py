"""The parts of the service, built from the configuration and handed to each other. Nothing is started here."""

import secrets
from functools import partial

from presence.booking.correspondence import Correspondence
from presence.booking.desk import Desk
from presence.booking.letters import Organisation
from presence.booking.model import Appointment
from presence.booking.pages import draft
from presence.booking.rehearsal import rehearse
from presence.booking.reminders import ReminderWorker
from presence.booking.requests import BookRequest, OfferRequest
from presence.booking.service import Booking
from presence.bus import Bus
from presence.bus.memory import MemoryBus
from presence.calls.assembly import Calls
from presence.calls.attending import Attending
from presence.calls.extending import looking_ahead
from presence.chat.assembly import Assembly
from presence.chat.mail.gateway import Gateway
from presence.chat.mail.letters import Sender
from presence.chat.service import Noted
from presence.clock import Clock
from presence.config import Config
from presence.errors import ConfigError, NotFound
from presence.experts.service import Directory
from presence.first import First
from presence.mail.compose import Mailbox
from presence.mail.inbound.doors import Doors, addresses_of
from presence.mail.templates import MailTemplates
from presence.mail.worker import MailWorker
from presence.roster.service import Roster
from presence.roster.sign_in import SignIn
from presence.roster.watching import Housed, Premises
from presence.sites.editing import Editing
from presence.sites.hours import premises
from presence.sites.service import Sites
from presence.sites.signers import Signers, Vouching
from presence.storage.database import Database
from presence.tokens import derived_token

HOUR = 3600


class Parts:
    """Everything there is one of in a process."""

    def __init__(self, config: Config, clock: Clock, first: First, bus: Bus | None) -> None:
        secret_key = config.server.secret_key or secrets.token_urlsafe(32)
        if bus is None and config.chat.redis_url:
            bus = redis_bus(config.chat.redis_url, secret_key)
        self.several = bus is not None  # processes that may share the database
        self.database = database = Database(config.database.url, readers=config.database.readers)
        self.mails = MailWorker(database, clock, config.mail)
        self.letters = correspondence_of(config, secret_key)
        self.booking = Booking(
            database,
            clock,
            first.opening,
            self.letters,
            hold_minutes=config.booking.hold_minutes,
            wake=self.mails.wake,
        )
        self.reminders = ReminderWorker(database, clock, self.letters, wake=self.mails.wake)
        self.attending = Attending(
            database, clock, self.letters, missed_after=config.calls.missed_minutes * 60, wake=self.mails.wake
        )
        self.desk = Desk(
            database, clock, self.booking, self.letters, seen=self.attending.arrivals, wake=self.mails.wake
        )
        self.drafts = draft.sealer(secret_key)
        self.roster = Roster(database, clock)
        self.sign_in = SignIn(database, clock)
        self.sites = Sites(database, clock)
        self.editing = Editing(database, self.sites)
        self.signers = Signers(database, clock, secret_key)
        self.vouching = Vouching(database, clock, self.signers, config.server.base_url)
        housed = partial(_housed, self.sites, clock, config.organisation.zone)
        self.chat = _chat(config, database, clock, bus or MemoryBus(), secret_key, self.booking, self.mails, housed)
        self.directory = Directory(database, clock, self.chat.board, self.booking)
        self.calls = Calls(database, clock, self.chat, config.calls, ahead=looking_ahead)
        self.doors = _doors(config, database, clock, self.chat, self.mails)
        self.booking.on_booked.append(self._tell_conversation)

    def _tell_conversation(self, one: Appointment, by: BookRequest) -> None:
        self.chat.booked(Noted(one.customer.email, by.visitor, one.uid, one.starts_at, one.service.name))


def _chat(
    config: Config,
    database: Database,
    clock: Clock,
    bus: Bus,
    secret_key: str,
    booking: Booking,
    mail_worker: MailWorker,
    housed: Housed,
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
        housed=housed,
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
    if config.mail.templates:  # our own are rehearsed by the tests
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
    if kind == "adviser":  # a page of experts watches dozens
        return min([*firsts, *(await booking.first_starts(slugs)).values()], default=None)
    for service in await booking.services():
        if (kind == "service" and service.slug != slug) or (kind == "team" and service.pool.team != slug):
            continue
        offers = await booking.offers(OfferRequest(service=service.slug))
        if offers.starts:
            firsts.append(offers.starts[0])
    return min(firsts, default=None)


async def _housed(sites: Sites, clock: Clock, zone: str, slug: str) -> Premises | None:
    """What presence has to know of a site. `zone`: of hours that name none."""
    site = await sites.by_slug(slug)
    return premises(site.settings, zone, clock.now()) if site else None
