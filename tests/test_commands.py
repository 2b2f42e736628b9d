"""The commands as an operator meets them: what they print, and how they end."""

import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError

import pytest

from bench.ports import free_port

CONFIG = """
[server]
port = {port}
base_url = "http://localhost:{port}"
secret_key = "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"
[database]
url = "sqlite:///presence.db"
[mail]
port = {mail}
[[advisers]]
slug = "alice"
name = "Alice Martin"
email = "alice@bank.example"
hours = {{ mon = ["09:00-12:00"], tue = ["09:00-12:00"] }}
teams = ["advice"]
[[services]]
slug = "talk"
name = {{ en = "A talk" }}
pool = {{ team = "advice" }}
"""
NEVER = "2030-01-06T10:00"  # a Sunday, beyond every horizon

Say = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def say(tmp_path: Path, port: int) -> Say:
    """Runs a command in a directory with a configuration."""
    (tmp_path / "config.toml").write_text(CONFIG.format(port=port, mail=free_port()))

    def said(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(_command(*words), cwd=tmp_path, capture_output=True, text=True, timeout=60)

    return said


def _command(*words: str) -> list[str]:
    return [sys.executable, "-m", "presence", *words, "--config", "config.toml"]


@contextmanager
def _running(directory: Path, port: int, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(_command(*words), cwd=directory, stdout=log, stderr=log)
        try:
            until = time.monotonic() + 60
            while not _answers(port):
                assert process.poll() is None, (directory / "log").read_text()
                assert time.monotonic() < until, (directory / "log").read_text()
                time.sleep(0.05)
            yield process
        finally:
            process.kill()
            process.wait()


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://localhost:{port}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


def test_check_tells_what_is_missing_and_changes_nothing(say: Say, tmp_path: Path) -> None:
    looked = say("check")
    assert looked.returncode == 1
    assert "presence migrate" in looked.stdout
    assert say("migrate").returncode == 0
    before = (tmp_path / "presence.db").read_bytes()
    looked = say("check")
    assert [line.split()[:2] for line in looked.stdout.splitlines()[:3]] == [
        ["configuration", "ok"],
        ["database", "ok"],
        ["clock", "ok"],
    ]
    assert looked.stdout.splitlines()[3].startswith("mail           localhost:")
    assert looked.returncode == 1  # nobody listens there
    assert (tmp_path / "presence.db").read_bytes() == before


def test_while_it_runs_it_is_alone_and_can_be_backed_up(say: Say, tmp_path: Path, port: int) -> None:
    with _running(tmp_path, port, "serve") as service:
        second = say("serve")
        assert second.returncode == 2
        assert "chat.redis_url" in second.stderr
        added = say("adviser", "add", "bob", "Bob", "bob@bank.example", "--password", "a long enough password")
        assert (added.returncode, "stop it first" in added.stderr) == (2, True)
        assert say("backup", "copy.db").returncode == 0
        assert "stop it first" in say("restore", "copy.db", "--force").stderr
        why = say("why", "--service", "talk", "--at", NEVER)
        assert why.returncode == 0
        assert "beyond_horizon" in why.stdout
        service.send_signal(signal.SIGTERM)
        service.wait(30)
    assert (tmp_path / "log").read_text().count("Traceback") == 0
    assert say("restore", "copy.db").returncode == 2  # there is a database already
    assert say("restore", "copy.db", "--force").returncode == 0
    assert say("check").stdout.splitlines()[1].split() == ["database", "ok"]


def test_people_services_and_sites_are_added(say: Say, tmp_path: Path) -> None:
    assert (
        say("adviser", "add", "bob", "Bob", "bob@bank.example", "--password", "a long enough password").returncode == 0
    )
    again = say("adviser", "add", "bob", "Bob", "bob@bank.example", "--password", "short")
    assert again.returncode == 2
    assert {line.partition(":")[0] for line in again.stderr.splitlines()} == {"slug", "email", "password"}
    (tmp_path / "services.toml").write_text(
        '[[services]]\nslug = "loan"\nname = { en = "A loan" }\npool = { team = "advice" }\n'
    )
    assert "1 read" in say("service", "add", "services.toml").stdout
    (tmp_path / "services.toml").write_text('[[services]]\nslug = "loan"\nname = { en = "A loan" }\n')
    assert "`pool`" in say("service", "add", "services.toml").stderr
    assert say("site", "add", "bank", "The bank").stdout.startswith("pk_")
    assert say("why", "--service", "nothing", "--at", NEVER).returncode == 2


def test_a_wrong_configuration_ends_every_command_with_its_reason(say: Say, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[mail]\nhots = "x"\n')
    for words in (["serve"], ["worker"], ["check"], ["why", "--service", "talk", "--at", NEVER]):
        ended = say(*words)
        assert ended.returncode == 2
        assert "mail.hots" in ended.stderr
        assert "Traceback" not in ended.stderr
