"""Addresses that open a calendar on the web with the appointment filled in. Pure."""

from collections.abc import Mapping
from html import escape
from urllib.parse import quote

import msgspec

from presence.booking import wording
from presence.booking.invitation import utc_form
from presence.booking.model import Appointment
from presence.booking.wording import Links, Recipient
from presence.clock import utc


class CalendarLinks(msgspec.Struct, frozen=True):
    """One address a calendar."""

    google: str
    outlook: str  # outlook.com
    office365: str
    yahoo: str


def calendar_links(appointment: Appointment, recipient: Recipient, links: Links) -> CalendarLinks:
    """The addresses for one person; they hold what that person's own invitation holds."""
    title = wording.summary(appointment, recipient)
    details = wording.description(appointment, recipient, links)
    place = links.join_of(recipient.role)
    start, end = utc_form(appointment.starts_at), utc_form(appointment.ends_at)
    outlook = {
        "rru": "addevent",
        "subject": title,
        "startdt": _with_marks(appointment.starts_at),
        "enddt": _with_marks(appointment.ends_at),
        "body": escape(details).replace("\n", "<br>"),  # read as HTML there
        "location": place,
    }
    return CalendarLinks(
        google=_address(
            "https://calendar.google.com/calendar/render",
            {
                "action": "TEMPLATE",
                "text": title,
                "dates": f"{start}/{end}",
                "details": details,
                "location": place,
            },
        ),
        # Not /0/deeplink/compose, the address most sites use: it stopped working for many accounts in 2023.
        outlook=_address("https://outlook.live.com/calendar/action/compose", outlook),
        office365=_address("https://outlook.office.com/calendar/action/compose", outlook),
        yahoo=_address(
            "https://calendar.yahoo.com/",
            {"v": "60", "title": title, "st": start, "et": end, "desc": details, "in_loc": place},
        ),
    )


def _address(base: str, query: Mapping[str, str]) -> str:
    # Spaces as %20: Outlook shows a + as it is.
    return (
        base
        + "?"
        + "&".join(f"{key}={quote(value, safe='', errors='replace')}" for key, value in query.items() if value)
    )


def _with_marks(instant: int) -> str:
    return utc(instant).strftime("%Y-%m-%dT%H:%M:%SZ")
