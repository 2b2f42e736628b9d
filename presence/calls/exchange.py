"""What becomes of calls that ring, within one transaction: whom they ring at, and how they are answered or end."""

from collections.abc import Iterable
from typing import Any

import msgspec

from presence.calls import ring_store, ringing, store
from presence.calls.aftermath import Aftermath, Turn
from presence.calls.model import OVER_AT_MOST, Call, Origin, Outcome
from presence.calls.ringing import Choice, Need
from presence.chat import store as chat_store
from presence.chat.model import Conversation, Visitor
from presence.errors import NotPossible, Over
from presence.i18n import N_
from presence.roster.board import Board, Member, advisers_on_call, ringing_at
from presence.tokens import random_token


class Exchange:
    """Connects who rings with who answers."""

    def __init__(self, board: Board, aftermath: Aftermath, seconds: int) -> None:
        self._board = board
        self._aftermath = aftermath
        self._seconds = seconds  # that it rings

    def need(
        self,
        turn: Turn,
        visitor: Visitor,
        conversation: Conversation | None,
        *,
        asked: Member | None,
        team_id: int | None,
        language: str,
    ) -> Need:
        """What a customer's call asks of who answers it."""
        liked = []
        if conversation is not None:
            team_id = team_id if team_id is not None else conversation.team_id
            liked = [conversation.wanted_adviser_id]
        liked.append(chat_store.personal_adviser(turn.connection, visitor))
        return Need(
            language=language,
            owner=conversation.adviser_id if conversation is not None and conversation.state == "active" else None,
            asked=asked.id if asked else None,
            liked=tuple(id_ for id_ in liked if id_ is not None),
            team_id=team_id,
        )

    def chosen(self, turn: Turn, need: Need) -> Choice:
        """Whom it rings at."""
        candidates = self._board.candidates(chat_store.given_at(turn.connection))
        for id_ in advisers_on_call(turn.connection, turn.now) & candidates.keys():  # since the board last looked
            standing = msgspec.structs.replace(candidates[id_].standing, state="busy", may_ring=False)
            candidates[id_] = msgspec.structs.replace(candidates[id_], standing=standing)
        return ringing.chosen(candidates, need, ringing_at(turn.connection, turn.now))

    def add(self, turn: Turn, values: dict[str, Any]) -> Call:
        """Let it ring."""
        new = {
            "uid": random_token(),
            "state": "ringing",
            "gen": 1,
            "rings_until": turn.now + self._seconds,
            "created_at": turn.now,
            "closes_at": turn.now + OVER_AT_MOST,
        }
        made = store.by_id(turn.connection, store.add(turn.connection, {**new, **values}))
        assert made is not None
        turn.moved.append((made, made))
        return made

    def taken_up(self, turn: Turn, call: Call, me: Member) -> Call:
        """It has been answered: their room is open; what else rang at this adviser alone is busy, what they rang for over."""
        conversation_id = self._aftermath.taken_up(turn, call, me)
        after = turn.move(
            call,
            state="admitted",
            adviser_id=me.id,
            conversation_id=conversation_id,
            admitted_at=turn.now,
            closes_at=turn.now + OVER_AT_MOST,
        )
        rings = ring_store.ringing(turn.connection)
        self.settle(turn, [one for one in rings if me.id in one.rung or me.id == one.adviser_id])
        return after

    def withdrawn(self, turn: Turn, call: Call, by: Origin) -> Call:
        """Who rings gives up, or who is rung declines; over already is fine."""
        match ringing.withdrawing(call):
            case "go":
                return self._end(turn, call, "cancelled" if call.origin == by else "declined")
            case "taken":
                raise NotPossible(N_("This call has been answered"))
        return call

    def settle(self, turn: Turn, calls: Iterable[Call]) -> None:
        """End those of ringing calls that are over at this instant."""
        calls = list(calls)
        until = ring_store.connected_until(turn.connection, calls)
        on_call = advisers_on_call(turn.connection, turn.now)
        for id_ in [one.id for one in calls if ringing.become(one, until, on_call, turn.now)]:
            call = store.by_id(turn.connection, id_, lock=True)
            outcome = ringing.become(call, until, on_call, turn.now) if call is not None else ""
            if call is not None and outcome:
                self._end(turn, call, outcome)

    def _end(self, turn: Turn, call: Call, outcome: Outcome) -> Call:
        """It rings no more, and nobody has answered."""
        after = turn.move(call, state="ended", outcome=outcome, ended_at=turn.now, closes_at=turn.now)
        conversation_id = self._aftermath.left_behind(turn, after)
        return turn.move(after, conversation_id=conversation_id) if conversation_id is not None else after

    def member(self, adviser_id: int | None) -> Member:
        """Who rings; `Over` when they have left the company meanwhile."""
        member = self._board.members.get(adviser_id or 0)
        if member is None:
            raise Over()
        return member
