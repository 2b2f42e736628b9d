"""A look at the STUN and TURN servers as a browser uses them. What it is given there it gives back at once.

A browser tells nobody why a call did not connect. What keeps one from it is said here, in words for the operator.
"""

import asyncio
import contextlib
import ipaddress
import re
import secrets
import socket
import ssl
from typing import NamedTuple

from aioice import stun
from aioice.turn import TurnClientTcpProtocol, TurnClientUdpProtocol

from presence.calls.turn import CHECK_LASTS, password, pseudonym
from presence.config import CallsConfig

PATIENCE = 3.0  # seconds for each address: a TURN server that is dead over UDP gives no error, ever
_ROUND = 1.5  # seconds, of these, for what goes round through the relay
_LIFETIME = 60  # seconds for which an allocation is asked for
_AGAIN = 0.25  # seconds after which it is sent again: a datagram may be lost


class Target(NamedTuple):
    """Where an address of the configuration leads (RFC 7064, RFC 7065)."""

    host: str
    port: int
    transport: str  # "udp", "tcp"
    secure: bool


class _Trouble(Exception):
    """What is wrong, and what to do."""


def target(url: str) -> Target:
    """The parts of a stun, stuns, turn or turns address; `ValueError` when it is none."""
    parts = _URL.fullmatch(url)
    if parts is None:
        raise ValueError(url)
    secure, host, port, transport = parts["secure"], parts["host"].strip("[]"), parts["port"], parts["transport"]
    return Target(
        host, int(port or (5349 if secure else 3478)), transport or ("tcp" if secure else "udp"), bool(secure)
    )


_URL = re.compile(
    r"(?:stun|turn)(?P<secure>s?):(?P<host>\[[^]]+\]|[^:?]+)(?::(?P<port>\d+))?(?:\?transport=(?P<transport>\w+))?"
)


def misplaced(relayed: str, server: str) -> str | None:
    """What is wrong with relaying from one address when the server is reached at another."""
    address = ipaddress.ip_address(relayed)
    if address.is_unspecified:
        return f"it relays from {relayed}, which is no address: give coturn relay-ip, and external-ip behind NAT"
    if _reach(address) < _reach(ipaddress.ip_address(server)):
        return f"it relays from {relayed}, which customers cannot reach: give coturn external-ip={server}/{relayed}"
    return None


