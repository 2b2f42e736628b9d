"""What is offered can be booked."""

from pathlib import Path

import pytest

from bench import offers


@pytest.mark.parametrize("count", [120, pytest.param(10_000, marks=pytest.mark.long)])
async def test_every_start_that_is_offered_can_be_booked(tmp_path: Path, count: int) -> None:
    outcome = await offers.run(tmp_path, count)
    assert outcome.refused == []
    assert outcome.taken == count
