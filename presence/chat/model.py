"""Conversations and what happens in them: immutable values, no I/O. Instants of events are milliseconds."""

from typing import Annotated, Literal

import msgspec

from presence.roster.model import Medium
from presence.tokens import fingerprint

ConversationState = Literal[
    "waiting",  # in the queue, or offered to somebody
    "active",  # an adviser has it
    "message",  # nobody was there: it is answered by mail, or by who takes it
    "closed",
]
CUSTOMER = "customer"
SYSTEM = "system"

CustomerKind = Literal["text", "file", "edit", "withdraw", "seen", "got"]
FROM_CUSTOMERS = frozenset({"text", "file", "edit", "withdraw", "seen", "got"})
FROM_ADVISERS = FROM_CUSTOMERS | {"note"}
SPOKEN = frozenset({"text", "file"})  # what counts as a message
HAPPENED = frozenset({"call", "callback"})  # of calls: told like messages to whom they concern
INTERNAL = frozenset({"note", "tagged", "undelivered"})  # customers get their seq and nothing else


def adviser_sender(adviser_id: int) -> str:
    """An adviser as a sender of events."""
    return f"adviser:{adviser_id}"


class Entry(msgspec.Struct, frozen=True):
    """An event that somebody wants in a log. `body` is JSON; the same `client_id` again is the same event."""

    conversation_id: int
    sender: str
    client_id: str
    kind: str
    body: str


class Stored(msgspec.Struct, frozen=True):
    """An event in the log. `repeated`: it had been there already."""

    conversation_id: int
    seq: int
    at: int
    sender: str
    client_id: str
    kind: str
    body: str
    repeated: bool = False


class Refusal(msgspec.Struct, frozen=True):
    """Why an entry was not taken: a code of the protocol."""

    code: str


class Head(msgspec.Struct):
    """What appending changes of a conversation."""

    id: int
    uid: str
    state: ConversationState
    last_seq: int
    customer_seen: int
    adviser_seen: int
    preview: str
    answered_at: int | None
    mail_due_at: int | None
    updated_at: int
    adviser_id: int | None
    has_mail: bool  # the customer can be mailed


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation as lists and rules need it. Instants in seconds."""

    id: int
    uid: str
    site_id: int | None
    visitor_id: int | None
    customer_id: int | None
    person_key: str
    state: ConversationState
    language: str
    subject: str
    team_id: int | None
    wanted_adviser_id: int | None
    adviser_id: int | None
    offered_to: int | None
    offered_until: int | None
    passed_by: tuple[int, ...]
    queued_at: int | None
    page: str
    tags: tuple[str, ...]
    last_seq: int
    customer_seen: int
    adviser_seen: int
    preview: str
    mail_due_at: int | None
    mailed_seq: int
    rating: int | None
    comment: str
    created_at: int
    updated_at: int
    answered_at: int | None
    closed_at: int | None


class Visitor(msgspec.Struct, frozen=True, kw_only=True):
    """A browser at a site, and who it says it is."""

    id: int
    site_id: int | None
    customer_id: int | None
    verified: bool
    subject: str = ""  # the site's own name for whom it vouches for
    name: str
    email: str
    language: str
    zone: str
    seen_at: int = 0  # of who is vouched for: when they were, the last time


def person_key(one: Visitor) -> str:
    """A person at a site: they have one open conversation. Whom the site vouches for is the same in every browser."""
    if one.verified and one.subject:
        who = f"s{fingerprint(one.subject)}"
    else:
        who = f"c{one.customer_id}" if one.verified else f"v{one.id}"
    return f"{one.site_id or 0}:{who}"


Seq = Annotated[int, msgspec.Meta(ge=1, le=2**53)]


class FileBody(msgspec.Struct, frozen=True):
    """The body of a file."""

    file: str
    name: str = ""
    type: str = ""
    size: int = 0


class Text(msgspec.Struct, frozen=True, omit_defaults=True):
    """The body of a text or a note. What came by mail says so, and has what it repeated apart.

    A mail that is not a message of who it should be from is a note of the system's, with the reason and its files.
    """

    text: str
    via: str = ""
    subject: str = ""  # when it is another than the conversation's
    quoted: str = ""
    unverified: str = ""  # the address it came from
    automatic: str = ""  # the signal by which it was recognised
    files: tuple[FileBody, ...] = ()


class Change(msgspec.Struct, frozen=True):
    """The body of an edit or a withdrawal: of which event, and its new text."""

    seq: Seq
    text: str = ""


class Mark(msgspec.Struct, frozen=True):
    """The body of seen and got: everything up to `seq`."""

    seq: Seq


CallWhat = Literal["started", "ended", "missed", "declined", "busy", "cancelled"]
UNANSWERED: frozenset[CallWhat] = frozenset({"missed", "declined", "busy"})


class CallBody(msgspec.Struct, frozen=True, omit_defaults=True):
    """The body of the system's `call`: what became of one. Nobody but the system says so."""

    call: str
    what: CallWhat
    medium: Medium
    by: str  # who wanted it: "customer", "adviser:<id>"; "system" for an appointment
    name: str = ""  # the adviser's, when it is one
    seconds: int | None = None  # that they talked


class CallBackBody(msgspec.Struct, frozen=True, omit_defaults=True):
    """The body of the system's `callback`: the customer asks to be called."""

    call: str  # the one that nobody answered
    phone: str = ""
    at: int | None = None  # when they would like it, in milliseconds; None: any time
    text: str = ""
