"""Who takes a start that several could take."""

from collections.abc import Mapping, Sequence

from presence.booking.model import Service, Tally
from presence.roster.model import Adviser

_DAY = 86_400


def choose(
    free: Sequence[Adviser],
    tallies: Mapping[int, Tally],
    *,
    personal: int | None = None,
    lead_threshold: int | None = None,
) -> Adviser:
    """The personal adviser when free; else by priority, share of the appointments, and who was booked least recently.

    `free` must not be empty. Who leads the least booked by more than `lead_threshold` appointments is left out first.
    """
    for one in free:
        if one.id == personal:
            return one
    known = {one.id: tallies.get(one.id, Tally()) for one in free}
    left: Sequence[Adviser] = free
    if lead_threshold is not None:
        least = min(tally.booked for tally in known.values())
        left = [one for one in free if known[one.id].booked - least <= lead_threshold]

    def rank(one: Adviser) -> tuple[int, float, int, int]:
        tally = known[one.id]
        return -tally.priority, tally.booked / max(tally.weight, 1), tally.last_booked_at, one.id

    return min(left, key=rank)


def personal_or_pool(
    personal: tuple[int, ...], pool: tuple[int, ...], service: Service, now: int
) -> tuple[tuple[int, ...], bool]:
    """The personal adviser's starts alone, unless the first of them is too far off: then the pool's, and True."""
    if personal and personal[0] < now + service.personal_days * _DAY:
        return personal, False
    return pool, True
