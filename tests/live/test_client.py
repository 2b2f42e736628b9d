"""The browser's client of the live connection, run by node with doors of its own: `client/*.test.mjs`."""

import shutil
import subprocess
from pathlib import Path

import pytest


def test_the_browsers_client() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.fail("node is missing: apt-get install nodejs")
    files = sorted((Path(__file__).parent / "client").glob("*.test.mjs"))
    assert len(files) == 4
    done = subprocess.run([node, "--test", *files], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
