"""What the customer's pages share: reading what addresses and forms say, and what every template is given."""

import datetime as dt
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Protocol
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse

from presence.booking import views
from presence.booking.model import Texts
from presence.booking.service import Booking
from presence.errors import NotFound
from presence.i18n import Translator, translator
from presence.roster.model import MEDIA, Medium
from presence.sites.framing import site_of
from presence.web.request import at_of, language_of, page, web_of

PREFILL = ("name", "email", "phone")
CARRIED = (
    "adviser",
    "medium",
    "spoken",
    "duration",
    "zone",
    *PREFILL,
)  # from page to page, in addresses and hidden fields
FRAMED = ("inline", "draft")  # the same inside of another site's page: whether we stand in its text, and what was typed


class Visitor(Protocol):
    """Who sits at a browser, as far as booking asks."""

    @property
    def verified(self) -> bool: ...

    @property
    def email(self) -> str: ...


async def visitor_of(request: Request, token: str) -> Visitor | None:
    """Whose token it is; None when it is nobody's here."""
    find: Callable[[Request, str], Awaitable[Visitor | None]] = request.app.state.visitor_by
    return await find(request, token)


def booking_of(request: Request) -> Booking:
    """The use cases."""
    booking: Booking = request.app.state.booking
    return booking


def offered(request: Request, service: str = "") -> None:
    """`NotFound` where the site around this page offers no appointments, or none for this service."""
    site = site_of(request)
    if site is None:
        return
    chosen = site.settings.services
    if "book" not in site.settings.capabilities or (service and chosen and service not in chosen):
        raise NotFound()


def address(request: Request, path: str, /, **query: str) -> str:
    """A page's address as it is where this page is, with what it carries on there; values that are empty are left out."""
    asked = {**framed(request), **query}
    left = {name: value for name, value in asked.items() if value}
    return f"{at_of(request)}{path}?{urlencode(left)}" if left else f"{at_of(request)}{path}"


def framed(request: Request) -> dict[str, str]:
    """What addresses carry on inside of another site's page, by name."""
    return {name: request.query_params.get(name, "") for name in FRAMED} if at_of(request) else {}


def show(request: Request, template: str, status: int = 200, **context: Any) -> HTMLResponse:
    """A page of booking: the present instant and the organisation's zone are always at hand."""
    web = web_of(request)
    shared = {
        "now": web.clock.now(),
        "home": web.config.organisation.zone,
        "text": texts_of(request),
        "differs": views.differs,
        "go": partial(address, request),
        "inline": framed(request).get("inline", ""),
    }
    return page(request, template, status, **{**shared, **context})


def texts_of(request: Request) -> Callable[[Texts], str]:
    """A service's texts in the reader's language."""
    language = language_of(request)
    return lambda texts: texts.get(language) or texts.get("en") or next(iter(texts.values()), "")


def words(request: Request) -> Translator:
    """The reader's translator."""
    return translator(language_of(request))


def medium_of(text: str) -> Medium | None:
    """The medium of this name."""
    return next((medium for medium in MEDIA if medium == text), None)


def start_of(text: str) -> int | None:
    """An instant in an address: seconds since the epoch, or ISO 8601 with its offset."""
    if text.isascii() and text.isdigit() and len(text) < 12:
        return int(text)
    try:
        moment = dt.datetime.fromisoformat(text.replace(" ", "+"))  # a + in an address reads as a space
    except ValueError:
        return None
    return int(moment.timestamp()) if moment.tzinfo is not None and 1971 <= moment.year <= 9000 else None


def minutes_of(text: str) -> int | None:
    """A duration in an address."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 5 else None
