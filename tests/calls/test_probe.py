"""`presence check` asks STUN and TURN servers as a browser does, and says in words what is wrong. A real coturn answers."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bench.ports import free_port
from presence.calls import probe as probing
from presence.calls.probe import Target, misplaced, probe, target
from presence.calls.turn import pseudonym
from presence.cli import cli
from presence.clock import SystemClock
from presence.config import CallsConfig
from tests.calls.coturn import SECRET, Coturn, coturn
from tests.certificates import Certificate
from tests.mail.cast import MailServer


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return Certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, certificate: Certificate) -> Iterator[Coturn]:
    with coturn(tmp_path_factory.mktemp("coturn"), certificate=certificate) as running:
        yield running


async def said(config: CallsConfig, certificate: Certificate | None = None) -> list[str | None]:
    """What is said of each address, in order."""
    now = SystemClock().now()  # coturn has its own clock
    found = await probe(config, now, trust=certificate.trust if certificate else None)
    assert [url for url, _ in found] == [*config.stun_urls, *config.turn_urls]
    return [trouble for _, trouble in found]


@pytest.mark.parametrize(
    ("url", "leads_to"),
    [
        ("stun:turn.bank.example", Target("turn.bank.example", 3478, "udp", secure=False)),
        ("turn:turn.bank.example:80?transport=tcp", Target("turn.bank.example", 80, "tcp", secure=False)),
        ("turns:turn.bank.example", Target("turn.bank.example", 5349, "tcp", secure=True)),
        ("turns:[2001:db8::1]:443?transport=tcp", Target("2001:db8::1", 443, "tcp", secure=True)),
    ],
)
def test_addresses_are_read_with_their_defaults(url: str, leads_to: Target) -> None:
    assert target(url) == leads_to


async def test_all_is_well_by_udp_tcp_and_tls_and_nothing_is_kept(server: Coturn, certificate: Certificate) -> None:
    config = server.config(
        stun_urls=(f"stun:127.0.0.1:{server.port}", f"stuns:127.0.0.1:{server.tls_port}"),
        turn_urls=(server.url(), server.url("tcp"), server.url("tcp", secure=True)),
    )
    assert await said(config, certificate) == [None] * 5
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_what_was_allocated_is_given_back(tmp_path: Path) -> None:
    with coturn(tmp_path, "--verbose") as talkative:
        before = len(talkative.log.read_text())
        assert await said(talkative.config()) == [None, None]
        log = talkative.log.read_text()[before:]
    assert log.count("ALLOCATE processed, success") == log.count("lifetime=0") == 1


async def test_another_secret_is_told_as_one(server: Coturn) -> None:
    (trouble,) = await said(server.config(stun_urls=(), turn_secret=SECRET + "s"))
    assert trouble is not None
    assert "401" in trouble
    assert "calls.turn_secret" in trouble
    assert SECRET not in trouble


async def test_a_dead_server_is_told_over_udp_and_tcp() -> None:
    port = free_port()
    config = CallsConfig(
        stun_urls=(f"stun:127.0.0.1:{port}",),
        turn_urls=(f"turn:127.0.0.1:{port}?transport=udp", f"turn:127.0.0.1:{port}?transport=tcp"),
        turn_secret=SECRET,
    )
    assert await said(config) == [
        f"nobody listens on UDP port {port}: does the server run?",
        f"nobody listens on UDP port {port}: does the server run?",
        f"nobody listens on TCP port {port}: does the server run?",
    ]


async def test_a_server_that_says_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "PATIENCE", 0.1)
    loop = asyncio.get_running_loop()
    silent, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, local_addr=("127.0.0.1", 0))
    port = silent.get_extra_info("sockname")[1]
    (trouble,) = await said(CallsConfig(turn_urls=(f"turn:127.0.0.1:{port}",), turn_secret=SECRET))
    assert trouble is not None
    assert trouble.startswith("no answer within")
    assert f"UDP port {port}" in trouble
    silent.close()


async def test_a_server_that_hangs_up_is_not_waited_for() -> None:
    async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as other:
        port = other.sockets[0].getsockname()[1]
        urls = (f"turn:127.0.0.1:{port}?transport=tcp", f"turns:127.0.0.1:{port}")
        plain, secure = await said(CallsConfig(turn_urls=urls, turn_secret=SECRET))
    assert plain is not None
    assert plain.startswith("the line broke")
    assert secure is not None


async def test_a_certificate_that_browsers_do_not_take_is_told(server: Coturn) -> None:
    (trouble,) = await said(server.config(stun_urls=(), turn_urls=(server.url("tcp", secure=True),)))
    assert trouble is not None
    assert "self-signed certificate" in trouble


async def test_a_port_without_tls_is_told(
    tmp_path: Path, certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probing, "PATIENCE", 0.2)  # coturn hangs up, or says nothing
    with coturn(tmp_path) as plain:
        url = f"turns:127.0.0.1:{plain.port}"
        (trouble,) = await said(plain.config(stun_urls=(), turn_urls=(url,)), certificate)
    assert trouble is not None
    assert f"port {plain.port}" in trouble


async def test_tls_over_udp_is_for_no_browser(server: Coturn) -> None:
    url = f"turns:127.0.0.1:{server.tls_port}?transport=udp"
    assert await said(server.config(stun_urls=(), turn_urls=(url,))) == [
        "browsers do not speak TLS over UDP: write ?transport=tcp"
    ]


async def test_a_name_that_nobody_has_is_told() -> None:
    (trouble,) = await said(CallsConfig(stun_urls=("stun:turn.bank.invalid",)))
    assert trouble == "turn.bank.invalid has no address: is the name in the DNS?"


async def test_a_server_that_relays_for_anybody_is_told(tmp_path: Path) -> None:
    with coturn(tmp_path, text=OPEN.format(directory=tmp_path, port="{port}")) as server:
        (trouble,) = await said(server.config(stun_urls=()))
    assert trouble is not None
    assert "use-auth-secret" in trouble


async def test_a_server_that_does_not_relay_to_itself_is_told(tmp_path: Path) -> None:
    with coturn(tmp_path, "--denied-peer-ip=127.0.0.0-127.255.255.255") as server:
        (trouble,) = await said(server.config(stun_urls=()))
    assert trouble is not None
    assert trouble.endswith("give coturn allowed-peer-ip=127.0.0.1")
    with coturn(tmp_path, "--denied-peer-ip=127.0.0.0-127.255.255.255", "--allowed-peer-ip=127.0.0.1") as server:
        assert await said(server.config()) == [None, None]


async def test_a_quota_that_is_too_small_for_a_browser_is_told(tmp_path: Path) -> None:
    with coturn(tmp_path, "--user-quota=1") as server, server.allocation(pseudonym(SECRET, "check")):
        (trouble,) = await said(server.config(stun_urls=()))
    assert trouble is not None
    assert "486" in trouble


async def test_a_relay_without_an_address_is_told(tmp_path: Path) -> None:
    with coturn(tmp_path, "--external-ip=0.0.0.0") as server:
        (trouble,) = await said(server.config(stun_urls=()))
    assert trouble is not None
    assert "0.0.0.0, which is no address" in trouble


@pytest.mark.parametrize(
    ("relayed", "server", "well"),
    [
        ("9.9.9.9", "8.8.8.8", True),
        ("9.9.9.9", "10.0.0.7", True),  # the name leads to the inside from here
        ("10.0.0.7", "10.0.0.7", True),  # all of it is inside
        ("127.0.0.1", "127.0.0.1", True),
        ("10.0.0.7", "8.8.8.8", False),
        ("100.64.0.7", "8.8.8.8", False),  # the provider's NAT, RFC 6598
        ("127.0.0.1", "10.0.0.7", False),
        ("fd00::7", "2620:fe::fe", False),
        ("0.0.0.0", "127.0.0.1", False),
        ("::", "2620:fe::fe", False),
    ],
)
def test_a_relay_is_reached_from_as_far_as_its_server(relayed: str, server: str, well: bool) -> None:
    assert (misplaced(relayed, server) is None) == well


OPEN = """
no-auth
allow-loopback-peers
listening-ip=127.0.0.1
relay-ip=127.0.0.1
listening-port={port}
no-tls
no-dtls
no-cli
userdb={directory}/db
pidfile={directory}/pid
log-file=stdout
"""


CONFIG = """
[database]
url = "sqlite:///presence.db"
[server]
secret_key = "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"
[mail]
port = {mail}
[calls]
stun_urls = ["{stun}"]
turn_urls = ["{udp}", "{tls}"]
turn_secret = "{secret}"
"""


async def test_presence_check_says_it_for_each_address_and_ends_by_it(
    server: Coturn, certificate: Certificate, migrated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copyfile(migrated, tmp_path / "presence.db")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.file))
    stun, udp, tls = f"stun:127.0.0.1:{server.port}", server.url(), server.url("tcp", secure=True)

    def check(mail: int, secret: str) -> tuple[int, dict[str, str]]:
        text = CONFIG.format(mail=mail, stun=stun, udp=udp, tls=tls, secret=secret)
        (tmp_path / "config.toml").write_text(text)
        looked = CliRunner().invoke(cli, ["check", "--config", "config.toml"])
        return looked.exit_code, dict(line.split(maxsplit=1) for line in looked.stdout.splitlines())

    async with MailServer() as mail:
        code, found = await asyncio.to_thread(check, mail.port, SECRET)
        assert (code, found["mail"], found[stun], found[udp], found[tls]) == (0, "ok", "ok", "ok", "ok")
        code, found = await asyncio.to_thread(check, mail.port, "another")
    assert (code, found["mail"], found[stun]) == (1, "ok", "ok")
    assert "401" in found[udp]
    assert "401" in found[tls]
