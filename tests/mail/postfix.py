"""A Postfix of the tests' own: every file of it in one directory, on ports of loopback, stopped by its process id."""

import os
import select
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pytest

from bench.ports import free_port

MASTER = Path("/usr/lib/postfix/sbin/master")
PATIENCE = 30  # seconds for any one of its commands

_MAIN = """\
compatibility_level = 3.6
queue_directory = {home}/queue
data_directory = {home}/data
maillog_file = {home}/log
maillog_file_prefixes = {home}
myhostname = mail.bank.example
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.1/32
smtpd_tls_chain_files = {certificate}
smtpd_recipient_restrictions = check_recipient_access inline:{{nobody@customers.example=REJECT}}, permit_mynetworks, reject
transport_maps = {inward}static:{transport}:{onward}
smtp_tls_security_level = none
smtp_dns_support_level = disabled
smtp_host_lookup = native
"""

# Nothing runs in a jail: that would want copies of the system's files.
_SERVICES = """\
127.0.0.1:{port} inet n - n - - smtpd
  -o smtpd_tls_security_level=encrypt
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
smtp unix - - n - - smtp
lmtp unix - - n - - lmtp
error unix - - n - - error
retry unix - - n - - error
postlog unix-dgram n - n - 1 postlogd
"""


@contextmanager
def postfix(
    home: Path, *, certificate: Path, onward: int, by: Literal["smtp", "lmtp"] = "smtp", inward: int | None = None
) -> Iterator[int]:
    """A running Postfix that takes mails over STARTTLS and hands them on to a port by a protocol; gives the port it listens on.

    Skips the test where Postfix cannot run. `certificate` is a PEM file with the key and the certificate. Mails to the bank
    go to the port `inward` by LMTP, if there is one.
    """
    if not MASTER.exists():
        pytest.skip("Postfix is missing: apt-get install postfix")
    if os.geteuid() != 0:
        pytest.skip("Postfix is started by root alone")
    port = free_port()
    transport = "smtp:[127.0.0.1]" if by == "smtp" else "lmtp:inet:127.0.0.1"
    maps = f"regexp:{{{{/@bank[.]example/ lmtp:inet:127.0.0.1:{inward}}}}}, " if inward else ""
    _furnish(home, certificate=certificate, onward=onward, port=port, transport=transport, inward=maps)
    try:
        _run(home, MASTER, "-c", home / "conf", "-w")  # ends once the server answers, which goes on in the background
        yield port
    finally:
        file = home / "queue" / "pid" / "master.pid"
        if file.exists():
            _stop(int(file.read_text()))


def _furnish(home: Path, *, certificate: Path, onward: int, port: int, transport: str, inward: str) -> None:
    for name in ("conf", "queue", "data"):
        (home / name).mkdir(parents=True)
    for parent in (home, *home.parents):  # Postfix gives up root's rights, and must still find its files
        if parent == Path("/tmp"):
            break
        parent.chmod(0o755)
    shutil.chown(home / "data", "postfix")
    values = {
        "home": home,
        "certificate": certificate,
        "onward": onward,
        "port": port,
        "transport": transport,
        "inward": inward,
    }
    (home / "conf" / "main.cf").write_text(_MAIN.format(**values))
    (home / "conf" / "master.cf").write_text(_SERVICES.format(**values))
    _run(home, "/usr/sbin/postfix", "-c", home / "conf", "check")  # makes the queue's directories


def _run(home: Path, *command: object) -> None:
    words = [str(word) for word in command]
    with (home / "said").open("w+") as said:  # no pipe: what goes on in the background would hold it open
        ended = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=said, stderr=said, timeout=PATIENCE, check=False)
        said.seek(0)
        assert ended.returncode == 0, f"{words}: {said.read()}"


def _stop(pid: int) -> None:
    """End the server, which ends its own; wait for that, since the directory goes next."""
    handle = os.pidfd_open(pid)
    try:
        os.kill(pid, signal.SIGTERM)
        ended = select.select([handle], [], [], PATIENCE)[0]
        if not ended:
            os.kill(pid, signal.SIGKILL)
    finally:
        os.close(handle)
