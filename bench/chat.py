"""The live chat against its bars: beside its peers, idle, watched, broken at every step, killed, read slowly; and its page.

Run: python -m bench.chat [--short]
"""

import asyncio
import tempfile
from pathlib import Path

from bench import chat_crowd, chat_faults, chat_slow, chat_talk
from bench.chat_bank import prepare
from bench.client import clients
from bench.table import Row, alone
from bench.weight import weigh

PAGE = 40 * 1024


def main(short: bool = False) -> list[Row]:
    """The table's rows."""
    return [
        *chat_talk.main(short),
        *chat_crowd.main(short),
        *chat_faults.main(short),
        *chat_slow.main(short),
        *_page(),
    ]


def _page() -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="presence-bench-") as directory:
        bank = prepare(Path(directory), 1)
        with bank.server:
            weight, elsewhere = asyncio.run(_weight(bank.port))
    return [
        Row(
            "Chat page, compressed, with all that it loads",
            "<= 40 KB, no third-party request",
            f"{weight / 1024:.1f} KB; {len(elsewhere)} requests to others",
            weight <= PAGE and not elsewhere,
        )
    ]


async def _weight(port: int) -> tuple[int, list[str]]:
    async with clients(port, 1, {"Accept-Language": "fr"}) as (client,):
        return await weigh(client, f"http://localhost:{port}/chat")


if __name__ == "__main__":
    alone(main)
