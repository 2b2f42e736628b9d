"""The database is restored from a copy under everybody's feet."""

from pathlib import Path

from presence.storage.backup import backup, restore
from tests.chat.cast import Adviser, Customer, bank_at, configuration
from tests.chat.stage import copied_sqlite
from tests.support import FrozenClock


async def test_after_a_restore_everybody_starts_over(settled_sqlite: Path, tmp_path: Path, clock: FrozenClock) -> None:
    url = copied_sqlite(settled_sqlite, tmp_path)
    config, copy = configuration(url, tmp_path), tmp_path / "copy"
    async with bank_at(config, clock) as bank, Customer(bank, "Carol") as carol, Adviser(bank, "alice") as alice:
        c = await carol.begin("Before the copy")
        await alice.take(c)
        await carol.say(c, "In the copy")
        backup(url, copy)
        lost = (await carol.say(c, "After the copy", "lost"))["seq"]
        epoch = (await carol.until(lambda f: f["t"] == "welcome"))["epoch"]
        cookies = carol.http.cookies
    restore(url, copy, force=True)
    async with bank_at(config, clock) as bank, Customer(bank, "Carol") as carol:
        carol.http.cookies = cookies
        welcome = await carol.connect({c: lost}, epoch=epoch)
        assert welcome["epoch"] != epoch
        caught = await carol.until(lambda f: f["t"] == "caught")
        assert caught["seq"] < lost
        assert [event["seq"] for event in carol.events(c)] == list(range(1, caught["seq"] + 1))
        again = await carol.say(c, "After the copy", "lost")  # the client has it still, and says it again
        assert again["t"] == "ack"
        assert again["seq"] > caught["seq"]
        await carol.hang_up()
        carol.frames.clear()
        await carol.connect({c: 10_000}, epoch=welcome["epoch"])  # more than there is: also from the beginning
        caught = await carol.until(lambda f: f["t"] == "caught")
        assert [event["seq"] for event in carol.events(c)] == list(range(1, caught["seq"] + 1))
