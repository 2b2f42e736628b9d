"""ical.js (Thunderbird's and Nextcloud's reader), asked through node; installed on first use."""

import fcntl
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent


def read(calendars: list[bytes]) -> list[dict[str, Any]]:
    """What ical.js reads: method and events of each calendar. Skips the test only when node is missing."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node is not installed")
    if not (HERE / "node_modules" / "ical.js").is_dir():
        subprocess.run(["npm", "install", "--no-audit", "--no-fund"], cwd=HERE, check=True, capture_output=True)
    answer = subprocess.run(
        ["node", "read.mjs"],
        cwd=HERE,
        input=json.dumps([calendar.decode() for calendar in calendars]).encode(),
        capture_output=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr.decode()
    found: list[dict[str, Any]] = json.loads(answer.stdout)
    return found


def _install() -> None:
    with (HERE / "package.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests run side by side
        if not (HERE / "node_modules" / "ical.js").is_dir():
            subprocess.run(["npm", "install", "--no-audit", "--no-fund"], cwd=HERE, check=True, capture_output=True)
