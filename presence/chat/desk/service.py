"""What advisers do with conversations: take, pass, hand over, close; and their lists of them."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from presence.chat import log, searching, store
from presence.chat.journal import Journal
from presence.chat.log import Outcome
from presence.chat.model import Conversation, Visitor, adviser_sender
from presence.chat.service import closed, system
from presence.clock import Clock
from presence.errors import Forbidden, NotFound, NotPossible
from presence.i18n import N_
from presence.roster import leases
from presence.roster.board import Board, Member
from presence.roster.presence import WISHES, Wish
from presence.storage.database import Database

VIEWS = ("mine", "team", "waiting", "closed")
FOR_SUPERVISORS = ("live", "all")
MAX_TAGS = 20
MAX_TAG = 40
PAGE = 50
SEARCHED = 200  # conversations looked at for one search
LIVE = 300  # conversations that a supervisor watches at once
JOINED = 500  # events looked at for who has joined

_PLACE = re.compile(r"([0-9]{1,15})-([0-9]{1,15})")

Step = Callable[[Connection, Conversation, int], tuple[dict[str, Any], Sequence[Any]]]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation's row in an adviser's lists. Instants in milliseconds."""

    c: str
    state: str
    adviser: dict[str, Any] | None
    offered: dict[str, Any] | None
    customer: dict[str, Any]
    language: str
    team: str | None
    subject: str
    preview: str
    unread: bool
    heard: str  # what kind it is that is unread, the last of it; "" for nothing
    last_seq: int
    tags: tuple[str, ...]
    queued_at: int | None
    updated_at: int
    created_at: int
    closed_at: int | None
    rating: int | None
    page: str
    site: str  # the name of the one inside of whose pages it was begun; "" for our own


class Listed(msgspec.Struct, frozen=True):
    """A part of a list, and what continues it; None at its end."""

    rows: list[Row]
    next: str | None


