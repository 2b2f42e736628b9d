"""Every frame of the live connection, version 1; `docs/live-protocol.md` tells it in words.

One WebSocket message is a JSON array of frames, in order; each frame is an object whose `t` names its type. Instants are
milliseconds since the epoch (UTC), conversations are named by their uid, and `seq` orders what happened in one.
"""

from typing import Annotated, Literal

import msgspec

VERSION = 1
MAX_MESSAGE = 64 * 1024  # bytes
MAX_FRAMES = 64  # in one message from a client
BEAT = 20  # seconds between a client's beats
LOST_AFTER = 45  # seconds without any frame after which either side gives the connection up

Raw = msgspec.Raw
Seq = Annotated[int, msgspec.Meta(ge=0, le=2**53)]  # what JSON's numbers and both databases can hold


# -- from the client ------------------------------------------------------------------------------------------------


class Hello(msgspec.Struct, tag_field="t", tag="hello", frozen=True):
    """First, and within ten seconds: who this is, and what it has of which conversation."""

    v: int
    token: str
    epoch: str = ""
    have: dict[str, Seq] = {}  # conversation -> the last seq it has


class Beat(msgspec.Struct, tag_field="t", tag="beat", frozen=True):
    """Still here; `on` while somebody looks at it."""

    on: bool = True


class Send(msgspec.Struct, tag_field="t", tag="send", frozen=True):
    """An event for a conversation. The same `id` again is the same event, and is acknowledged again."""

    c: str
    id: str
    kind: str
    body: Raw


class Typing(msgspec.Struct, tag_field="t", tag="typing", frozen=True):
    """Somebody writes; never stored."""

    c: str


class Fetch(msgspec.Struct, tag_field="t", tag="fetch", frozen=True):
    """Asks for the events after a seq, because of a gap: what is being sent starts over from there."""

    c: str
    after: Seq


class Watch(msgspec.Struct, tag_field="t", tag="watch", frozen=True):
    """Listens to presence: of an adviser, a team, a service or a site; replaces what it watched before."""

    what: list[str]  # "adviser:SLUG", "team:SLUG", "service:SLUG", "site:"


class Join(msgspec.Struct, tag_field="t", tag="join", frozen=True):
    """Listens to one more conversation, from the seq after `after`."""

    c: str
    after: Seq = 0


class Leave(msgspec.Struct, tag_field="t", tag="leave", frozen=True):
    """Listens to a conversation no more."""

    c: str


Inbound = Hello | Beat | Send | Typing | Fetch | Watch | Join | Leave


# -- from the server ------------------------------------------------------------------------------------------------


class Welcome(msgspec.Struct, tag_field="t", tag="welcome", frozen=True):
    """The answer to Hello. Another `epoch` than before: the database was restored, forget what you have."""

    v: int
    epoch: str
    now: int
    beat: int  # seconds
    you: str  # "customer", "adviser:<slug>"


class Event(msgspec.Struct, tag_field="t", tag="event", frozen=True):
    """What happened in a conversation. To a customer an internal note is only its seq, kind "hidden"."""

    c: str
    seq: int
    at: int
    by: str  # "customer", "adviser:<id>", "system"
    id: str  # the sender's
    kind: str
    body: Raw


class Ack(msgspec.Struct, tag_field="t", tag="ack", frozen=True):
    """A sent event is stored."""

    c: str
    id: str
    seq: int
    at: int


class Refused(msgspec.Struct, tag_field="t", tag="refused", frozen=True):
    """A sent frame was not taken; `again` in milliseconds when it may be sent again as it is, else it never will be."""

    c: str
    id: str
    code: str
    again: int | None = None


class Caught(msgspec.Struct, tag_field="t", tag="caught", frozen=True):
    """Everything up to `seq` has been sent."""

    c: str
    seq: int


class Heads(msgspec.Struct, tag_field="t", tag="beat", frozen=True):
    """The answer to a beat: the last seq of every conversation it listens to."""

    now: int
    heads: dict[str, int]


class Typed(msgspec.Struct, tag_field="t", tag="typing", frozen=True):
    """Somebody else writes."""

    c: str
    by: str


class Shown(msgspec.Struct, tag_field="t", tag="presence", frozen=True):
    """Whether something watched is there: the latest only."""

    what: str
    state: Literal["available", "busy", "away", "offline"]
    until: int | None = None  # when it is next expected to be available
    name: str = ""


class Place(msgspec.Struct, tag_field="t", tag="place", frozen=True):
    """Where a waiting customer is in the queue: the latest only."""

    c: str
    position: int
    wait: int | None = None  # seconds, expected


class Card(msgspec.Struct, tag_field="t", tag="card", frozen=True):
    """To advisers: a conversation's row in their lists, as it is now."""

    c: str
    row: Raw


class Drain(msgspec.Struct, tag_field="t", tag="drain", frozen=True):
    """This server is about to stop: connect again after so many milliseconds."""

    after: int


Outbound = Welcome | Event | Ack | Refused | Caught | Heads | Typed | Shown | Place | Card | Drain


class Close:
    """Close codes of the application (RFC 6455 7.4.2)."""

    BAD_FRAME = 4400  # what came cannot be read; do not repeat it
    UNAUTHORISED = 4401  # the token is wrong or old; get another one
    SILENT = 4408  # no beat for too long; connect again
    RESYNC = 4409  # more is waiting than may wait, or the database cannot be read; connect again and resume
    SIGNED_OUT = 4410  # the session has ended; do not come back
    TOO_MUCH = 4429  # too many frames; connect again after a while
    GOING = 1012  # the server stops; connect again


_decoder = msgspec.json.Decoder(list[Inbound])
_encoder = msgspec.json.Encoder()


def decode(message: str | bytes) -> list[Inbound]:
    """The frames of a client's message; `msgspec.ValidationError` or `DecodeError` when it cannot be read."""
    try:
        return _decoder.decode(message)
    except (UnicodeDecodeError, RecursionError) as error:
        raise msgspec.DecodeError(str(error)) from None


def encode(frame: Outbound) -> bytes:
    """One frame, to be joined with others."""
    return _encoder.encode(frame)


def message(frames: list[bytes]) -> bytes:
    """Encoded frames as one message."""
    return b"[" + b",".join(frames) + b"]"
