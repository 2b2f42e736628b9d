"""The badge on other sites' pages: 20,000 visitors of one process, while an adviser comes and goes; beside a bare answer.

The server has one core, who asks has another. Questions come at a steady rate whether or not answers do (an open loop), so that
a stall is seen by all who would have asked meanwhile.

Run: python -m bench.badge [--short]
"""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec
from sqlalchemy import insert, select

from bench import bank
from bench.badge_load import Visitors
from bench.client import Client, clients
from bench.ports import free_port
from bench.server import Server
from bench.table import Row, alone, quantile
from presence.clock import SystemClock
from presence.config import Config, load
from presence.first import first_of, sow
from presence.storage.database import Database
from presence.storage.migrate import migrate
from presence.storage.tables import adviser, lease
from presence.web.csrf import token_for

KEY, PAGE = "the-key-in-the-pages", "https://www.shop.example"
PASSWORD = "a long password of hers"
ADVISERS = 50
VISITORS = 20_000
RATE = 3_000  # requests a second
P99 = 0.050  # seconds
OLDEST = 2.0  # seconds for which an answer may still tell of before
BETWEEN = 1.0  # seconds between two changes
LOOK = 0.02  # seconds between two looks of the witness
_HEADERS = f"Host: localhost\r\nOrigin: {PAGE}\r\nAccept: application/json\r\nAccept-Encoding: gzip\r\n"


class Answered(NamedTuple):
    """How a server answered: at the rate, and as fast as it goes."""

    p50: float
    p99: float
    unchanged: float  # share of them
    failed: int
    busy: float  # share of its core that the server used
    fastest: float  # a second


class Changes(NamedTuple):
    """How often an adviser's state changed, and the age of the oldest answer that still told of before, seconds."""

    made: int
    seen: int
    oldest: float


def prepare(directory: Path) -> tuple[Server, Config]:
    """A bank whose first adviser is there, and a site of it; nothing is served yet."""
    port, configuration = free_port(), directory / "bank.toml"
    bank.write_configuration(
        configuration,
        port=port,
        database=f"sqlite:///{directory / 'presence.db'}",
        smtp_port=free_port(),
        advisers=[bank.adviser_entry(0, password=PASSWORD), *map(bank.adviser_entry, range(1, ADVISERS))],
        services=[bank.service_entry()],
    )
    site = f'[[sites]]\nslug = "shop"\nkey = "{bank.KEY}-of-the-shop"\nembed_key = "{KEY}"\n[sites.settings]\norigins = ["{PAGE}"]\n'
    text = configuration.read_text().replace('level = "warning"', 'level = "info"')  # as operators have it
    configuration.write_text(text + site)
    config = load(configuration, {})
    migrate(config.database.url)
    return Server.serve(configuration, port), config


async def settle(config: Config) -> None:
    """Add the people, and let the first of them be there for an hour."""
    database, now = Database(config.database.url), SystemClock().now()
    await database.open()
    await sow(database, first_of(config), now)
    first = select(adviser.c.id).where(adviser.c.slug == "adviser-0")
    id_ = await database.read(lambda connection: connection.execute(first).scalar_one())
    there = {"id": "there", "node": "", "person": f"adviser:{id_}", "engaged": True, "expires_at": now + 3600}
    await database.write(lambda connection: connection.execute(insert(lease).values(there)))
    await database.close()


