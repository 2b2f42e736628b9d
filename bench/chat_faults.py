"""Conversations whose connections break at every step, while the server is killed and its database put back; and kill -9
under load. Both sides keep a ledger, which is held against the other's and against every row.

Run: python -m bench.chat_faults
"""

import asyncio
import random
import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import NamedTuple

from bench.chat_bank import Bank, prepare
from bench.chat_party import Party
from bench.table import Row, alone, median
from presence.storage.backup import backup, restore

PAIRS = 20
STEPS = ("before commit", "after commit", "before ack", "after ack", "before welcome", "in resume", "level")


class Outcome(NamedTuple):
    """What a run gave; `wrong` tells what was lost, doubled or out of order."""

    wrong: list[str]
    reconnects: Counter[str]
    kills: int
    restores: int
    said: int
    repeated: int
    resumed: list[float]  # seconds from the server's first answer until everybody had resumed, for each kill


def parties(bank: Bank, seed: int) -> list[tuple[Party, Party]]:
    """Both sides of every conversation."""

    def one(c: str, who: str, name: str) -> Party:
        return Party(bank.port, c, lambda: bank.entry(who), name, random.Random(f"{seed} {name}"))

    return [
        (
            one(talk.uid, f"visitor:{talk.visitor}", f"carol{talk.visitor}"),
            one(talk.uid, f"adviser:{talk.adviser}", f"alice{talk.adviser}"),
        )
        for talk in bank.talks
    ]


async def reconnects(bank: Bank, count: int, *, kills: int, restores: int, seed: int) -> Outcome:
    """Break connections `count` times, at random steps; the server is killed and put back at random moments meanwhile."""
    chance = random.Random(seed)
    pairs, done = parties(bank, seed), Counter[str]()
    kinds = ["kill"] * kills + ["restore"] * restores
    chance.shuffle(kinds)
    stages = len(kinds) + 1
    await asyncio.to_thread(bank.server.start)
    try:
        for stage in range(stages):
            each = count * (stage + 1) // stages // (2 * PAIRS) - count * stage // stages // (2 * PAIRS)
            running = [asyncio.create_task(break_often(one, each, done)) for pair in pairs for one in pair]
            if stage < len(kinds):
                await asyncio.sleep(chance.uniform(0.2, 1.0))
                if kinds[stage] == "kill":
                    await asyncio.to_thread(bank.server.kill)
                    await asyncio.to_thread(bank.server.start)
                    await asyncio.gather(*running)
                else:
                    await asyncio.gather(*running)
                    await _put_back(bank, pairs)
            else:
                await asyncio.gather(*running)
        await asyncio.gather(*(one.settle() for pair in pairs for one in pair))
        wrong = [text for pair in pairs for text in compared(*pair)]
        await asyncio.gather(*(one.vanish() for pair in pairs for one in pair))
    finally:
        await asyncio.to_thread(bank.server.stop)
    wrong += stored(bank.file, pairs)
    return _outcome(pairs, wrong, done, kills, restores, [])


async def break_often(one: Party, times: int, done: Counter[str]) -> None:
    """Connect, talk, and break off at a random step, so many times."""
    for _ in range(times):
        step = one.chance.choice(STEPS)
        try:
            await _until_broken(one, step)
        except ConnectionError:  # the server was killed meanwhile
            await asyncio.sleep(0.05)
        await one.vanish()
        done[step] += 1


async def _until_broken(one: Party, step: str) -> None:
    await one.connect()
    if step == "before welcome":
        return
    await one.until(lambda: one.welcomed)
    if step == "in resume":
        return
    id_ = one.say()
    match step:
        case "before commit":  # gone before the server can have read it
            return
        case "after commit":  # long enough for a commit; whether there was one, nobody knows
            one.stop_reading()
            await asyncio.sleep(one.chance.uniform(0, 0.01))
        case "before ack":  # the other's events are heard, the own acknowledgement may be on its way
            await asyncio.sleep(0)
        case "after ack":
            await one.until(lambda: id_ in one.acked)
        case "level":
            await one.until(lambda: one.caught and not one.outbox)


async def _put_back(bank: Bank, pairs: Sequence[tuple[Party, Party]]) -> None:
    """Back up while people talk, let them go on, then put the backup back: what was said since never was."""
    copy = bank.file.with_name("backup.db")
    await asyncio.to_thread(backup, bank.config.database.url, copy)
    talking = [one for pair in pairs for one in pair]
    await asyncio.gather(*(one.keep_connecting() for one in talking))
    for one in talking:
        one.say()
    await asyncio.gather(*(one.settle() for one in talking))
    await asyncio.to_thread(bank.server.stop)
    await asyncio.to_thread(restore, bank.config.database.url, copy, force=True)
    copy.unlink()
    await asyncio.to_thread(bank.server.start)
    for one in talking:
        await one.vanish()
    await asyncio.gather(*(one.settle() for one in talking))


