"""The demo: everything on one machine, in one process, with nothing else to start."""

import asyncio
import datetime as dt
import secrets
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from presence.app import create_app
from presence.booking.correspondence import Correspondence
from presence.booking.desk import Desk
from presence.booking.model import CELL
from presence.booking.requests import BookRequest, OfferRequest
from presence.booking.rules import ROOM_OPENS
from presence.booking.service import Booking
from presence.clock import Clock, SystemClock, instant, utc
from presence.config import (
    ChatConfig,
    Config,
    DatabaseConfig,
    InboundConfig,
    LimitsConfig,
    LogConfig,
    MailConfig,
    OrganisationConfig,
    ServerConfig,
)
from presence.errors import SlotTaken
from presence.first import first_of, sow
from presence.mail.catcher import Catcher
from presence.observe import configure_logging
from presence.parts import correspondence_of
from presence.roster.model import Medium
from presence.roster.service import Roster
from presence.serving import server
from presence.storage.database import Database
from presence.storage.migrate import migrate

PASSWORD = "a calm demo password"  # noqa: S105 - known to everybody, on loopback alone
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri")


def _adviser(slug: str, name: str, languages: list[str], hours: list[str], **more: Any) -> dict[str, Any]:
    return {
        "slug": slug,
        "name": name,
        "email": f"{slug}@demo.example",
        "languages": languages,
        "hours": dict.fromkeys((*WEEKDAYS, "sat"), hours),
        "holidays": "FR",
        "teams": ["advice"],
        "password": PASSWORD,
        **more,
    }


MORTGAGES = {"en": "Mortgages", "fr": "Prêt immobilier"}
EVERYDAY = {"en": "Everyday banking", "fr": "Banque au quotidien"}
INSURANCE = {"en": "Insurance", "fr": "Assurances"}
SAVINGS = {"en": "Savings and investing", "fr": "Épargne et placements"}
ADVISERS = (
    _adviser("alice", "Alice Martin", ["fr", "en"], ["08:00-12:30", "13:30-17:00"], topics=[MORTGAGES, EVERYDAY]),
    _adviser("bob", "Bob Durand", ["fr"], ["12:00-22:00"], topics=[EVERYDAY, INSURANCE]),
    _adviser(
        "mona",
        "Mona Keller",
        ["en", "fr", "de"],
        ["10:00-14:00", "16:00-20:00"],
        supervisor=True,
        topics=[SAVINGS, MORTGAGES],
    ),
)
SERVICES: tuple[dict[str, Any], ...] = (
    {
        "slug": "first-talk",
        "name": {"en": "A first talk", "fr": "Un premier entretien"},
        "description": {
            "en": "Get to know your adviser and ask what you like.",
            "fr": "Faites connaissance avec votre conseiller et posez toutes vos questions.",
        },
        "durations": [30],
        "notice": 30,
        "pool": {"team": "advice"},
    },
    {
        "slug": "home-loan",
        "name": {"en": "A loan for your home", "fr": "Un prêt pour votre logement"},
        "description": {
            "en": "Your project, your figures, and an offer you can compare.",
            "fr": "Votre projet, vos chiffres, et une offre que vous pourrez comparer.",
        },
        "durations": [45, 60],
        "buffer_after": 15,
        "pool": {"team": "advice"},
        "questions": [
            {
                "key": "project",
                "label": {"en": "What are you planning?", "fr": "Quel est votre projet ?"},
            },
            {
                "key": "stage",
                "kind": "choice",
                "required": True,
                "label": {"en": "How far are you?", "fr": "Où en êtes-vous ?"},
                "choices": [
                    {"en": "Just thinking", "fr": "Je réfléchis"},
                    {"en": "I have found something", "fr": "J’ai trouvé un bien"},
                    {"en": "I have signed", "fr": "J’ai signé un compromis"},
                ],
            },
            {
                "key": "customer",
                "kind": "yes_no",
                "label": {"en": "Are you a customer already?", "fr": "Êtes-vous déjà client ?"},
            },
        ],
    },
    {
        "slug": "moving-account",
        "name": {"en": "Moving your account to us", "fr": "Changer de banque"},
        "description": {
            "en": "We take care of the papers. The adviser confirms the hour.",
            "fr": "Nous nous occupons des formalités. Le conseiller confirme l’heure.",
        },
        "durations": [30],
        "confirmation": "adviser",
        "media": ["audio", "text"],
        "pool": {"team": "advice"},
    },
)


