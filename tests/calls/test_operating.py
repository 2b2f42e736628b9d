"""The coturn of `docs/operating.md` and of `compose.yaml`, run as they stand there: only paths, ports and addresses are the test's."""

import asyncio
import ipaddress
import re
import shutil
import signal
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aioice import stun
from aioice.turn import TurnClientUdpProtocol
from cryptography import x509

from presence.calls.probe import probe
from presence.calls.turn import password
from presence.clock import SystemClock
from tests.calls.coturn import SECRET, Coturn, coturn
from tests.certificates import Certificate

REPO = Path(__file__).parents[2]
TURNADMIN = "turnadmin -s another -r turn.bank.example -b"
OWN = "203.0.113.9"  # of the documentation's machine
# One address of each range that is not everybody's, RFC 6890 and after; and some beside them.
SPECIAL = """
0.0.0.0 10.1.2.3 100.64.0.1 127.0.0.1 169.254.169.254 172.16.0.1 172.31.255.254 192.0.0.8 192.0.2.1 192.88.99.1
192.168.255.255 198.18.0.1 198.51.100.1 203.0.113.1 240.0.0.1 255.255.255.255
::1 ::ffff:10.0.0.1 64:ff9b::a00:1 64:ff9b:1::1 100::1 2001::1 2001:db8::1 2002:a00:1::1 fc00::1 fd12::1 fe80::1
"""
PUBLIC = """
8.8.8.8 9.9.9.9 11.0.0.1 100.128.0.1 172.32.0.1 192.1.2.3 198.20.0.1 223.255.255.254 2620:fe::fe 2a00::1
"""


now = SystemClock().now  # coturn has its own clock


def documented() -> str:
    """The configuration file that operators are given."""
    found = re.search(r"```\n(listening-ip=.*?)```", (REPO / "docs" / "operating.md").read_text(), re.DOTALL)
    assert found
    return found[1]


def composed() -> str:
    """The one in compose.yaml, with its variables filled in as compose does."""
    found = re.search(r"  coturn:\n    content: \|\n(.*?)\n  \w+:\n", (REPO / "compose.yaml").read_text(), re.DOTALL)
    assert found
    text = found[1].replace("${TURN_EXTERNAL:-${TURN_ADDRESS}}", OWN)
    text = re.sub(r"\$\{TURN_ADDRESS(:[^}]*)?\}", OWN, text).replace("${TURN_NAME}", "turn.bank.example")
    return text.replace("${TURN_SECRET}", "the same as calls.turn_secret").replace("      ", "")


def here(text: str, directory: Path, file: Path) -> str:
    """A configuration for this machine. Loopback is denied to all, but for its own address, which `allow-loopback-peers` opens."""
    text = text.replace(OWN, "127.0.0.1").replace("the same as calls.turn_secret", SECRET)
    text = re.sub(r"^listening-port=3478$", "listening-port={port}", text, flags=re.MULTILINE)
    text = re.sub(r"^tls-listening-port=443$", "tls-listening-port={tls_port}", text, flags=re.MULTILINE)
    text = re.sub(r"^(cert|pkey)=.*$", rf"\1={file}", text, flags=re.MULTILINE)
    text = re.sub(r"^(userdb=.*|syslog|no-stdout-log|log-file=.*)\n", "", text, flags=re.MULTILINE)
    return text + f"\nallow-loopback-peers\nlog-file=stdout\nuserdb={directory}/db\npidfile={directory}/pid\n"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return Certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module")
def hardened(tmp_path_factory: pytest.TempPathFactory, certificate: Certificate) -> Iterator[Coturn]:
    """coturn as the documentation has it."""
    directory = tmp_path_factory.mktemp("hardened")
    file = directory / "cert.pem"
    shutil.copyfile(certificate.file, file)
    with coturn(directory, text=here(documented(), directory, file)) as running:
        yield running


@asynccontextmanager
async def allocation(server: Coturn, until: int | None = None) -> AsyncIterator[TurnClientUdpProtocol]:
    """What a browser has of a TURN server, with credentials that end then."""
    username = f"{until or now() + 60}:carol"
    client = TurnClientUdpProtocol(("127.0.0.1", server.port), username, password(SECRET, username), 600, 500)
    await asyncio.get_running_loop().create_datagram_endpoint(lambda: client, remote_addr=("127.0.0.1", server.port))
    await client.connect()
    try:
        yield client
    finally:
        await client.delete()


async def may_reach(client: TurnClientUdpProtocol, peer: str) -> bool:
    client.channel_number += 1
    try:
        await client.channel_bind(client.channel_number, (peer, 9))
    except stun.TransactionFailed as error:
        if error.response.error_code != 403:
            raise
        return False
    return True


async def test_it_starts_and_a_browser_gets_through_by_each_address(hardened: Coturn, certificate: Certificate) -> None:
    config = hardened.config(turn_urls=(hardened.url(), hardened.url("tcp"), hardened.url("tcp", secure=True)))
    assert [trouble for _, trouble in await probe(config, now(), trust=certificate.trust)] == [None] * 4


async def test_what_it_says_of_itself_has_no_warning_but_for_the_tests_own_flag(hardened: Coturn) -> None:
    said = [line for line in hardened.log.read_text().splitlines() if "WARNING" in line or "CONFIG ERROR" in line]
    assert [line for line in said if "allow_loopback_peers" not in line] == []