async def kill_rounds(bank: Bank, rounds: int, *, seed: int) -> Outcome:
    """Everybody talks as fast as they are answered; the server is killed at a random moment, and started again."""
    chance = random.Random(seed)
    pairs = parties(bank, seed)
    talking = [one for pair in pairs for one in pair]
    resumed = []
    await asyncio.to_thread(bank.server.start)
    going_on = asyncio.Event()
    speaking = [asyncio.create_task(_speak(one, going_on)) for one in talking]
    try:
        for _ in range(rounds):
            await asyncio.gather(*(_resumed(one) for one in talking))
            await asyncio.sleep(chance.uniform(0.02, 0.3))
            await asyncio.to_thread(bank.server.kill)
            await asyncio.to_thread(bank.server.start)
            began = time.perf_counter()
            await asyncio.gather(*(_resumed(one) for one in talking))
            resumed.append(time.perf_counter() - began)
        going_on.set()
        await asyncio.gather(*speaking)
        wrong = [text for pair in pairs for text in compared(*pair)]
        await asyncio.gather(*(one.vanish() for one in talking))
    finally:
        await asyncio.to_thread(bank.server.stop)
    wrong += stored(bank.file, pairs)
    return _outcome(pairs, wrong, Counter(), rounds, 0, resumed)


async def _speak(one: Party, done: asyncio.Event) -> None:
    """Say the next thing when the last is acknowledged, over whatever connection there is."""
    while not done.is_set():
        try:
            if not one.connected or not one.welcomed:
                await one.keep_connecting()
            await one.until(partial(one.acked.__contains__, one.say()))
        except ConnectionError:
            continue
        await asyncio.sleep(one.chance.uniform(0, 0.04))  # people pause; and no more than the server allows
    await one.settle()


async def _resumed(one: Party) -> None:
    async with asyncio.timeout(60):
        while not (one.connected and one.caught):
            await asyncio.sleep(0.005)


def compared(carol: Party, alice: Party) -> Iterator[str]:
    """What is wrong between the two ledgers."""
    yield from carol.wrong
    yield from alice.wrong
    if carol.log != alice.log:
        yield f"{carol.c}: not the same on both sides"
    if [seq for seq, _ in carol.log] != list(range(1, len(carol.log) + 1)):
        yield f"{carol.c}: a gap"
    seqs = {id_: seq for seq, id_ in carol.log}
    if len(seqs) != len(carol.log):
        yield f"{carol.c}: {len(carol.log) - len(seqs)} doubled"
    for one in (carol, alice):
        yield from (f"{id_} was acknowledged and is lost" for id_, seq in one.acked.items() if seqs.get(id_) != seq)


def stored(file: Path, pairs: Sequence[tuple[Party, Party]]) -> list[str]:
    """What is wrong between the ledgers and the rows."""
    with closing(sqlite3.connect(file)) as connection:
        rows = connection.execute(
            "SELECT uid, seq, client_id FROM event JOIN conversation ON id = conversation_id ORDER BY uid, seq"
        ).fetchall()
        (sound,) = connection.execute("PRAGMA integrity_check").fetchone()
    logs: dict[str, list[tuple[int, str]]] = {carol.c: [] for carol, _ in pairs}
    for uid, seq, client_id in rows:
        logs[uid].append((seq, client_id))
    wrong = [f"{carol.c}: other rows than either side has" for carol, _ in pairs if logs[carol.c] != carol.log]
    return wrong + ([] if sound == "ok" else [f"integrity: {sound}"])


def _outcome(
    pairs: Sequence[tuple[Party, Party]],
    wrong: list[str],
    done: Counter[str],
    kills: int,
    restores: int,
    resumed: list[float],
) -> Outcome:
    said = sum(len(carol.log) for carol, _ in pairs)
    repeated = sum(one.repeated for pair in pairs for one in pair)
    return Outcome(wrong, done, kills, restores, said, repeated, resumed)


def main(short: bool = False) -> list[Row]:
    """The table's rows."""
    count, rounds = (400, 3) if short else (10_000, 200)
    seed = int(time.time())
    with tempfile.TemporaryDirectory(prefix="presence-bench-") as directory:
        broken = asyncio.run(
            reconnects(
                prepare(Path(directory), PAIRS), count, kills=1 if short else 10, restores=1 if short else 3, seed=seed
            )
        )
    with tempfile.TemporaryDirectory(prefix="presence-bench-") as directory:
        killed = asyncio.run(kill_rounds(prepare(Path(directory), PAIRS), rounds, seed=seed))
    return [
        Row(
            "Forced reconnects at every step of the protocol, node killed, database restored; both sides and the rows compared",
            "10,000: 0 lost, 0 doubled, same order on both sides",
            f"{broken.reconnects.total():,} reconnects, {broken.kills} kills, {broken.restores} restores, {broken.said:,} events, "
            f"{broken.repeated:,} sent again: {_told(broken.wrong)}",
            not broken.wrong,
        ),
        Row(
            f"kill -9 under chat load, {2 * PAIRS} clients, a ledger of acknowledgements",
            "200 rounds: 0 acknowledged lost, 0 doubled; clients resume < 5 s",
            f"{killed.kills} rounds, {killed.said:,} events, {killed.repeated:,} sent again: {_told(killed.wrong)}; "
            f"all resumed {median(killed.resumed):.2f} s after the server's return, at most {max(killed.resumed):.2f} s",
            not killed.wrong and max(killed.resumed) < 5,
        ),
    ]


def _told(wrong: list[str]) -> str:
    return f"{len(wrong)} lost, doubled or out of order" + (f"; first: {wrong[0][:200]}" if wrong else "")


if __name__ == "__main__":
    alone(main)
