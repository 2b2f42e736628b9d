"""A Dovecot of the tests' own: every file of it in one directory, on ports of loopback, ended by who began it."""

import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bench.ports import free_port

_DOVECOT = Path("/usr/sbin/dovecot")
_ACCOUNT = "nobody"  # whose the mails are
PASSWORD = 'pass "word" \\ with spaces'  # of everybody
PATIENCE = 30  # seconds

_CONFIGURATION = """\
base_dir = {home}/run
state_dir = {home}/state
log_path = {home}/log
protocols = imap
listen = 127.0.0.1
ssl = yes
ssl_cert = <{certificate}
ssl_key = <{certificate}
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_failure_delay = 0
mail_location = maildir:{home}/mails/%u
mail_max_userip_connections = 100
first_valid_uid = 1
first_valid_gid = 0
default_vsz_limit = 0
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=everybody {home}/users
  override_fields = user=%u
}}
userdb {{
  driver = static
  args = uid={account} gid={group} home={home}/home/%u
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {plain}
  }}
  inet_listener imaps {{
    port = {implicit}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
"""


class Dovecot:
    """Where it listens, and the mailboxes it has: one for every name, with `PASSWORD`."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.plain = free_port()  # and STARTTLS
        self.implicit = free_port()

    def put(self, user: str, name: str, raw: bytes) -> None:
        """A mail arrives for somebody."""
        box = self.folder(user)
        file = box / "tmp" / name
        file.write_bytes(raw)
        _give(file)
        file.rename(box / "new" / name)

    def folder(self, user: str, name: str = "") -> Path:
        """A folder of somebody's, made when it is not there; "" is the inbox."""
        box = self.home / "mails" / user / name
        for one in (self.home / "mails" / user, box, box / "new", box / "cur", box / "tmp"):
            if not one.exists():
                one.mkdir()
                _give(one)
        return box

    def seen(self, user: str) -> set[str]:
        """The names of somebody's mails with \\Seen."""
        names = [file.name.partition(":2,") for file in (self.folder(user) / "cur").iterdir()]
        return {name for name, _, flags in names if "S" in flags}


@contextmanager
def dovecot(home: Path, certificate: Path) -> Iterator[Dovecot]:
    """A running Dovecot. Skips the test where it cannot run."""
    if not _DOVECOT.exists():
        pytest.skip("Dovecot is missing: apt-get install dovecot-imapd")
    if os.geteuid() != 0:
        pytest.skip("Dovecot is started by root alone")
    running = Dovecot(home)
    _furnish(running, certificate)
    with (home / "said").open("wb") as said:
        server = subprocess.Popen(
            [_DOVECOT, "-F", "-c", home / "dovecot.conf"], stdin=subprocess.DEVNULL, stdout=said, stderr=said
        )
    try:
        _wait_for_answer(server, running)
        yield running
    finally:
        _end(server)


def _furnish(running: Dovecot, certificate: Path) -> None:
    home = running.home
    for name in ("run", "state", "home", "mails"):
        (home / name).mkdir(parents=True)
    _give(home / "home")
    _give(home / "mails")
    for parent in (home, *home.parents):  # it gives up root's rights, and must still find its files
        if parent == Path("/tmp"):
            break
        parent.chmod(0o755)
    (home / "users").write_text(f"everybody:{PASSWORD}\n")
    account = pwd.getpwnam(_ACCOUNT)
    (home / "dovecot.conf").write_text(
        _CONFIGURATION.format(
            home=home,
            certificate=certificate,
            account=account.pw_uid,
            group=account.pw_gid,
            plain=running.plain,
            implicit=running.implicit,
        )
    )


def _give(path: Path) -> None:
    account = pwd.getpwnam(_ACCOUNT)
    shutil.chown(path, account.pw_uid, account.pw_gid)


def _wait_for_answer(server: subprocess.Popen[bytes], running: Dovecot) -> None:
    until = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", running.plain), timeout=1).close()
        except OSError:
            gone = server.poll() is not None or time.monotonic() > until
            assert not gone, (running.home / "said").read_text()
            time.sleep(0.02)
        else:
            return


def _end(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
