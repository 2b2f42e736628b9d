"""Appointments as iCalendar objects: invitations (RFC 5546), a file to download, an adviser's feed. Pure.

What real calendars need decides here: times in UTC with `Z` (a TZID without its VTIMEZONE is an hour off in
Outlook), one UID for the whole life, METHOD:CANCEL for what is cancelled (a REQUEST that says so stays in
Google's calendar), and our own address as ORGANIZER, since it is the one that signs the mail and receives
the replies.

The lines are written here because every booking waits for several of them, and a general library takes ten
times as long. The tests hold them against libical, ical.js and icalendar.
"""

import re
import time
from collections.abc import Callable, Iterable
from urllib.parse import quote

from presence.booking import wording
from presence.booking.model import Appointment
from presence.booking.wording import Links, Recipient
from presence.mail.compose import Mailbox, one_line
from presence.roster.model import Adviser, Medium

REFRESH = "PT15M"  # how often subscribers to a feed should come back

_PRODUCT = "-//presence//appointments//EN"
# A calendar has at least one component (RFC 5545 3.6); this one changes no time.
_NOTHING = [
    "BEGIN:VTIMEZONE",
    "TZID:UTC",
    "BEGIN:STANDARD",
    "DTSTART:19700101T000000",
    "TZOFFSETFROM:+0000",
    "TZOFFSETTO:+0000",
    "END:STANDARD",
    "END:VTIMEZONE",
]
_OCTETS = 75  # RFC 5545 3.1, without the line's end
# RFC 7986 6.3; the property can hold several, but a quoted list reads as one unknown feature.
_FEATURES: dict[Medium, str] = {"video": "VIDEO", "audio": "AUDIO", "text": "CHAT"}
_ESCAPES = (
    ("\\", "\\\\"),
    (";", "\\;"),
    (",", "\\,"),
    ("\n", "\\n"),
)  # the backslash first: the others bring more of them
_LINE_ENDS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f]")
_ENCODED_IN_MAILTO = re.compile(r"[%/?#\[\]&;=`{|}^]")


def request(appointment: Appointment, recipient: Recipient, links: Links, *, organizer: Mailbox, now: int) -> bytes:
    """The invitation, or its update after a move, for one person (METHOD:REQUEST).

    Raises `ValueError` for what is off: a REQUEST with STATUS:CANCELLED stays in most calendars.
    """
    if appointment.state in ("cancelled", "declined"):
        raise ValueError(f"nobody is invited to an appointment that is {appointment.state}")
    return _calendar(
        ["METHOD:REQUEST"],
        _event(
            appointment,
            [
                f"DTSTAMP:{utc_form(now)}",
                *_said_to(appointment, recipient, links),
                _organizer(organizer),
                *_attendees(appointment),
            ],
        ),
    )


def cancellation(appointment: Appointment, recipient: Recipient, *, organizer: Mailbox, now: int) -> bytes:
    """The whole appointment is off (METHOD:CANCEL); `appointment.sequence` is already the raised one."""
    return _calendar(
        ["METHOD:CANCEL"],
        _event(
            appointment,
            [
                f"DTSTAMP:{utc_form(now)}",
                _text("SUMMARY", wording.summary(appointment, recipient)),
                _organizer(organizer),
                *_attendees(appointment),
            ],
            status="CANCELLED",
        ),
    )


def withdrawal(appointment: Appointment, former: Adviser, *, organizer: Mailbox, now: int) -> bytes:
    """One adviser is taken off an appointment that goes on without them (METHOD:CANCEL).

    Names only who is taken off, and has no STATUS: that would cancel it for all (RFC 5546 3.2.5).
    `appointment` is the one the former adviser knows, with the raised `sequence`.
    """
    recipient = wording.adviser_recipient(former)
    return _calendar(
        ["METHOD:CANCEL"],
        _event(
            appointment,
            [
                f"DTSTAMP:{utc_form(now)}",
                _text("SUMMARY", wording.summary(appointment, recipient)),
                _organizer(organizer),
                _attendee(former.name, former.email, "REQ-PARTICIPANT", accepted=False),
            ],
            status="",
        ),
    )


def download(appointment: Appointment, recipient: Recipient, links: Links, *, organizer: Mailbox, now: int) -> bytes:
    """A file to add the appointment to a calendar by hand.

    No METHOD and no ATTENDEE: a REQUEST or attendees make calendars ask for an answer, or write to the
    others, when a file is imported; PUBLISH entries are never updated by Exchange and Google. With UID,
    SEQUENCE and ORGANIZER of the invitation it replaces the entry that the mail made, and later mails update
    it.
    """
    return _calendar(
        [],
        _event(
            appointment,
            [f"DTSTAMP:{utc_form(now)}", *_said_to(appointment, recipient, links), _organizer(organizer)],
        ),
    )


def feed(
    appointments: Iterable[Appointment],
    name: str,
    *,
    adviser: Adviser,
    links: Callable[[Appointment], Links],
    organizer: Mailbox,
) -> bytes:
    """An adviser's appointments to subscribe to; what is cancelled or declined is simply gone.

    Nothing in it depends on when it is asked for, so the same appointments are the same bytes (and the same
    ETag).
    """
    recipient = wording.adviser_recipient(adviser)
    events = [
        line
        for appointment in sorted(appointments, key=lambda each: (each.starts_at, each.uid))
        if appointment.state not in ("cancelled", "declined")
        for line in _event(
            appointment,
            [
                f"DTSTAMP:{utc_form(appointment.updated_at or appointment.created_at)}",
                *_said_to(appointment, recipient, links(appointment)),
                _organizer(organizer),
            ],
        )
    ]
    return _calendar(
        [
            _text("NAME", name),
            _text("X-WR-CALNAME", name),
            f"REFRESH-INTERVAL;VALUE=DURATION:{REFRESH}",
            f"X-PUBLISHED-TTL:{REFRESH}",
        ],
        events or _NOTHING,
    )


