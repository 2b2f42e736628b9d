"""The disk is full, at one write after another: a clean refusal, no false acknowledgement, and all is well once there is room."""

import asyncio
import contextlib
import os
import random
import resource
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from bench import bank, crashes
from bench.client import Client, clients
from bench.crashes import Ledger, damages
from bench.ports import free_port
from bench.server import Server
from bench.smtp import sink

CLIENTS = 8
ENOUGH = 2**30  # bytes


class Disk(NamedTuple):
    """A place for the database; `leave` leaves it so many bytes (None: enough) for what a server still writes."""

    directory: Path
    leave: Callable[[Server, int | None], None]


@contextlib.contextmanager
def small_disk(directory: Path) -> Iterator[Disk]:
    """A file system of its own that is as large as what is in it: every further write is refused with ENOSPC."""
    mounted = _mount("-t", "tmpfs", "-o", f"size={ENOUGH}", "tmpfs", str(directory))
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")

    def leave(_: Server, room: int | None) -> None:
        while _mount(
            "-o", f"remount,size={ENOUGH if room is None else _used(directory) + room}", str(directory)
        ).returncode:
            assert room is not None, "it was so large before"  # the server has written meanwhile

    try:
        yield Disk(directory, leave)
    finally:
        subprocess.run(["umount", "--lazy", str(directory)], check=True)


def _mount(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)


def _used(directory: Path) -> int:
    found = os.statvfs(directory)
    return (found.f_blocks - found.f_bfree) * found.f_frsize


@contextlib.contextmanager
def small_files(directory: Path) -> Iterator[Disk]:
    """No file of the server's may grow beyond a size (EFBIG): needs no rights."""

    def leave(server: Server, room: int | None) -> None:
        largest = max(file.stat().st_size for file in directory.iterdir())
        soft = resource.RLIM_INFINITY if room is None else largest + room
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (soft, resource.RLIM_INFINITY))

    yield Disk(directory, leave)


@pytest.fixture(params=[small_disk, small_files], ids=["no space left", "file too large"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Disk]:
    directory = tmp_path / "disk"
    directory.mkdir()
    with request.param(directory) as found:
        yield found


class Bank(NamedTuple):
    """A server whose database is on the disk, what its clients know, and who they are."""

    server: Server
    ledger: Ledger
    clients: list[Client]


@contextlib.asynccontextmanager
async def served(disk: Disk, tmp_path: Path) -> AsyncIterator[Bank]:
    """Run a bank, and afterwards hold all that is stored and sent against the ledger."""
    file, port, configuration = disk.directory / "presence.db", free_port(), tmp_path / "bank.toml"
    ledger = Ledger(seed=7)
    async with sink() as mails:
        bank.write_configuration(
            configuration,
            port=port,
            database=f"sqlite:///{file}",
            smtp_port=mails.port,
            advisers=[bank.adviser_entry(number) for number in range(40)],
            services=[bank.service_entry(reminders=[1440, 60])],
        )
        async with Server.serve(configuration, port) as server, clients(port, CLIENTS, bank.AUTH) as opened:
            ledger.starts = (await opened[0].get("/api/v1/services/talk/starts")).json()["starts"]
            yield Bank(server, ledger, opened)
            disk.leave(server, None)
            await crashes.until_sent(file)
        assert ledger.wrong == []
        assert list(damages(file, ledger, mails)) == []


async def book(client: Client, ledger: Ledger) -> int:
    """Wish for something; a refusal must say that nothing was stored, and be true."""
    key, body = ledger.order()
    answer = await client.post("/api/v1/appointments", body, key=key)
    if answer.status == 201:
        ledger.booked[key] = answer.json()
    elif answer.status in {503, 507}:
        problem = answer.json()
        assert problem["status"] == answer.status
        assert answer.headers[b"content-type"] == b"application/problem+json"
    elif answer.status != 409:
        ledger.wrong.append(f"{key}: {answer.status} {answer.body[:200]!r}")
    return answer.status


@pytest.mark.parametrize("rounds", [3, pytest.param(100, marks=pytest.mark.long)])
async def test_bookings_are_refused_cleanly_while_the_disk_is_full_and_go_on_when_it_is_not(
    disk: Disk, tmp_path: Path, rounds: int
) -> None:
    chance = random.Random(rounds)
    async with served(disk, tmp_path) as (server, ledger, opened):
        for _ in range(rounds):
            disk.leave(server, chance.randrange(0, 300_000))
            statuses: list[int] = []
            for _ in range(400):  # until it is full: first the log's own room is used again
                statuses += await asyncio.gather(*(book(one, ledger) for one in opened))
                if statuses[-CLIENTS:].count(503) == CLIENTS:
                    break
            assert statuses[-CLIENTS:] == [503] * CLIENTS, "the disk was full"
            assert (await opened[0].get("/api/v1/services/talk/starts")).status == 200, "what is there can be read"
            disk.leave(server, None)
            assert await book(opened[0], ledger) == 201, "with room again, unaided"
