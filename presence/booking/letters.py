"""Which mail says what to whom: pure functions from an appointment to composed mails.

A reminder has no calendar part, nor has a mail about what is past. The same invitation again makes Outlook and
Gmail ask for an answer a second time and forget the first one, and some calendars file a second entry; the first
invitation is already where it should be.
"""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from presence.booking import invitation, wording
from presence.booking.model import Appointment
from presence.booking.wording import Links, Recipient
from presence.i18n import N_, translator
from presence.mail.compose import Letter, Mailbox, composed, message_id, one_line
from presence.mail.templates import MailTemplates
from presence.roster.model import Adviser

Kind = Literal[
    "confirmation",  # booked, and certain at once
    "requested",  # booked; the adviser has still to confirm
    "confirmed",  # the adviser confirmed
    "declined",  # the adviser declined
    "moved",
    "cancelled",
    "reminder",
    "handed_over",  # moved to another adviser: to the one who no longer takes it
    "missed",  # the customer did not come, and the adviser did: to the customer
    "let_down",  # the adviser did not come, and the customer did: to both, and to who looks after the adviser
]
KINDS: tuple[Kind, ...] = (
    "confirmation",
    "requested",
    "confirmed",
    "declined",
    "moved",
    "cancelled",
    "reminder",
    "handed_over",
    "missed",
    "let_down",
)
Absence = Literal["missed", "let_down"]
_NO_CALENDAR: frozenset[Kind] = frozenset({"reminder", "missed", "let_down"})

_YES_NO = {"yes": N_("Yes"), "no": N_("No")}
_MAX_ANSWER = 2000  # characters of an answer or a reason that a mail repeats; the whole is at the desk


class Organisation(msgspec.Struct, frozen=True, kw_only=True):
    """Who writes: `mailbox` is From and ORGANIZER, and must be able to receive."""

    name: str
    mailbox: Mailbox
    phone: str = ""
    privacy_url: str = ""


class Words(msgspec.Struct, frozen=True):
    """What a words template says: one line each."""

    subject: str
    badge: str
    headline: str
    intro: str


class Outgoing(msgspec.Struct, frozen=True, kw_only=True):
    """A mail ready for the outbox."""

    kind: Kind
    role: wording.Role
    recipient: str  # the envelope's address
    message_id: str
    raw: bytes


def letters_for(
    kind: Kind,
    appointment: Appointment,
    *,
    before: Appointment | None = None,
    links: Links,
    organisation: Organisation,
    templates: MailTemplates,
    now: int,
) -> tuple[Outgoing, ...]:
    """Every mail that a change of an appointment causes.

    `before` is the appointment as it was; a move needs it, and a cancellation tells by it whether the guests
    know of the appointment. Guests hear nothing of what is only requested. When a move changes the adviser,
    the new one gets an invitation and the former one a cancellation of theirs. Raises `ValueError` for a
    change whose SEQUENCE was not raised: calendars would ignore it (RFC 5546 2.1.4).
    """
    if before is not None and kind in ("moved", "cancelled", "declined"):
        if appointment.sequence <= before.sequence:
            raise ValueError(f"{kind}, but its SEQUENCE was not raised")
    elif kind == "moved":
        raise ValueError("a move needs the appointment as it was")
    desk = _Desk(organisation, templates, links, now)
    known = _known_advisers(before)
    mails = []
    for recipient in wording.recipients(appointment):
        if recipient.role == "guest" and not _guests_know(kind, appointment, before):
            continue
        own_kind = kind
        if kind == "moved" and recipient.role == "adviser" and recipient.email not in known:
            own_kind = "requested" if appointment.state == "requested" else "confirmation"
        if kind == "moved" and recipient.role == "guest" and before is not None and before.state == "requested":
            own_kind = "confirmation"
        mails.append(desk.mail(own_kind, appointment, recipient, before))
    if kind == "moved" and before is not None:
        mails += [
            desk.mail("handed_over", before, former, before, appointment) for former in _former(before, appointment)
        ]
    return tuple(mails)


