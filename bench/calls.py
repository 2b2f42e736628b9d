"""Calls in a real Chromium, at the real pages: from joining to the first picture, straight and through a relay; and how long
each thing that breaks is noticed.

Run: python -m bench.calls [--short]
"""

import asyncio
import sqlite3
import tempfile
import time
import traceback
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from bench.calls_people import Line, People, Seat, people, prepared
from bench.calls_turn import Coturn
from bench.server import Server
from bench.table import Row, alone, median, quantile


class Joined(NamedTuple):
    """A call that came about: milliseconds from the second side's WebSocket until it sees, and until both do."""

    second: float
    both: float


class Broke(NamedTuple):
    """Something broke and was whole again: seconds without a picture, at the worse side, and until all was as before."""

    dark: float
    whole: float


async def joined(all_: People) -> Joined | None:
    """One call; None when it did not come about."""
    carol, alice = await all_.called()
    try:
        await alice.go()
        await alice.until("document.querySelector('#room').dataset.phase === 'call' && watch.told > 0")
        await carol.go()
        for seat in (carol, alice):
            await seat.until("watch.first > 0")
        hers, his = await carol.watched(), await alice.watched()
        return Joined(hers["first"] - hers["joined"], max(hers["first"], his["first"]) - hers["joined"])
    except Exception:
        traceback.print_exc()
        return None
    finally:
        await all_.over(carol, alice)


async def connect(server: Server, count: int) -> list[Joined | None]:
    """So many calls, one after the other."""
    async with server, people(server) as all_:
        return [await joined(all_) for _ in range(count)]


def through_relay(file: Path) -> int:
    """How many calls the pages have said went through a relay."""
    with closing(sqlite3.connect(file)) as connection:
        return int(connection.execute("SELECT count(*) FROM call WHERE relayed").fetchone()[0])


# -- what breaks ------------------------------------------------------------------------------------------------------


async def talking(all_: People, base: str = "") -> tuple[Seat, Seat]:
    """Two who see each other, and whose longest time in the dark is counted from now."""
    carol, alice = await all_.called(base)
    await alice.go()
    await carol.go()
    for seat in (carol, alice):
        await seat.until("watch.first > 0")
        await seat.sees()
    return carol, alice


async def counting(*seats: Seat) -> None:
    for seat in seats:
        await seat.page.evaluate("void (watch.gap = 0)")


async def darkest(*seats: Seat) -> float:
    """Seconds; what is over by now."""
    for seat in seats:
        await seat.sees()
    return max([(await seat.watched())["gap"] for seat in seats]) / 1000


async def socket_lost(all_: People, server: Server) -> Broke:
    async with Line(server.port) as line:
        carol, alice = await talking(all_, f"http://localhost:{line.port}")
        await counting(carol, alice)
        told, began = (await carol.watched())["told"], time.perf_counter()
        line.cut()
        await carol.until(f"watch.told > {told}")
        whole = time.perf_counter() - began
        found = Broke(await darkest(carol, alice), whole)
        await all_.over(carol, alice)
        return found


async def page_reloaded(all_: People) -> Broke:
    carol, alice = await talking(all_)
    carol.page.on("dialog", lambda dialog: dialog.accept())
    await counting(alice)
    began = time.perf_counter()
    await carol.go()
    await carol.until("watch.first > 0")
    whole = time.perf_counter() - began
    found = Broke(await darkest(alice), whole)
    await all_.over(carol, alice)
    return found


async def second_tab(all_: People) -> Broke:
    carol, alice = await talking(all_)
    await counting(alice)
    other = Seat(await carol.page.context.new_page(), carol.address)
    began = time.perf_counter()
    await other.go()
    await other.until("watch.first > 0")
    whole = time.perf_counter() - began
    found = Broke(await darkest(alice), whole)
    await carol.until("document.querySelector('#room').dataset.phase === 'after'")
    await all_.over(other, alice)
    return found


