"""Every letter, written once at the start: an organisation's own template fails then, not in a booking."""

import msgspec
from jinja2 import TemplateError

from presence.booking import wording
from presence.booking.letters import KINDS, Kind, Organisation, absence_letters, letters_for, reminder_for
from presence.booking.model import Appointment, AppointmentState, Person, Pool, Service
from presence.booking.wording import Links
from presence.errors import ConfigError
from presence.i18n import LANGUAGES
from presence.mail.templates import MailTemplates
from presence.roster.model import Adviser, WeeklyHours

_AT = 1_800_000_000
_STATES: dict[Kind, AppointmentState] = {
    "requested": "requested",
    "declined": "declined",
    "cancelled": "cancelled",
}


def rehearse(templates: MailTemplates, organisation: Organisation) -> None:
    """Write each kind of letter to each role in each language; raises `ConfigError` with what went wrong."""
    for language in LANGUAGES:
        for kind in KINDS:
            for full in (False, True):  # with all that can be missing, and without
                try:
                    _write(kind, language, templates, organisation, full=full)
                except (
                    TemplateError,
                    ArithmeticError,
                    AttributeError,
                    LookupError,
                    TypeError,
                    ValueError,
                ) as error:
                    raise ConfigError(f"mail templates, {kind!r} in {language!r}: {error}") from error


def _write(kind: Kind, language: str, templates: MailTemplates, organisation: Organisation, *, full: bool) -> None:
    links = Links(**dict.fromkeys(Links.__struct_fields__, "https://example.org/x")) if full else Links()
    before = _sample(language, _AT, 1, "confirmed", full=full)
    after = _sample(language, _AT + 3600, 2, _STATES.get(kind, "confirmed"), full=full)
    if kind == "reminder":
        for recipient in wording.recipients(after):
            reminder_for(
                after,
                recipient,
                minutes=60,
                links=links,
                organisation=organisation,
                templates=templates,
                now=_AT,
            )
        return
    if kind in ("missed", "let_down"):
        absence_letters(
            kind,
            after,
            supervisors=before.advisers,
            links=links,
            organisation=organisation if full else msgspec.structs.replace(organisation, phone=""),
            templates=templates,
            now=_AT,
        )
        return
    letters_for(
        "moved" if kind == "handed_over" else kind,
        after,
        before=before,
        links=links,
        organisation=organisation,
        templates=templates,
        now=_AT,
    )


def _sample(language: str, start: int, adviser: int, state: AppointmentState, *, full: bool) -> Appointment:
    person = Person(name="Carol", email="carol@example.org", language=language, zone="Europe/Paris")
    return Appointment(
        id=1,
        uid="rehearsal@example.org",
        state=state,
        sequence=adviser,
        service=Service(slug="s", name={"en": "Advice"}, pool=Pool()),
        starts_at=start,
        ends_at=start + 1800,
        medium="video",
        customer=person,
        advisers=(
            Adviser(
                id=adviser,
                slug="alice",
                name="Alice",
                email=f"alice{adviser}@example.org",
                zone="Europe/Paris",
                languages=(language,),
                media=("video",),
                hours=WeeklyHours(),
            ),
        ),
        guests=(Person(name="", email="dave@example.org", language=language, zone="UTC"),) if full else (),
        phone="1" if full else "",
        reason="A reason" if full else "",
    )
