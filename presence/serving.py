"""How the service is served: uvicorn with a WebSocket side of our own, and a stop that tells everybody first."""

import gc
import socket
import sys
from typing import Any

import uvicorn
from starlette.applications import Starlette

from presence.chat.assembly import Assembly
from presence.live.edge import Edge

SWITCH = 0.0005  # seconds after which the loop lets the writer's thread have the interpreter: commits wait for it
GRACE = 20  # seconds in which requests may end when we are told to stop


class Server(uvicorn.Server):
    """Before uvicorn closes what is open, live clients are told when to come back, spread over time."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        gc.collect()
        gc.freeze()  # what stays for good: looking through it again and again stops everybody for tens of milliseconds

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        app = self.config.app
        chat: Assembly | None = getattr(app.state, "assembly", None) if isinstance(app, Starlette) else None
        if chat is not None and not self.force_exit:
            await chat.leave()
        await super().shutdown(sockets)


def server(app: Starlette, **options: Any) -> Server:
    """A server of the application; options are uvicorn's."""
    sys.setswitchinterval(SWITCH)
    return Server(
        uvicorn.Config(
            app,
            **{
                "log_config": None,
                "access_log": False,
                "server_header": False,
                "timeout_graceful_shutdown": GRACE,
                "ws": Edge,
                **options,
            },
        )
    )