class ChatDesk:
    """The use cases of advisers."""

    def __init__(
        self, database: Database, clock: Clock, journal: Journal, board: Board, wake: Callable[[], None]
    ) -> None:
        self._database = database
        self._clock = clock
        self._journal = journal
        self._board = board
        self._wake = wake

    # -- looking --------------------------------------------------------------------------------------------------

    async def inbox(self, me: Member, view: str, after: str = "") -> Listed:
        """One of their lists, the latest first; `after` is the `next` of the part before. `NotFound` for a foreign one."""
        if view not in VIEWS and not (me.supervisor and view in FOR_SUPERVISORS):
            raise NotFound()
        most = LIVE if view == "live" else PAGE

        def work(connection: Connection) -> Listed:
            found = store.inbox(connection, view, store.Sight.of(me), _place(after), most + 1)
            shown = found[:most]
            onward = f"{shown[-1].updated_at}-{shown[-1].id}" if len(found) > most else None
            return Listed(self.rows(connection, shown), onward)

        return await self._database.read(work)

    async def search(self, me: Member, text: str) -> list[Row]:
        """Conversations in which something was said, or whose customer is called so; the latest first."""

        def work(connection: Connection) -> list[Row]:
            ids = {*searching.find(connection, text, SEARCHED), *store.called(connection, text, SEARCHED)}
            found = [one for one in store.by_ids(connection, ids) if may_see(me, one)]
            return self.rows(connection, sorted(found, key=lambda one: -one.updated_at)[:PAGE])

        return await self._database.read(work)

    async def live_load(self, me: Member) -> dict[str, int | None]:
        """How much there is to do now of what they see: waiting, active, and since when the longest has waited (ms)."""
        waiting, active, since = await self._database.read(
            lambda connection: store.live_load(connection, store.Sight.of(me))
        )
        return {"waiting": waiting, "active": active, "waiting_since": _ms(since)}

    def rows(self, connection: Connection, found: Sequence[Conversation]) -> list[Row]:
        """Conversations as rows."""
        people = store.people_of(connection, found)
        here = leases.reachable(connection, {f"visitor:{id_}" for id_ in people}, self._clock.now())
        heard = store.last_heard(connection, [one.id for one in found])
        sites = store.site_names(connection, found)
        return [
            self._row(
                one,
                people.get(one.visitor_id or 0),
                here,
                heard.get(one.id, (0, "")),
                sites.get(one.site_id or 0, ""),
            )
            for one in found
        ]

    def _row(
        self, one: Conversation, person: Visitor | None, here: dict[str, bool], heard: tuple[int, str], site: str
    ) -> Row:
        seq, kind = heard
        unread = seq > one.adviser_seen and one.state != "closed"
        team = next((slug for slug, id_ in self._board.teams.items() if id_ == one.team_id), None)
        return Row(
            c=one.uid,
            state=one.state,
            adviser=self._name(one.adviser_id),
            offered={"id": one.offered_to, "until": (one.offered_until or 0) * 1000} if one.offered_to else None,
            customer={
                "name": person.name if person else "",
                "email": person.email if person else "",
                "verified": bool(person and person.verified),
                "here": person is not None and f"visitor:{person.id}" in here,
            },
            language=one.language,
            team=team,
            subject=one.subject,
            preview=one.preview,
            unread=unread,
            heard=kind if unread else "",
            last_seq=one.last_seq,
            tags=one.tags,
            queued_at=_ms(one.queued_at),
            updated_at=one.updated_at * 1000,
            created_at=one.created_at * 1000,
            closed_at=_ms(one.closed_at),
            rating=one.rating,
            page=one.page,
            site=site,
        )

    def _name(self, adviser_id: int | None) -> dict[str, Any] | None:
        member = self._board.members.get(adviser_id or 0)
        return {"id": member.id, "name": member.name} if member else None

    async def conversation(self, me: Member, uid: str) -> Conversation:
        """One they may see; `NotFound`."""
        return await self._database.read(lambda connection: visible(connection, me, uid))

    # -- doing ----------------------------------------------------------------------------------------------------

    async def accept(self, me: Member, uid: str) -> None:
        """Take a waiting conversation, or a message nobody has. Theirs already is fine; another's is `NotPossible`."""

        def step(_connection: Connection, one: Conversation, now: int) -> tuple[dict[str, Any], Sequence[Any]]:
            if one.adviser_id == me.id and one.state == "active":
                return {}, []
            if one.state not in {"waiting", "message"} or one.adviser_id not in {None, me.id}:
                raise NotPossible(N_("Somebody else has taken this conversation"))
            return given(me, now), [system(one.id, "joined", adviser=me.id, name=me.name)]

        await self._do(me, uid, step)

    async def takeover(self, me: Member, uid: str) -> None:
        """Take a conversation that another adviser has."""

        def step(_connection: Connection, one: Conversation, now: int) -> tuple[dict[str, Any], Sequence[Any]]:
            if one.state == "closed":
                raise NotPossible(N_("This conversation is closed"))
            if one.adviser_id == me.id:
                return {}, []
            before = self._board.members.get(one.adviser_id or 0)
            left = [system(one.id, "left", adviser=before.id, name=before.name)] if before else []
            return given(me, now), [*left, system(one.id, "joined", adviser=me.id, name=me.name)]

        await self._do(me, uid, step)

    async def join(self, me: Member, uid: str) -> None:
        """A supervisor speaks in a conversation that stays another's; the customer is told who has come."""
        self._supervises(me)

        def step(connection: Connection, one: Conversation, _now: int) -> tuple[dict[str, Any], Sequence[Any]]:
            if one.state == "closed":
                raise NotPossible(N_("This conversation is closed"))
            if one.adviser_id == me.id or has_joined(connection, one, me):
                return {}, []
            return {}, [system(one.id, "joined", adviser=me.id, name=me.name)]

        await self._do(me, uid, step)

    async def leave(self, me: Member, uid: str) -> None:
        """A supervisor has said what there was to say."""
        self._supervises(me)

        def step(connection: Connection, one: Conversation, _now: int) -> tuple[dict[str, Any], Sequence[Any]]:
            if one.adviser_id == me.id or not has_joined(connection, one, me):
                return {}, []
            return {}, [system(one.id, "left", adviser=me.id, name=me.name)]

        await self._do(me, uid, step)

    async def pass_on(self, me: Member, uid: str) -> None:
        """Let an offer pass."""

        def step(_connection: Connection, one: Conversation, _now: int) -> tuple[dict[str, Any], Sequence[Any]]:
            if one.offered_to != me.id:
                return {}, []
            return {"offered_to": None, "offered_until": None, "passed_by": [*one.passed_by, me.id]}, []

        await self._do(me, uid, step)

    async def release(self, me: Member, uid: str) -> None:
        """Give a conversation back to the queue."""

        def step(_connection: Connection, one: Conversation, now: int) -> tuple[dict[str, Any], Sequence[Any]]:
            self._holds(me, one)
            return _queued(now, passed_by=[me.id]), [
                system(one.id, "left", adviser=me.id, name=me.name),
                system(one.id, "queued"),
            ]

        await self._do(me, uid, step)

    async def transfer(self, me: Member, uid: str, *, adviser: str = "", team: str = "") -> None:
        """Hand a conversation over: to an adviser, who is offered it first, or to a team's queue."""
        to_adviser, to_team = self._board.by_slug.get(adviser), self._board.teams.get(team)
        if to_adviser is None and to_team is None:
            raise NotFound()

        def step(_connection: Connection, one: Conversation, now: int) -> tuple[dict[str, Any], Sequence[Any]]:
            if not (me.supervisor and one.state != "closed"):
                self._holds(me, one)
            if to_adviser is not None and to_adviser.id == one.adviser_id:
                raise NotPossible(N_("They have this conversation already"))
            passed = [one.adviser_id] if one.adviser_id is not None else []
            changes = _queued(now, passed_by=passed)
            changes["wanted_adviser_id"] = to_adviser.id if to_adviser else None
            if to_team is not None:
                changes["team_id"] = to_team
            to = to_adviser.name if to_adviser else team
            return changes, [system(one.id, "transferred", to=to, name=me.name), system(one.id, "queued")]

        await self._do(me, uid, step)

    async def close(self, me: Member, uid: str) -> None:
        """It is done."""
        now, at = self._clock.now(), self._clock.now_ms()

        def work(connection: Connection) -> tuple[None, list[Outcome]]:
            found = visible(connection, me, uid, lock=True)
            return None, closed(connection, found, adviser_sender(me.id), now, at)

        await self._journal.change(work)
        self._after()

    async def reopen(self, me: Member, uid: str) -> None:
        """Go on with a closed conversation, unless the customer has begun another one meanwhile."""

        def step(connection: Connection, one: Conversation, now: int) -> tuple[dict[str, Any], Sequence[Any]]:
            if one.state != "closed":
                return {}, []
            if store.open_again(connection, one):
                raise NotPossible(N_("The customer has begun another conversation"))
            changes = {**given(me, now), "closed_at": None}
            return changes, [system(one.id, "reopened"), system(one.id, "joined", adviser=me.id, name=me.name)]

        await self._do(me, uid, step)

    async def tag(self, me: Member, uid: str, tags: Sequence[str]) -> None:
        """Set its tags."""
        tidy = list(dict.fromkeys(" ".join(tag.split())[:MAX_TAG] for tag in tags if tag.strip()))[:MAX_TAGS]

        def step(_connection: Connection, one: Conversation, _now: int) -> tuple[dict[str, Any], Sequence[Any]]:
            return {"tags": tidy}, [system(one.id, "tagged", tags=tidy)]

        await self._do(me, uid, step)

    async def wish(self, me: Member, wish: Wish, capacity: int | None = None) -> None:
        """Set their own presence."""
        if wish not in WISHES or (capacity is not None and not 1 <= capacity <= 50):
            raise NotPossible(N_("This is not a presence"))
        now = self._clock.now()
        await self._database.write(lambda connection: store.set_wish(connection, me.id, wish, capacity, now))
        self._board.hurry()
        self._wake()

    async def _do(self, me: Member, uid: str, step: Step) -> None:
        """Change a conversation under its lock, and say in its log what happened."""
        now, at = self._clock.now(), self._clock.now_ms()

        def work(connection: Connection) -> tuple[None, list[Outcome]]:
            one = visible(connection, me, uid, lock=True)
            changes, entries = step(connection, one, now)
            if changes:
                store.change(connection, one.id, **changes)
            return None, log.append(connection, entries, at) if entries else []

        await self._journal.change(work)
        self._after()

    def _after(self) -> None:
        self._board.hurry()
        self._wake()

    def _supervises(self, me: Member) -> None:
        if not me.supervisor:
            raise Forbidden(N_("Only supervisors can join a conversation"))

    def _holds(self, me: Member, one: Conversation) -> None:
        if one.state == "closed" or one.adviser_id != me.id:
            raise Forbidden(N_("This conversation is not yours"))


