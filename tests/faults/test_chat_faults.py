"""Connections break at every step, the server is killed and put back, somebody reads nothing: both sides have the same."""

import asyncio
from pathlib import Path

import pytest

from bench import chat_slow
from bench.chat_bank import prepare
from bench.chat_faults import PAIRS, STEPS, kill_rounds, reconnects


@pytest.mark.parametrize(
    ("count", "kills", "restores"), [(300, 1, 1), pytest.param(10_000, 10, 3, marks=pytest.mark.long)]
)
async def test_whatever_breaks_and_whenever_both_sides_have_the_same_once(
    tmp_path: Path, count: int, kills: int, restores: int
) -> None:
    bank = await asyncio.to_thread(prepare, tmp_path, PAIRS)
    outcome = await reconnects(bank, count, kills=kills, restores=restores, seed=count)
    assert outcome.wrong == []
    assert set(outcome.reconnects) == set(STEPS), "connections broke at every step"
    assert outcome.reconnects.total() == count // (2 * PAIRS) * 2 * PAIRS
    assert outcome.repeated, "something was sent again"


@pytest.mark.parametrize("rounds", [2, pytest.param(200, marks=pytest.mark.long)])
async def test_nothing_acknowledged_is_lost_or_doubled_when_the_server_is_killed(tmp_path: Path, rounds: int) -> None:
    bank = await asyncio.to_thread(prepare, tmp_path, PAIRS)
    outcome = await kill_rounds(bank, rounds, seed=rounds)
    assert outcome.wrong == []
    assert outcome.said > 10 * rounds, "the load was real"
    assert max(outcome.resumed) < 5


async def test_who_reads_nothing_is_closed_and_costs_no_memory(tmp_path: Path) -> None:
    bank = await asyncio.to_thread(prepare, tmp_path, chat_slow.BUSY + 5)
    await asyncio.to_thread(bank.server.start)
    try:
        outcome = await chat_slow.run(bank, 1, 3, others=5)
    finally:
        await asyncio.to_thread(bank.server.stop)
    assert outcome.codes == [chat_slow.RESYNC]
    assert outcome.grown[0] < 64 * 1024
