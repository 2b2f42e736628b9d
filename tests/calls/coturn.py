"""A coturn of the test's own, on free ports of loopback, which can be ended and started again."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from aioice import stun
from aioice.turn import UDP_TRANSPORT, make_integrity_key

from bench.ports import free_port
from presence.calls.turn import password
from presence.config import CallsConfig
from tests.certificates import Certificate

SECRET = "the north wind"
_PATIENCE = 10  # seconds until it answers


class Coturn:
    """Relays on loopback, which only a test may. `flags` are added to its own; or `text`, its configuration file with
    {port} and {tls_port}, is all that it is told.
    """

    def __init__(
        self, directory: Path, *flags: str, certificate: Certificate | None = None, text: str | None = None
    ) -> None:
        self.port, self.tls_port = free_port(), free_port()
        self.log = directory / "coturn.log"
        self._directory = directory
        if text is None:
            secure = _tls(certificate, self.tls_port) if certificate else ["--no-tls", "--no-dtls"]
            self._words = [*self._own(), *secure, *flags]
        else:
            file = directory / "turnserver.conf"
            file.write_text(text.format(port=self.port, tls_port=self.tls_port))
            self._words = ["-c", str(file)]
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        binary = shutil.which("turnserver")
        if binary is None:
            pytest.fail("coturn is missing: apt-get install coturn")
        with self.log.open("ab") as log:
            self._server = subprocess.Popen([binary, *self._words], stdout=log, stderr=log, cwd=self._directory)
        until = time.monotonic() + _PATIENCE
        while not self._answers():
            assert self._server.poll() is None, self.log.read_text()
            assert time.monotonic() < until, self.log.read_text()
            time.sleep(0.02)

    def stop(self) -> None:
        """End it at once, as a crash does."""
        self._server.kill()
        self._server.wait()

    def signal(self, sign: int) -> None:
        self._server.send_signal(sign)

    @contextmanager
    def allocation(self, who: str) -> Iterator[None]:
        """Somebody has an address allocated meanwhile."""
        wanted: dict[str, Any] = {"LIFETIME": 60, "REQUESTED-TRANSPORT": UDP_TRANSPORT}
        with socket.socket(type=socket.SOCK_DGRAM) as line:
            line.settimeout(_PATIENCE)
            line.connect(("127.0.0.1", self.port))
            challenge = _asked(line, stun.Method.ALLOCATE, wanted).attributes
            username = f"{int(time.time()) + 60}:{who}"
            known = {"USERNAME": username, "REALM": challenge["REALM"], "NONCE": challenge["NONCE"]}
            key = make_integrity_key(username, challenge["REALM"], password(SECRET, username))
            answer = _asked(line, stun.Method.ALLOCATE, {**wanted, **known}, key)
            assert answer.message_class == stun.Class.RESPONSE
            yield

    def url(self, transport: str = "udp", *, secure: bool = False) -> str:
        """Its address, as the configuration has it."""
        return (
            f"{'turns' if secure else 'turn'}:127.0.0.1:{self.tls_port if secure else self.port}?transport={transport}"
        )

    def config(self, **changes: Any) -> CallsConfig:
        """A configuration of calls that leads to it."""
        return CallsConfig(
            **{
                "stun_urls": (f"stun:127.0.0.1:{self.port}",),
                "turn_urls": (self.url(),),
                "turn_secret": SECRET,
                **changes,
            }
        )

    def _own(self) -> list[str]:
        return [
            *("-n", "--no-cli", "--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1", f"--listening-port={self.port}"),
            *("--realm=bank.example", "--use-auth-secret", f"--static-auth-secret={SECRET}", "--fingerprint"),
            *("--allow-loopback-peers", "--no-multicast-peers", "--min-port=49200", "--max-port=49999"),
            *(
                "--log-file=stdout",
                "--simple-log",
                f"--pidfile={self._directory}/pid",
                f"--userdb={self._directory}/db",
            ),
        ]

    def _answers(self) -> bool:
        """Whether both of its ears are open: by UDP it may hear later than by TCP."""
        address = ("127.0.0.1", self.port)
        try:
            with socket.create_connection(address, 1), socket.socket(type=socket.SOCK_DGRAM) as line:
                line.settimeout(0.2)
                line.connect(address)
                return _asked(line, stun.Method.BINDING, {}).message_class == stun.Class.RESPONSE
        except OSError:
            return False


def _asked(line: socket.socket, method: stun.Method, attributes: dict[str, Any], key: bytes = b"") -> stun.Message:
    request = stun.Message(method, stun.Class.REQUEST)
    request.attributes.update(attributes)
    if key:
        request.add_message_integrity(key)
    line.send(bytes(request))
    return stun.parse_message(line.recv(2048))


def _tls(certificate: Certificate, port: int) -> list[str]:
    return [f"--tls-listening-port={port}", f"--cert={certificate.file}", f"--pkey={certificate.file}", "--no-dtls"]


@contextmanager
def coturn(
    directory: Path, *flags: str, certificate: Certificate | None = None, text: str | None = None
) -> Iterator[Coturn]:
    """A running coturn, which ends with the block."""
    server = Coturn(directory, *flags, certificate=certificate, text=text)
    try:
        yield server
    finally:
        server.stop()
