"""The service stops and comes back under people who talk."""

from pathlib import Path

from presence.clock import SystemClock
from presence.live.frames import Close
from tests.chat.cast import Adviser, Customer, bank_at, configuration


async def test_a_stop_tells_everybody_when_to_come_back_and_loses_nothing(database_url: str, tmp_path: Path) -> None:
    config = configuration(database_url, tmp_path)
    async with (
        bank_at(config, SystemClock()) as bank,
        Customer(bank, "Carol") as carol,
        Adviser(bank, "alice") as alice,
    ):
        c = await carol.begin()
        await alice.take(c)
        await carol.say(c, "Before")
        serving = bank
        cookies = carol.http.cookies
        await serving.chat.leave()
        assert (await carol.until(lambda f: f["t"] == "drain"))["after"] >= 0
        assert await carol.closed() == Close.GOING
        assert await alice.closed() == Close.GOING
    async with bank_at(config, SystemClock()) as bank, Customer(bank, "Carol") as carol:
        carol.http.cookies = cookies
        assert (await carol.session())["open"] == c
        await carol.connect({c: 0})
        await carol.event("text", text="Before")
