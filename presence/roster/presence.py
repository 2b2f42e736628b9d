"""Whether an adviser is there: three separate facts and what follows from them. Pure.

Reachable: a lease, kept alive by their browser. Engaged: somebody has lately touched it. Intended: what they set. A working
week does not make anybody available or hide them; it only tells when they are expected.
"""

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

State = Literal["available", "busy", "away", "offline"]
Wish = Literal["available", "busy", "away", "offline"]
WISHES: tuple[Wish, ...] = ("available", "busy", "away", "offline")

LEASE = 45  # seconds that a connection counts without being renewed
RENEW = 15  # seconds between renewals
GRACE = 12  # seconds that a closed connection still counts: a page change is not leaving
CAPACITY = 3  # conversations at once, unless an adviser says otherwise
BEFORE_APPOINTMENT = 300  # seconds before an appointment in which nothing new is given to its adviser
_BEST: tuple[State, ...] = ("available", "busy", "away", "offline")


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one adviser at one instant."""

    adviser_id: int
    wish: Wish = "available"
    capacity: int = CAPACITY
    reachable: bool = False
    engaged: bool = False
    load: int = 0  # conversations they have or are offered
    in_call: bool = False
    rung: bool = False  # a call rings at them, or they ring for one
    appointment: bool = False  # one is running, or about to start


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """An adviser's presence as everybody sees it, and what they carry."""

    adviser_id: int
    state: State
    wish: Wish
    load: int
    capacity: int
    reachable: bool
    may_ring: bool = False  # they can be rung for a call, however many conversations they have
    rung: bool = False  # just now

    @property
    def free(self) -> int:
        """Conversations that may still be given to them: none while it rings."""
        return max(self.capacity - self.load, 0) if self.state == "available" and not self.rung else 0


def state_of(facts: Facts) -> State:
    """The one word for an adviser."""
    if not facts.reachable or facts.wish == "offline":
        return "offline"
    if facts.wish == "away":
        return "away"
    if facts.wish == "busy" or facts.in_call or facts.appointment or facts.load >= facts.capacity:
        return "busy"
    return "available" if facts.engaged else "away"


def standing_of(facts: Facts) -> Standing:
    """An adviser's standing."""
    return Standing(
        adviser_id=facts.adviser_id,
        state=state_of(facts),
        wish=facts.wish,
        load=facts.load,
        capacity=facts.capacity,
        reachable=facts.reachable,
        may_ring=state_of(msgspec.structs.replace(facts, load=0, capacity=1)) == "available",
        rung=facts.rung,
    )


def best(states: Iterable[State]) -> State:
    """What several people are together: as available as the most available of them."""
    return min(states, key=_BEST.index, default="offline")


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """An adviser who could take a conversation."""

    standing: Standing
    languages: tuple[str, ...]
    team_ids: frozenset[int]
    last_given_at: int = 0  # when they were given a conversation for the last time


class Need(msgspec.Struct, frozen=True, kw_only=True):
    """What a conversation asks of who takes it."""

    language: str
    team_id: int | None = None
    adviser_ids: tuple[int, ...] = ()  # whom the customer wants, then their personal adviser: asked first, in order
    passed_by: frozenset[int] = frozenset()  # who let it pass


def choose(candidates: Sequence[Candidate], need: Need) -> int | None:
    """Who is offered a conversation: the wanted one, else whoever speaks the language and carries the least.

    A team is kept to. A language is preferred, and given up when nobody who is there speaks it. None: it has to wait.
    """
    able = [one for one in candidates if one.standing.free and one.standing.adviser_id not in need.passed_by]
    by_id = {one.standing.adviser_id: one for one in able}
    for wanted in need.adviser_ids:
        if wanted in by_id:
            return wanted
    if need.team_id is not None:
        able = [one for one in able if need.team_id in one.team_ids]
    able = [one for one in able if need.language in one.languages] or able
    chosen = min(able, key=_burden, default=None)
    return chosen.standing.adviser_id if chosen else None


def _burden(one: Candidate) -> tuple[float, int, int]:
    standing = one.standing
    return standing.load / max(standing.capacity, 1), one.last_given_at, standing.adviser_id