def addresses() -> list[str]:
    """What pages ask: most for the site alone, some for an adviser or two and a service, in both languages."""
    plain = [f"/widget/{KEY}/{language}" for language in ("fr", "en")]
    some = [f"{plain[number % 2]}?for=adviser:adviser-{number},service:talk" for number in range(ADVISERS)]
    return [*some, *(plain * (len(some) // 2))]


@contextmanager
def two_cores(server: Server) -> Iterator[None]:
    """The server on one core, this process on another, where there are two."""
    cores = sorted(os.sched_getaffinity(0))
    for thread in Path(f"/proc/{server.pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), cores[:1])
    os.sched_setaffinity(0, cores[-1:])
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


async def measure(server: Server, visitors: Visitors, *, rate: int, seconds: float, connections: int) -> Answered:
    """Ask at the rate, then as fast as it goes."""
    async with visitors.connected(server.port, connections):
        await visitors.at(rate, 1)  # warm
        visitors.forget()
        began, used = time.perf_counter(), server.seconds_of_cpu()
        await visitors.at(rate, seconds)
        busy = (server.seconds_of_cpu() - used) / (time.perf_counter() - began)
        asked, failed = visitors.seconds, visitors.failed
        unchanged = visitors.unchanged / max(len(asked), 1)
        visitors.forget()
        fastest = await visitors.as_fast_as_it_goes(seconds / 2)
    return Answered(quantile(asked, 0.5), quantile(asked, 0.99), unchanged, failed + visitors.failed, busy, fastest)


class Coming:
    """An adviser who is busy and available by turns, and somebody who looks whether what is answered is so."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._wish, self._since = "", 0.0
        self._made = self._seen = 0
        self._oldest = 0.0
        self._over = False

    async def run(self) -> Changes:
        """Until `stop`."""
        async with clients(self._port, 2) as (desk, page):
            form = await desk.form("/sign-in", f"email=adviser-0%40bank.example&password={PASSWORD.replace(' ', '+')}")
            cookie = form.headers[b"set-cookie"].decode().partition(";")[0]
            signed = {"Cookie": cookie, "X-CSRF-Token": token_for(cookie.partition("=")[2])}
            looking = asyncio.create_task(self._look(page))
            while not self._over:
                wish = "available" if self._wish == "busy" else "busy"
                body = msgspec.json.encode({"wish": wish})
                answer = await desk.request("POST", "/desk/presence", body, headers=signed)
                if answer.status >= 300:
                    raise RuntimeError(f"the adviser could not say that they are {wish}: {answer.status}")
                self._wish, self._since, self._made = wish, time.perf_counter(), self._made + 1
                await asyncio.sleep(BETWEEN)
            await looking
        return Changes(self._made, self._seen, self._oldest)

    def stop(self) -> None:
        self._over = True

    async def _look(self, page: Client) -> None:
        address, state, tag = f"/widget/{KEY}/en?for=adviser:adviser-0", "", ""
        while not self._over:
            await asyncio.sleep(LOOK)
            began = time.perf_counter()
            headers = {"Origin": PAGE} | ({"If-None-Match": tag} if tag else {})
            answer = await page.request("GET", address, headers=headers)
            if answer.status == 200:
                before, state = state, answer.json()["presence"]["adviser:adviser-0"]["state"]
                tag = answer.headers[b"etag"].decode()
                self._seen += state != before
            if self._wish and state != self._wish and began > self._since:
                self._oldest = max(self._oldest, time.perf_counter() - self._since)


async def run(
    directory: Path, *, rate: int, seconds: float, connections: int, visitors: int = VISITORS
) -> tuple[Answered, Changes]:
    """The product's answers, and how soon they told of changes."""
    server, config = prepare(directory)
    await settle(config)
    async with server:
        with two_cores(server):
            coming = Coming(server.port)
            changing = asyncio.create_task(coming.run())
            asking = Visitors(visitors, addresses(), _HEADERS)
            answered = await measure(server, asking, rate=rate, seconds=seconds, connections=connections)
            coming.stop()
            return answered, await changing


async def floor(directory: Path, *, rate: int, seconds: float, connections: int) -> Answered:
    """The same questions to a bare answer."""
    port = free_port()
    server = Server([sys.executable, "-m", "bench.badge_floor", str(port)], port, directory / "floor.log", "/")
    async with server:
        with two_cores(server):
            visitors = Visitors(VISITORS, ["/"], _HEADERS)
            return await measure(server, visitors, rate=rate, seconds=seconds, connections=connections)


def main(short: bool = False) -> list[Row]:
    """The table's rows."""
    connections, seconds = (64, 3.0) if short else (512, 20.0)
    with tempfile.TemporaryDirectory(prefix="presence-bench-") as name:
        directory = Path(name)
        ours, changes = asyncio.run(run(directory, rate=RATE, seconds=seconds, connections=connections))
        bare = asyncio.run(floor(directory, rate=RATE, seconds=seconds, connections=connections))
    return [
        Row(
            f"Badge: {VISITORS:,} visitors of one process on one core, {RATE:,} requests/s, an adviser comes or goes each second",
            f"p99 < {P99 * 1000:.0f} ms, none lost",
            f"p50 {ours.p50 * 1000:.1f} ms, p99 {ours.p99 * 1000:.1f} ms, {ours.failed} lost; "
            f"{ours.unchanged:.0%} unchanged (304), {ours.busy:.0%} of the core",
            ours.p99 < P99 and not ours.failed,
        ),
        Row("The same as fast as it goes", f">= {RATE:,}/s", f"{ours.fastest:,.0f}/s", ours.fastest >= RATE),
        Row(
            "Badge: how long an answer tells of before a change (to what caches keep it come 5 s)",
            f"<= {OLDEST:.0f} s",
            f"{changes.oldest:.2f} s at most; {changes.seen} of {changes.made} changes seen",
            changes.oldest <= OLDEST and changes.seen >= changes.made - 1,
        ),
        Row(
            "Beside it: Starlette and uvicorn with a JSON of that size, the same questions",
            "",
            f"p50 {bare.p50 * 1000:.1f} ms, p99 {bare.p99 * 1000:.1f} ms, {bare.busy:.0%} of the core; {bare.fastest:,.0f}/s",
        ),
    ]


if __name__ == "__main__":
    alone(main)
