"""The product as operators run it: `presence serve` in a process of its own, on loopback."""

import asyncio
import os
import resource
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent
_TICKS = os.sysconf("SC_CLK_TCK")


class Server:
    """A command that serves HTTP on a port of loopback, until it is stopped or killed. Its log is kept in a file."""

    def __init__(self, command: Sequence[str], port: int, log: Path, path: str = "/readyz") -> None:
        self.command = command
        self.port = port
        self.log = log
        self._path = path
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    def serve(cls, configuration: Path, port: int) -> "Server":
        """`presence serve` with a configuration."""
        command = [sys.executable, "-m", "presence", "serve", "--config", str(configuration)]
        return cls(command, port, configuration.with_suffix(".log"))

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> float:
        """Start, and wait for the first page; returns after how many seconds it was there."""
        began = time.perf_counter()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(self.command, stdout=log, stderr=log, cwd=ROOT)
        while not self._answers():
            if self._process.poll() is not None:
                raise RuntimeError(f"the server ended at once:\n{self.log.read_text()[-2000:]}")
            if time.perf_counter() - began > 60:
                self.kill()
                raise RuntimeError(f"no answer within a minute:\n{self.log.read_text()[-2000:]}")
            time.sleep(0.01)
        return time.perf_counter() - began

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{self._path}", timeout=10) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    def stop(self) -> None:
        """End as an operator does (SIGTERM), and wait."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(60)
            self._process = None

    def kill(self) -> None:
        """kill -9."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(60)
            self._process = None

    def __enter__(self) -> "Server":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def __aenter__(self) -> "Server":
        """The same for who serves it mails meanwhile, on this process's event loop."""
        await asyncio.to_thread(self.start)
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self.stop)

    def seconds_of_cpu(self) -> float:
        """What the process has used so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS


def own_seconds_of_cpu() -> float:
    """What this process has used so far: the client's share."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
