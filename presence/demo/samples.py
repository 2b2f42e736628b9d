"""Appointments to look at, one of which can be joined now."""

import datetime as dt
from zoneinfo import ZoneInfo

import msgspec

from presence.booking.correspondence import Correspondence
from presence.booking.desk import Desk
from presence.booking.model import CELL
from presence.booking.requests import BookRequest, OfferRequest
from presence.booking.rules import ROOM_OPENS
from presence.booking.service import Booking
from presence.clock import Clock, instant, utc
from presence.config import Config
from presence.errors import SlotTaken
from presence.first import first_of, sow
from presence.parts import correspondence_of
from presence.roster.model import Medium
from presence.roster.service import Roster
from presence.storage.database import Database

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
