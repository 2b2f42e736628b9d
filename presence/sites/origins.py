"""Origins as browsers write them (RFC 6454 6.2): what is not exactly one is told, together with what to write. Pure.

They go into headers as they are, and are compared as texts: nothing is made out of what was meant.
"""

import ipaddress
import re
import unicodedata

from presence.errors import FieldError

MAX_HOST = 253  # characters (RFC 1035 2.3.4)

_PARTS = re.compile(
    r"([a-z][a-z0-9+.-]*)://(?:([^/?#@]*)@)?(\[[^\]/?#]*\]|[^:/?#\[\]]*)(?::([^/?#]*))?(.*)", re.I | re.S
)
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")  # as frame-ancestors takes it, too: without _
_USUAL = {"http": "80", "https": "443"}
_OURS = frozenset({"localhost", "127.0.0.1"})  # this machine: there is no network to read along
_EXAMPLE = "https://www.bank.example"


def wrong_origin(text: str) -> FieldError | None:
    """What keeps a text from being an origin; None when it is one."""
    if "*" in text:
        return FieldError("Nothing stands for several origins: write each of them, such as %(origin)s", origin=_EXAMPLE)
    found = _PARTS.fullmatch(text)
    if found is None:
        return _scheme_missing(text)
    scheme, user, host, port, rest = found.groups()
    if scheme.lower() not in _USUAL:
        return FieldError("Only https pages can embed us, such as %(origin)s", origin=_EXAMPLE)
    if host.startswith("["):  # frame-ancestors knows no such hosts (CSP3 2.3.1): nothing would be shown there
        return FieldError(
            "Browsers do not take numbers with colons here: write a name, such as %(origin)s", origin=_EXAMPLE
        )
    plain = _ascii(host)
    if not _is_host(plain) or not _is_port(port):
        return FieldError("This is no origin; one is written such as %(origin)s", origin=_EXAMPLE)
    secure = "http" if scheme.lower() == "http" and plain in _OURS else "https"
    origin = f"{secure}://{plain}{_said(port, scheme.lower())}"
    if origin == text:
        return None
    if scheme.lower() != secure:
        return FieldError("Pages outside of this machine need https: write %(origin)s", origin=origin)
    if rest or user is not None:
        return FieldError("An origin has no path, nor anything else behind its host: write %(origin)s", origin=origin)
    if not host.isascii():
        return FieldError("Browsers write this name in letters from a to z: write %(origin)s", origin=origin)
    if port is not None and not _said(port, scheme.lower()):
        return FieldError("Browsers leave the usual port away: write %(origin)s", origin=origin)
    return FieldError("Browsers write it in another way: write %(origin)s", origin=origin)


def _scheme_missing(text: str) -> FieldError:
    """Somebody wrote a host alone, or nothing of the kind."""
    host = text.partition("/")[0]
    meant = f"https://{host}"
    if host and "://" not in text and wrong_origin(meant) is None:
        return FieldError("An origin begins with https://: write %(origin)s", origin=meant)
    return FieldError("This is no origin; one is written such as %(origin)s", origin=_EXAMPLE)


def _ascii(host: str) -> str:
    """A host as browsers show it to servers (RFC 3492, and no dot at its end)."""
    labels = unicodedata.normalize("NFC", host.lower().removesuffix(".")).split(".")
    return ".".join(one if one.isascii() else f"xn--{one.encode('punycode').decode()}" for one in labels)


def _is_host(host: str) -> bool:
    labels = host.split(".")
    if labels[-1].isdigit() or labels[-1].startswith("0x"):  # browsers read numbers as an address, in all of its forms
        return _is_address(host)
    return len(host) <= MAX_HOST and all(_LABEL.fullmatch(one) for one in labels)


def _is_address(text: str) -> bool:
    try:
        return str(ipaddress.IPv4Address(text)) == text
    except ValueError:
        return False


def _is_port(port: str | None) -> bool:
    return port is None or port == "" or (port.isascii() and port.isdigit() and 0 < int(port[-9:]) <= 65_535)


def _said(port: str | None, scheme: str) -> str:
    """The port as it is written: not at all where it is the usual one."""
    number = (port or "").lstrip("0")
    return f":{number}" if number and number != _USUAL[scheme] else ""
