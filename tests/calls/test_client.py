"""What a call's page decides, run by node without a browser: `client/*.test.mjs`."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def modules(tmp_path: Path) -> Path:
    """What is tested and its tests, where node takes every file for a module as browsers do."""
    for part in ("static/shared", "static/room", "tests/calls/client", "tests/live/client"):
        shutil.copytree(ROOT / part, tmp_path / part)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    return tmp_path


def test_what_a_calls_page_decides(modules: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.fail("node is missing: apt-get install nodejs")
    files = sorted((modules / "tests/calls/client").glob("*.test.mjs"))
    assert len(files) == 5
    done = subprocess.run([node, "--test", *files], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
