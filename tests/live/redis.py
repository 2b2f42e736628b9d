"""A Redis of the test's own, which can be killed and started again."""

import shutil
import subprocess
from pathlib import Path

import pytest


class Redis:
    """On a socket of its own; keeps nothing."""

    def __init__(self, directory: Path) -> None:
        self._socket = directory / "redis.sock"
        self._directory = directory
        self.url = f"unix://{self._socket}"
        self.start()

    def start(self) -> None:
        binary = shutil.which("redis-server")
        if binary is None:
            pytest.fail("Redis is missing: apt-get install redis-server")
        words = [binary, "--port", "0", "--unixsocket", str(self._socket), "--save", "", "--dir", str(self._directory)]
        self._server = subprocess.Popen(words, stdout=subprocess.DEVNULL)

    def kill(self) -> None:
        self._server.kill()
        self._server.wait()
