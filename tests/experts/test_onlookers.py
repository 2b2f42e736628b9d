"""The page's own live connection: it sees who comes and goes, and is nobody."""

import html
import re

from sqlalchemy import func, select

from presence.storage.tables import lease, visitor
from tests.chat.cast import Adviser, Bank, Browser
from tests.chat.stage import bank, config, database_url, settled_postgres, settled_sqlite

__all__ = ["bank", "config", "database_url", "settled_postgres", "settled_sqlite"]


class Onlooker(Browser):
    """Somebody on the page of experts."""

    async def token(self) -> str:
        page = await self.http.get("/experts?everybody=1")
        found = re.search(r'data-pass="([^"]+)"', page.text)
        assert found
        return html.unescape(found[1])


async def test_somebody_sees_an_adviser_come_and_go(bank: Bank) -> None:
    async with Onlooker(bank) as carol:
        welcome = await carol.connect()
        assert welcome["you"] == ""
        await carol.send({"t": "watch", "what": ["adviser:alice"]})
        await carol.until(lambda frame: frame["t"] == "presence" and frame["state"] == "offline")
        async with Adviser(bank, "alice") as alice:
            await carol.until(lambda frame: frame["t"] == "presence" and frame["state"] == "available")
            await alice.post("/desk/presence", wish="away", capacity=3)
            await carol.until(lambda frame: frame["t"] == "presence" and frame["state"] == "away")


async def test_an_onlooker_is_nobody_and_reads_nothing(bank: Bank) -> None:
    async with Adviser(bank, "alice") as alice, Onlooker(bank) as carol:
        await carol.connect()
        await carol.send({"t": "beat", "on": True}, {"t": "join", "c": "c", "after": 0})
        await carol.until(lambda frame: frame["t"] == "refused" and frame["code"] == "unknown")
        assert (await carol.say("c", "hello"))["t"] == "refused"
        database = bank.app.state.database
        held = await database.read(lambda sql: sql.execute(select(lease.c.person)).scalars().all())
        assert held == [f"adviser:{alice.id}"]
        assert await database.read(lambda sql: sql.execute(select(func.count()).select_from(visitor)).scalar_one()) == 0
