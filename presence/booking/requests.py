"""What the use cases of booking take and give."""

import msgspec

from presence.booking.model import Appointment, Service
from presence.roster.model import Adviser, Medium


class OfferRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What free starts are asked for. Instants; duration in minutes; `moving` is the token of the appointment that moves."""

    service: str
    duration: int | None = None
    adviser: str = ""
    medium: Medium | None = None
    spoken: str = ""
    since: int | None = None
    until: int | None = None
    moving: str = ""


class Offers(msgspec.Struct, frozen=True, kw_only=True):
    """Free starts, in order. `adviser` is whose they are when one was asked for; `fell_back`: they had none, so the pool's."""

    service: Service
    duration: int
    medium: Medium
    starts: tuple[int, ...]
    horizon_end: int
    adviser: Adviser | None = None
    fell_back: bool = False
    languages: tuple[str, ...] = ()  # that the pool speaks
    media: tuple[Medium, ...] = ()  # that the service and somebody of its pool offer


class HoldRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A start to keep while the form is filled in."""

    service: str
    start: int
    duration: int | None = None
    medium: Medium | None = None
    adviser: str = ""
    spoken: str = ""


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A start kept until `expires_at`; the token is told once."""

    token: str
    service: Service
    starts_at: int
    ends_at: int
    medium: Medium
    expires_at: int
    advisers: tuple[Adviser, ...]
    spoken: str = ""


class BookRequest(msgspec.Struct, frozen=True, kw_only=True):
    """An appointment to make: of a hold's token, or of a service and start. `request_key` is the same when it is repeated."""

    request_key: str
    hold: str = ""
    service: str = ""
    start: int = 0
    duration: int | None = None
    medium: Medium | None = None
    adviser: str = ""
    spoken: str = ""
    name: str
    email: str
    phone: str = ""
    language: str = "en"
    zone: str = "UTC"
    answers: dict[str, str] = {}
    guests: tuple[str, ...] = ()
    site_id: int | None = None
    known: bool = False  # a site vouches for the mail address: the customer's own adviser comes first
    visitor: str = ""  # fingerprint of the browser's cookie, so that its conversation may tell of the appointment


class Booked(msgspec.Struct, frozen=True, kw_only=True):
    """An appointment that has been made, or had been made by the same request before."""

    appointment: Appointment
    token: str
    repeated: bool


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """An appointment as its customer sees it. Instants."""

    appointment: Appointment
    token: str
    can_move: bool
    can_cancel: bool
    change_until: int
    opens_at: int
