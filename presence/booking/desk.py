"""What advisers do with their appointments. Every look-up starts from what is theirs: another's is simply not found."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import msgspec
from sqlalchemy import Connection, select, update

from presence.booking import rules, store
from presence.booking.ahead import MOST, STEP, Running, ahead
from presence.booking.correspondence import Correspondence
from presence.booking.model import Appointment
from presence.booking.requests import Booked, BookRequest
from presence.booking.service import Booking
from presence.clock import Clock
from presence.errors import FieldError, Invalid, NotFound, NotPossible, SlotTaken
from presence.mail import outbox
from presence.roster import store as roster_store
from presence.roster.model import Adviser
from presence.storage.database import Database
from presence.storage.tables import adviser as adviser_table
from presence.tokens import fingerprint, random_token

FEED_BACK = 60 * 86_400  # seconds of the past in an adviser's feed
FEED_AHEAD = 400 * 86_400


Standing = Literal["fine", "customer_late", "adviser_late", "customer_missed", "adviser_missed"]


class Arrivals(msgspec.Struct, frozen=True, kw_only=True):
    """Who has come to an appointment's room. Instants."""

    standing: Standing = "fine"
    waiting_since: int | None = None  # the customer is there, and has not been let in
    history: tuple[tuple[int, str, str, str], ...] = ()  # (at, actor, kind, detail)


Seen = Callable[[Connection, Sequence[Appointment], int], Mapping[int, Arrivals]]  # by appointment id, at an instant


class DeskAppointment(msgspec.Struct, frozen=True, kw_only=True):
    """An appointment as its adviser sees it: with its history and the mails that could not be delivered."""

    appointment: Appointment
    history: tuple[tuple[int, str, str, str], ...] = ()  # (at, actor, kind, detail)
    failures: tuple[tuple[str, str], ...] = ()  # (recipient, what the server said)
    reminders: tuple[tuple[int, str, str, int], ...] = ()  # (minutes, role, state, due_at)
    arrivals: Arrivals = Arrivals()