def reminder_for(
    appointment: Appointment,
    recipient: Recipient,
    *,
    minutes: int,
    links: Links,
    organisation: Organisation,
    templates: MailTemplates,
    now: int,
) -> Outgoing:
    """The reminder due `minutes` before the start for one of `wording.recipients(appointment)`."""
    return _Desk(organisation, templates, links, now).mail("reminder", appointment, recipient, minutes=minutes)


def absence_letters(
    kind: Absence,
    appointment: Appointment,
    *,
    supervisors: Sequence[Adviser] = (),
    links: Links,
    organisation: Organisation,
    templates: MailTemplates,
    now: int,
) -> tuple[Outgoing, ...]:
    """The mails about an appointment to which one side came alone. Guests are not written to: they saw it, or stayed away too.

    `supervisors` are those who look after the advisers; the appointment's links open nothing for them.
    """
    desk = _Desk(organisation, templates, links, now)
    told = [one for one in wording.recipients(appointment) if one.role != "guest"]
    if kind == "missed":
        return tuple(desk.mail(kind, appointment, one) for one in told if one.role == "customer")
    elsewhere = _Desk(organisation, templates, Links(), now)
    known = {one.email for one in told}
    others = [wording.adviser_recipient(one) for one in supervisors if one.email not in known]
    return tuple(
        [desk.mail(kind, appointment, one) for one in told] + [elsewhere.mail(kind, appointment, one) for one in others]
    )


class _Desk:
    """What all mails of one change have in common."""

    def __init__(self, organisation: Organisation, templates: MailTemplates, links: Links, now: int) -> None:
        self.organisation, self.templates, self.links, self.now = organisation, templates, links, now

    def mail(
        self,
        kind: Kind,
        appointment: Appointment,
        recipient: Recipient,
        before: Appointment | None = None,
        after: Appointment | None = None,
        minutes: int = 0,
    ) -> Outgoing:
        """One person's mail. `after` (for "handed_over") is the appointment as it goes on without them."""
        sequence = (after or appointment).sequence
        calendar, method = self._calendar(kind, appointment, recipient, sequence)
        context = _context(kind, appointment, recipient, before, self._links_now(appointment), self.organisation)
        words = _words(self.templates.render(f"words/{kind}.txt", recipient.language, context))
        context["words"] = words
        text = self.templates.render("appointment.txt", recipient.language, context)
        html = self.templates.render("appointment.html", recipient.language, context)
        sender = self.organisation.mailbox
        own_id = message_id(sender.domain, kind, appointment.uid, sequence, minutes, recipient.role, recipient.email)
        letter = Letter(
            to=Mailbox(recipient.name, recipient.email),
            subject=words.subject,
            text=text,
            html=html,
            language=recipient.language,
            calendar=calendar,
            method=method,
        )
        raw = composed(letter, sender=sender, message_id=own_id, date=self.now)
        return Outgoing(kind=kind, role=recipient.role, recipient=recipient.email, message_id=own_id, raw=raw)

    def _links_now(self, appointment: Appointment) -> Links:
        """The links without those that would only say that it is too late."""
        if self.now < appointment.starts_at - appointment.service.cut_off * 60:
            return self.links
        return msgspec.structs.replace(self.links, move="", cancel="")

    def _calendar(
        self, kind: Kind, appointment: Appointment, recipient: Recipient, sequence: int
    ) -> tuple[bytes | None, str]:
        organizer, now = self.organisation.mailbox, self.now
        if kind in _NO_CALENDAR:
            return None, ""
        if kind == "handed_over":
            former = next(adviser for adviser in appointment.advisers if adviser.email == recipient.email)
            known = msgspec.structs.replace(appointment, sequence=sequence)
            return invitation.withdrawal(known, former, organizer=organizer, now=now), "CANCEL"
        if kind in ("cancelled", "declined"):
            return invitation.cancellation(appointment, recipient, organizer=organizer, now=now), "CANCEL"
        return invitation.request(appointment, recipient, self.links, organizer=organizer, now=now), "REQUEST"


