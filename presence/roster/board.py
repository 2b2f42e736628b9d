"""Who is there, as this process sees it: read from the database at a steady pace, and at once when something changed.

Every process computes the same from the same rows, so that no node need tell another more than "look again".
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping

import msgspec
import structlog
from sqlalchemy import Connection, and_, func, select
from sqlalchemy.exc import SQLAlchemyError

from presence.clock import Clock
from presence.errors import Unavailable
from presence.roster import leases
from presence.roster.model import MEDIA, Medium, Texts
from presence.roster.presence import BEFORE_APPOINTMENT, CAPACITY, Candidate, Facts, Standing, best, standing_of
from presence.storage.database import Database
from presence.storage.tables import (
    adviser,
    agenda_clock,
    appointment,
    appointment_adviser,
    call,
    call_place,
    conversation,
    lease,
    presence_wish,
    team,
    team_member,
)

log = structlog.get_logger("presence.roster")

PACE = 2.0  # seconds between looks
TOGETHER = 0.05  # seconds in which changes are seen as one
ENTERING = 30  # seconds after a call was accepted in which its adviser counts as being on it, on the way to its room


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """An adviser as the board shows them."""

    id: int
    slug: str
    name: str
    languages: tuple[str, ...]
    team_ids: frozenset[int]
    supervisor: bool = False
    media: tuple[Medium, ...] = MEDIA
    topics: tuple[Texts, ...] = ()


class Board:
    """Everybody's standing. `on_change` hears which advisers' standing has changed."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._version = -1
        self.members: dict[int, Member] = {}
        self.by_slug: dict[str, Member] = {}
        self.teams: dict[str, int] = {}
        self.team_names: dict[str, Texts] = {}
        self.standings: dict[int, Standing] = {}
        self.on_change: list[Callable[[set[int]], None]] = []
        self._hurry = asyncio.Event()
        self._stopped = False

    async def refresh(self) -> set[int]:
        """Look once; returns whose standing has changed since the last look."""
        now = self._clock.now()
        standings = await self._database.read(lambda connection: self._read(connection, now))
        changed = {
            id_ for id_ in standings.keys() | self.standings.keys() if standings.get(id_) != self.standings.get(id_)
        }
        self.standings = standings
        if changed:
            for hear in self.on_change:
                hear(changed)
        return changed

    def _read(self, connection: Connection, now: int) -> dict[int, Standing]:
        version = connection.execute(select(agenda_clock.c.roster_version)).scalar_one()
        if version != self._version:
            self._read_members(connection)
            self._version = version
        there = leases.reachable_advisers(connection, now)
        wishes = {row.adviser_id: row for row in connection.execute(select(presence_wish))}
        loads = _loads(connection)
        engaged = _appointments(connection, now)
        on_call, rung = advisers_on_call(connection, now), ringing_at(connection, now)
        return {
            id_: standing_of(
                Facts(
                    adviser_id=id_,
                    wish=wishes[id_].wish if id_ in wishes else "available",
                    capacity=wishes[id_].capacity if id_ in wishes else CAPACITY,
                    reachable=id_ in there,
                    engaged=there.get(id_, False),
                    load=loads.get(id_, 0),
                    in_call=id_ in on_call,
                    rung=id_ in rung,
                    appointment=id_ in engaged,
                )
            )
            for id_ in self.members
        }

    def _read_members(self, connection: Connection) -> None:
        teams: dict[int, set[int]] = {}
        for adviser_id, team_id in connection.execute(select(team_member.c.adviser_id, team_member.c.team_id)):
            teams.setdefault(adviser_id, set()).add(team_id)
        rows = connection.execute(
            select(
                adviser.c.id,
                adviser.c.slug,
                adviser.c.name,
                adviser.c.languages,
                adviser.c.supervisor,
                adviser.c.media,
                adviser.c.topics,
            ).where(adviser.c.active)
        )
        self.members = {
            row.id: Member(
                id=row.id,
                slug=row.slug,
                name=row.name,
                languages=tuple(msgspec.json.decode(row.languages)),
                team_ids=frozenset(teams.get(row.id, ())),
                supervisor=row.supervisor,
                media=msgspec.json.decode(row.media, type=tuple[Medium, ...]),
                topics=msgspec.json.decode(row.topics, type=tuple[Texts, ...]),
            )
            for row in rows
        }
        self.by_slug = {one.slug: one for one in self.members.values()}
        teams_found = connection.execute(select(team.c.id, team.c.slug, team.c.name).order_by(team.c.id)).all()
        self.teams = {slug: id_ for id_, slug, _ in teams_found}
        self.team_names = {slug: msgspec.json.decode(name, type=Texts) for _, slug, name in teams_found}

    def together(self, adviser_ids: Iterable[int]) -> Standing | None:
        """The most available of several, or None when there is nobody at all."""
        standings = [self.standings[id_] for id_ in adviser_ids if id_ in self.standings]
        state = best(one.state for one in standings)
        return next((one for one in standings if one.state == state), None)

    def candidates(self, given_at: Mapping[int, int]) -> dict[int, Candidate]:
        """Everybody as who could take something. `given_at`: when each was last given a conversation."""
        return {
            id_: Candidate(
                standing=standing,
                languages=self.members[id_].languages,
                team_ids=self.members[id_].team_ids,
                last_given_at=given_at.get(id_, 0),
            )
            for id_, standing in self.standings.items()
            if id_ in self.members
        }

    def hurry(self) -> None:
        """Look again as soon as may be."""
        self._hurry.set()

    async def run(self, rest: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Look again and again until stopped."""
        while not self._stopped:
            try:
                await self.refresh()
            except (Unavailable, SQLAlchemyError, OSError) as error:
                log.warning("presence could not be read", error=type(error).__name__)
            try:
                async with asyncio.timeout(PACE):
                    await self._hurry.wait()
                await rest(TOGETHER)
            except TimeoutError:
                pass
            self._hurry.clear()

    def stop(self) -> None:
        """Look no more."""
        self._stopped = True
        self._hurry.set()


def _loads(connection: Connection) -> dict[int, int]:
    """Conversations each adviser has or is offered."""
    who = func.coalesce(conversation.c.adviser_id, conversation.c.offered_to)
    rows = connection.execute(
        select(who, func.count()).where(conversation.c.state.in_(("active", "waiting")), who.is_not(None)).group_by(who)
    )
    return {row[0]: row[1] for row in rows}


def _appointments(connection: Connection, now: int) -> set[int]:
    """Advisers with an appointment that is running or about to start, unless its call is over before its time."""
    of_now = call.c.ended_at >= appointment.c.starts_at - BEFORE_APPOINTMENT  # and not before it was moved
    over = select(call.c.id).where(call.c.appointment_id == appointment.c.id, call.c.outcome == "held", of_now).exists()
    rows = connection.execute(
        select(appointment_adviser.c.adviser_id)
        .join_from(appointment_adviser, appointment)
        .where(
            appointment_adviser.c.starts_at.between(now - 86_400, now + BEFORE_APPOINTMENT),
            appointment.c.ends_at > now,
            appointment.c.state == "confirmed",
            ~over,
        )
    )
    return set(rows.scalars())


def advisers_on_call(connection: Connection, now: int) -> set[int]:
    """Advisers who are connected to the room of a call that has begun, or are on the way there."""
    theirs = and_(call_place.c.call_id == call.c.id, call_place.c.role == "adviser")
    alive = and_(lease.c.id == call_place.c.connection, lease.c.expires_at > now)
    rows = connection.execute(
        select(call.c.adviser_id, call.c.admitted_at, call_place.c.person, lease.c.id)
        .join_from(call, call_place, theirs, isouter=True)
        .join(lease, alive, isouter=True)
        .where(call.c.state == "admitted")
    )
    found = set()
    for adviser_id, admitted_at, person, connected in rows:
        if connected is not None:
            found.add(int(person.partition(":")[2]))
        elif person is None and adviser_id is not None and (admitted_at or 0) > now - ENTERING:
            found.add(adviser_id)
    return found


def ringing_at(connection: Connection, now: int) -> dict[int, int]:
    """Advisers whom calls ring at, or who ring for one: how many calls."""
    rows = connection.execute(
        select(call.c.origin, call.c.adviser_id, call.c.rung, call.c.declined).where(
            call.c.state == "ringing", call.c.rings_until > now
        )
    )
    found: Counter[int] = Counter()
    for origin, adviser_id, rung, declined in rows:
        if origin == "adviser":
            found[adviser_id] += 1
        else:
            found.update(set(msgspec.json.decode(rung)) - set(msgspec.json.decode(declined)))
    return dict(found)
