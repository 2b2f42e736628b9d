"""Faults at the worst moments: nothing is lost, and a mail goes out at most once more, with the same bytes."""

import asyncio
import os
import random
import signal
import sys
from collections import Counter
from pathlib import Path

import pytest

from presence.mail.smtp import Timeouts
from presence.mail.worker import LEASE, MailWorker
from presence.storage.database import Database
from presence.storage.migrate import migrate
from tests.mail.cast import (
    NOW,
    FakeTime,
    MailServer,
    config_for,
    disconnect,
    mail,
    put,
    rows,
    running,
    stall,
    states,
)


async def test_cut_right_after_the_dot_is_sent_again_with_the_same_bytes_once(
    database: Database, time: FakeTime, server: MailServer
) -> None:
    server.at_dot.append(disconnect)
    await put(database, mail("one"))
    async with running(MailWorker(database, time, config_for(server.port), rest=time.rest)) as worker:
        await worker.idle()
        assert await states(database) == {"one": "queued"}
        for _ in range(10):
            time.advance(3600)
            worker.wake()
            await worker.idle()
    assert await states(database) == {"one": "sent"}
    assert server.bodies == [mail("one").raw] * 2


async def test_cut_before_data_is_sent_again_and_arrives_once(
    database: Database, time: FakeTime, server: MailServer
) -> None:
    server.at_recipient.append(disconnect)
    await put(database, mail("one"))
    async with running(MailWorker(database, time, config_for(server.port), rest=time.rest)) as worker:
        await worker.idle()
        time.advance(72)
        worker.wake()
        await worker.idle()
    assert await states(database) == {"one": "sent"}
    assert server.bodies == [mail("one").raw]


async def test_silence_after_the_dot_is_sent_again_with_the_same_bytes(
    database: Database, time: FakeTime, server: MailServer
) -> None:
    server.at_dot.append(stall)
    await put(database, mail("one"))
    worker = MailWorker(database, time, config_for(server.port), rest=time.rest, timeouts=Timeouts(final_dot=0.05))
    async with running(worker):
        await worker.idle()
        assert (await rows(database))["one"].last_error == "no answer in time"
        time.advance(72)
        worker.wake()
        await worker.idle()
    assert await states(database) == {"one": "sent"}
    assert server.bodies == [mail("one").raw] * 2


async def test_dead_between_data_and_mark_costs_one_copy_of_one_mail(
    database: Database, time: FakeTime, server: MailServer
) -> None:
    await put(database, *[mail(f"m{number}") for number in range(10)])
    server.at_dot.extend(["250 OK"] * 3)
    server.at_dot.append(stall)
    dead = asyncio.create_task(MailWorker(database, time, config_for(server.port, connections=1), rest=time.rest).run())
    await server.stalled.wait()
    dead.cancel()
    await asyncio.wait([dead])
    server.go_on.set()
    time.advance(LEASE)
    async with running(MailWorker(database, time, config_for(server.port), rest=time.rest)) as worker:
        await worker.idle()
    assert set((await states(database)).values()) == {"sent"}
    copies = Counter(server.bodies)
    assert len(copies) == 10
    assert sum(copies.values()) <= 11


async def test_a_database_that_is_away_when_a_mail_was_taken_makes_no_second_copy(
    time: FakeTime, server: MailServer, database_url: str
) -> None:
    database = Failing(database_url)
    await database.open()
    server.at_dot.append(stall)
    await put(database, mail("one"))
    async with running(MailWorker(database, time, config_for(server.port), rest=time.rest)) as worker:
        await server.stalled.wait()
        database.away = True
        server.go_on.set()
        await database.asked.wait()
        await time.until_all_rest()
        database.away = False
        time.advance(10)
        await worker.idle()
    assert await states(database) == {"one": "sent"}
    assert len(server.received) == 1
    await database.close()


async def test_a_worker_outlives_a_database_that_is_away(time: FakeTime, server: MailServer, database_url: str) -> None:
    database = Failing(database_url)
    await database.open()
    await put(database, mail("one"))
    database.away = True
    async with running(MailWorker(database, time, config_for(server.port), rest=time.rest)) as worker:
        await database.asked.wait()
        await time.until_all_rest()
        database.away = False
        time.advance(10)
        await worker.idle()
        assert await states(database) == {"one": "sent"}
    await database.close()


class Failing(Database):
    """A database whose connections can be lost."""

    away = False

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.asked = asyncio.Event()  # while it was away

    async def read(self, work):  # type: ignore[no-untyped-def]
        self._answer()
        return await super().read(work)

    async def write(self, work):  # type: ignore[no-untyped-def]
        self._answer()
        return await super().write(work)

    def _answer(self) -> None:
        if self.away:
            self.asked.set()
            raise ConnectionRefusedError


# -- kill -9 ------------------------------------------------------------------------------------------------------

_WORKER = """
import asyncio, sys
from presence.clock import SystemClock
from presence.config import MailConfig
from presence.mail import worker
from presence.storage.database import Database

class Skewed(SystemClock):
    def now(self):
        return super().now() + int(sys.argv[3])

async def main():
    database = Database(sys.argv[1])
    await database.open()
    config = MailConfig(host="127.0.0.1", port=int(sys.argv[2]), sender="bank@bank.example", connections=1)
    await worker.MailWorker(database, Skewed(), config).run()

asyncio.run(main())
"""


async def killed_rounds(tmp_path: Path, rounds: int) -> None:
    """Kill a worker at random moments; each next one lives after the lease of the last.

    0 mails lost; a kill costs one extra copy at most.
    """
    url = f"sqlite:///{tmp_path / 'presence.db'}"
    await asyncio.to_thread(migrate, url)
    count = 20 * rounds
    database = Database(url)
    await database.open()
    await put(database, *[mail(f"m{number}") for number in range(count)], expires_at=NOW * 2)
    await database.close()
    chance = random.Random(7)
    async with MailServer() as server:
        for number in range(rounds):
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-c", _WORKER, url, str(server.port), str(number * (LEASE + 1))
            )
            target = min(count, len(server.received) + chance.randint(1, 25))
            while len(server.received) < target:
                server.arrived.clear()
                await server.arrived.wait()
            await asyncio.sleep(chance.random() * 0.004)  # anywhere between two mails
            os.kill(process.pid, signal.SIGKILL)
            await process.wait()
        database = Database(url)
        await database.open()
        time = FakeTime()
        time.advance(10 * (rounds + 1) * (LEASE + 1) + 2**31 - NOW)
        config = config_for(server.port, connections=1)
        async with running(MailWorker(database, time, config, rest=time.rest)) as worker:
            await worker.idle()
        found = await states(database)
        await database.close()
    assert set(found.values()) == {"sent"}
    copies = Counter(server.bodies)
    assert len(copies) == count
    assert sum(copies.values()) - count <= rounds
    assert max(copies.values()) <= 2


async def test_killed_at_random_moments_nothing_is_lost_and_little_is_doubled(tmp_path: Path) -> None:
    await killed_rounds(tmp_path, 4)


@pytest.mark.long
async def test_killed_two_hundred_times(tmp_path: Path) -> None:
    await killed_rounds(tmp_path, 200)
