"""Whom a call rings at, and what becomes of it until somebody has answered. Pure.

A call never rings into the void: it rings at people who are there, look at their screen, want to be asked and are on no other
call. Who has the customer's conversation comes first, then whom the customer wants, then their own adviser, then everybody
who could take it.
"""

from collections.abc import Collection, Mapping
from typing import Literal

import msgspec

from presence.calls.model import Call, Outcome
from presence.roster.presence import Candidate

AT_ONCE = 10  # advisers whom one call rings at
AT_ONE = 5  # calls that ring at one adviser: nobody answers more in time, and no stranger fills their screen

Why = Literal["", "busy", "nobody"]


class Need(msgspec.Struct, frozen=True, kw_only=True):
    """What a customer's call asks of whom it rings at."""

    language: str
    owner: int | None = None  # the adviser who has their conversation
    asked: int | None = None  # whom they chose just now: nobody else will do
    liked: tuple[int, ...] = ()  # whom the conversation wants, then the customer's own: the first who can be rung
    team_id: int | None = None


class Choice(msgspec.Struct, frozen=True):
    """Whom it rings at, the least burdened first; or nobody, and why: all who could take it are busy, or nobody is there."""

    rung: tuple[int, ...]
    why: Why = ""


def chosen(candidates: Mapping[int, Candidate], need: Need, ringing: Mapping[int, int]) -> Choice:
    """Whom a call rings at. `ringing`: how many calls ring at each of them already."""
    only = need.asked if need.asked is not None else _at_hand(candidates, need.owner)
    if only is not None:
        one = candidates.get(only)
        if one is None or not one.standing.reachable:
            return Choice((), "nobody")
        # Who has their conversation counts it already: a full list of others does not keep them from each other.
        free = one.standing.may_ring if only == need.owner else _free(one, ringing)
        return Choice((only,)) if free else Choice((), _why([one]))
    for liked in need.liked:
        if liked in candidates and _free(candidates[liked], ringing):
            return Choice((liked,))
    able = [one for one in candidates.values() if need.team_id is None or need.team_id in one.team_ids]
    free_ones = [one for one in able if _free(one, ringing)]
    free_ones = [one for one in free_ones if need.language in one.languages] or free_ones
    if not free_ones:
        return Choice((), _why(able))

    def burden(one: Candidate) -> tuple[int, float, int, int]:
        standing = one.standing
        rung = ringing.get(standing.adviser_id, 0)
        return rung, standing.load / max(standing.capacity, 1), one.last_given_at, standing.adviser_id

    return Choice(tuple(one.standing.adviser_id for one in sorted(free_ones, key=burden)[:AT_ONCE]))


def _at_hand(candidates: Mapping[int, Candidate], owner: int | None) -> int | None:
    """Who has the conversation, while they are at work: whoever is away leaves their customers to colleagues."""
    one = candidates.get(owner or 0)
    return owner if one is not None and one.standing.state in {"available", "busy"} else None


def _free(one: Candidate, ringing: Mapping[int, int]) -> bool:
    standing = one.standing
    return standing.may_ring and standing.state == "available" and ringing.get(standing.adviser_id, 0) < AT_ONE


def _why(able: Collection[Candidate]) -> Why:
    return "busy" if any(one.standing.state in {"available", "busy"} for one in able) else "nobody"


# -- while it rings -------------------------------------------------------------------------------------------------


def become(call: Call, until: Mapping[str, int], on_call: Collection[int], now: int) -> Outcome:
    """How a call that rings ends at this instant; "" while it rings on.

    `until`: to when people are, or were, connected ("adviser:ID", "visitor:ID"); `on_call`: advisers who are on another call.
    """
    if call.state != "ringing":
        return ""

    def here(person: str) -> bool:
        return until.get(person, 0) > now

    if call.origin == "adviser":
        if not here(f"adviser:{call.adviser_id}") or call.adviser_id in on_call:
            return "cancelled"
        if not here(f"visitor:{call.visitor_id}"):
            return "missed"
    else:
        if call.created_at < until.get(f"visitor:{call.visitor_id}", 0) <= now:  # they have left since they rang
            return "cancelled"
        asked = [id_ for id_ in call.rung if id_ not in call.declined]
        if not asked:
            return "declined"
        if not any(here(f"adviser:{id_}") and id_ not in on_call for id_ in asked):
            return "busy" if any(id_ in on_call for id_ in asked) else "missed"
    return "missed" if now >= (call.rings_until or 0) else ""


Answer = Literal["go", "done", "taken", "over", "engaged"]


def accepting(call: Call, adviser_id: int, *, engaged: bool, now: int) -> Answer:
    """What becomes of it when an adviser accepts. `engaged`: they are on another call.

    "done": they have accepted it already; "taken": somebody else has.
    """
    if call.state != "ringing":
        if call.adviser_id not in {None, adviser_id}:
            return "taken"
        return "over" if call.state == "ended" else "done"
    if now >= (call.rings_until or 0):
        return "over"
    return "engaged" if engaged else "go"


def answering(call: Call, now: int) -> Answer:
    """What becomes of an adviser's ring when the customer accepts."""
    if call.state == "ended":
        return "over"
    if call.state != "ringing":
        return "done"
    return "go" if now < (call.rings_until or 0) else "over"


def withdrawing(call: Call) -> Answer:
    """What becomes of it when who rings cancels it, or who is rung declines it: once it is over, nothing is left to do."""
    match call.state:
        case "ringing":
            return "go"
        case "ended":
            return "done"
    return "taken"


def meets(call: Call, asked: int | None) -> bool:
    """Whether a customer who rings, at `asked` or whoever is there, means the adviser who rings at them just now."""
    return call.origin == "adviser" and asked in {None, call.adviser_id}
