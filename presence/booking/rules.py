"""What may be done with an appointment, and when its reminders are due. Pure: `now` is an argument."""

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from presence.booking import wording
from presence.booking.model import CELL, Appointment, AppointmentState, Question, Service
from presence.clock import instant
from presence.errors import FieldError, Invalid, NotPossible, TooLate
from presence.mail.compose import addressable

OPEN: frozenset[AppointmentState] = frozenset({"requested", "confirmed"})
ROOM_OPENS = 15 * 60  # seconds before the start
GRACE = 2 * 3600  # seconds after the end during which an appointment still counts as running
MAX_GUESTS = 10
MAX_ANSWER = 2_000
_DAY = 1440
_LAST_CALL = 5 * 60  # a reminder is of no use later than this before the start

_MAIL = re.compile(
    r"[^@\s<>()\[\],;:\"\\\x00-\x1f]{1,64}@[^@\s<>()\[\],;:\"\\\x00-\x1f.-][^@\s<>()\[\],;:\"\\\x00-\x1f]*\.[^@\s.\W\d_]{2,}"
)


class PlannedReminder(NamedTuple):
    """A reminder to one recipient: `minutes` before the start, due and useless from these instants on."""

    minutes: int
    recipient: str
    role: str
    due_at: int
    expires_at: int


def change_until(appointment: Appointment) -> int:
    """Until when the customer may move or cancel."""
    return appointment.starts_at - appointment.service.cut_off * 60


def may_change(appointment: Appointment, now: int) -> bool:
    """Whether the customer may move or cancel now."""
    return appointment.state in OPEN and now < change_until(appointment)


def check_change(appointment: Appointment, now: int) -> None:
    """Raise what keeps the customer from moving or cancelling."""
    if appointment.state not in OPEN or now >= appointment.ends_at:
        raise NotPossible()
    if now >= change_until(appointment):
        raise TooLate()


def may_extend(state: AppointmentState, starts_at: int, ends_at: int, minutes: int, now: int) -> bool:
    """Whether it makes sense to add minutes to an appointment: it has begun, and would not be over even so."""
    return state in {"confirmed", "held"} and minutes > 0 and starts_at <= now < ends_at + minutes * 60


def cells(service: Service, start: int, duration: int) -> tuple[int, int]:
    """The cells an appointment takes, buffers included: first, and one past the last. `duration` in minutes."""
    return (start - service.buffer_before * 60) // CELL, (start + (duration + service.buffer_after) * 60) // CELL


def nearest(starts: tuple[int, ...], wanted: int, count: int = 6) -> tuple[int, ...]:
    """The free starts closest to the one that was wanted, in order of time."""
    return tuple(sorted(sorted(starts, key=lambda start: abs(start - wanted))[:count]))


def normal_mail(address: str) -> str:
    """A mail address as it is compared and stored."""
    return address.strip().lower()


def is_mail(address: str) -> bool:
    """Whether an address can be written to, as far as its form tells; control characters never pass."""
    return len(address) <= 254 and _MAIL.fullmatch(address) is not None and addressable(address)


def check_person(name: str, email: str, phone: str, zone: str, guests: tuple[str, ...]) -> dict[str, FieldError]:
    """What is wrong with who the customer says they are, by field."""
    wrong: dict[str, FieldError] = {}
    if not name.strip():
        wrong["name"] = FieldError("Please tell us your name")
    elif len(name) > 120 or not name.isprintable():
        wrong["name"] = FieldError("This name is too long or has characters that cannot be used")
    if not email.strip():
        wrong["email"] = FieldError("Please give your email address; the confirmation goes there")
    elif not is_mail(normal_mail(email)):
        wrong["email"] = FieldError("This is not an email address, such as name@example.com")
    if phone and (len(phone) > 32 or not re.fullmatch(r"[+0-9][0-9 ().\-/]{3,}", phone.strip())):
        wrong["phone"] = FieldError("This is not a phone number, such as +33 1 23 45 67 89")
    if not is_zone(zone):
        wrong["zone"] = FieldError("This time zone is not known")
    if len(guests) > MAX_GUESTS:
        wrong["guests"] = FieldError("At most %(count)s guests can be invited", count=MAX_GUESTS)
    else:
        bad = next((guest for guest in guests if not is_mail(normal_mail(guest))), None)
        if bad is not None:
            wrong["guests"] = FieldError("%(address)s is not an email address", address=bad[:80])
    return wrong


def is_zone(zone: str) -> bool:
    """Whether an IANA zone of this name exists."""
    try:
        ZoneInfo(zone)
    except (ValueError, OSError, LookupError):
        return False
    return bool(zone)


def check_answers(service: Service, answers: dict[str, str], *, complete: bool) -> dict[str, FieldError]:
    """What is wrong with the answers, by field; `complete` asks for the required ones too."""
    wrong: dict[str, FieldError] = {}
    known = {question.key: question for question in service.questions}
    for key, answer in answers.items():
        if key not in known:
            wrong[f"answers.{key[:40]}"] = FieldError("This service does not ask this")
        elif answer:
            error = _wrong_answer(known[key], answer)
            if error is not None:
                wrong[f"answers.{key}"] = error
    if complete:
        for question in service.questions:
            if question.required and not answers.get(question.key, "").strip():
                wrong.setdefault(f"answers.{question.key}", FieldError("Please answer this question"))
    return wrong


def _wrong_answer(question: Question, answer: str) -> FieldError | None:
    if question.kind == "yes_no" and answer not in {"yes", "no"}:
        return FieldError("Please choose yes or no")
    if question.kind == "choice" and answer not in {str(n) for n in range(len(question.choices))}:
        return FieldError("Please choose one of the answers")
    if len(answer) > MAX_ANSWER:
        return FieldError("Please keep it under %(count)s characters", count=MAX_ANSWER)
    if "\x00" in answer:
        return FieldError("This has characters that cannot be used")
    return None


def raise_if(wrong: dict[str, FieldError]) -> None:
    """Raise `Invalid` when anything is wrong."""
    if wrong:
        raise Invalid(wrong)


def reminders(appointment: Appointment, now: int) -> tuple[PlannedReminder, ...]:
    """The reminders still ahead for everybody who takes part.

    One that is overtaken by the next, or by the start, is of no use any more: that is when it expires, so that an
    outage ends in at most one late reminder a person.
    """
    planned = []
    for person in wording.recipients(appointment):
        offsets = sorted(set(appointment.service.reminders), reverse=True)
        dues = [due_at(appointment.starts_at, minutes, person.zone) for minutes in offsets]
        ends = [*dues[1:], appointment.starts_at - _LAST_CALL]
        for minutes, due, end in zip(offsets, dues, ends, strict=True):
            expires = max(min(end, appointment.starts_at - _LAST_CALL), due + 60)
            if due > now:
                planned.append(PlannedReminder(minutes, person.email, person.role, due, expires))
    return tuple(planned)


def due_at(starts_at: int, minutes: int, zone: str) -> int:
    """When a reminder is due: whole days are counted on the recipient's clock on the wall, the rest in elapsed time.

    So "a day before 9:00" is 9:00, also when the clocks change in between. A wall-clock time that does not exist becomes
    the instant the clocks jump over it; of one that comes twice, the first is taken.
    """
    days, rest = divmod(minutes, _DAY)
    if days == 0:
        return starts_at - minutes * 60
    local = datetime.fromtimestamp(starts_at - rest * 60, ZoneInfo(zone))
    earlier = (local.replace(tzinfo=None) - timedelta(days=days)).replace(tzinfo=ZoneInfo(zone), fold=0)
    return instant(earlier.astimezone(UTC))
