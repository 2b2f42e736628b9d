"""Whether our own mail server found that a mail is really from the domain in its From (RFC 8601, RFC 7489).

Only what a server that we trust by name says counts, and of that only the topmost: servers write above what is there,
and what stands further below may have come with the mail.
"""

import re
from collections.abc import Iterable, Iterator

from presence.mail.inbound.model import Incoming

_METHOD = re.compile(r"\s*dmarc(?:\s*/\s*\d+)?\s*=\s*([a-z]+)(.*)", re.IGNORECASE | re.DOTALL)
_HEADER_FROM = re.compile(r"\bheader\s*\.\s*from\s*=\s*\"?([^\s\";]+)", re.IGNORECASE)


def dmarc_passed(mail: Incoming, trusted: str) -> bool:
    """Whether the trusted server says that the one domain in From passed DMARC."""
    domain = mail.sender.email.rpartition("@")[2]
    return bool(domain) and mail.sole_sender and _verdict(mail, trusted) == ("pass", domain)


def dmarc_failed(mail: Incoming, trusted: str) -> bool:
    """Whether the trusted server says that From is forged: a domain that publishes what it sends did not send this."""
    verdict = _verdict(mail, trusted)
    return verdict is not None and verdict[0] == "fail"


def _verdict(mail: Incoming, trusted: str) -> tuple[str, str] | None:
    return _first_verdict(mail.all("authentication-results"), trusted.lower()) if trusted else None


def _first_verdict(fields: Iterable[str], trusted: str) -> tuple[str, str] | None:
    """The topmost DMARC result of a server, and the domain that it is about."""
    for field in fields:
        server, *results = _statements(field)
        if server.strip().partition(" ")[0].lower() != trusted:
            continue
        for result in results:
            found = _METHOD.fullmatch(result)
            if found:
                domain = _HEADER_FROM.search(found[2])
                return found[1].lower(), domain[1].lower() if domain else ""
    return None


def _statements(field: str) -> list[str]:
    """What stands between semicolons, without comments."""
    return "".join(_without_comments(field)).split(";")


def _without_comments(field: str) -> Iterator[str]:
    """RFC 5322 3.2.2: comments are in parentheses, and may be in one another; in quotation marks there are none."""
    depth, quoted, escaped = 0, False, False
    for character in field:
        if escaped:
            escaped = False
        elif character == "\\":
            escaped = True
            continue
        elif character == '"' and depth == 0:
            quoted = not quoted
        elif character == "(" and not quoted:
            depth += 1
            continue
        elif character == ")" and not quoted and depth:
            depth -= 1
            yield " "
            continue
        if depth == 0:
            yield ";" if character == ";" and not quoted else " " if character == ";" else character
