"""What comes in, as values: the envelope at a door, and a mail once it is read."""

from collections.abc import Awaitable, Callable
from enum import Enum
from typing import Literal

import msgspec

from presence.mail.compose import Mailbox


class InboundEnvelope(msgspec.Struct, frozen=True, kw_only=True):
    """A mail as it stands at a door. `sender` is "" for the null sender, None where the door is not told it."""

    sender: str | None
    recipients: tuple[str, ...]
    raw: bytes
    via: Literal["lmtp", "smtp", "imap"]
    cut: bool = False  # `raw` is only the beginning: the mail was too large to be fetched whole


class Verdict(Enum):
    """What became of a mail that was handed in."""

    TAKEN = "taken"  # it is durable, or was there already
    UNKNOWN = "unknown"  # it is for nobody here
    REFUSED = "refused"  # it is for somebody here, and not wanted


# Commits the mail before it returns. Raises `Unavailable` when nothing was stored: the mail is brought again.
Deliver = Callable[[InboundEnvelope], Awaitable[Verdict]]
# Whether an address is one of ours. Raises `Unavailable` when that cannot be told now.
Knows = Callable[[str], Awaitable[bool]]

Unreadable = Literal[
    "",
    "encrypted",  # S/MIME or PGP
    "broken",  # no part of it makes sense
    "cut",  # too large to be fetched whole
]


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    """A file that came with a mail. `data` is empty when it was larger than what is kept; `size` is its own."""

    name: str
    media_type: str  # by content, not by what the mail says
    size: int
    data: bytes
    inline: bool = False  # a picture that the text shows: a logo in a signature, mostly


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The machine's part of a multipart/report: its type, the status fields, the headers of what was returned."""

    kind: str  # "delivery-status", "disposition-notification"
    status: str
    returned: str


class Incoming(msgspec.Struct, frozen=True, kw_only=True):
    """A mail as people and rules need it. Message-IDs are with their angle brackets, "" when there is none."""

    message_id: str
    in_reply_to: str
    references: tuple[str, ...]
    sender: Mailbox  # From; its address is lower case, and "" when there is none
    sole_sender: bool  # exactly one From with one address: anything else may be meant to deceive
    return_path: str | None  # "" is the null sender; None: not known
    recipients: tuple[str, ...]  # the envelope's first, then what the headers name
    subject: str
    text: str  # what was written now
    quoted: str  # what it repeats, and the signature
    attachments: tuple[Attachment, ...]
    headers: tuple[tuple[str, str], ...]  # name in lower case, decoded value; in order
    report: Report | None
    unreadable: Unreadable

    def header(self, name: str) -> str:
        """The first value of a header; "" without one."""
        return next((value for key, value in self.headers if key == name), "")

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of a header, the topmost first."""
        return tuple(value for key, value in self.headers if key == name)
