"""Addresses that hold a token: where answers come in, and where mails that did not arrive come back.

A pattern such as "reply+{token}@example.org" makes and reads them. Plus-addressing keeps them in one mailbox:
"advice+{token}@example.org" beside "advice+bounce-{token}@example.org".
"""

import re
from collections.abc import Iterable

from presence.mail.compose import addressable

_PLACE = "{token}"
_SHAPE = "[0-9A-Za-z]{22}"  # presence.tokens: 128 bits in base62
_SAMPLE = "0" * 22


class AddressPattern:
    """A kind of address with a token in its local part. Raises `ValueError` for a pattern that makes no addresses."""

    def __init__(self, pattern: str) -> None:
        local, _, domain = pattern.strip().rpartition("@")
        if local.count(_PLACE) != 1 or _PLACE in domain or not addressable(pattern.replace(_PLACE, _SAMPLE)):
            raise ValueError(f"{pattern!r} makes no address; one such as 'reply+{_PLACE}@example.org' does")
        self.pattern = pattern.strip()
        self.domain = domain.lower()
        before, _, after = local.partition(_PLACE)
        # The token has a case; what stands around it, and the domain, have none (mail servers change theirs).
        self._shape = re.compile(
            f"(?i:{re.escape(before)})({_SHAPE})(?i:{re.escape(after)})@(?i:{re.escape(domain)})", re.ASCII
        )

    def address(self, token: str) -> str:
        """The address that holds a token."""
        return self.pattern.replace(_PLACE, token)

    def token(self, address: str) -> str | None:
        """The token in an address; None when it is not of this kind."""
        found = self._shape.fullmatch(address.strip())
        return found[1] if found else None

    def first_token(self, addresses: Iterable[str]) -> str | None:
        """The token of the first address of this kind."""
        return next((token for address in addresses if (token := self.token(address)) is not None), None)


class Addresses:
    """The company's addresses with tokens: for answers, and for mails that come back (the return path, or VERP)."""

    def __init__(self, reply: str, bounce: str) -> None:
        self.reply = AddressPattern(reply)
        self.bounce = AddressPattern(bounce)
        if self.reply.token(self.bounce.address(_SAMPLE)) or self.bounce.token(self.reply.address(_SAMPLE)):
            raise ValueError("answers and returned mails cannot have the same addresses")

    @property
    def domain(self) -> str:
        """The domain of answers."""
        return self.reply.domain

    def ours(self, address: str) -> bool:
        """Whether an address has the form of one of ours."""
        return self.reply.token(address) is not None or self.bounce.token(address) is not None
