"""What becomes of appointments by who came to their rooms: held, missed, and who is written to. And what advisers see of it."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, bindparam, or_, select, update

from presence.booking import store
from presence.booking.correspondence import Correspondence
from presence.booking.desk import Arrivals
from presence.booking.external import is_external
from presence.booking.letters import Absence
from presence.booking.model import Appointment
from presence.booking.rules import ROOM_OPENS
from presence.booking.settling import Settler
from presence.calls.attendance import Attendance, Attended, attendance, came, took_place
from presence.clock import Clock
from presence.roster import store as roster_store
from presence.storage.database import Database
from presence.storage.tables import appointment, call, call_place

LAPSE = 24 * 3600  # seconds after the start from which nobody is written to any more: we had been away
CLAIM = 50  # appointments that are settled in one transaction

_customer, _adviser = call_place.alias("customer"), call_place.alias("adviser_place")
# Not over before the appointment was moved to its hour, as `rules.is_of_before`.
_OF_THIS_HOUR = or_(call.c.ended_at.is_(None), call.c.ended_at >= appointment.c.starts_at - ROOM_OPENS)
_WITH_ROOM: Select[Any] = (
    select(
        appointment.c.id,
        appointment.c.state,
        appointment.c.starts_at,
        appointment.c.ends_at,
        call.c.id.label("call_id"),
        call.c.state.label("call_state"),
        call.c.outcome,
        call.c.knocked_at,
        call.c.admitted_at,
        call.c.connected_at,
        call.c.ended_at,
        _customer.c.arrived_at.label("customer_at"),
        _customer.c.left_at.label("customer_left"),
        _customer.c.connection.label("customer_connection"),
        _adviser.c.arrived_at.label("adviser_at"),
        _adviser.c.left_at.label("adviser_left"),
        _adviser.c.person.label("adviser_person"),
    )
    .join_from(appointment, call, and_(call.c.appointment_id == appointment.c.id, _OF_THIS_HOUR))
    .outerjoin(_customer, and_(_customer.c.call_id == call.c.id, _customer.c.role == "customer"))
    .outerjoin(_adviser, and_(_adviser.c.call_id == call.c.id, _adviser.c.role == "adviser"))
)


def _has_come(place: Any) -> ColumnElement[bool]:
    """As `attendance.came`."""
    stayed = or_(place.c.left_at.is_(None), place.c.left_at >= appointment.c.starts_at)
    return and_(place.c.arrived_at.is_not(None), stayed)


_MET = or_(call.c.connected_at.is_not(None), call.c.outcome == "held")
_HELD = and_(
    _MET,
    appointment.c.ends_at <= bindparam("now"),
    or_(  # what an adviser says of it stands; what we had said does not
        appointment.c.state == "confirmed",
        and_(appointment.c.state == "missed", call.c.missed_for == appointment.c.starts_at),
    ),
)
_ALONE = and_(
    ~_MET,
    appointment.c.state.in_(("confirmed", "missed")),
    appointment.c.starts_at <= bindparam("missed_before"),
    call.c.missed_for.is_distinct_from(appointment.c.starts_at),
    or_(and_(_has_come(_customer), ~_has_come(_adviser)), and_(_has_come(_adviser), ~_has_come(_customer))),
)
_DUE = (
    _WITH_ROOM.where(appointment.c.starts_at.between(bindparam("since"), bindparam("now")), or_(_HELD, _ALONE))
    .order_by(appointment.c.starts_at)
    .limit(CLAIM)
)


class Attending(Settler):
    """Settles appointments.

    `missed_after` in seconds from the start; 0: nobody is written to.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        letters: Correspondence,
        *,
        missed_after: int,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(database, clock, "appointments", CLAIM, wake)
        self._letters = letters
        self._missed_after = missed_after

    def _any_due(self, connection: Connection, now: int) -> bool:
        return bool(self._due(connection, now, lock=False))

    def _due(self, connection: Connection, now: int, *, lock: bool) -> Sequence[Row[Any]]:
        since = now - LAPSE
        missed_before = now - self._missed_after if self._missed_after else since - 1  # before all that is looked at
        wanted = {"now": now, "since": since, "missed_before": missed_before}
        # Other processes on PostgreSQL leave these to us.
        query = _DUE.with_for_update(of=appointment, skip_locked=True) if lock else _DUE
        return connection.execute(query, wanted).all()

    def _settle(self, connection: Connection, now: int) -> int:
        rows = self._due(connection, now, lock=True)
        self._settle_rows(connection, rows, now)
        return len(rows)

    def _settle_rows(self, connection: Connection, rows: Sequence[Row[Any]], now: int) -> None:
        found = {one.id: one for one in store.whole(connection, store.by_ids(connection, [row.id for row in rows]))}
        for row in rows:
            one = found[row.id]
            seen = _attended(row)
            if took_place(seen, now):
                self._turn(connection, one, "held", now)
            elif not is_external(one):
                self._tell(connection, one, row.call_id, attendance(seen, now, self._missed_after), now)

    def _turn(self, connection: Connection, one: Appointment, state: str, now: int) -> None:
        store.change(connection, one.id, state=state, updated_at=now)
        store.record(connection, one.id, now, "system", state)

    def _tell(self, connection: Connection, one: Appointment, call_id: int, standing: Attendance, now: int) -> None:
        """Write to who came alone, or to who did not come: once for each hour it was moved to."""
        kinds: dict[Attendance, Absence] = {"customer_missed": "missed", "adviser_missed": "let_down"}
        kind = kinds.get(standing)
        if kind is None or not _is_first(connection, call_id, one.starts_at):
            return
        if kind == "let_down":
            supervisors = roster_store.supervisors_of(connection, [adviser.id for adviser in one.advisers])
            self._letters.tell_absence(connection, kind, one, supervisors=supervisors, now=now)
            store.record(connection, one.id, now, "system", "let_down")
            return
        self._letters.tell_absence(connection, kind, one, now=now)
        if one.state == "confirmed":
            self._turn(connection, one, "missed", now)

    # -- what advisers see ----------------------------------------------------------------------------------------

    def arrivals(self, connection: Connection, appointments: Iterable[Appointment], now: int) -> dict[int, Arrivals]:
        """Who has come to these appointments, by appointment id; those that meet elsewhere are left out."""
        ours = {one.id: one for one in appointments if not is_external(one)}
        rows = connection.execute(_WITH_ROOM.where(appointment.c.id.in_(ours))).all()
        seen = {row.id: row for row in rows}
        return {id_: self._arrivals(one, seen.get(id_), now) for id_, one in ours.items()}

    def _arrivals(self, one: Appointment, row: Row[Any] | None, now: int) -> Arrivals:
        seen = _attended(row) if row is not None else Attended(starts_at=one.starts_at, ends_at=one.ends_at)
        return Arrivals(
            standing=attendance(seen, now, self._missed_after) if one.state == "confirmed" else "fine",
            waiting_since=_waiting_since(row),
            history=_told(row),
        )