async def server_killed(all_: People, server: Server) -> Broke:
    carol, alice = await talking(all_)
    await counting(carol, alice)
    before = [(await seat.watched())["told"] for seat in (carol, alice)]
    await asyncio.to_thread(server.kill)
    await asyncio.to_thread(server.start)
    began = time.perf_counter()
    for seat, told in zip((carol, alice), before, strict=True):
        await seat.until(f"watch.told > {told}")
    whole = time.perf_counter() - began
    found = Broke(await darkest(carol, alice), whole)
    await all_.over(carol, alice)
    return found


async def relay_killed(all_: People, coturn: Coturn) -> Broke:
    carol, alice = await talking(all_)
    await counting(carol, alice)
    began = time.perf_counter()
    await asyncio.to_thread(coturn.kill)
    await asyncio.to_thread(coturn.start)
    last = await alice.page.evaluate("Date.now()")
    for seat in (carol, alice):
        await seat.until(f"watch.last > {last} + 1000")  # what was on its way is not counted
    whole = time.perf_counter() - began
    found = Broke(await darkest(carol, alice), whole)
    await all_.over(carol, alice)
    return found


async def breaks(server: Server, rounds: int) -> dict[str, list[Broke]]:
    found: dict[str, list[Broke]] = {}
    async with server, people(server) as all_:
        for _ in range(rounds):
            found.setdefault("socket", []).append(await socket_lost(all_, server))
            found.setdefault("reload", []).append(await page_reloaded(all_))
            found.setdefault("tab", []).append(await second_tab(all_))
            found.setdefault("server", []).append(await server_killed(all_, server))
    return found


async def relay_breaks(server: Server, coturn: Coturn, rounds: int) -> list[Broke]:
    async with server, people(server) as all_:
        return [await relay_killed(all_, coturn) for _ in range(rounds)]


# -- the table --------------------------------------------------------------------------------------------------------


def main(short: bool = False) -> list[Row]:
    """The table's rows."""
    count, relayed, rounds = (5, 3, 1) if short else (50, 20, 5)
    with tempfile.TemporaryDirectory(prefix="presence-bench-") as directory:
        server, _ = prepared(Path(directory), {})
        straight = asyncio.run(connect(server, count))
        broke = asyncio.run(breaks(server, rounds))
    with tempfile.TemporaryDirectory(prefix="presence-bench-") as directory:
        coturn = Coturn(Path(directory))
        coturn.start()
        try:
            server, file = prepared(Path(directory), coturn.calls())
            around = asyncio.run(connect(server, relayed))
            through = through_relay(file)
            relay = asyncio.run(relay_breaks(server, coturn, rounds))
        finally:
            coturn.kill()
    return [
        _connected(
            "Calls between two real browsers, from joining to the first picture decoded", straight, count, "< 1 s"
        ),
        _connected(
            f"The same through coturn alone; {through} said by both pages to be relayed", around, relayed, "", through
        ),
        _broken("A socket is cut", broke["socket"], "in the room again"),
        _broken("A page is loaded again", broke["reload"], "sees again"),
        _broken("A second tab takes over", broke["tab"], "sees"),
        _broken("The server is killed and started again", broke["server"], "in the room again after its first answer"),
        _broken("coturn is killed and started again", relay, "sees again"),
    ]


def _connected(what: str, calls: Sequence[Joined | None], count: int, bar: str, through: int | None = None) -> Row:
    came = [one for one in calls if one is not None]
    second, both = [one.second for one in came], [one.both for one in came]
    figures = (
        f"median {median(second):.0f} ms, p95 {quantile(second, 0.95):.0f} ms (both sides {median(both):.0f} ms, {quantile(both, 0.95):.0f} ms)"
        if came
        else "none"
    )
    met = len(came) == count and through in {None, count} and (not bar or median(second) < 1000)
    return Row(
        what, f"{count} of {count}" + (f", median {bar}" if bar else ""), f"{len(came)} of {count}; {figures}", met
    )


def _broken(what: str, all_: Sequence[Broke], again: str) -> Row:
    dark, whole = [one.dark for one in all_], [one.whole for one in all_]
    return Row(
        f"{what}, in a call",
        "whole again by itself",
        f"{len(all_)} of {len(all_)}; {again} after {median(whole):.1f} s (at most {max(whole):.1f} s), "
        f"without a picture for {median(dark):.1f} s (at most {max(dark):.1f} s)",
    )


if __name__ == "__main__":
    alone(main)