class Desk:
    """The adviser's side of booking. `seen` tells who has come to which appointment's room."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        booking: Booking,
        letters: Correspondence,
        *,
        seen: Seen = lambda _connection, _appointments, _now: {},
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._booking = booking
        self._letters = letters
        self._seen = seen
        self._wake = wake

    async def appointments(self, adviser_id: int, since: int, until: int) -> tuple[Appointment, ...]:
        """An adviser's appointments that start in [since, until), in order."""
        return await self._database.read(
            lambda connection: store.whole(connection, store.of_adviser(connection, adviser_id, since, until))
        )

    async def arrivals(self, appointments: Sequence[Appointment]) -> Mapping[int, Arrivals]:
        """Who has come to these appointments, by their ids; none of those that meet elsewhere."""
        now = self._clock.now()
        return await self._database.read(lambda connection: self._seen(connection, appointments, now))

    async def appointment(self, adviser_id: int, appointment_id: int) -> DeskAppointment:
        """One of an adviser's appointments, with all there is to know."""
        now = self._clock.now()

        def work(connection: Connection) -> DeskAppointment:
            appointment = _mine(connection, adviser_id, appointment_id)
            arrivals = self._seen(connection, [appointment], now).get(appointment_id, Arrivals())
            return DeskAppointment(
                appointment=appointment,
                history=tuple(sorted((*store.history(connection, appointment_id), *arrivals.history), key=_at)),
                arrivals=arrivals,
                failures=tuple(outbox.failures_of(connection, appointment_id)),
                reminders=self._letters.reminders_of(connection, appointment_id),
            )

        return await self._database.read(work)

    async def confirm(self, adviser_id: int, appointment_id: int) -> Appointment:
        """Accept a requested appointment."""
        now = self._clock.now()

        def work(connection: Connection) -> Appointment:
            appointment = _mine(connection, adviser_id, appointment_id)
            if appointment.state == "confirmed":
                return appointment
            if appointment.state != "requested" or now >= appointment.ends_at:
                raise NotPossible()
            confirmed = msgspec.structs.replace(
                appointment, state="confirmed", sequence=appointment.sequence + 1, updated_at=now
            )
            store.change(connection, appointment.id, state="confirmed", sequence=confirmed.sequence, updated_at=now)
            store.record(connection, appointment.id, now, f"adviser:{adviser_id}", "confirmed")
            self._letters.send(connection, "confirmed", confirmed, now=now)
            self._letters.plan_reminders(connection, confirmed, now)
            return confirmed

        return await self._written(work)

    async def give(self, adviser_id: int, request: BookRequest) -> Booked:
        """Make an appointment with a customer at an hour of the adviser's own, whatever their hours and the notice say.

        The same `request_key` twice is one appointment. `Invalid` names the fields; `SlotTaken` when something is there.
        """
        now = self._clock.now()

        def work(connection: Connection) -> Booked:
            adviser = roster_store.advisers_by_id(connection, [adviser_id]).get(adviser_id)
            if adviser is None:
                raise NotFound()
            return self._booking.give_in(connection, request, adviser, now)

        booked = await self._database.write(work)
        self._booking.tell(booked, request)
        return booked

    async def decline(self, adviser_id: int, appointment_id: int, reason: str = "") -> Appointment:
        """Refuse a requested appointment."""
        return await self._end(adviser_id, appointment_id, "declined", frozenset({"requested"}), reason)

    async def cancel(self, adviser_id: int, appointment_id: int, reason: str = "") -> Appointment:
        """Cancel an appointment, whatever its cut-off."""
        return await self._end(adviser_id, appointment_id, "cancelled", rules.OPEN, reason)

    async def _end(
        self, adviser_id: int, appointment_id: int, state: str, allowed: frozenset[str], reason: str
    ) -> Appointment:
        now = self._clock.now()

        def work(connection: Connection) -> Appointment:
            appointment = _mine(connection, adviser_id, appointment_id)
            if appointment.state == state:
                return appointment
            if appointment.state not in allowed or now >= appointment.ends_at:
                raise NotPossible()
            return self._booking.end_in(
                connection, appointment, state, reason=reason, actor=f"adviser:{adviser_id}", now=now
            )

        return await self._written(work)

    async def move(self, adviser_id: int, appointment_id: int, start: int, reason: str = "") -> Appointment:
        """Move an appointment to another free start of the adviser's own."""
        now = self._clock.now()

        def work(connection: Connection) -> Appointment:
            appointment = _mine(connection, adviser_id, appointment_id)
            if appointment.state not in rules.OPEN or now >= appointment.ends_at:
                raise NotPossible()
            return self._booking.move_in(
                connection,
                appointment,
                start,
                reason=reason,
                actor=f"adviser:{adviser_id}",
                now=now,
                keep=True,
            )

        return await self._written(work)

    async def extend(self, adviser_id: int, appointment_id: int, minutes: int, ends_at: int) -> Appointment:
        """Let a running appointment end later than `ends_at`, when all of its advisers are free then; `minutes` in fives.

        `SlotTaken` when they are not. Their hours do not matter: whoever is talking may go on. The same again is the same
        end; when it ends at another instant meanwhile it is `NotPossible`.
        """
        now = self._clock.now()
        if minutes not in range(STEP, MOST + STEP, STEP):
            raise Invalid(
                {"minutes": FieldError("From %(least)s to %(most)s minutes, in fives", least=STEP, most=MOST)}
            )

        def work(connection: Connection) -> Appointment:
            version = store.raise_clock(connection).version  # what is read from here on is the last word
            appointment = _mine(connection, adviser_id, appointment_id)
            if appointment.ends_at == ends_at + minutes * 60:
                return appointment
            if appointment.ends_at != ends_at or not rules.may_extend(
                appointment.state, appointment.starts_at, appointment.ends_at, minutes, now
            ):
                raise NotPossible()
            if ahead(connection, Running.of(appointment), now).extend < minutes:
                raise SlotTaken()
            store.drop_expired_holds(connection, now)
            store.lengthen(connection, appointment.id, minutes // STEP)
            store.touch(connection, [one.id for one in appointment.advisers], version)
            extended = msgspec.structs.replace(
                appointment,
                ends_at=appointment.ends_at + minutes * 60,
                # RFC 5546 2.1.4: feeds and files that are fetched again tell of another end, and are believed only with
                # another number. Nobody is mailed: they are talking with each other, and know.
                sequence=appointment.sequence + 1,
                updated_at=now,
            )
            store.change(
                connection, appointment.id, ends_at=extended.ends_at, sequence=extended.sequence, updated_at=now
            )
            store.record(connection, appointment.id, now, f"adviser:{adviser_id}", "extended", str(minutes))
            return extended

        return await self._database.write(work)

    async def mark_held(self, adviser_id: int, appointment_id: int) -> Appointment:
        """Say that an appointment took place."""
        return await self._mark(adviser_id, appointment_id, "held")

    async def mark_missed(self, adviser_id: int, appointment_id: int) -> Appointment:
        """Say that the customer did not come."""
        return await self._mark(adviser_id, appointment_id, "missed")

    async def _mark(self, adviser_id: int, appointment_id: int, state: str) -> Appointment:
        now = self._clock.now()

        def work(connection: Connection) -> Appointment:
            appointment = _mine(connection, adviser_id, appointment_id)
            if appointment.state not in {"confirmed", "held", "missed"}:
                raise NotPossible()
            if now < appointment.starts_at:
                raise Invalid({"state": FieldError("This appointment has not begun yet")})
            store.change(connection, appointment.id, state=state, updated_at=now)
            store.record(connection, appointment.id, now, f"adviser:{adviser_id}", state)
            return msgspec.structs.replace(appointment, state=state)

        return await self._database.write(work)

    async def new_feed(self, adviser_id: int) -> str:
        """A new secret for the adviser's calendar feed; the former one ends."""
        token = random_token()
        await self._database.write(
            lambda connection: (
                connection.execute(
                    update(adviser_table)
                    .where(adviser_table.c.id == adviser_id)
                    .values(feed_fingerprint=fingerprint(token))
                ).rowcount
            )
        )
        return token

    async def feed(self, token: str) -> bytes:
        """An adviser's appointments as an iCalendar feed; `NotFound` for a token that opens none."""
        now = self._clock.now()

        def work(connection: Connection) -> tuple[Adviser, tuple[Appointment, ...]]:
            id_ = connection.execute(
                select(adviser_table.c.id).where(
                    adviser_table.c.feed_fingerprint == fingerprint(token), adviser_table.c.active
                )
            ).scalar_one_or_none()
            if id_ is None:
                raise NotFound()
            rows = store.of_adviser(connection, id_, now - FEED_BACK, now + FEED_AHEAD)
            (adviser,) = roster_store.advisers_by_id(connection, [id_]).values()
            return adviser, store.whole(connection, rows)

        adviser, appointments = await self._database.read(work)
        return self._letters.feed(adviser, appointments)

    async def _written(self, work: Callable[[Connection], Appointment]) -> Appointment:
        appointment = await self._database.write(work)
        self._wake()
        return appointment


def _at(event: tuple[int, str, str, str]) -> int:
    return event[0]


def _mine(connection: Connection, adviser_id: int, appointment_id: int) -> Appointment:
    row = store.one_of_adviser(connection, adviser_id, appointment_id)
    if row is None:
        raise NotFound()
    (appointment,) = store.whole(connection, [row])
    return appointment
