"""How long the demo takes to its first page: what `make run` starts, with its packages installed.

Run: python -m bench.first_page
"""

import sys
import tempfile
from pathlib import Path

from bench.ports import free_port
from bench.server import Server
from bench.table import Row, alone, median


def run(directory: Path, again: int) -> tuple[float, list[float]]:
    """Seconds to the first page: with a new directory, and then with the same one."""
    port = free_port()
    command = [sys.executable, "-m", "presence", "demo", "--port", str(port), "--directory", str(directory / "demo")]
    taken = []
    for _ in range(again + 1):
        demo = Server(command, port, directory / "demo.log", "/book")
        taken.append(demo.start())
        demo.stop()
    return taken[0], taken[1:]


def main(short: bool = False) -> list[Row]:
    """The table's row."""
    with tempfile.TemporaryDirectory(prefix="presence-bench-") as directory:
        first, again = run(Path(directory), 1 if short else 5)
    return [
        Row(
            "Start of the demo (`make run`) to its first page",
            "< 5 s",
            f"{first:.1f} s with a new database, {median(again):.1f} s with its own",
            max(first, median(again)) < 5,
        )
    ]


if __name__ == "__main__":
    alone(main)
