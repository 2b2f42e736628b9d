"""The worker that gives waiting conversations to advisers, and tells those who wait where they are."""

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple

import structlog
from prometheus_client import Gauge
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from presence.chat import log, store
from presence.chat.channels import Channels
from presence.chat.desk import queueing
from presence.chat.desk.queueing import Decision
from presence.chat.journal import Journal
from presence.chat.log import Outcome
from presence.chat.model import Conversation, Entry
from presence.chat.service import system
from presence.clock import Clock
from presence.errors import Unavailable
from presence.live.frames import Place
from presence.roster import leases
from presence.roster.board import Board
from presence.roster.presence import Candidate
from presence.storage.database import Database

logger = structlog.get_logger("presence.chat")

PACE = 1.0  # seconds between looks when nothing wakes us: other processes change things too

_WAITING = Gauge("presence_chat_waiting", "Conversations that wait for an adviser")


class Seen(NamedTuple):
    """What one look finds."""

    waiting: list[Conversation]
    orphans: list[Conversation]
    messages: list[Conversation]
    here: set[int]
    personal: dict[int, int]
    given_at: dict[int, int]
    handling: int | None


class Dispatcher:
    """Looks, decides by pure rules, and does what was decided unless it has changed meanwhile."""

    def __init__(self, database: Database, clock: Clock, journal: Journal, board: Board, channels: Channels) -> None:
        self._database = database
        self._clock = clock
        self._journal = journal
        self._board = board
        self._channels = channels
        self._wake = asyncio.Event()
        self._stopped = False
        self._told: dict[int, Place] = {}

    def wake(self) -> None:
        """Something has changed."""
        self._wake.set()

    def stop(self) -> None:
        """Give out nothing more."""
        self._stopped = True
        self._wake.set()

    async def run(self) -> None:
        """Until stopped."""
        while not self._stopped:
            try:
                busy = await self.look()
            except (Unavailable, SQLAlchemyError, OSError) as error:
                logger.warning("the queue could not be read", error=type(error).__name__)
                busy = False
            if not busy:
                await self._pause()
            self._wake.clear()

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(PACE):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def look(self) -> bool:
        """One round; True when something was done, and a next look may find more."""
        now = self._clock.now()
        unreachable = [id_ for id_, one in self._board.standings.items() if not one.reachable]
        seen = await self._database.read(lambda connection: _see(connection, unreachable, now))
        candidates = self._board.candidates(seen.given_at)
        decisions = queueing.decide(seen.waiting, candidates, seen.personal, now)
        decisions += queueing.rescue(seen.orphans, seen.messages, seen.here, candidates)
        done = False
        for decision in decisions:
            done |= await self._do(decision, now)
        _WAITING.set(len(seen.waiting))
        self._tell_places(seen, candidates)
        if done:
            await self._board.refresh()
        return done

    async def _do(self, decision: Decision, now: int) -> bool:
        at = self._clock.now_ms()

        def work(connection: Connection) -> tuple[bool, list[Outcome]]:
            before = decision.conversation
            one = store.by_id(connection, before.id, lock=True)
            if one is None or _deciding(one) != _deciding(before):
                return False, []
            changes, entries = self._effects(decision, now)
            store.change(connection, one.id, **changes)
            if not entries:  # nothing for the log, but lists must hear of it
                return True, []
            return True, log.append(connection, entries, at)

        done = await self._journal.change(work)
        if done:
            self._journal.touched(decision.conversation.id)
        return done

    def _effects(self, decision: Decision, now: int) -> tuple[dict[str, Any], Sequence[Entry]]:
        one = decision.conversation
        unowned: dict[str, Any] = {"adviser_id": None, "offered_to": None, "offered_until": None}
        match decision.act:
            case "offer":
                return {"offered_to": decision.adviser_id, "offered_until": decision.until}, []
            case "lapse":
                passed = [*one.passed_by, *([decision.adviser_id] if decision.adviser_id else [])]
                return {"offered_to": None, "offered_until": None, "passed_by": passed}, []
            case "start over":
                return {"passed_by": [], "offered_until": decision.until}, []
            case "rescue":
                member = self._board.members.get(decision.adviser_id or 0)
                entries = [system(one.id, "lost", name=member.name if member else ""), system(one.id, "queued")]
                return {**unowned, "state": "waiting", "queued_at": now, "passed_by": []}, entries
            case "message":
                return {**unowned, "state": "message", "queued_at": None}, [system(one.id, "message")]
            case "queue":
                return {**unowned, "state": "waiting", "queued_at": now, "passed_by": []}, [system(one.id, "queued")]

    def _tell_places(self, seen: Seen, candidates: dict[int, Candidate]) -> None:
        """Tell those who wait their place, when it is another than the one they know."""
        told = {}
        for position, one in enumerate(seen.waiting, 1):
            able = [c.standing for c in candidates.values() if one.team_id is None or one.team_id in c.team_ids]
            capacity = sum(standing.capacity for standing in able if standing.state in {"available", "busy"})
            wait = queueing.expected_wait(position, capacity, seen.handling)
            place = told[one.id] = Place(one.uid, position, wait)
            if self._told.get(one.id) != place:
                self._channels.tell(one.id, place)
        self._told = told

    def place(self, conversation_id: int) -> Place | None:
        """Where somebody who waits was last seen."""
        return self._told.get(conversation_id)


def _see(connection: Connection, unreachable: Sequence[int], now: int) -> Seen:
    waiting = store.waiting(connection)
    orphans = store.orphans(connection, unreachable, now) if unreachable else []
    messages = store.unowned_messages(connection, now)
    people = {f"visitor:{one.visitor_id}" for one in (*orphans, *messages) if one.visitor_id is not None}
    here = {int(who.partition(":")[2]) for who in leases.reachable(connection, people, now)} if people else set()
    return Seen(
        waiting=waiting,
        orphans=orphans,
        messages=messages,
        here=here,
        personal=store.personal_advisers(connection, waiting) if waiting else {},
        given_at=store.given_at(connection) if waiting else {},
        handling=store.handling_time(connection) if waiting else None,
    )


def _deciding(one: Conversation) -> tuple[Any, ...]:
    """What a decision rests on."""
    return one.state, one.adviser_id, one.offered_to, one.offered_until, one.passed_by, one.queued_at
