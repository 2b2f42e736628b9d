"""What the API takes and gives. Instants are RFC 3339 with an offset; what is given is in UTC."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from presence.booking.availability import Reason
from presence.booking.external import host_of_room
from presence.booking.model import Appointment, Service
from presence.booking.requests import Held, Offers, Shown
from presence.clock import utc
from presence.roster.model import Adviser, Medium

Moment = Annotated[datetime, msgspec.Meta(tz=True, description="RFC 3339, with an offset")]
Slug = Annotated[str, msgspec.Meta(max_length=64)]
Line = Annotated[str, msgspec.Meta(max_length=254)]
Note = Annotated[str, msgspec.Meta(max_length=2000, pattern="^[^\\x00]*$")]
Language = Literal["en", "fr"]


class _Taken(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A body: unknown keys are refused, so that a misspelt one is noticed."""


class AdviserShape(msgspec.Struct, frozen=True, kw_only=True):
    """An adviser, as customers may know them."""

    slug: str
    name: str
    languages: tuple[str, ...]
    media: tuple[Medium, ...]


class QuestionShape(msgspec.Struct, frozen=True, kw_only=True):
    """A question; answers to a choice are the number of the chosen text, "0" for the first."""

    key: str
    kind: Literal["text", "choice", "yes_no"]
    label: dict[str, str]
    choices: tuple[dict[str, str], ...]
    required: bool


class ServiceShape(msgspec.Struct, frozen=True, kw_only=True):
    """What can be booked; durations, notice and cut-off in minutes."""

    slug: str
    name: dict[str, str]
    description: dict[str, str]
    durations: tuple[int, ...]
    media: tuple[Medium, ...]
    notice: int
    cut_off: int
    confirmation: Literal["immediate", "adviser"]
    questions: tuple[QuestionShape, ...]
    elsewhere: str  # the host of a room that is not ours: "meet.example"; empty: it meets in ours


class ServicesShape(msgspec.Struct, frozen=True, kw_only=True):
    """Every service, in order."""

    services: tuple[ServiceShape, ...]


class StartsShape(msgspec.Struct, frozen=True, kw_only=True):
    """Free starts, in order; `adviser` is whose they are when one was asked for and has some."""

    service: str
    duration: int
    starts: tuple[datetime, ...]
    adviser: AdviserShape | None
    fell_back: bool


class ReasonShape(msgspec.Struct, frozen=True, kw_only=True):
    """Why a start is not offered; no adviser: for the service as a whole."""

    adviser: str | None
    code: str
    detail: dict[str, str]


class WhyShape(msgspec.Struct, frozen=True, kw_only=True):
    """All reasons; none when the start is offered."""

    service: str
    at: datetime
    reasons: tuple[ReasonShape, ...]


class HoldBody(_Taken, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A start to keep while a form is filled in."""

    service: Slug
    start: Moment
    duration: int | None = None
    medium: Medium | None = None
    adviser: Slug = ""
    spoken: Slug = ""


class HoldShape(msgspec.Struct, frozen=True, kw_only=True):
    """A start that is kept."""

    token: str
    service: str
    starts_at: datetime
    ends_at: datetime
    medium: Medium
    expires_at: datetime
    advisers: tuple[AdviserShape, ...]


class BookBody(_Taken, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An appointment to make: of a hold, or of a service and a start."""

    name: Line
    email: Line
    hold: Slug = ""
    service: Slug = ""
    start: Moment | None = None
    duration: int | None = None
    medium: Medium | None = None
    adviser: Slug = ""
    spoken: Slug = ""
    phone: Annotated[str, msgspec.Meta(max_length=32)] = ""
    language: Language = "en"
    zone: Slug = "UTC"
    answers: dict[str, Note] = {}
    guests: Annotated[tuple[Line, ...], msgspec.Meta(max_length=10)] = ()
    verified: bool = False


class MoveBody(_Taken, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where an appointment moves to."""

    start: Moment
    reason: Note = ""


class CancelBody(_Taken, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why it is cancelled, in the customer's words."""

    reason: Note = ""


class AnswersBody(_Taken, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Answers by question key."""

    answers: dict[str, Note]


class AppointmentShape(msgspec.Struct, frozen=True, kw_only=True):
    """An appointment as its customer sees it; `token` opens it."""

    token: str
    uid: str
    sequence: int
    state: Literal["requested", "confirmed", "declined", "cancelled", "held", "missed"]
    service: str
    starts_at: datetime
    ends_at: datetime
    medium: Medium
    advisers: tuple[AdviserShape, ...]
    name: str
    email: str
    phone: str
    language: str
    zone: str
    answers: dict[str, str]
    guests: tuple[str, ...]
    reason: str
    can_move: bool
    can_cancel: bool
    change_until: datetime
    room_opens_at: datetime


class ProblemField(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with one field of the request."""

    field: str
    detail: str


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """RFC 9457. `nearest` are free starts near one that was taken."""

    type: str
    title: str
    status: int
    detail: str = ""
    errors: tuple[ProblemField, ...] = ()
    nearest: tuple[datetime, ...] = ()


def adviser(one: Adviser) -> AdviserShape:
    return AdviserShape(slug=one.slug, name=one.name, languages=one.languages, media=one.media)


def service(one: Service) -> ServiceShape:
    return ServiceShape(
        slug=one.slug,
        name=one.name,
        description=one.description,
        durations=one.durations,
        media=one.media,
        notice=one.notice,
        cut_off=one.cut_off,
        confirmation=one.confirmation,
        questions=tuple(
            QuestionShape(key=q.key, kind=q.kind, label=q.label, choices=q.choices, required=q.required)
            for q in one.questions
        ),
        elsewhere=host_of_room(one.room),
    )


def starts(offers: Offers) -> StartsShape:
    return StartsShape(
        service=offers.service.slug,
        duration=offers.duration,
        starts=tuple(map(utc, offers.starts)),
        adviser=adviser(offers.adviser) if offers.adviser else None,
        fell_back=offers.fell_back,
    )


def reason(one: Reason) -> ReasonShape:
    return ReasonShape(
        adviser=one.adviser,
        code=one.code,
        detail={key: str(value) for key, value in one.values.items()},
    )


def held(one: Held) -> HoldShape:
    return HoldShape(
        token=one.token,
        service=one.service.slug,
        starts_at=utc(one.starts_at),
        ends_at=utc(one.ends_at),
        medium=one.medium,
        expires_at=utc(one.expires_at),
        advisers=tuple(map(adviser, one.advisers)),
    )


def appointment(shown: Shown) -> AppointmentShape:
    one: Appointment = shown.appointment
    return AppointmentShape(
        token=shown.token,
        uid=one.uid,
        sequence=one.sequence,
        state=one.state,
        service=one.service.slug,
        starts_at=utc(one.starts_at),
        ends_at=utc(one.ends_at),
        medium=one.medium,
        advisers=tuple(map(adviser, one.advisers)),
        name=one.customer.name,
        email=one.customer.email,
        phone=one.phone,
        language=one.customer.language,
        zone=one.customer.zone,
        answers=one.answers,
        guests=tuple(guest.email for guest in one.guests),
        reason=one.reason,
        can_move=shown.can_move,
        can_cancel=shown.can_cancel,
        change_until=utc(shown.change_until),
        room_opens_at=utc(shown.opens_at),
    )
