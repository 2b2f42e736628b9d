"""Mail addresses by their form. Pure."""

import re

# What SMTP carries without SMTPUTF8 and without a quoted local part; nothing in it can end a header or an address.
_ADDRESS = re.compile(
    r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*",
    re.IGNORECASE | re.ASCII,
)


def addressable(email: str) -> bool:
    """Whether mail can be addressed to this: ASCII, no quoted local part, as long as RFC 5321 allows."""
    return len(email) <= 254 and email.find("@") <= 64 and _ADDRESS.fullmatch(email) is not None
