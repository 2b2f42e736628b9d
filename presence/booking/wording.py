"""How an appointment is said to each of its people, in their language and zone. Pure.

The customer's secret links reach nobody else: whatever is said to somebody takes only what `Links` gives
their role.
"""

import re
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec
from babel.dates import format_date

from presence.booking.model import Appointment, Person
from presence.clock import utc
from presence.i18n import LANGUAGES, N_, Translator, translator
from presence.mail.compose import one_line
from presence.roster.model import Adviser, Medium

Role = Literal["customer", "guest", "adviser"]

_MEDIA: dict[Medium, str] = {"video": N_("Video call"), "audio": N_("Audio call"), "text": N_("Text chat")}
_ADDRESS_IN_NAME = re.compile(r"(?:\b[a-z]+://|\bwww\.)\S*", re.IGNORECASE)


class Recipient(msgspec.Struct, frozen=True, kw_only=True):
    """One of an appointment's people as mails and invitations reach them."""

    role: Role
    name: str
    email: str
    language: str
    zone: str


class Links(msgspec.Struct, frozen=True, kw_only=True):
    """Where mails and invitations lead. An empty address is left out of what is sent.

    `page`, `move`, `cancel` and `join` hold the customer's secret and go to the customer alone.
    """

    page: str = ""
    move: str = ""
    cancel: str = ""
    join: str = ""
    guest_join: str = ""
    adviser_join: str = ""
    desk: str = ""  # the appointment at the adviser's desk
    book: str = ""  # where to make another appointment

    def join_of(self, role: Role) -> str:
        """The address that lets somebody of this role join."""
        return {"customer": self.join, "guest": self.guest_join, "adviser": self.adviser_join}[role]


class When(msgspec.Struct, frozen=True):
    """Start and end in words, in a language and a zone."""

    day: str  # "Thursday, November 26, 2026", "jeudi 26 novembre 2026"
    heading: str  # the same as a line begins: "Jeudi 26 novembre 2026"
    start: str  # "14:30"
    hours: str  # "14:30 – 15:00"; with the day of the end when that is another
    zone: str  # "Paris time (UTC+1)"
    month: str  # "NOV", for a calendar leaf
    date: str  # "26"


def recipients(appointment: Appointment) -> tuple[Recipient, ...]:
    """Everybody an appointment concerns, each address once: the customer, the advisers, the guests."""
    people = [
        _recipient("customer", appointment.customer),
        *map(adviser_recipient, appointment.advisers),
        *(_recipient("guest", guest) for guest in appointment.guests),
    ]
    once: dict[str, Recipient] = {}
    for person in people:
        once.setdefault(person.email, person)
    return tuple(once.values())


def adviser_recipient(adviser: Adviser) -> Recipient:
    """An adviser: the first of their languages that mails are written in, and their own zone."""
    language = next((spoken for spoken in adviser.languages if spoken in LANGUAGES), LANGUAGES[0])
    return Recipient(
        role="adviser",
        name=plain_name(adviser.name),
        email=adviser.email,
        language=language,
        zone=adviser.zone,
    )


@lru_cache(maxsize=4096)
def plain_name(name: str) -> str:
    """A name on one line, without web addresses: no booking carries advertisement to its guests.

    One mail shows the same few names a dozen times.
    """
    name = one_line(name)
    if "://" in name or "www." in name.lower():
        name = one_line(_ADDRESS_IN_NAME.sub("", name))
    return name


@lru_cache(maxsize=4096)
def when(language: str, zone: str, starts_at: int, ends_at: int) -> When:
    """Start and end in words. Many mails share few starts, and formatting dates is most of a mail's cost."""
    t = translator(language)
    day, start, end = t.date(starts_at, zone), t.time(starts_at, zone), t.time(ends_at, zone)
    local = utc(starts_at).astimezone(ZoneInfo(zone))
    if local.date() == utc(ends_at).astimezone(ZoneInfo(zone)).date():
        hours = f"{start} – {end}"
    else:
        hours = f"{start} – {t.date(ends_at, zone)}, {end}"
    month = format_date(local, "LLL", locale=language).rstrip(".").upper()
    return When(day, day[:1].upper() + day[1:], start, hours, t.zone_name(zone, starts_at), month, str(local.day))


def when_for(appointment: Appointment, recipient: Recipient) -> When:
    """Start and end as this person reads them."""
    return when(recipient.language, recipient.zone, appointment.starts_at, appointment.ends_at)


def service_name(appointment: Appointment, language: str) -> str:
    """The service's name on one line; never empty, since an entry in a calendar needs a title."""
    name = one_line(appointment.service.text(appointment.service.name, language))
    return name or translator(language).gettext("Appointment")


def medium_name(medium: Medium, t: Translator) -> str:
    """ "Video call", "Audio call" or "Text chat"."""
    return t.gettext(_MEDIA[medium])


def adviser_names(appointment: Appointment) -> str:
    """The advisers' names, one after the other."""
    return ", ".join([plain_name(adviser.name) for adviser in appointment.advisers])


def guest_names(appointment: Appointment) -> str:
    """The guests' names, or addresses where they gave none."""
    return ", ".join([plain_name(guest.name) or guest.email for guest in appointment.guests])


def summary(appointment: Appointment, recipient: Recipient) -> str:
    """The appointment's title in this person's calendar."""
    t = translator(recipient.language)
    service = service_name(appointment, recipient.language)
    if recipient.role == "adviser":
        return " – ".join(filter(None, (service, plain_name(appointment.customer.name))))
    return t.gettext("%(service)s with %(adviser)s", service=service, adviser=adviser_names(appointment))


def description(appointment: Appointment, recipient: Recipient, links: Links) -> str:
    """What this person's calendar says below the title, in lines; nothing that another must not see."""
    t = translator(recipient.language)
    lines = [service_name(appointment, recipient.language), _with_whom(appointment, recipient, t)]
    if appointment.state == "requested":
        lines.append(t.gettext("Not certain yet: the adviser has still to confirm."))
    if join := links.join_of(recipient.role):
        lines += ["", t.gettext("Join here: %(link)s", link=join)]
    if recipient.role == "customer" and links.page:
        lines += ["", t.gettext("See, move or cancel the appointment: %(link)s", link=links.page)]
    if recipient.role == "guest":
        lines += ["", t.gettext("%(name)s invited you.", name=plain_name(appointment.customer.name))]
    if recipient.role == "adviser" and links.desk:
        lines += ["", t.gettext("At your desk: %(link)s", link=links.desk)]
    return "\n".join(lines)


def _with_whom(appointment: Appointment, recipient: Recipient, t: Translator) -> str:
    medium = medium_name(appointment.medium, t)
    if recipient.role == "adviser":
        people = ", ".join(filter(None, (plain_name(appointment.customer.name), guest_names(appointment))))
    else:
        people = adviser_names(appointment)
    return t.gettext("%(medium)s with %(people)s", medium=medium, people=people)


def _recipient(role: Role, person: Person) -> Recipient:
    language = person.language if person.language in LANGUAGES else LANGUAGES[0]
    return Recipient(role=role, name=plain_name(person.name), email=person.email, language=language, zone=person.zone)
