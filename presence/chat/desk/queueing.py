"""Who gets which waiting conversation, and what becomes of those whose adviser has vanished. Pure.

A conversation is offered to one adviser at a time. An offer that lapses goes to the next; when all have let it pass there is
a pause before it begins again with the first. When nobody is there any more it becomes a message, answered by mail.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Literal

import msgspec

from presence.chat.model import Conversation
from presence.roster.presence import Candidate, Need, choose

OFFER = 25  # seconds to accept
PAUSE = 20  # seconds before it is offered again to those who let it pass
UNATTENDED = 60  # seconds that somebody waits when nobody is there who could ever take it

Act = Literal["offer", "lapse", "start over", "rescue", "message", "queue"]


class Decision(msgspec.Struct, frozen=True):
    """What to do with a conversation that is as it was when this was decided."""

    conversation: Conversation
    act: Act
    adviser_id: int | None = None
    until: int | None = None


def decide(
    waiting: Sequence[Conversation],
    candidates: Mapping[int, Candidate],
    personal: Mapping[int, int],
    now: int,
) -> list[Decision]:
    """What is next for the queue, in its order. `personal`: whose customer it is, by conversation id."""
    decisions = []
    given: dict[int, int] = {}
    for one in waiting:
        if one.offered_to is not None and one.offered_until is not None:
            standing = candidates[one.offered_to].standing if one.offered_to in candidates else None
            if one.offered_until <= now or standing is None or not standing.reachable:
                decisions.append(Decision(one, "lapse", one.offered_to))
            continue
        if one.offered_until is not None and one.offered_until > now:
            continue  # pausing
        chosen = choose([_loaded(c, given) for c in candidates.values()], need_of(one, personal))
        if chosen is not None:
            given[chosen] = given.get(chosen, 0) + 1
            decisions.append(Decision(one, "offer", chosen, now + OFFER))
        elif not attended(one.team_id, candidates) and now - (one.queued_at or now) >= UNATTENDED:
            decisions.append(Decision(one, "message"))
        elif one.passed_by:
            decisions.append(Decision(one, "start over", until=now + PAUSE))
    return decisions


def rescue(
    orphans: Sequence[Conversation],
    messages: Sequence[Conversation],
    here: Collection[int],
    candidates: Mapping[int, Candidate],
) -> list[Decision]:
    """Conversations whose customer is there (`here`: visitor ids) while their adviser is not, or that nobody has yet.

    A customer who has gone is left in peace: what they wrote keeps its adviser, and is answered by mail.
    """
    lost = [Decision(one, "rescue", one.adviser_id) for one in orphans if one.visitor_id in here]
    late = [
        Decision(one, "queue")
        for one in messages
        if one.visitor_id in here and one.adviser_id is None and attended(one.team_id, candidates)
    ]
    return lost + late


def attended(team_id: int | None, candidates: Mapping[int, Candidate]) -> bool:
    """Whether somebody is there who could take it, now or once they are free."""
    return any(
        one.standing.state in {"available", "busy"} and (team_id is None or team_id in one.team_ids)
        for one in candidates.values()
    )


def need_of(one: Conversation, personal: Mapping[int, int]) -> Need:
    """What a conversation asks of who takes it: whom the customer chose, then their personal adviser, then anybody able."""
    wanted = (one.wanted_adviser_id, personal.get(one.id))
    return Need(
        language=one.language,
        team_id=one.team_id,
        adviser_ids=tuple(id_ for id_ in wanted if id_ is not None),
        passed_by=frozenset(one.passed_by),
    )


def expected_wait(position: int, capacity: int, handling: int | None) -> int | None:
    """Seconds that somebody waits: as many conversations end first, `capacity` of them side by side. None: not known."""
    if handling is None or capacity < 1:
        return None
    return handling * position // capacity


def _loaded(one: Candidate, given: Mapping[int, int]) -> Candidate:
    more = given.get(one.standing.adviser_id, 0)
    if not more:
        return one
    standing = one.standing
    load = standing.load + more
    state = standing.state if load < standing.capacity else "busy"
    return msgspec.structs.replace(one, standing=msgspec.structs.replace(standing, load=load, state=state))