def _reach(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> int:
    """From how far away an address is reached: this machine, this link, this network, everywhere."""
    return 0 if address.is_loopback else 1 if address.is_link_local else 3 if address.is_global else 2


async def probe(config: CallsConfig, now: int, *, trust: ssl.SSLContext | None = None) -> list[tuple[str, str | None]]:
    """Every address with what is wrong with it, if anything. `trust` replaces the system's certificate authorities."""
    urls = [*config.stun_urls, *config.turn_urls]
    trust = trust or ssl.create_default_context()
    return list(zip(urls, await asyncio.gather(*(_look(url, config, now, trust) for url in urls)), strict=True))


async def _look(url: str, config: CallsConfig, now: int, trust: ssl.SSLContext) -> str | None:
    server = target(url)
    if server.secure and server.transport == "udp":
        return "browsers do not speak TLS over UDP: write ?transport=tcp"
    username = f"{now + CHECK_LASTS}:{pseudonym(config.turn_secret, 'check')}"
    credentials = (username, password(config.turn_secret, username))
    line = _Line()
    try:
        async with asyncio.timeout(PATIENCE) as line.patience:
            client = await _connected(server, credentials, trust, line)
            try:
                await (_bind(client) if url.startswith("stun") else _relay(client))
            finally:
                line.patience = None
                client.transport.abort()
                await line.closed.wait()
    except _Trouble as trouble:
        return str(trouble)
    except stun.TransactionFailed as error:
        return _refused(error.response.error_code)
    except TimeoutError:
        if line.error is not None:
            return _unreachable(server, line.error)
        return (
            f"no answer within {PATIENCE:.0f} s: does the server run, and do firewalls let "
            f"{'TLS on ' if server.secure else ''}{server.transport.upper()} port {server.port} through?"
        )
    except OSError as error:
        return _unreachable(server, error)
    return None


def _refused(code: int | None) -> str:
    match code:
        case 401:
            return (
                "it does not take our credentials (401): calls.turn_secret must be coturn's static-auth-secret, "
                "coturn must have use-auth-secret, and the clocks must agree"
            )
        case 486:
            return "it has reached a quota (486): raise coturn's user-quota or total-quota"
        case 508:
            return "it has no port left to relay from (508): widen coturn's min-port and max-port"
    return f"it refuses ({code}): coturn's log says why"


def _unreachable(server: Target, error: OSError) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return f"browsers do not take its certificate ({error.verify_message}): has coturn's cert the whole chain?"
        case ssl.SSLError():
            return f"no TLS on port {server.port} ({error.reason}): has coturn cert, pkey and tls-listening-port?"
        case socket.gaierror():
            return f"{server.host} has no address: is the name in the DNS?"
        case ConnectionRefusedError():
            return f"nobody listens on {server.transport.upper()} port {server.port}: does the server run?"
    tls = " with TLS" if server.secure else ""
    return f"the line broke ({error.strerror or error}): does TURN{tls} answer on {server.transport.upper()} port {server.port}?"


class _Line:
    """The way to a server. When it breaks the wait for an answer ends, which `aioice` would go on with."""

    patience: asyncio.Timeout | None = None
    error: OSError | None = None

    def __init__(self) -> None:
        self.closed = asyncio.Event()

    def broke(self, error: Exception | None) -> None:
        if self.patience is not None and self.error is None:
            self.error = error if isinstance(error, OSError) else ConnectionResetError("the server hung up")
            self.patience.reschedule(-1)


class _Udp(TurnClientUdpProtocol):
    line: _Line

    def error_received(self, exc: Exception) -> None:
        self.line.broke(exc)

    def connection_lost(self, exc: Exception | None) -> None:
        self.line.closed.set()
        super().connection_lost(exc)


class _Tcp(TurnClientTcpProtocol):
    line: _Line

    def connection_lost(self, exc: Exception | None) -> None:
        self.line.broke(exc)
        self.line.closed.set()
        super().connection_lost(exc)


async def _connected(server: Target, credentials: tuple[str, str], trust: ssl.SSLContext, line: _Line) -> _Udp | _Tcp:
    address = (server.host, server.port)
    loop = asyncio.get_running_loop()
    client: _Udp | _Tcp
    if server.transport == "udp":
        client = _Udp(address, *credentials, _LIFETIME, _LIFETIME)
        client.line = line
        await loop.create_datagram_endpoint(lambda: client, remote_addr=address)
    else:
        client = _Tcp(address, *credentials, _LIFETIME, _LIFETIME)
        client.line = line
        await loop.create_connection(lambda: client, *address, ssl=trust if server.secure else None)
    return client


async def _bind(client: _Udp | _Tcp) -> None:
    """Ask under which address the world sees us."""
    response, _ = await client.request(stun.Message(stun.Method.BINDING, stun.Class.REQUEST))
    if not response.attributes.keys() & {"XOR-MAPPED-ADDRESS", "MAPPED-ADDRESS"}:
        raise _Trouble("it answers, but tells no address")


async def _relay(client: _Udp | _Tcp) -> None:
    """Have an address allocated, and send something through it to itself, as two people do who both need the relay."""
    relayed = await client.connect()
    try:
        if client.realm is None:
            raise _Trouble("it relays for anybody: give coturn use-auth-secret and static-auth-secret")
        trouble = misplaced(relayed[0], client.transport.get_extra_info("peername")[0])
        if trouble:
            raise _Trouble(trouble)
        await _round(client, relayed)
    finally:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):
                await client.delete()


async def _round(client: _Udp | _Tcp, relayed: tuple[str, int]) -> None:
    client.receiver = heard = _Heard(secrets.token_bytes(16))
    try:
        async with asyncio.timeout(_ROUND):
            while not heard.back.is_set():
                await client.send_data(heard.sent, relayed)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(heard.back.wait(), _AGAIN)
    except stun.TransactionFailed as error:
        raise _Trouble(
            f"it does not relay to itself ({error.response.error_code}), so two people who both need it cannot meet: "
            f"give coturn allowed-peer-ip={relayed[0]}"
        ) from error
    except TimeoutError:
        raise _Trouble(
            f"nothing that is sent to {relayed[0]} comes back: do firewalls let UDP through to coturn's "
            "min-port to max-port, and can the server reach itself there?"
        ) from None


class _Heard(asyncio.DatagramProtocol):
    """Waits for what was sent."""

    def __init__(self, sent: bytes) -> None:
        self.sent = sent
        self.back = asyncio.Event()

    def datagram_received(self, data: bytes, addr: tuple[str | None, int]) -> None:
        if data == self.sent:
            self.back.set()
