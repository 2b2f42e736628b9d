"""What booking writes to people: mails into the outbox and reminders to come, in the transaction that causes them."""

from collections.abc import Sequence
from urllib.parse import urlsplit

import msgspec
from sqlalchemy import Connection, select, update

from presence.booking import invitation, rules, store, wording
from presence.booking.external import external_room
from presence.booking.letters import (
    Absence,
    Kind,
    Organisation,
    Outgoing,
    absence_letters,
    letters_for,
    reminder_for,
)
from presence.booking.links import CalendarLinks, calendar_links
from presence.booking.model import Appointment
from presence.booking.wording import Links
from presence.mail import outbox
from presence.mail.templates import MailTemplates
from presence.roster.model import Adviser
from presence.storage.rows import Rows
from presence.storage.tables import reminder
from presence.tokens import derived_token, random_token

_REMINDERS = Rows(
    reminder, "appointment_id", "sequence", "minutes", "recipient", "role", "due_at", "expires_at", "state"
)
CLAIM = 50  # reminders that are turned into mails in one transaction: an outage ends in a stream, not in a burst


class Correspondence:
    """Writes the letters of appointments. `give_up_after` in seconds bounds how long a mail may be tried."""

    def __init__(
        self,
        organisation: Organisation,
        templates: MailTemplates,
        *,
        base_url: str,
        secret_key: str,
        give_up_after: int,
    ) -> None:
        self._organisation = organisation
        self._templates = templates
        self._base = base_url.rstrip("/")
        self._host = urlsplit(base_url).hostname or "localhost"
        self._key = secret_key.encode()
        self._give_up_after = give_up_after

    def new_uid(self) -> str:
        """An iCalendar UID (RFC 7986 5.3: random, not telling anything)."""
        return f"{random_token()}@{self._host}"

    def token(self, uid: str) -> str:
        """The customer's link of an appointment, derived anew for every mail."""
        return derived_token(self._key, "appointment", uid)

    def guest_token(self, uid: str) -> str:
        """What lets a guest join, and nothing else."""
        return derived_token(self._key, "guest", uid)

    def external_room(self, appointment: Appointment, language: str) -> str:
        """The address of an appointment's room elsewhere; empty: it meets in ours."""
        return external_room(appointment, self._key, language)

    def links(self, appointment: Appointment) -> Links:
        """Where this appointment's mails lead."""
        page = f"{self._base}/a/{self.token(appointment.uid)}"
        desk = f"{self._base}/agenda/appointments/{appointment.id}"
        local = appointment.uid.partition("@")[0]
        return Links(
            page=page,
            move=f"{page}/move",
            cancel=f"{page}/cancel",
            join=f"{page}/room",
            guest_join=f"{self._base}/join/{local}/{self.guest_token(appointment.uid)}",
            adviser_join=f"{desk}/room",
            desk=desk,
            book=f"{self._base}/book/{appointment.service.slug}",
        )

    def uid_of_guest(self, local: str) -> str:
        """The UID whose first half a guest's link carries."""
        return f"{local}@{self._host}"

    # -- mails ----------------------------------------------------------------------------------------------------

    def send(
        self,
        connection: Connection,
        kind: Kind,
        appointment: Appointment,
        *,
        now: int,
        before: Appointment | None = None,
    ) -> None:
        """Put the mails that a change causes into the outbox."""
        mails = letters_for(
            kind,
            appointment,
            before=before,
            links=self.links(appointment),
            organisation=self._organisation,
            templates=self._templates,
            now=now,
        )
        self._enqueue(connection, mails, appointment, now, now + self._give_up_after)

    def tell_absence(
        self,
        connection: Connection,
        kind: Absence,
        appointment: Appointment,
        *,
        supervisors: Sequence[Adviser] = (),
        now: int,
    ) -> None:
        """Put the mails about an appointment to which one side came alone into the outbox."""
        links = self.links(appointment)
        if not appointment.service.pool.collective and appointment.advisers:
            links = msgspec.structs.replace(links, book=f"{links.book}?adviser={appointment.advisers[0].slug}")
        mails = absence_letters(
            kind,
            appointment,
            supervisors=supervisors,
            links=links,
            organisation=self._organisation,
            templates=self._templates,
            now=now,
        )
        self._enqueue(connection, mails, appointment, now, now + self._give_up_after)

    def _enqueue(
        self,
        connection: Connection,
        mails: tuple[Outgoing, ...],
        appointment: Appointment,
        now: int,
        expires_at: int,
    ) -> None:
        outbox.enqueue(
            connection,
            [
                outbox.Mail(
                    message_id=mail.message_id,
                    kind=mail.kind,
                    sender=self._organisation.mailbox.email,
                    recipient=mail.recipient,
                    raw=mail.raw,
                )
                for mail in mails
            ],
            appointment_id=appointment.id,
            now=now,
            expires_at=expires_at,
        )

    # -- reminders ------------------------------------------------------------------------------------------------

    def plan_reminders(self, connection: Connection, appointment: Appointment, now: int) -> None:
        """Plan the reminders still ahead; those of an earlier hour were dropped with it."""
        id_, sequence = appointment.id, appointment.sequence
        _REMINDERS.add(
            connection,
            [
                (id_, sequence, one.minutes, one.recipient, one.role, one.due_at, one.expires_at, "pending")
                for one in rules.reminders(appointment, now)
            ],
        )

    def drop_reminders(self, connection: Connection, appointment_id: int) -> None:
        """Cancel what is still to come, and reminders that wait in the outbox."""
        connection.execute(
            update(reminder)
            .where(reminder.c.appointment_id == appointment_id, reminder.c.state == "pending")
            .values(state="cancelled")
        )
        outbox.withdraw(connection, appointment_id, kind="reminder")

    def reminders_of(self, connection: Connection, appointment_id: int) -> tuple[tuple[int, str, str, int], ...]:
        """(minutes before, role, state, due_at) of an appointment's reminders, in order."""
        rows = connection.execute(
            select(reminder.c.minutes, reminder.c.role, reminder.c.state, reminder.c.due_at)
            .where(reminder.c.appointment_id == appointment_id)
            .order_by(reminder.c.due_at, reminder.c.id)
        ).all()
        return tuple((minutes, role, state, due) for minutes, role, state, due in rows)

    def any_due(self, connection: Connection, now: int) -> bool:
        """Whether a reminder is due."""
        due = select(reminder.c.id).where(reminder.c.state == "pending", reminder.c.due_at <= now).limit(1)
        return connection.execute(due).first() is not None

    def send_due_reminders(self, connection: Connection, now: int) -> int:
        """Turn due reminders into mails, in one transaction: so none is lost or sent twice, whenever we are killed.

        The appointment is looked at again: one that is cancelled or has moved reminds nobody. What is too late to be of
        use is skipped, and shows as such. Returns how many were settled; CLAIM means there may be more.
        """
        rows = connection.execute(
            select(reminder)
            .where(reminder.c.state == "pending", reminder.c.due_at <= now)
            .order_by(reminder.c.due_at)
            .limit(CLAIM)
            .with_for_update(skip_locked=True)  # other processes on PostgreSQL take the next ones
        ).all()
        if not rows:
            return 0
        found = store.by_ids(connection, {row.appointment_id for row in rows})
        appointments = {one.id: one for one in store.whole(connection, found)}
        states: dict[str, list[int]] = {"queued": [], "cancelled": [], "skipped_late": []}
        for row in rows:
            appointment = appointments[row.appointment_id]
            if appointment.state != "confirmed" or appointment.sequence != row.sequence:
                states["cancelled"].append(row.id)
            elif now >= row.expires_at:
                states["skipped_late"].append(row.id)
            else:
                self._remind(connection, appointment, row.recipient, row.minutes, now, row.expires_at)
                states["queued"].append(row.id)
        for state, ids in states.items():
            if ids:
                connection.execute(update(reminder).where(reminder.c.id.in_(ids)).values(state=state))
        return len(rows)

    def _remind(
        self, connection: Connection, appointment: Appointment, address: str, minutes: int, now: int, until: int
    ) -> None:
        recipient = next((one for one in wording.recipients(appointment) if one.email == address), None)
        if recipient is None:  # no longer takes part
            return
        mail = reminder_for(
            appointment,
            recipient,
            minutes=minutes,
            links=self.links(appointment),
            organisation=self._organisation,
            templates=self._templates,
            now=now,
        )
        self._enqueue(connection, (mail,), appointment, now, until)

    # -- calendars ------------------------------------------------------------------------------------------------

    def download(self, appointment: Appointment, now: int) -> bytes:
        """The appointment as its customer's .ics file."""
        customer = wording.recipients(appointment)[0]
        return invitation.download(
            appointment, customer, self.links(appointment), organizer=self._organisation.mailbox, now=now
        )

    def calendar_links(self, appointment: Appointment) -> CalendarLinks:
        """Addresses that add the appointment to the customer's calendar on the web."""
        return calendar_links(appointment, wording.recipients(appointment)[0], self.links(appointment))

    def feed(self, adviser: Adviser, appointments: tuple[Appointment, ...]) -> bytes:
        """An adviser's feed."""
        return invitation.feed(
            appointments,
            f"{self._organisation.name} – {adviser.name}",
            adviser=adviser,
            links=self.links,
            organizer=self._organisation.mailbox,
        )
