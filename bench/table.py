"""One table of what is measured: what, the bar, the figure, and on which machine."""

import argparse
import datetime as dt
import os
import platform
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple


class Row(NamedTuple):
    """One line: `met` says whether the figure keeps to the bar."""

    what: str
    bar: str
    measured: str
    met: bool = True


Measure = Callable[[bool], list[Row]]  # called with whether a short run is wanted


def show(rows: Sequence[Row]) -> None:
    """Print rows as a markdown table under the machine and the date."""
    print(f"\n{machine()}\n\n| what | bar | measured |\n|---|---|---|")
    for row in rows:
        print(f"| {row.what} | {row.bar} | {row.measured}{'' if row.met else ' **(missed)**'} |")


def alone(measure: Measure) -> None:
    """Run one module's measurement from the command line."""
    show(measure(asked_to_be_short()))


def asked_to_be_short() -> bool:
    parser = argparse.ArgumentParser()
    parser.add_argument("--short", action="store_true", help="fewer rounds: does it work, not how fast is it")
    return bool(parser.parse_args().short)


def machine() -> str:
    """What this was measured on, and when."""
    model = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.machine(),
    )
    memory = next((int(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), 0)
    today = dt.datetime.now(dt.UTC).date()
    return (
        f"{today:%Y-%m-%d}, {os.cpu_count()} cores of {model}, {memory / 2**20:.0f} GB, "
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    )


def _lines(path: str) -> list[str]:
    file = Path(path)
    return file.read_text().splitlines() if file.exists() else []


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of them do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def median(values: Sequence[float]) -> float:
    return statistics.median(values)
