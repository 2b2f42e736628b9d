"""What a call does to its customer's conversation, within the transaction that changes the call.

Who answers has the conversation from then on. A call that nobody answered is in it like a message, and reaches advisers as
messages do: in their lists, and by mail when none of them is there.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec
from sqlalchemy import Connection

from presence.calls import store as calls
from presence.calls.happened import asked_back, happened
from presence.calls.model import Call, Outcome
from presence.chat import log, rules, store
from presence.chat.desk.service import given
from presence.chat.model import UNANSWERED, CallWhat, Conversation, Entry, Visitor
from presence.chat.service import begun, system
from presence.chat.transcript import spoken, words_of
from presence.i18n import translator
from presence.roster.board import Board, Member

_LEFT: dict[Outcome, CallWhat] = {"missed": "missed", "declined": "declined", "busy": "busy", "cancelled": "cancelled"}


class TellsTeam(Protocol):
    """Tells a team by mail of what nobody was there for, within a transaction."""

    def tell_team(self, connection: Connection, one: Conversation, visitor: Visitor, now: int) -> None: ...

    def somebody_is_there(self, connection: Connection, one: Conversation) -> bool: ...

    def wake(self) -> None: ...


class Turn:
    """One transaction, at one instant, and what is to be told once it is durable."""

    def __init__(self, connection: Connection, at: int) -> None:
        self.connection = connection
        self.at = at  # milliseconds
        self.now = at // 1000
        self.outcomes: list[log.Outcome] = []  # events
        self.moved: list[tuple[Call, Call]] = []  # calls, before and after

    def move(self, before: Call, **changes: Any) -> Call:
        """Change a call."""
        after = msgspec.structs.replace(before, **changes)
        calls.save(self.connection, before, after)
        self.moved.append((before, after))
        return after

    def append(self, entries: Sequence[Entry]) -> None:
        """Into a log."""
        self.outcomes += log.append(self.connection, entries, self.at)


class Aftermath:
    """Changes conversations. `members` are the board's."""

    def __init__(self, board: Board, mailing: TellsTeam) -> None:
        self._board = board
        self._mailing = mailing

    def taken_up(self, turn: Turn, call: Call, me: Member) -> int | None:
        """A call has been answered: its conversation, made when there is none, is its adviser's. The conversation's id."""
        visitor = _visitor(turn, call)
        if visitor is None:
            return None
        one = conversation_of(turn, call, visitor)
        if one is None:
            id_ = begun(
                turn.connection,
                visitor,
                state="active",
                language=call.language,
                page=call.page,
                now=turn.now,
                team_id=call.team_id,
                adviser_id=me.id,
                given_at=turn.now,
            )
            first = [system(id_, "opened", page=call.page), system(id_, "joined", adviser=me.id, name=me.name)]
        else:
            id_, first = one.id, self._handed(turn, one, me)
        turn.append([*first, happened(call, id_, "started", name=me.name)])
        return id_

    def _handed(self, turn: Turn, one: Conversation, me: Member) -> list[Entry]:
        """An open conversation is theirs from now on, whoever had it before."""
        if one.state == "active" and one.adviser_id == me.id:
            return []
        store.change(turn.connection, one.id, **given(me, turn.now))
        joined = system(one.id, "joined", adviser=me.id, name=me.name)
        before = self._board.members.get(one.adviser_id or 0) if one.state == "active" else None
        return [system(one.id, "left", adviser=before.id, name=before.name), joined] if before else [joined]

    def left_behind(self, turn: Turn, call: Call) -> int | None:
        """A ring has ended without an answer: the conversation says so. Without one, a cancelled ring leaves nothing."""
        visitor = _visitor(turn, call)
        if visitor is None or call.outcome not in _LEFT:
            return None
        one = conversation_of(turn, call, visitor)
        if one is None and call.outcome == "cancelled":
            return None
        id_ = one.id if one is not None else self._begun(turn, call, visitor)
        turn.append([happened(call, id_, _LEFT[call.outcome], name=self._name(call))])
        if call.outcome in UNANSWERED:
            self._show(turn, id_, visitor)
            if call.origin == "customer":
                self._tell(turn, id_, visitor)
        return id_

    def asked_back(self, turn: Turn, call: Call, phone: str, at: int | None, text: str) -> int | None:
        """The customer wants to be called: told to advisers by mail at once, whoever is there, for they count on it."""
        visitor = _visitor(turn, call)
        if visitor is None:
            return None
        one = conversation_of(turn, call, visitor)
        id_ = one.id if one is not None else self._begun(turn, call, visitor)
        turn.append([asked_back(call, id_, phone, at, text)])
        self._show(turn, id_, visitor)
        self._tell(turn, id_, visitor, at_once=True)
        return id_

    def _begun(self, turn: Turn, call: Call, visitor: Visitor) -> int:
        """A conversation that is answered later: by who was rung, if it was one."""
        id_ = begun(
            turn.connection,
            visitor,
            state="message",
            language=call.language,
            page=call.page,
            now=turn.now,
            team_id=call.team_id,
            wanted_adviser_id=call.rung[0] if len(call.rung) == 1 else None,
        )
        turn.append([system(id_, "opened", page=call.page), system(id_, "message")])
        return id_

    def _show(self, turn: Turn, id_: int, visitor: Visitor) -> None:
        """Let lists show what happened last, in the customer's language as all that is in it."""
        last = spoken(log.recent(turn.connection, id_, 1))
        if last:
            words = words_of(last[0], translator(visitor.language), visitor.zone)
            store.change(turn.connection, id_, preview=" ".join(words.split())[: rules.PREVIEW])

    def _tell(self, turn: Turn, id_: int, visitor: Visitor, *, at_once: bool = False) -> None:
        one = store.by_id(turn.connection, id_)
        if one is not None and (at_once or not self._mailing.somebody_is_there(turn.connection, one)):
            self._mailing.tell_team(turn.connection, one, visitor, turn.now)

    def _name(self, call: Call) -> str:
        """Of the one adviser who rang, or was rung."""
        id_ = call.adviser_id if call.origin == "adviser" else call.rung[0] if len(call.rung) == 1 else None
        member = self._board.members.get(id_ or 0)
        return member.name if member else ""


def conversation_of(turn: Turn, call: Call, visitor: Visitor) -> Conversation | None:
    """The call's conversation while it is open, else the customer's open one, locked."""
    theirs = store.current_of(turn.connection, visitor)
    for id_ in (call.conversation_id, theirs.id if theirs is not None else None):
        one = store.by_id(turn.connection, id_, lock=True) if id_ is not None else None
        if one is not None and one.state != "closed":
            return one
    return None


def _visitor(turn: Turn, call: Call) -> Visitor | None:
    return store.visitor_by_id(turn.connection, call.visitor_id) if call.visitor_id is not None else None