def utc_form(instant: int) -> str:
    """An instant as RFC 5545 3.3.5 form 2: 20261126T133000Z."""
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(instant))


def _calendar(properties: list[str], events: list[str]) -> bytes:
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        f"PRODID:{_PRODUCT}",
        "CALSCALE:GREGORIAN",
        *properties,
        *events,
    ]
    lines += ["END:VCALENDAR", ""]
    return "\r\n".join([line if len(line) <= _OCTETS and line.isascii() else _folded(line) for line in lines]).encode()


def _event(appointment: Appointment, properties: list[str], *, status: str | None = None) -> list[str]:
    """VEVENT with what is the same for everybody; `status` None is the state's own."""
    if status is None:
        status = {"requested": "TENTATIVE", "declined": "CANCELLED", "cancelled": "CANCELLED"}.get(
            appointment.state, "CONFIRMED"
        )
    return [
        "BEGIN:VEVENT",
        f"UID:{_CONTROLS.sub('', appointment.uid)}",
        f"SEQUENCE:{appointment.sequence}",
        f"DTSTART:{utc_form(appointment.starts_at)}",
        f"DTEND:{utc_form(appointment.ends_at)}",
        *([f"CREATED:{utc_form(appointment.created_at)}"] if appointment.created_at else []),
        *([f"LAST-MODIFIED:{utc_form(appointment.updated_at)}"] if appointment.updated_at else []),
        *([f"STATUS:{status}"] if status else []),
        "TRANSP:OPAQUE",
        *properties,
        "END:VEVENT",
    ]


def _said_to(appointment: Appointment, recipient: Recipient, links: Links) -> list[str]:
    """What one person alone is told. The join link stands where each calendar looks for it."""
    lines = [
        _text("SUMMARY", wording.summary(appointment, recipient)),
        _text("DESCRIPTION", wording.description(appointment, recipient, links)),
    ]
    if join := _uri(links.join_of(recipient.role)):
        lines += [
            _text("LOCATION", join),
            f"URL:{join}",
            f"CONFERENCE;VALUE=URI;FEATURE={_FEATURES[appointment.medium]}:{join}",
        ]
    return lines


def _organizer(organizer: Mailbox) -> str:
    return f"ORGANIZER;CN={_quoted(organizer.name or organizer.email)}:{_mailto(organizer.email)}"


def _attendees(appointment: Appointment) -> list[str]:
    """Customer, advisers, guests, each address once: the same lines in every REQUEST and CANCEL."""
    certain = appointment.state != "requested"
    customer = appointment.customer
    lines = {customer.email: _attendee(customer.name, customer.email, "REQ-PARTICIPANT", accepted=False)}
    for adviser in appointment.advisers:
        lines.setdefault(adviser.email, _attendee(adviser.name, adviser.email, "REQ-PARTICIPANT", accepted=certain))
    for guest in appointment.guests:
        lines.setdefault(guest.email, _attendee(guest.name, guest.email, "OPT-PARTICIPANT", accepted=False))
    return list(lines.values())


def _attendee(name: str, email: str, role: str, *, accepted: bool) -> str:
    asked = "PARTSTAT=ACCEPTED" if accepted else "PARTSTAT=NEEDS-ACTION;RSVP=TRUE"
    cn = _quoted(wording.plain_name(name) or email)
    return f"ATTENDEE;CUTYPE=INDIVIDUAL;ROLE={role};{asked};CN={cn}:{_mailto(email)}"


def _quoted(name: str) -> str:
    """A name as a quoted parameter value: it ends at the next quotation mark (3.2); ^ is RFC 6868's."""
    return '"' + one_line(name).replace("^", "^^").replace('"', "'") + '"'


def _mailto(email: str) -> str:
    """An address as a mailto: URI (RFC 6068 2)."""
    email = _uri(email)
    if _ENCODED_IN_MAILTO.search(email) or not email.isascii():
        email = quote(email, safe="@!$'*+,:~")
    return f"mailto:{email}"


def _uri(address: str) -> str:
    """An address that cannot end its line."""
    return address if address.isprintable() and " " not in address else "".join(_CONTROLS.sub("", address).split())


def _text(name: str, value: str) -> str:
    """A TEXT property (RFC 5545 3.3.11): no line end, real or exotic, leaves it."""
    if not value.isprintable():
        value = _CONTROLS.sub("", _LINE_ENDS.sub("\n", value))
    for plain, escaped in _ESCAPES:
        value = value.replace(plain, escaped)
    return f"{name}:{value}"


def _folded(line: str) -> str:
    """A content line in pieces of at most 75 octets, never inside a character (RFC 5545 3.1)."""
    octets = line.encode("utf-8", "replace")
    pieces: list[str] = []
    at, room = 0, _OCTETS
    while len(octets) - at > room:
        end = at + room
        while octets[end] & 0xC0 == 0x80:  # inside a character
            end -= 1
        pieces.append(octets[at:end].decode())
        at, room = end, _OCTETS - 1  # the space that begins a continuation counts
    pieces.append(octets[at:].decode())
    return "\r\n ".join(pieces)