def configuration(port: int, directory: Path, smtp_port: int) -> Config:
    """The demo's configuration; its secret key is kept beside its data."""
    directory.mkdir(parents=True, exist_ok=True)
    key_file = directory / "secret"
    if not key_file.exists():
        key_file.write_text(secrets.token_urlsafe(48))
    return Config(
        server=ServerConfig(port=port, base_url=f"http://localhost:{port}", secret_key=key_file.read_text(), demo=True),
        database=DatabaseConfig(url=f"sqlite:///{directory / 'presence.db'}"),
        organisation=OrganisationConfig(name="Banque Lumière", phone="+33 1 23 45 67 89", holidays="FR"),
        mail=MailConfig(
            host="127.0.0.1",
            port=smtp_port,
            sender="rendezvous@demo.example",
            inbound=InboundConfig(  # what the catcher's form answers with comes in as any mail does
                reply_address="reply+{token}@demo.example",
                bounce_address="bounce+{token}@demo.example",
                smtp_listen=f"unix:{directory.resolve() / 'smtp'}",
                trusted_authserv="mail.demo.example",
            ),
        ),
        chat=ChatConfig(files=str(directory / "files")),
        limits=LimitsConfig(  # everybody is the same address here
            sign_in_per_minute=100,
            holds_per_minute=600,
            bookings_per_minute=600,
            chats_per_minute=100,
            calls_per_minute=100,
        ),
        log=LogConfig(level="warning", format="console"),
        advisers=ADVISERS,
        services=SERVICES,
    )


# -- sample appointments --------------------------------------------------------------------------------------------

CAROL = BookRequest(
    request_key="sample",
    name="Carol Petit",
    email="carol@demo.example",
    phone="+33 6 12 34 56 78",
    language="en",
    zone="Europe/Paris",
)
_ZONE = ZoneInfo("Europe/Paris")


async def lay_out(config: Config, clock: Clock) -> str:
    """Appointments of Carol's to look at; returns the token of the one whose room is open now, empty when Mona is taken.

    They are made as everybody's are, mails and all, before the service starts. A later start finds those of the first one,
    and makes another that is open now when none is.
    """
    first, database = first_of(config), Database(config.database.url)
    letters = correspondence_of(config, config.server.secret_key)
    booking = Booking(database, clock, first.opening, letters)
    desk = Desk(database, clock, booking, letters)
    await database.open()
    try:
        await sow(database, first, clock.now())
        today = utc(clock.now()).astimezone(_ZONE).date()
        answers = {"project": "A house with a garden", "stage": "1", "customer": "yes"}
        await _book(booking, "alice", "home-loan", "video", today + dt.timedelta(days=1), answers)
        await _book(booking, "bob", "moving-account", "audio", today + dt.timedelta(days=7), {})
        (mona,) = (one.id for one in await Roster(database, clock).advisers() if one.slug == "mona")
        return await _open_now(desk, letters, mona, clock.now())
    finally:
        await database.close()


async def _book(
    booking: Booking, adviser: str, service: str, medium: Medium, day: dt.date, answers: dict[str, str]
) -> None:
    """The adviser's first free hour from a day on, once: if they have one that can be booked already."""
    since = instant(dt.datetime.combine(day, dt.time(), _ZONE))
    offers = await booking.offers(OfferRequest(service=service, adviser=adviser, medium=medium, since=since))
    if offers.starts and not offers.fell_back:
        request = msgspec.structs.replace(
            CAROL,
            request_key=f"sample {adviser}",
            service=service,
            start=offers.starts[0],
            adviser=adviser,
            medium=medium,
            answers=answers,
        )
        await booking.book(request)


async def _open_now(desk: Desk, letters: Correspondence, mona: int, now: int) -> str:
    """Carol's appointment with Mona whose room is open. Mona gives it: it may be night, and nothing is offered so soon.

    It begins as late as its room allows: from five minutes before, she is busy to everybody else. Alice is kept free for
    who wants to talk and to call without an appointment.
    """
    latest = (now + ROOM_OPENS) // CELL * CELL
    for one in await desk.appointments(mona, now - 3600, latest + 1):
        if one.state == "confirmed" and one.customer.email == CAROL.email and now < one.ends_at:
            return letters.token(one.uid)
    for start in range(latest, now, -CELL):
        request = msgspec.structs.replace(
            CAROL, request_key=f"sample {start}", service="first-talk", start=start, medium="video"
        )
        try:
            return (await desk.give(mona, request)).token
        except SlotTaken:
            continue
    return ""


# -- running --------------------------------------------------------------------------------------------------------


def run(port: int, directory: Path, *, samples: bool = True) -> None:
    """Start the demo and say where to click."""
    asyncio.run(_run(port, directory, samples))


async def _run(port: int, directory: Path, samples: bool) -> None:
    catcher = Catcher(directory / "mails")
    config = configuration(port, directory, await catcher.listen(0))
    configure_logging(config.log)
    await asyncio.to_thread(migrate, config.database.url)
    token = await lay_out(config, SystemClock()) if samples else ""
    app = create_app(config, catcher=catcher)
    served = server(app, port=port)
    base = config.server.base_url
    join = (
        f"\n  Join a call           {base}/a/{token}/room   (as Carol; Mona lets her in, mona@demo.example)"
        if token
        else ""
    )
    print(
        f"\n  Book an appointment   {base}/book{join}"
        f"\n  Talk to an adviser    {base}/chat"
        f"\n  Read the mails        {base}/catcher"
        f"\n  The advisers' side    {base}/desk   (alice@demo.example, password: {PASSWORD})\n",
        flush=True,
    )
    try:
        await served.serve()
    finally:
        await catcher.close()