async def test_nobody_reaches_private_networks_through_it(hardened: Coturn) -> None:
    denied = re.findall(r"^denied-peer-ip=([\d.]+)-([\d.]+)$", documented(), re.MULTILINE)
    assert len(denied) > 10
    edges = [edge for pair in denied for edge in pair]
    async with allocation(hardened) as client:
        refused = [edge for edge in edges if not await may_reach(client, edge.replace("127.0.0.0", "127.0.0.2"))]
        assert refused == edges
        assert not await may_reach(client, "224.0.0.1")
        assert await may_reach(client, "127.0.0.1")  # itself
        assert await may_reach(client, "8.8.8.8")


@pytest.mark.parametrize("text", [documented(), composed()], ids=["documented", "composed"])
def test_every_special_address_is_denied_and_no_public_one(text: str) -> None:
    ranges = [
        (ipaddress.ip_address(first), ipaddress.ip_address(last))
        for first, last in re.findall(r"^denied-peer-ip=([^\s-]+)-([^\s-]+)$", text, re.MULTILINE)
    ]

    def is_denied(name: str) -> bool:
        address = int(ipaddress.ip_address(name))
        version = ipaddress.ip_address(name).version
        return any(first.version == version and int(first) <= address <= int(last) for first, last in ranges)

    assert [name for name in SPECIAL.split() if not is_denied(name)] == []
    assert [name for name in PUBLIC.split() if is_denied(name)] == []


async def test_the_one_of_compose_works_too(tmp_path: Path, certificate: Certificate) -> None:
    with coturn(tmp_path, text=here(composed(), tmp_path, certificate.file)) as running:
        config = running.config(turn_urls=(running.url(), running.url("tcp")))
        assert [trouble for _, trouble in await probe(config, now())] == [None] * 3
        async with allocation(running) as client:
            assert not await may_reach(client, "172.30.17.2")  # the other services


def test_compose_is_as_hard_as_the_documentation() -> None:
    def lines(text: str) -> set[str]:
        kept = {line for line in text.splitlines() if line and not line.startswith("#")}
        return {
            line
            for line in kept
            if not re.match(r"(cert|pkey|tls-|no-tls|userdb|syslog|no-stdout|log-|external)", line)
        }

    assert lines(documented()) == lines(composed())


async def test_an_old_certificate_is_replaced_while_it_runs(
    hardened: Coturn, certificate: Certificate, tmp_path: Path
) -> None:
    def served() -> str:
        text = ssl.get_server_certificate(("127.0.0.1", hardened.tls_port))
        return x509.load_pem_x509_certificate(text.encode()).subject.rfc4514_string()

    file = hardened.log.parent / "cert.pem"
    assert served() == "CN=mail.example"
    async with allocation(hardened) as client:
        shutil.copyfile(Certificate(tmp_path, "renewed").file, file)
        hardened.signal(signal.SIGUSR2)
        async with asyncio.timeout(5):
            while await asyncio.to_thread(served) != "CN=renewed.example":
                continue
        assert await may_reach(client, "8.8.8.8")  # nobody's call was cut
    shutil.copyfile(certificate.file, file)
    hardened.signal(signal.SIGUSR2)


async def test_another_secret_is_added_beside_the_old_one_while_it_runs(hardened: Coturn) -> None:
    added = hardened.config(turn_secret="another")
    assert [trouble is None for _, trouble in await probe(added, now())] == [True, False]
    await asyncio.to_thread(add_secret, hardened.log.parent)
    assert [trouble for _, trouble in await probe(added, now())] == [None, None]
    assert [trouble for _, trouble in await probe(hardened.config(), now())] == [None, None]


def add_secret(directory: Path) -> None:
    with subprocess.Popen([*TURNADMIN.split(), f"{directory}/db"], stdout=subprocess.DEVNULL) as admin:
        assert admin.wait(10) == 0
    for place in ("/var/log", "/var/tmp", "/tmp"):  # it insists on a log, in the first of these that it may write to
        for log in Path(place).glob(f"turn_{admin.pid}_*.log"):
            log.unlink()


async def test_its_log_names_no_customers_address(hardened: Coturn) -> None:
    """Without `verbose`; all that came before in this file has been said to it from 127.0.0.1."""
    async with allocation(hardened) as client:
        assert not await may_reach(client, "192.168.1.20")
        port = client.transport.get_extra_info("sockname")[1]
    log = hardened.log.read_text()
    assert str(port) not in log
    assert "A peer IP 192.168.1.20 denied" in log  # as the documentation admits


async def test_a_call_goes_on_after_its_credentials_have_ended(hardened: Coturn) -> None:
    """Why credentials may be short: they open an allocation, and what is open stays open."""
    end = now() + 1
    async with allocation(hardened, end) as client:
        async with asyncio.timeout(5):
            while now() <= end:
                await asyncio.to_thread(hardened.log.read_text)
        refresh = stun.Message(stun.Method.REFRESH, stun.Class.REQUEST, attributes={"LIFETIME": 600})
        answer, _ = await client.request_with_retry(refresh)
        assert answer.attributes["LIFETIME"] == 600
    (found,) = await probe(hardened.config(stun_urls=()), now() - 120)
    assert found[1] is not None
    assert "the clocks must agree" in found[1]