def _guests_know(kind: Kind, appointment: Appointment, before: Appointment | None) -> bool:
    """Whether guests are told: not of a request, and not of the end of one."""
    if kind in ("requested", "declined"):
        return False
    if kind == "cancelled":
        return before is None or before.state != "requested"
    return appointment.state != "requested" or (before is not None and before.state != "requested")


def _known_advisers(before: Appointment | None) -> frozenset[str]:
    return frozenset(adviser.email for adviser in before.advisers) if before else frozenset()


def _former(before: Appointment, after: Appointment) -> list[Recipient]:
    staying = {adviser.id for adviser in after.advisers}
    return [wording.adviser_recipient(adviser) for adviser in before.advisers if adviser.id not in staying]


def _context(
    kind: Kind,
    appointment: Appointment,
    recipient: Recipient,
    before: Appointment | None,
    links: Links,
    organisation: Organisation,
) -> dict[str, Any]:
    """What a template sees. Every name is always there: empty where it is not for this person."""
    t = translator(recipient.language)
    role = recipient.role
    over = kind in ("declined", "cancelled", "handed_over") or (kind in ("missed", "let_down") and role == "customer")
    # What somebody wrote of their reasons is for the customer and the advisers, not for guests.
    told = role != "guest" and kind in ("moved", "declined", "cancelled")
    reason = appointment.reason.strip()[:_MAX_ANSWER] if told else ""
    return {
        "kind": kind,
        "role": role,
        "organisation": organisation,
        "recipient": recipient,
        "service": wording.service_name(appointment, recipient.language),
        "medium": wording.medium_name(appointment.medium, t),
        "customer": wording.plain_name(appointment.customer.name),
        "advisers": wording.adviser_names(appointment),
        "when": wording.when_for(appointment, recipient),
        "was": wording.when_for(before, recipient) if before and kind == "moved" else None,
        "over": over,
        "tentative": appointment.state == "requested",
        "details": _details(appointment, recipient, over=over, reason=reason),
        "join": links.join_of(role),
        "page": links.page if role == "customer" else "",
        "move": links.move if role == "customer" else "",
        "cancel": links.cancel if role == "customer" else "",
        "desk": links.desk if role == "adviser" else "",
        "book": links.book if role == "customer" else "",
    }


def _details(appointment: Appointment, recipient: Recipient, *, over: bool, reason: str) -> list[tuple[str, str]]:
    """Label and value, in reading order; the customer's address and answers are for advisers alone."""
    t = translator(recipient.language)
    guests = wording.guest_names(appointment)
    rows = [(t.gettext("What"), wording.service_name(appointment, recipient.language))]
    if recipient.role == "adviser":
        rows.append((t.gettext("Customer"), wording.plain_name(appointment.customer.name)))
        rows.append((t.gettext("Mail"), appointment.customer.email))
        if appointment.phone:
            rows.append((t.gettext("Telephone"), one_line(appointment.phone)))
    else:
        rows.append((t.gettext("With"), wording.adviser_names(appointment)))
    if guests and recipient.role != "guest":
        rows.append((t.gettext("Also invited"), guests))
    rows.append((t.gettext("How"), wording.medium_name(appointment.medium, t)))
    if recipient.role == "adviser" and not over:
        rows += _answers(appointment, recipient)
    if reason:
        rows.append((t.gettext("Reason"), reason))
    return rows


def _words(rendered: str) -> Words:
    """The four lines of a words template; raises `ValueError` naming the ones that are missing."""
    lines = dict(line.split(": ", 1) for line in rendered.splitlines() if ": " in line)
    return Words(**{name: lines[name.capitalize()] for name in Words.__struct_fields__})


def _answers(appointment: Appointment, recipient: Recipient) -> list[tuple[str, str]]:
    """Question and answer, in the adviser's language, in the service's order."""
    service, t = appointment.service, translator(recipient.language)
    told = []
    for question in service.questions:
        answer = appointment.answers.get(question.key, "").strip()
        if question.kind == "yes_no" and answer in _YES_NO:
            answer = t.gettext(_YES_NO[answer])
        if answer:
            told.append((service.text(question.label, recipient.language), answer[:_MAX_ANSWER]))
    return told
