"""A TURN server of the measurement's own, on loopback, that can be killed and started again."""

import shutil
import socket
import subprocess
import time
from pathlib import Path

from bench.ports import free_port

SECRET = "the north wind"
_PATIENCE = 10  # seconds until it answers


class Coturn:
    """coturn as `docs/operating.md` has it, but for loopback, and without TLS."""

    def __init__(self, directory: Path) -> None:
        self.port = free_port()
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None

    def calls(self) -> dict[str, object]:
        """The section of the configuration by which all calls go through it."""
        return {
            "turn_urls": [f"turn:127.0.0.1:{self.port}?transport=udp"],
            "turn_secret": SECRET,
            "relay_only": True,
        }

    def start(self) -> None:
        binary = shutil.which("turnserver")
        if binary is None:
            raise RuntimeError("coturn is missing: apt-get install coturn")
        words = [
            *(binary, "-n", "--no-cli", "--no-tls", "--no-dtls", "--fingerprint", "--no-multicast-peers"),
            *("--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1", f"--listening-port={self.port}"),
            *("--use-auth-secret", f"--static-auth-secret={SECRET}", "--realm=bank.example", "--allow-loopback-peers"),
            *("--min-port=49200", "--max-port=49999", "--log-file=stdout", "--simple-log"),
            *(f"--pidfile={self._directory}/pid", f"--userdb={self._directory}/turn.db"),
        ]
        with (self._directory / "coturn.log").open("ab") as log:
            self._process = subprocess.Popen(words, stdout=log, stderr=log, cwd=self._directory)
        until = time.monotonic() + _PATIENCE
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError((self._directory / "coturn.log").read_text()[-2000:])
            time.sleep(0.02)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1):
                return True
        except OSError:
            return False
