"""The values booking is made of: services, what an adviser's agenda holds, appointments. Immutable, no I/O."""

from typing import Literal

import msgspec

from presence.roster.model import DAY_MINUTES, MEDIA, Adviser, Medium, WeeklyHours

CELL = 300  # seconds; every start, duration and buffer is a whole number of cells

Texts = dict[str, str]  # language -> text; "en" is the fall-back when a language is missing


class Question(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something a service asks of the customer before the appointment."""

    key: str  # stable name, [a-z0-9_]
    kind: Literal["text", "choice", "yes_no"] = "text"
    label: Texts
    choices: tuple[Texts, ...] = ()  # for kind "choice"
    required: bool = False


class PoolMember(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An adviser in a service's pool."""

    adviser: str  # slug
    priority: int = 0  # higher is asked first
    weight: int = 100  # share of the appointments among equals


class Pool(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who can take a service: a team, chosen advisers, or (collective) all of the chosen together."""

    team: str = ""
    advisers: tuple[PoolMember, ...] = ()
    collective: bool = False
    lead_threshold: int | None = None  # leave out who leads the least booked by more than this many appointments


class Service(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What can be booked. Durations, buffers and the grid are minutes, multiples of five; `ValueError` when they are not."""

    slug: str
    name: Texts
    description: Texts = {}
    durations: tuple[int, ...] = (30,)  # minutes; the first is offered by default
    grid: int = 15  # minutes between starts, counted from local midnight in the adviser's zone
    buffer_before: int = 0
    buffer_after: int = 0
    notice: int = 60  # minutes between now and the first start offered
    horizon: int = 30  # days that can be booked ahead, today not counted
    horizon_kind: Literal["days", "business_days"] = "days"
    media: tuple[Medium, ...] = MEDIA
    pool: Pool
    personal_days: int = 14  # the personal adviser alone, unless they have nothing within so many days; then the pool
    questions: tuple[Question, ...] = ()
    confirmation: Literal["immediate", "adviser"] = "immediate"
    cut_off: int = 120  # minutes before the start after which the customer can neither move nor cancel
    reminders: tuple[int, ...] = (1440, 60)  # minutes before the start
    room: str = ""  # where it meets when not in a room of ours: "https://meet.example/{room}", also with {language}

    def __post_init__(self) -> None:
        # However a service comes about: what is no whole number of cells would be offered and could not be kept.
        if not self.durations:
            raise ValueError("durations: at least one is needed")
        for minutes in self.durations:
            _check_minutes("durations", minutes, 5)
        _check_minutes("grid", self.grid, 5)
        _check_minutes("buffer_before", self.buffer_before, 0)
        _check_minutes("buffer_after", self.buffer_after, 0)

    def text(self, texts: Texts, language: str) -> str:
        """A text in a language, else English, else whatever there is."""
        return texts.get(language) or texts.get("en") or next(iter(texts.values()), "")


def _check_minutes(key: str, minutes: int, least: int) -> None:
    if minutes % 5 or not least <= minutes <= DAY_MINUTES:
        raise ValueError(f"{key}: found {minutes}; minutes in steps of five, {least} to {DAY_MINUTES}")


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """The organisation's own opening hours, which bound every adviser's."""

    zone: str
    hours: WeeklyHours
    holidays: str = ""


class Busy(msgspec.Struct, frozen=True):
    """Cells that an appointment or a hold takes from an adviser, buffers included: `first` included, `end` not.

    A cell's number is its instant // CELL.
    """

    first: int
    end: int
    owner: str  # "appointment:<id>" or "hold:<id>"; lets a move or a booking look past its own
    starts_at: int  # when the appointment itself starts; limits count by it
    expires_at: int | None = None  # a hold's end; None never expires


class Agenda(msgspec.Struct, frozen=True):
    """Everything that decides when one adviser is free."""

    adviser: Adviser
    busy: tuple[Busy, ...] = ()


class Tally(msgspec.Struct, frozen=True):
    """What fairness knows of an adviser in one pool."""

    priority: int = 0
    weight: int = 100
    booked: int = 0  # appointments in the last 30 days
    last_booked_at: int = 0  # when the latest one was made; 0: never


AppointmentState = Literal["requested", "confirmed", "declined", "cancelled", "held", "missed"]


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who takes part, as mails and invitations address them."""

    name: str
    email: str
    language: str = "en"
    zone: str = "UTC"


class Appointment(msgspec.Struct, frozen=True, kw_only=True):
    """An appointment as pages, mails and invitations need it."""

    id: int
    uid: str  # iCalendar UID, stable for its whole life
    state: AppointmentState
    sequence: int
    service: Service
    starts_at: int
    ends_at: int
    medium: Medium
    customer: Person
    advisers: tuple[Adviser, ...]  # one, or all of a collective service
    guests: tuple[Person, ...] = ()
    phone: str = ""
    answers: dict[str, str] = {}
    reason: str = ""  # of the cancellation, the decline or the move, in the words of who did it
    created_at: int = 0
    updated_at: int = 0
