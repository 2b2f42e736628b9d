"""What customers thought of their conversations and calls, summed up."""

from collections import Counter

from sqlalchemy import Connection, func, select

from presence.experts.rules import Rating
from presence.storage.tables import call, conversation


def ratings(connection: Connection) -> dict[int, Rating]:
    """How each adviser was rated, by id: two index scans over what has been rated, and nothing else."""
    counts: Counter[int] = Counter()
    totals: Counter[int] = Counter()
    for table in (conversation, call):
        rows = connection.execute(
            select(table.c.adviser_id, func.count(), func.sum(table.c.rating))
            .where(table.c.rating.is_not(None), table.c.adviser_id.is_not(None))
            .group_by(table.c.adviser_id)
        )
        for adviser_id, count, total in rows:
            counts[adviser_id] += count
            totals[adviser_id] += int(total)
    return {id_: Rating(count, totals[id_]) for id_, count in counts.items()}
