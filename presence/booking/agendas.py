"""What is free, kept up with the database by version: built once, then only what changed is read again.

There are two of these in a process. The readers' follows what is committed. The writer's lives with the one connection that
writes and sees its own transaction, so that booking decides by the very rules that made the offer, on the last word.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Set
from operator import itemgetter

from sqlalchemy import Connection

from presence.booking import store
from presence.booking.availability import AdviserCalendar, Calendars, Rank, Window, rank
from presence.booking.model import Agenda, Busy, Opening, Tally
from presence.booking.store import StoredService, Versions
from presence.errors import NotFound
from presence.roster import store as roster_store

DAY = 86_400
HOUR = 3600
FAIRNESS = 30 * DAY  # seconds over which appointments are counted, to the hour


class Turns:
    """Whose turn it is in a pool, kept in order: a booking changes the place of one."""

    def __init__(self, members: Iterable[int]) -> None:
        self._ranks: dict[int, Rank] = {}
        self._sorted: list[Rank] = []
        self.missing = set(members)  # those of the pool who have no place yet

    def put(self, adviser_id: int, place: Rank) -> None:
        """Give an adviser a place."""
        self._ranks[adviser_id] = place
        insort(self._sorted, place)
        self.missing.discard(adviser_id)

    def drop(self, adviser_id: int) -> None:
        """Take an adviser's place away, if they have one."""
        place = self._ranks.pop(adviser_id, None)
        if place is not None:
            del self._sorted[bisect_left(self._sorted, place)]
            self.missing.add(adviser_id)

    def in_order(self) -> Iterator[int]:
        """Advisers' ids, the next in turn first."""
        return map(itemgetter(-1), self._sorted)


