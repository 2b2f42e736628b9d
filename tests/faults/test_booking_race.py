"""Many want the same start: as many get it as there are advisers, through `presence serve`, on both databases."""

from pathlib import Path

import pytest

from bench import race


@pytest.mark.parametrize("rounds", [4, pytest.param(1000, marks=pytest.mark.long)])
async def test_fifty_clients_race_for_a_start_and_exactly_as_many_win_as_there_are_advisers(
    tmp_path: Path, database_url: str, rounds: int
) -> None:
    outcome = await race.run(tmp_path, database_url, rounds)
    assert outcome.wrong == []
    assert set(outcome.statuses) <= {201, 303, 409}, "bookings and holds, the page's holds, and friendly refusals"
    assert outcome.statuses[201] + outcome.statuses[303] == rounds // 2 * (1 + 3)
