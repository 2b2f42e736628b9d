"""The badge under load: nobody is refused, and nobody is told of before."""

from pathlib import Path

import pytest

from bench import badge


@pytest.mark.parametrize(("rate", "seconds"), [(150, 3.0), pytest.param(1_000, 60.0, marks=pytest.mark.long)])
async def test_visitors_are_answered_and_told_of_every_change(tmp_path: Path, rate: int, seconds: float) -> None:
    answered, changes = await badge.run(tmp_path, rate=rate, seconds=seconds, connections=16, visitors=100)
    assert answered.failed == 0
    assert answered.unchanged > 0  # what they have already is not sent again
    assert changes.made >= 3
    assert changes.seen >= changes.made - 1
    assert changes.oldest <= badge.OLDEST