class Agendas:
    """Services and advisers' calendars as of one version of the agenda clock."""

    def __init__(self, opening: Opening) -> None:
        self.opening = opening
        self._services: dict[str, StoredService] = {}
        self._by_id: dict[int, StoredService] = {}
        self._forget()

    def _forget(self) -> None:
        self.version = self._roster_version = self._day = -1
        # Adviser id -> appointments since, and when the latest was made; and what that means in each service's pool.
        self._counted: dict[int, tuple[int, int]] = {}
        self._counted_since = 0
        self._turns: dict[int, Turns] = {}

    def refresh(self, connection: Connection, now: int) -> None:
        """Take in what has been committed since."""
        self.catch_up(connection, store.versions(connection), now)

    def catch_up(self, connection: Connection, to: Versions, now: int) -> None:
        """Take in what changed up to a version."""
        if self.version > to.version or self._day != now // DAY:
            # Ahead of the database: a transaction we had counted in was undone. Or the window has moved on.
            self._forget()
        if self.version == to.version:
            return
        if self._roster_version < to.roster_version:
            self._load_all(connection, now)
        else:
            self._load_changed(connection)
        self.version, self._roster_version = to

    def _load_all(self, connection: Connection, now: int) -> None:
        stored = store.services(connection)
        window = Window.around(now, max((one.service.horizon for one in stored), default=30))
        calendars = Calendars(self.opening, window)
        busy = store.busy_since(connection, -1, window.counted_from)
        for adviser in roster_store.advisers(connection):
            calendars.put(Agenda(adviser, tuple(busy.get(adviser.id, ()))))
        self._calendars = calendars
        self._services = {one.service.slug: one for one in stored}
        self._by_id = {one.id: one for one in stored}
        self._day = now // DAY
        self._counted, self._turns = {}, {}

    def _load_changed(self, connection: Connection) -> None:
        changed = store.busy_since(connection, self.version, self._calendars.window.counted_from)
        for adviser_id, busy in changed.items():
            self._count(adviser_id, None)
            known = self._calendars.get(adviser_id)
            if known is not None:
                self._calendars.put(Agenda(known.adviser, tuple(busy)))

    def take(self, adviser_ids: Iterable[int], busy: Busy, version: int, booked_at: int | None) -> None:
        """Count in what our own transaction has just given away, so that the next one need not read it.

        `booked_at` is None for a hold, which is no appointment yet.
        """
        for adviser_id in adviser_ids:
            known = self._calendars.get(adviser_id)
            if known is not None:
                self._calendars.put(Agenda(known.adviser, (*known.agenda.busy, busy)))
            if booked_at is not None and adviser_id in self._counted:
                self._count(adviser_id, (self._counted[adviser_id][0] + 1, booked_at))
        self.version = version

    def _count(self, adviser_id: int, counted: tuple[int, int] | None) -> None:
        """Take in an adviser's appointments, or forget them until they are asked for again."""
        if counted is None:
            self._counted.pop(adviser_id, None)
        else:
            self._counted[adviser_id] = counted
        for turns in self._turns.values():
            turns.drop(adviser_id)

    def tallies(self, connection: Connection, stored: StoredService, now: int) -> dict[int, Tally]:
        """What fairness knows of each adviser of a pool.

        Counted once and kept up like the calendars: a booking that counted a whole pool's appointments anew would take
        longer with every booking of the month.
        """
        self._count_all(connection, stored.members.keys(), now)
        return {id_: self._tally(stored, id_) for id_ in stored.members}

    def ranked(self, connection: Connection, stored: StoredService, now: int) -> Iterator[AdviserCalendar]:
        """Calendars of a service's pool, in the order in which its advisers take a start that all could take.

        One after the other: in a pool of hundreds the first one or two are mostly free.
        """
        self._begin_anew(now)
        turns = self._turns.get(stored.id)
        if turns is None:
            turns = self._turns[stored.id] = Turns(stored.members)
        if turns.missing:
            self._count_all(connection, turns.missing, now)
            for id_ in tuple(turns.missing):
                turns.put(id_, rank(id_, self._tally(stored, id_)))
        return self._calendars.each(turns.in_order())

    def _count_all(self, connection: Connection, adviser_ids: Set[int], now: int) -> None:
        """Count what was not counted yet."""
        self._begin_anew(now)
        missing = adviser_ids - self._counted.keys()
        if missing:
            found = store.booked(connection, missing, self._counted_since)
            for id_ in missing:
                self._count(id_, found.get(id_, (0, 0)))

    def _begin_anew(self, now: int) -> None:
        """Forget the counts when the days that count are others than before."""
        since = (now - FAIRNESS) // HOUR * HOUR
        if since != self._counted_since:
            self._counted, self._turns = {}, {}
            self._counted_since = since

    def _tally(self, stored: StoredService, adviser_id: int) -> Tally:
        priority, weight = stored.members[adviser_id]
        booked, latest = self._counted[adviser_id]
        return Tally(priority=priority, weight=weight, booked=booked, last_booked_at=latest)

    def services(self) -> tuple[StoredService, ...]:
        """Every service that can be booked, in order."""
        return tuple(self._services.values())

    def service(self, slug: str) -> StoredService:
        """A service by its slug; `NotFound`."""
        try:
            return self._services[slug]
        except KeyError:
            raise NotFound() from None

    def service_by_id(self, service_id: int) -> StoredService:
        """A service by its row's id; `NotFound`."""
        try:
            return self._by_id[service_id]
        except KeyError:
            raise NotFound() from None

    def everybody(self) -> list[AdviserCalendar]:
        """Every adviser's calendar."""
        return self._calendars.all()

    def pool(self, stored: StoredService) -> list[AdviserCalendar]:
        """The calendars of a service's pool."""
        return self._calendars.of(stored.members)

    def adviser_by_slug(self, pool: Iterable[AdviserCalendar], slug: str) -> AdviserCalendar | None:
        """The calendar of one adviser of a pool."""
        return next((calendar for calendar in pool if calendar.adviser.slug == slug), None)
