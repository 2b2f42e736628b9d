"""kill -9 under booking load: what was acknowledged is there, once, with its mails and reminders."""

from pathlib import Path

import pytest

from bench import crashes


@pytest.mark.parametrize("rounds", [2, pytest.param(100, marks=pytest.mark.long)])
async def test_nothing_that_was_acknowledged_is_lost_or_doubled_when_the_server_is_killed(
    tmp_path: Path, rounds: int
) -> None:
    outcome = await crashes.run(tmp_path, rounds, seed=rounds)
    assert outcome.wrong == []
    assert outcome.booked > rounds, "the load was real"
    assert outcome.reminders, "reminders fell due meanwhile"
