"""Booking, one use case a method: free starts, hold, book, show, move, cancel, answer.

Each write loads, asks the rules, and saves in one transaction with the mails and reminders it causes; nothing is told to
anybody before that is durable.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from presence.booking import rules, store
from presence.booking.agendas import Agendas
from presence.booking.allotting import Allotter, Wanted, duration_of, medium_of, offered_media
from presence.booking.availability import (
    AdviserCalendar,
    Reason,
    free_starts,
    horizon_end,
    next_free_start,
    personal_or_pool,
    why,
)
from presence.booking.correspondence import Correspondence
from presence.booking.model import CELL, Appointment, Opening, Person, Service
from presence.booking.requests import Booked, BookRequest, Held, HoldRequest, OfferRequest, Offers, Shown
from presence.booking.store import HoldRow
from presence.clock import Clock
from presence.errors import FieldError, HoldGone, NotFound, NotPossible, SlotTaken
from presence.roster import store as roster_store
from presence.roster.model import Adviser
from presence.storage.database import Database
from presence.tokens import fingerprint, is_same, random_token

KEEP_LINKS = 90 * 86_400  # seconds after its end that an appointment's link still opens it


class Booking:
    """The use cases of booking."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        opening: Opening,
        letters: Correspondence,
        *,
        hold_minutes: int = 5,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._letters = letters
        self._hold_seconds = hold_minutes * 60
        self._wake = wake
        self.on_booked: list[Callable[[Appointment, BookRequest], None]] = []  # after the commit
        self._seen = Agendas(opening)  # by readers, on the event loop
        self._allotter = Allotter(opening)

    # -- looking --------------------------------------------------------------------------------------------------

    async def services(self) -> tuple[Service, ...]:
        """What can be booked, in order."""
        agendas = await self._fresh(self._clock.now())
        return tuple(one.service for one in agendas.services())

    async def service(self, slug: str) -> Service:
        """One service; `NotFound`."""
        return (await self._fresh(self._clock.now())).service(slug).service

    async def pool(self, slug: str) -> frozenset[str]:
        """The slugs of a service's advisers; `NotFound`."""
        agendas = await self._fresh(self._clock.now())
        return frozenset(one.adviser.slug for one in agendas.pool(agendas.service(slug)))

    async def next_beginning(self, slugs: Collection[str]) -> int | None:
        """When the first of these advisers is next at work and free again; None when that is too far away to know."""
        now = self._clock.now()
        calendars = (await self._fresh(now)).everybody()
        begins = [one.next_beginning(now) for one in calendars if one.adviser.slug in slugs]
        return min((one for one in begins if one is not None), default=None)

    async def first_starts(self, slugs: Collection[str], services: Collection[str] = ()) -> dict[str, int]:
        """Each of these advisers' first free start in any of these services, all when empty; who has none is left out.

        Asked of each adviser's own calendar alone: what a pool offers would be asked of everybody in it.
        """
        now, wanted = self._clock.now(), frozenset(slugs)
        agendas = await self._fresh(now)
        bookable = [
            one
            for one in agendas.services()
            if not one.service.pool.collective and (not services or one.service.slug in services)
        ]
        firsts: dict[str, int] = {}
        for calendar in agendas.everybody():
            if calendar.adviser.slug not in wanted:
                continue
            for stored in bookable:
                if calendar.adviser.id not in stored.members:
                    continue
                duration = duration_of(stored.service, None)
                start = next_free_start(stored.service, duration, [calendar], agendas.opening, now)
                if start is not None:
                    firsts[calendar.adviser.slug] = min(start, firsts.get(calendar.adviser.slug, start))
        return firsts

    async def offers(self, request: OfferRequest) -> Offers:
        """The free starts of a service: of the adviser asked for, else of the whole pool."""
        now = self._clock.now()
        ignoring = ""
        if request.moving:
            shown = await self.show(request.moving)
            ignoring = f"appointment:{shown.appointment.id}"
        agendas = await self._fresh(now)
        stored = agendas.service(request.service)
        pool = agendas.pool(stored)
        duration = duration_of(stored.service, request.duration)
        medium = medium_of(stored.service, pool, request.medium)

        def starts_of(calendars: Sequence[AdviserCalendar]) -> tuple[int, ...]:
            return free_starts(
                stored.service,
                duration,
                calendars,
                agendas.opening,
                now,
                medium=medium,
                spoken=request.spoken,
                ignoring=ignoring,
            )

        starts = starts_of(pool)
        personal = agendas.adviser_by_slug(pool, request.adviser) if request.adviser else None
        fell_back = bool(request.adviser) and personal is None
        if personal is not None and not stored.service.pool.collective:
            starts, fell_back = personal_or_pool(starts_of([personal]), starts, stored.service, now)
        since, until = request.since or 0, request.until or 1 << 60
        return Offers(
            service=stored.service,
            duration=duration,
            starts=tuple(start for start in starts if since <= start < until),
            horizon_end=horizon_end(stored.service, agendas.opening, now),
            adviser=personal.adviser if personal is not None and not fell_back else None,
            fell_back=fell_back,
            languages=tuple(sorted({language for one in pool for language in one.adviser.languages})),
            medium=medium,
            media=offered_media(stored.service, pool),
        )

    async def why(self, service: str, start: int, duration: int | None = None) -> tuple[Reason, ...]:
        """For each adviser of the pool, why this start is not offered."""
        now = self._clock.now()
        agendas = await self._fresh(now)
        stored = agendas.service(service)
        return tuple(
            why(
                stored.service,
                duration_of(stored.service, duration),
                start,
                agendas.pool(stored),
                agendas.opening,
                now,
            )
        )

    async def _fresh(self, now: int) -> Agendas:
        await self._database.read(lambda connection: self._seen.refresh(connection, now))
        return self._seen

    # -- holding --------------------------------------------------------------------------------------------------

    async def hold(self, request: HoldRequest) -> Held:
        """Keep a start while its form is filled in. `SlotTaken` when it is not free."""
        now, token = self._clock.now(), random_token()

        def work(connection: Connection) -> Held:
            version = self._allotter.enter(connection, now)
            wanted = self._allotter.wanted(request)
            chosen = self._allotter.choose(connection, wanted, now)
            expires_at = now + self._hold_seconds
            hold_id = store.add_hold(
                connection,
                {
                    "fingerprint": fingerprint(token),
                    "service_id": wanted.stored.id,
                    "starts_at": wanted.start,
                    "ends_at": wanted.start + wanted.duration * 60,
                    "medium": wanted.medium,
                    "spoken": wanted.spoken,
                    "expires_at": expires_at,
                },
            )
            self._allotter.take(connection, wanted, chosen, version, hold_id=hold_id, expires_at=expires_at)
            return Held(
                token=token,
                service=wanted.stored.service,
                starts_at=wanted.start,
                ends_at=wanted.start + wanted.duration * 60,
                medium=wanted.medium,
                expires_at=expires_at,
                advisers=chosen,
                spoken=wanted.spoken,
            )

        return await self._database.write(work)

    async def held(self, token: str) -> Held:
        """What a hold keeps; `HoldGone` when it is unknown, over or used."""
        now = self._clock.now()

        def work(connection: Connection) -> tuple[HoldRow, tuple[Adviser, ...]]:
            self._seen.refresh(connection, now)
            row = store.hold_by(connection, fingerprint(token))
            if row is None or row.expires_at <= now:
                raise HoldGone()
            people = roster_store.advisers_by_id(connection, row.adviser_ids)
            return row, tuple(people[id_] for id_ in row.adviser_ids)

        row, advisers = await self._database.read(work)
        return Held(
            token=token,
            service=self._seen.service_by_id(row.service_id).service,
            starts_at=row.starts_at,
            ends_at=row.ends_at,
            medium=row.medium,
            expires_at=row.expires_at,
            advisers=advisers,
            spoken=row.spoken,
        )

    async def release(self, token: str) -> None:
        """Give a held start back; nothing happens when it is gone already."""
        now = self._clock.now()

        def work(connection: Connection) -> None:
            row = store.hold_by(connection, fingerprint(token))
            if row is not None:
                version = self._allotter.enter(connection, now)
                store.drop_hold(connection, row.id)
                store.touch(connection, row.adviser_ids, version)

        await self._database.write(work)

    # -- booking --------------------------------------------------------------------------------------------------

    async def book(self, request: BookRequest) -> Booked:
        """Make an appointment. The same `request_key` twice is one appointment.

        A hold that has run out is tried again as a plain start. `Invalid` names the fields; `SlotTaken` the nearest starts.
        """
        now = self._clock.now()
        guests = tuple(dict.fromkeys(rules.normal_mail(guest) for guest in request.guests if guest.strip()))
        wrong = rules.check_person(request.name, request.email, request.phone, request.zone, guests)
        email = rules.normal_mail(request.email)
        tidy = msgspec.structs.replace(request, email=email, guests=tuple(g for g in guests if g != email))
        booked = await self._database.write(lambda connection: self._book(connection, tidy, wrong, now))
        self.tell(booked, tidy)
        return booked

    def tell(self, booked: Booked, request: BookRequest) -> None:
        """After the commit: mails may go, and whoever listens hears of it."""
        if not booked.repeated:
            self._wake()
            for hear in self.on_booked:
                hear(booked.appointment, request)

    def _book(self, connection: Connection, request: BookRequest, wrong: dict[str, FieldError], now: int) -> Booked:
        before = store.by_request_key(connection, request.request_key)
        if before is not None:
            (appointment,) = store.whole(connection, [before])
            return Booked(appointment=appointment, token=self._letters.token(before.uid), repeated=True)
        version = self._allotter.enter(connection, now)
        held = store.hold_by(connection, fingerprint(request.hold)) if request.hold else None
        if held is None and not request.service:
            raise HoldGone()
        wanted = self._allotter.kept(held, request.adviser) if held else self._allotter.wanted(request)
        rules.raise_if(wrong | rules.check_answers(wanted.stored.service, request.answers, complete=True))
        customer_id, personal = roster_store.upsert_customer(
            connection,
            email=request.email,
            name=request.name.strip(),
            language=request.language,
            zone=request.zone,
            phone=request.phone.strip(),
            now=now,
        )
        wanted = msgspec.structs.replace(wanted, personal=personal if request.known else None)
        chosen = self._allotter.choose(connection, wanted, now, held)
        if held is not None:
            store.drop_hold(connection, held.id)
            store.touch(connection, held.adviser_ids, version)
        return self._make(connection, request, wanted, chosen, customer_id, version, now, freed=held)

    def _make(
        self,
        connection: Connection,
        request: BookRequest,
        wanted: Wanted,
        chosen: tuple[Adviser, ...],
        customer_id: int,
        version: int,
        now: int,
        *,
        freed: HoldRow | None = None,
        actor: str = "customer",
    ) -> Booked:
        """Store the appointment with its time, mails and reminders. What an adviser makes is certain at once."""
        uid = self._letters.new_uid()
        token = self._letters.token(uid)
        immediate = actor != "customer" or wanted.stored.service.confirmation == "immediate"
        values = {
            "uid": uid,
            "fingerprint": fingerprint(token),
            "link_key": "1",
            "request_key": request.request_key,
            "service_id": wanted.stored.id,
            "site_id": request.site_id,
            "customer_id": customer_id,
            "state": "confirmed" if immediate else "requested",
            "sequence": 0,
            "starts_at": wanted.start,
            "ends_at": wanted.start + wanted.duration * 60,
            "medium": wanted.medium,
            "name": request.name.strip(),
            "email": request.email,
            "phone": request.phone.strip(),
            "language": request.language,
            "zone": request.zone,
            "spoken": wanted.spoken,
            "answers": msgspec.json.encode(request.answers).decode(),
            "reason": "",
            "created_at": now,
            "updated_at": now,
        }
        id_ = store.add_appointment(connection, values, [one.id for one in chosen], request.guests)
        self._allotter.take(connection, wanted, chosen, version, appointment_id=id_, booked_at=now, freed=freed)
        store.record(connection, id_, now, actor, "booked" if immediate else "requested")
        row = _Row(values, id_)
        guests = [Person(name="", email=email) for email in request.guests]
        appointment = store.of_row(row, wanted.stored.service, chosen, guests)
        self._letters.send(connection, "confirmation" if immediate else "requested", appointment, now=now)
        if immediate:
            self._letters.plan_reminders(connection, appointment, now)
        return Booked(appointment=appointment, token=token, repeated=False)

    # -- the appointment's link -----------------------------------------------------------------------------------

    async def show(self, token: str) -> Shown:
        """The appointment a customer's link opens; unknown, expired and foreign links are `NotFound` alike."""
        now = self._clock.now()
        appointment = await self._database.read(lambda connection: self._opened(connection, token, now))
        return self.shown(appointment, token)

    async def move(self, token: str, start: int, reason: str = "") -> Shown:
        """Move an appointment to another start, keeping the adviser when they are free."""
        now = self._clock.now()

        def work(connection: Connection) -> Appointment:
            appointment = self._opened(connection, token, now)
            rules.check_change(appointment, now)
            return self.move_in(connection, appointment, start, reason=reason, actor="customer", now=now)

        appointment = await self._database.write(work)
        self._wake()
        return self.shown(appointment, token)

    async def cancel(self, token: str, reason: str = "") -> Shown:
        """Cancel an appointment; cancelled already is fine."""
        now = self._clock.now()

        def work(connection: Connection) -> Appointment:
            appointment = self._opened(connection, token, now)
            if appointment.state == "cancelled":
                return appointment
            rules.check_change(appointment, now)
            return self.end_in(connection, appointment, "cancelled", reason=reason, actor="customer", now=now)

        appointment = await self._database.write(work)
        self._wake()
        return self.shown(appointment, token)

    async def answer(self, token: str, answers: dict[str, str]) -> Shown:
        """Store the answers to a service's questions, later than booking."""
        now = self._clock.now()

        def work(connection: Connection) -> Appointment:
            appointment = self._opened(connection, token, now)
            if appointment.state not in rules.OPEN or now >= appointment.ends_at:
                raise NotPossible()
            rules.raise_if(rules.check_answers(appointment.service, answers, complete=True))
            store.change(
                connection,
                appointment.id,
                answers=msgspec.json.encode(answers).decode(),
                updated_at=now,
            )
            store.record(connection, appointment.id, now, "customer", "answered")
            return msgspec.structs.replace(appointment, answers=answers)

        return self.shown(await self._database.write(work), token)

    async def invitation(self, token: str) -> bytes:
        """The appointment as an .ics file for its customer."""
        shown = await self.show(token)
        return self._letters.download(shown.appointment, self._clock.now())

    def _opened(self, connection: Connection, token: str, now: int) -> Appointment:
        row = store.by_fingerprint(connection, fingerprint(token))
        if row is None or row.ends_at + KEEP_LINKS < now:
            raise NotFound()
        (appointment,) = store.whole(connection, [row])
        return appointment

    async def invited(self, local: str, token: str) -> Appointment:
        """The appointment a guest's link opens, once guests have been told of it; else `NotFound`, whatever is wrong.

        `local` is the first half of the appointment's UID.
        """
        now, uid = self._clock.now(), self._letters.uid_of_guest(local)
        if not is_same(token, self._letters.guest_token(uid)):
            raise NotFound()

        def work(connection: Connection) -> Appointment:
            row = store.by_uid(connection, uid)
            if row is None or row.ends_at + KEEP_LINKS < now or row.state in {"requested", "declined"}:
                raise NotFound()
            (appointment,) = store.whole(connection, [row])
            if not appointment.guests:
                raise NotFound()
            return appointment

        return await self._database.read(work)

    def shown(self, appointment: Appointment, token: str) -> Shown:
        """An appointment with what its customer may do about it now."""
        now = self._clock.now()
        may = rules.may_change(appointment, now)
        return Shown(
            appointment=appointment,
            token=token,
            can_move=may,
            can_cancel=may,
            change_until=rules.change_until(appointment),
            opens_at=appointment.starts_at - rules.ROOM_OPENS,
        )

    # -- shared with the adviser's desk, inside a transaction -------------------------------------------------------

    def give_in(self, connection: Connection, request: BookRequest, adviser: Adviser, now: int) -> Booked:
        """An adviser's own time for a customer, within a transaction: hours, notice, grid and limits are theirs to pass over.

        `SlotTaken` when something is there already, `NotPossible` when the service is not theirs alone to give.
        """
        before = store.by_request_key(connection, request.request_key)
        if before is not None:
            (appointment,) = store.whole(connection, [before])
            return Booked(appointment=appointment, token=self._letters.token(before.uid), repeated=True)
        version = self._allotter.enter(connection, now)
        wanted = self._allotter.wanted(request)
        if wanted.stored.service.pool.collective or adviser.id not in wanted.stored.members:
            raise NotPossible()
        wrong = rules.check_person(request.name, request.email, request.phone, request.zone, request.guests)
        wrong |= rules.check_answers(wanted.stored.service, request.answers, complete=False)
        if request.start % CELL or request.start + wanted.duration * 60 <= now:
            wrong["start"] = FieldError("Please choose an hour to come, in steps of five minutes")
        rules.raise_if(wrong)
        first, end = rules.cells(wanted.stored.service, wanted.start, wanted.duration)
        if store.is_taken(connection, adviser.id, first, end):
            raise SlotTaken()
        request = msgspec.structs.replace(request, email=rules.normal_mail(request.email))
        customer_id, _ = roster_store.upsert_customer(
            connection,
            email=request.email,
            name=request.name.strip(),
            language=request.language,
            zone=request.zone,
            phone=request.phone.strip(),
            now=now,
        )
        actor = f"adviser:{adviser.id}"
        return self._make(connection, request, wanted, (adviser,), customer_id, version, now, actor=actor)

    def move_in(
        self,
        connection: Connection,
        appointment: Appointment,
        start: int,
        *,
        reason: str,
        actor: str,
        now: int,
        keep: bool = False,
    ) -> Appointment:
        """Move within a transaction; `keep` insists on the same advisers. The same start again changes nothing."""
        if start == appointment.starts_at:
            return appointment
        version = self._allotter.enter(connection, now)
        row = store.by_id(connection, appointment.id)
        if row is None:
            raise NotFound()
        wanted = self._allotter.moved(appointment, row, start)
        chosen = self._allotter.choose(connection, wanted, now, only=appointment.advisers if keep else ())
        store.release_appointment(connection, appointment.id)
        store.touch(connection, [one.id for one in appointment.advisers], version)
        moved = msgspec.structs.replace(
            appointment,
            starts_at=start,
            ends_at=start + wanted.duration * 60,
            sequence=appointment.sequence + 1,  # RFC 5546 2.1.4: or calendars ignore the new time
            advisers=chosen,
            reason=reason,
            updated_at=now,
        )
        store.change(
            connection,
            appointment.id,
            starts_at=moved.starts_at,
            ends_at=moved.ends_at,
            sequence=moved.sequence,
            reason=reason,
            updated_at=now,
        )
        store.replace_advisers(connection, appointment.id, [one.id for one in chosen], start, appointment.created_at)
        self._allotter.take(connection, wanted, chosen, version, appointment_id=appointment.id, moved=appointment)
        store.record(connection, appointment.id, now, actor, "moved", str(appointment.starts_at))
        self._letters.send(connection, "moved", moved, before=appointment, now=now)
        self._letters.drop_reminders(connection, appointment.id)
        if moved.state == "confirmed":
            self._letters.plan_reminders(connection, moved, now)
        return moved

    def end_in(
        self,
        connection: Connection,
        appointment: Appointment,
        state: Any,
        *,
        reason: str,
        actor: str,
        now: int,
    ) -> Appointment:
        """Cancel or decline within a transaction: the time is free again, reminders go, everybody is told."""
        version = self._allotter.enter(connection, now)
        ended = msgspec.structs.replace(
            appointment, state=state, sequence=appointment.sequence + 1, reason=reason, updated_at=now
        )
        store.change(
            connection,
            appointment.id,
            state=state,
            sequence=ended.sequence,
            reason=reason,
            updated_at=now,
        )
        store.release_appointment(connection, appointment.id)
        store.touch(connection, [one.id for one in appointment.advisers], version)
        store.record(connection, appointment.id, now, actor, state)
        self._letters.drop_reminders(connection, appointment.id)
        self._letters.send(connection, state, ended, before=appointment, now=now)
        return ended


class _Row:
    """The values of a row that has just been written, read as a row is."""

    def __init__(self, values: dict[str, Any], id_: int) -> None:
        self.__dict__.update(values, id=id_)
