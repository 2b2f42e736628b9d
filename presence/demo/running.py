"""Starting the demo, and saying where to click."""

import asyncio
from pathlib import Path

from presence.app import create_app
from presence.clock import SystemClock
from presence.demo.people import PASSWORD
from presence.demo.samples import lay_out
from presence.demo.settings import configuration
from presence.mail.catcher import Catcher
from presence.observe import configure_logging
from presence.serving import server
from presence.storage.migrate import migrate


def run(port: int, directory: Path, *, samples: bool = True) -> None:
    """Start the demo and say where to click."""
    asyncio.run(_run(port, directory, samples))


async def _run(port: int, directory: Path, samples: bool) -> None:
    catcher = Catcher(directory / "mails")
    config = configuration(port, directory, await catcher.listen(0))
    configure_logging(config.log)
    await asyncio.to_thread(migrate, config.database.url)
    token = await lay_out(config, SystemClock()) if samples else ""
    app = create_app(config, catcher=catcher)
    served = server(app, port=port)
    base = config.server.base_url
    join = (
        f"\n  Join a call           {base}/a/{token}/room   (as Carol; Mona lets her in, mona@demo.example)"
        if token
        else ""
    )
    print(
        f"\n  Book an appointment   {base}/book{join}"
        f"\n  Talk to an adviser    {base}/chat"
        f"\n  Read the mails        {base}/catcher"
        f"\n  The advisers' side    {base}/desk   (alice@demo.example, password: {PASSWORD})\n",
        flush=True,
    )
    try:
        await served.serve()
    finally:
        await catcher.close()
