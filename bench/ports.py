"""Ports of loopback for servers that have to be told theirs."""

import contextlib
import random
import socket

_BELOW_CONNECTIONS = range(20_000, 32_000)  # the system gives connections those above: none comes in between


def free_port() -> int:
    """A port that nobody has, by TCP and UDP, and that is still free when a server takes it a moment later."""
    for port in random.SystemRandom().sample(_BELOW_CONNECTIONS, 100):
        with contextlib.suppress(OSError):
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                with socket.socket(type=kind) as probe:
                    probe.bind(("127.0.0.1", port))
            return port
    raise OSError("no port is free")
