"""Addresses by their form: of mail, and of rooms elsewhere. Pure."""

import re

# What SMTP carries without SMTPUTF8 and without a quoted local part; nothing in it can end a header or an address.
_ADDRESS = re.compile(
    r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*",
    re.IGNORECASE | re.ASCII,
)

# RFC 3986 2: what an address is made of. Nothing can be filled into the host.
_ROOM = re.compile(
    r"https://[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[0-9]{1,5})?"
    r"(?:[/?#](?:[a-z0-9._~:/?#@!$&'()*+,;=%-]|\{room\}|\{language\})*)?",
    re.IGNORECASE | re.ASCII,
)


def addressable(email: str) -> bool:
    """Whether mail can be addressed to this: ASCII, no quoted local part, as long as RFC 5321 allows."""
    return len(email) <= 254 and email.find("@") <= 64 and _ADDRESS.fullmatch(email) is not None


def leads_to_a_room(template: str) -> bool:
    """Whether an address can be a room's: https, with nothing to fill in but {room} and {language}."""
    return _ROOM.fullmatch(template) is not None
