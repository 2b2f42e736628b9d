"""Giving advisers' time away, inside the writer's transaction: by the very rules that offered it, on the last word."""

from collections.abc import Iterable, Iterator, Sequence, Set
from itertools import islice
from typing import Any

import msgspec
from sqlalchemy import Connection

from presence.booking import rules, store
from presence.booking.agendas import Agendas
from presence.booking.availability import AdviserCalendar, choose, free_starts, those_free_at
from presence.booking.model import Appointment, Busy, Opening, Service
from presence.booking.requests import BookRequest, HoldRequest
from presence.booking.store import HoldRow, StoredService
from presence.errors import FieldError, Invalid, SlotTaken
from presence.roster.model import Adviser, Medium


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A start that somebody wants, all defaults settled."""

    stored: StoredService
    start: int
    duration: int
    medium: Medium
    spoken: str = ""
    adviser: str = ""  # slug: this one before the others
    personal: int | None = None
    ignoring: str = ""


class Allotter:
    """The writer's view of all agendas, kept up with the one connection that writes."""

    def __init__(self, opening: Opening) -> None:
        self._agendas = Agendas(opening)

    def wanted(self, request: HoldRequest | BookRequest) -> Wanted:
        """What a request for a start means, the service's defaults considered; `NotFound`, `Invalid`."""
        stored = self._agendas.service(request.service)
        return Wanted(
            stored=stored,
            start=request.start,
            duration=duration_of(stored.service, request.duration),
            medium=medium_of(stored.service, self._agendas.pool(stored), request.medium),
            spoken=request.spoken,
            adviser=request.adviser,
        )

    def kept(self, held: HoldRow, adviser: str) -> Wanted:
        """What a hold keeps."""
        return Wanted(
            stored=self._agendas.service_by_id(held.service_id),
            start=held.starts_at,
            duration=(held.ends_at - held.starts_at) // 60,
            medium=held.medium,
            spoken=held.spoken,
            adviser=adviser,
            ignoring=f"hold:{held.id}",
        )

    def moved(self, appointment: Appointment, row: Any, start: int) -> Wanted:
        """What moving an appointment to another start means; `row` is its own."""
        return Wanted(
            stored=self._agendas.service_by_id(row.service_id),
            start=start,
            duration=(appointment.ends_at - appointment.starts_at) // 60,
            medium=appointment.medium,
            spoken=row.spoken,
            personal=appointment.advisers[0].id if appointment.advisers else None,
            ignoring=f"appointment:{appointment.id}",
        )

    def enter(self, connection: Connection, now: int) -> int:
        """Begin to change agendas: queue up, and see everything that was decided before us."""
        raised = store.raise_clock(connection)
        self._agendas.catch_up(connection, raised._replace(version=raised.version - 1), now)
        store.drop_expired_holds(connection, now)
        return raised.version

    def choose(
        self,
        connection: Connection,
        wanted: Wanted,
        now: int,
        held: HoldRow | None = None,
        only: Sequence[Adviser] = (),
    ) -> tuple[Adviser, ...]:
        """Who takes a start, by the same rules that offered it; `SlotTaken` when nobody can."""
        staying = frozenset(adviser.id for adviser in only) or wanted.stored.members.keys()
        if wanted.stored.service.pool.collective:
            pool = self._pool(wanted, staying)
            free = list(self._free(wanted, pool, now))
            chosen = free if len(free) == len(pool) else []
        else:
            chosen = self._wished(wanted, staying, now, held) or self._fairest(connection, wanted, staying, now)
        if not chosen:
            raise SlotTaken(self._nearest(wanted, self._pool(wanted, staying), now))
        return tuple(one.adviser for one in chosen)

    def _pool(self, wanted: Wanted, staying: Set[int]) -> list[AdviserCalendar]:
        return [one for one in self._agendas.pool(wanted.stored) if one.adviser.id in staying]

    def _wished(self, wanted: Wanted, staying: Set[int], now: int, held: HoldRow | None) -> list[AdviserCalendar]:
        """Whoever is asked for, else the customer's own, else whose time is held: when they are free."""
        ids = (wanted.personal, *(held.adviser_ids if held is not None else ()))
        if not wanted.adviser and not any(ids):
            return []
        pool = self._pool(wanted, staying)
        wishes = [one for one in pool if one.adviser.slug == wanted.adviser]
        wishes += [one for id_ in ids for one in pool if one.adviser.id == id_]
        return list(islice(self._free(wanted, wishes, now), 1))

    def _fairest(self, connection: Connection, wanted: Wanted, staying: Set[int], now: int) -> list[AdviserCalendar]:
        """Whose turn it is, of those who are free."""
        stored = wanted.stored
        threshold = stored.service.pool.lead_threshold
        if threshold is None:
            ranked = (one for one in self._agendas.ranked(connection, stored, now) if one.adviser.id in staying)
            return list(islice(self._free(wanted, ranked, now), 1))
        free = list(self._free(wanted, self._pool(wanted, staying), now))
        if not free:
            return []
        tallies = self._agendas.tallies(connection, stored, now)
        first = choose([one.adviser for one in free], tallies, lead_threshold=threshold)
        return [one for one in free if one.adviser.id == first.id]

    def _free(self, wanted: Wanted, calendars: Iterable[AdviserCalendar], now: int) -> Iterator[AdviserCalendar]:
        return those_free_at(
            wanted.stored.service,
            wanted.duration,
            wanted.start,
            calendars,
            self._agendas.opening,
            now,
            medium=wanted.medium,
            spoken=wanted.spoken,
            ignoring=wanted.ignoring,
        )

    def _nearest(self, wanted: Wanted, pool: Sequence[AdviserCalendar], now: int) -> tuple[int, ...]:
        starts = free_starts(
            wanted.stored.service,
            wanted.duration,
            pool,
            self._agendas.opening,
            now,
            medium=wanted.medium,
            spoken=wanted.spoken,
            ignoring=wanted.ignoring,
        )
        return rules.nearest(starts, wanted.start)

    def take(
        self,
        connection: Connection,
        wanted: Wanted,
        chosen: Sequence[Adviser],
        version: int,
        *,
        appointment_id: int | None = None,
        hold_id: int | None = None,
        expires_at: int | None = None,
        booked_at: int | None = None,
        freed: HoldRow | None = None,
        moved: Appointment | None = None,
    ) -> None:
        """Take the time in the database and in our own view of it."""
        first, end = rules.cells(wanted.stored.service, wanted.start, wanted.duration)
        ids = [one.id for one in chosen]
        store.take(
            connection,
            ids,
            first,
            end,
            starts_at=wanted.start,
            appointment_id=appointment_id,
            hold_id=hold_id,
            expires_at=expires_at,
        )
        store.touch(connection, ids, version)
        if freed is None and moved is None:  # else somebody's time was given back too: read it again
            busy = Busy(first, end, store.owner_of(appointment_id, hold_id), wanted.start, expires_at)
            self._agendas.take(ids, busy, version, booked_at)


def duration_of(service: Service, duration: int | None) -> int:
    """A duration the service has, its first by default; minutes."""
    if duration is None:
        return service.durations[0]
    if duration not in service.durations:
        raise Invalid(
            {
                "duration": FieldError(
                    "This service takes %(durations)s minutes",
                    durations=", ".join(map(str, service.durations)),
                )
            }
        )
    return duration


def medium_of(service: Service, pool: Sequence[AdviserCalendar], medium: Medium | None) -> Medium:
    """A medium the service offers; by default the first that somebody of its pool offers too.

    Offering, holding and booking settle it here alike: a start offered in "some way" could be refused.
    """
    if medium is None:
        return next(iter(offered_media(service, pool)), service.media[0])
    if medium not in service.media:
        raise Invalid({"medium": FieldError("This service is not offered this way")})
    return medium


def offered_media(service: Service, pool: Sequence[AdviserCalendar]) -> tuple[Medium, ...]:
    """The media that the service and its pool offer, in the service's order. Collective: that all of them offer."""
    enough = all if service.pool.collective else any
    return tuple(medium for medium in service.media if pool and enough(medium in one.adviser.media for one in pool))