def _is_first(connection: Connection, call_id: int, starts_at: int) -> bool:
    """Whether nobody has written about this hour yet; nobody else will. Another process that looked as early waits here."""
    told = call.c.missed_for.is_distinct_from(starts_at)
    marked = update(call).where(call.c.id == call_id, told).values(missed_for=starts_at)
    return connection.execute(marked).rowcount == 1


def _attended(row: Row[Any]) -> Attended:
    met = row.connected_at
    if met is None and row.outcome == "held":  # they wrote to each other, or met without pictures and sound
        met = row.admitted_at
    return Attended(
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        customer_at=came(row.customer_at, row.customer_left, row.starts_at),
        adviser_at=came(row.adviser_at, row.adviser_left, row.starts_at),
        connected_at=met,
    )


def _waiting_since(row: Row[Any] | None) -> int | None:
    if row is None or row.call_state not in {"waiting", "held"} or not row.customer_connection:
        return None
    since: int | None = row.knocked_at
    return since


def _told(row: Row[Any] | None) -> tuple[tuple[int, str, str, str], ...]:
    """(at, actor, kind, detail) of what happened in a room, as an appointment's history has it. A wait is in seconds."""
    if row is None:
        return ()
    wait = "" if row.admitted_at is None or row.knocked_at is None else str(max(row.admitted_at - row.knocked_at, 0))
    happened = [
        (row.customer_at, "customer", "arrived", ""),
        (row.adviser_at, row.adviser_person, "adviser_arrived", ""),
        (row.admitted_at, row.adviser_person, "admitted", wait),
        (row.ended_at, "system", "ended", row.outcome),
    ]
    return tuple((at, actor or "", kind, detail) for at, actor, kind, detail in happened if at is not None)
