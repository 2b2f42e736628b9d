"""Starting the demo, and saying where to click."""

import asyncio
import socket
from collections.abc import Sequence
from pathlib import Path

from presence.app import create_app
from presence.clock import SystemClock
from presence.demo.embedding.app import site
from presence.demo.embedding.sowing import EMBED_KEY, allow
from presence.demo.people import PASSWORD
from presence.demo.samples import lay_out
from presence.demo.settings import configuration
from presence.mail.catcher import Catcher
from presence.observe import configure_logging
from presence.serving import server
from presence.storage.migrate import migrate

HOST = "127.0.0.1"


def run(port: int, directory: Path, *, site_port: int, origins: Sequence[str] = (), samples: bool = True) -> None:
    """Start the demo and the site that embeds it, and say where to click. `origins`: of other pages that may embed it."""
    asyncio.run(_run(port, directory, site_port, origins, samples))


async def _run(port: int, directory: Path, site_port: int, origins: Sequence[str], samples: bool) -> None:
    catcher, clock = Catcher(directory / "mails"), SystemClock()
    ours, theirs = bound(port), bound(site_port)
    config = configuration(ours.getsockname()[1], directory, await catcher.listen(0))
    base, bank = config.server.base_url, f"http://{HOST}:{theirs.getsockname()[1]}"
    configure_logging(config.log)
    await asyncio.to_thread(migrate, config.database.url)
    identity = await allow(config, clock, (bank, *origins))
    token = await lay_out(config, clock) if samples else ""
    served = server(create_app(config, catcher=catcher))
    embedding = server(site(base, EMBED_KEY, identity))
    join = (
        f"\n  Join a call           {base}/a/{token}/room   (as Carol; Mona lets her in, mona@demo.example)"
        if token
        else ""
    )
    print(
        f"{_said(port, ours)}{_said(site_port, theirs)}"
        f"\n  On a bank's own site  {bank}"
        f"\n  Book an appointment   {base}/book{join}"
        f"\n  Talk to an adviser    {base}/chat"
        f"\n  Read the mails        {base}/catcher"
        f"\n  The advisers' side    {base}/desk   (alice@demo.example, password: {PASSWORD})\n",
        flush=True,
    )
    try:
        async with asyncio.TaskGroup() as group:  # the last to begin is told to stop first, and tells the one before
            group.create_task(served.serve([ours]))
            group.create_task(embedding.serve([theirs]))
    finally:
        await catcher.close()


def bound(port: int) -> socket.socket:
    """A socket of loopback at this port; at another one when somebody has it."""
    for one in (port, 0):
        listening = socket.socket()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((HOST, one))
            listening.listen(2048)  # so that nobody takes it before it is served
        except OSError:
            listening.close()
            continue
        return listening
    raise OSError("no port is free")


def _said(wanted: int, listening: socket.socket) -> str:
    """That it is another port than was asked for."""
    found = listening.getsockname()[1]
    return f"\n  Somebody is at port {wanted} already; this time it is {found}." if found != wanted else ""
