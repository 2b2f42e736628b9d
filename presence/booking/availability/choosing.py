"""Who takes a start that several could take."""

from collections.abc import Mapping, Sequence

from presence.booking.model import Service, Tally
from presence.roster.model import Adviser

_DAY = 86_400
Rank = tuple[int, float, int, int]


def choose(
    free: Sequence[Adviser],
    tallies: Mapping[int, Tally],
    *,
    personal: int | None = None,
    lead_threshold: int | None = None,
) -> Adviser:
    """The personal adviser (an id) when free; else by priority, booked against weight, least recently booked.

    `free` must not be empty. Who leads the least booked of them by more than `lead_threshold` appointments is
    left out first; the id decides between equals.
    """
    for one in free:
        if one.id == personal:
            return one
    known = {one.id: tallies.get(one.id, Tally()) for one in free}
    left: Sequence[Adviser] = free
    if lead_threshold is not None:
        least = min(tally.booked for tally in known.values())
        left = [one for one in free if known[one.id].booked - least <= lead_threshold]

    return min(left, key=lambda one: rank(one.id, known[one.id]))


def rank(adviser_id: int, tally: Tally) -> Rank:
    """Who of a pool comes first, when all are free: the lowest."""
    return -tally.priority, tally.booked / max(tally.weight, 1), tally.last_booked_at, adviser_id


def personal_or_pool(
    personal: tuple[int, ...], pool: tuple[int, ...], service: Service, now: int
) -> tuple[tuple[int, ...], bool]:
    """The personal adviser's starts alone, unless they have none soon enough: then the pool's, and True.

    Both in order. When the pool has none at all, late starts of the personal adviser are better than nothing.
    """
    if personal and (personal[0] < now + service.personal_days * _DAY or not pool):
        return personal, False
    return pool, True
