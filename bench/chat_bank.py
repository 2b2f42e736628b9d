"""The bank that the chat is measured with: as many advisers as customers, each pair in a conversation."""

import asyncio
import time
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, insert, select

from bench import bank
from bench.ports import free_port
from bench.server import Server
from presence.clock import SystemClock
from presence.config import Config, load
from presence.first import first_of, sow
from presence.live.passes import Passes
from presence.storage.database import Database
from presence.storage.migrate import migrate
from presence.storage.tables import adviser, conversation, lease, visitor


class Talk(NamedTuple):
    """A conversation, and the numbers of the two who have it."""

    uid: str
    visitor: int
    adviser: int


class Bank(NamedTuple):
    """A bank that is ready to be served."""

    config: Config
    file: Path  # its database
    server: Server
    talks: list[Talk]

    @property
    def port(self) -> int:
        return self.server.port

    def entry(self, who: str) -> str:
        """A pass that opens live connections for ten minutes."""
        return Passes(self.config.server.secret_key).issue(who, int(time.time()))[0]


def prepare(directory: Path, pairs: int, *, visitors: int = 0) -> Bank:
    """Write the configuration and the database of `pairs` conversations; nothing is served yet.

    Visitors are numbered from 1; those above `pairs` have no conversation.
    """
    file, port = directory / "presence.db", free_port()
    configuration = directory / "bank.toml"
    bank.write_configuration(
        configuration,
        port=port,
        database=f"sqlite:///{file}",
        smtp_port=free_port(),
        advisers=[bank.adviser_entry(number) for number in range(pairs)],
        services=[bank.service_entry()],
    )
    config = load(configuration, {})
    migrate(config.database.url)
    talks = asyncio.run(_fill(config, pairs, visitors))
    return Bank(config, file, Server.serve(configuration, port), talks)


async def _fill(config: Config, pairs: int, visitors: int) -> list[Talk]:
    now = SystemClock().now()
    database = Database(config.database.url)
    await database.open()
    await sow(database, first_of(config), now)
    talks = await database.write(lambda connection: _talks(connection, pairs, max(pairs, visitors), now))
    await database.close()
    return talks


def _talks(connection: Connection, pairs: int, visitors: int, now: int) -> list[Talk]:
    advisers = connection.execute(select(adviser.c.id).order_by(adviser.c.id).limit(pairs)).scalars().all()
    talks = [Talk(f"talk{number:06}", number, id_) for number, id_ in enumerate(advisers, 1)]
    person = {"verified": False, "name": "Carol", "language": "en", "zone": "Europe/Paris"}
    then = {"created_at": now, "seen_at": now}
    connection.execute(
        insert(visitor), [{"id": id_, "fingerprint": f"v{id_}", **person, **then} for id_ in range(1, visitors + 1)]
    )
    # Advisers are there already, as far as anybody knows: else the queue gives their conversations to others at the start.
    there = {"node": "", "engaged": False, "expires_at": now + 300}
    connection.execute(
        insert(lease), [{"id": f"l{one.adviser}", "person": f"adviser:{one.adviser}", **there} for one in talks]
    )
    seqs = dict.fromkeys(("last_seq", "customer_seen", "adviser_seen", "mailed_seq"), 0)
    connection.execute(
        insert(conversation),
        [
            {
                "id": one.visitor,
                "uid": one.uid,
                "visitor_id": one.visitor,
                "person_key": f"0:v{one.visitor}",
                "state": "active",
                "language": "en",
                "adviser_id": one.adviser,
                "created_at": now,
                "updated_at": now,
                **seqs,
            }
            for one in talks
        ],
    )
    return talks