def visible(connection: Connection, me: Member, uid: str, *, lock: bool = False) -> Conversation:
    """A conversation an adviser may see; `NotFound` for any other."""
    found = store.by_uid(connection, uid, lock=lock)
    if found is None or not may_see(me, found):
        raise NotFound()
    return found


def may_see(me: Member, one: Conversation) -> bool:
    """Whether a conversation is of no team, of theirs, or their own; supervisors see every one."""
    ours = me.supervisor or one.team_id is None or one.team_id in me.team_ids
    return ours or me.id in {one.adviser_id, one.offered_to}


def has_joined(connection: Connection, one: Conversation, me: Member) -> bool:
    """Whether the last that was said of their coming and going is that they came."""
    for said in reversed(log.recent(connection, one.id, JOINED)):
        if said.kind in {"joined", "left"} and msgspec.json.decode(said.body).get("adviser") == me.id:
            return said.kind == "joined"
    return False


def _place(after: str) -> tuple[int, int] | None:
    """Where a list goes on: after a conversation, by when it changed and its id."""
    found = _PLACE.fullmatch(after)
    return (int(found[1]), int(found[2])) if found else None


def given(me: Member, now: int) -> dict[str, Any]:
    """What changes of a conversation that is an adviser's from now on."""
    return {
        "state": "active",
        "adviser_id": me.id,
        "offered_to": None,
        "offered_until": None,
        "passed_by": [],
        "queued_at": None,
        "given_at": now,
        "updated_at": now,
    }


def _queued(now: int, passed_by: Sequence[int] = ()) -> dict[str, Any]:
    return {
        "state": "waiting",
        "adviser_id": None,
        "offered_to": None,
        "offered_until": None,
        "passed_by": list(passed_by),
        "queued_at": now,
        "updated_at": now,
    }


def _ms(instant: int | None) -> int | None:
    return None if instant is None else instant * 1000
