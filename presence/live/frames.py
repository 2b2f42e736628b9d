"""Every frame of the live connection, version 1; `docs/live-protocol.md` tells it in words.

One WebSocket message is a JSON array of frames, in order; each frame is an object whose `t` names its type. Instants are
milliseconds since the epoch (UTC), conversations are named by their uid, and `seq` orders what happened in one.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

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
    call: str = ""  # enters this call's room, and is for nothing else
    inst: Annotated[str, msgspec.Meta(max_length=64)] = ""  # of the loaded page; another one: it was loaded again


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


# In a room. What is for the other side is passed on as it is, and neither stored nor logged.


class Ready(msgspec.Struct, tag_field="t", tag="ready", frozen=True):
    """The devices have been looked at: the call may begin. Without one, it is not ready any more."""

    on: bool = True


class Admit(msgspec.Struct, tag_field="t", tag="admit", frozen=True):
    """The adviser lets the customer in."""


class HoldOn(msgspec.Struct, tag_field="t", tag="hold", frozen=True):
    """The adviser asks the customer to wait, in words."""

    text: str = ""


class Reject(msgspec.Struct, tag_field="t", tag="reject", frozen=True):
    """The adviser turns the customer away, in words; the call is over."""

    text: str = ""


class Sdp(msgspec.Struct, tag_field="t", tag="sdp", frozen=True):
    """A session description for the other side, of a generation; of another than the present one it is dropped."""

    gen: int
    description: Raw


class Ice(msgspec.Struct, tag_field="t", tag="ice", frozen=True):
    """An ICE candidate for the other side (null: there are no more), of a generation."""

    gen: int
    candidate: Raw


class Media(msgspec.Struct, tag_field="t", tag="media", frozen=True):
    """What the other side can expect to see and hear; told again whenever the other side comes anew."""

    mic: bool
    cam: bool
    screen: bool = False
    audio_only: bool = False  # and asks for no pictures


class Rebuild(msgspec.Struct, tag_field="t", tag="rebuild", frozen=True):
    """The connection of this generation cannot be mended: both are to make a new one."""

    gen: int


class Refresh(msgspec.Struct, tag_field="t", tag="turn", frozen=True):
    """Asks for fresh TURN credentials."""


class Quality(msgspec.Struct, tag_field="t", tag="quality", frozen=True):
    """How the call is, once a generation when it connects, and whenever it has failed. For figures only."""

    gen: int
    first_frame: Annotated[int, msgspec.Meta(ge=0, le=600_000)] | None = None  # milliseconds from both being ready
    relayed: bool | None = None
    failure: Literal["", "permission", "no_device", "device_busy", "network", "turn", "timeout", "browser"] = ""


class Finish(msgspec.Struct, tag_field="t", tag="finish", frozen=True):
    """Ends it: from the adviser for both; from the customer only their part, and they may come back."""


Inbound = (
    Hello
    | Beat
    | Send
    | Typing
    | Fetch
    | Watch
    | Join
    | Leave
    | Ready
    | Admit
    | HoldOn
    | Reject
    | Sdp
    | Ice
    | Media
    | Rebuild
    | Refresh
    | Quality
    | Finish
)


# -- from the server ------------------------------------------------------------------------------------------------


class Welcome(msgspec.Struct, tag_field="t", tag="welcome", frozen=True):
    """The answer to Hello. Another `epoch` than before: the database was restored, forget what you have."""

    v: int
    epoch: str
    now: int
    beat: int  # seconds
    you: str  # "customer", "adviser:<slug>"; empty: somebody who only sees who is there


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


class Calls(msgspec.Struct, tag_field="t", tag="calls", frozen=True):
    """Every call that concerns this person now; replaces what was told before. The latest only."""

    calls: Sequence[Raw]  # calls.model.Row
    now: int


class Peer(msgspec.Struct, frozen=True):
    """The other side of a room."""

    name: str
    here: bool
    ready: bool
    since: int | None = None  # when they first came; None: never yet


class Room(msgspec.Struct, tag_field="t", tag="room", frozen=True, kw_only=True):
    """The room as this side sees it; replaces what was told before. The latest only."""

    call: str
    role: Literal["adviser", "customer"]
    state: str  # calls.model.CallState
    outcome: str = ""
    note: str = ""  # the adviser's words to who is held or turned away
    medium: str
    gen: int
    polite: bool
    peer: Peer
    presence: str = ""  # to the customer: the adviser's: available, busy, away, offline, "call" on another one
    c: str = ""  # the conversation beside it
    starts_at: int | None = None
    ends_at: int | None = None  # of the appointment
    closes_at: int
    next_at: int | None = None  # when the adviser's next appointment starts
    extend: int = 0  # minutes that may be added, to the adviser
    now: int


class Turn(msgspec.Struct, tag_field="t", tag="turn", frozen=True):
    """Servers that help through networks, for who has been admitted. `until`: get others before that."""

    ice_servers: list[dict[str, Any]]
    until: int
    relay_only: bool = False


class Bye(msgspec.Struct, tag_field="t", tag="bye", frozen=True):
    """This page's part is over, and the connection with it."""

    why: Literal["taken-over", "gone"]


class Drain(msgspec.Struct, tag_field="t", tag="drain", frozen=True):
    """This server is about to stop: connect again after so many milliseconds."""

    after: int


Outbound = (
    Welcome
    | Event
    | Ack
    | Refused
    | Caught
    | Heads
    | Typed
    | Shown
    | Place
    | Card
    | Calls
    | Room
    | Turn
    | Sdp
    | Ice
    | Media
    | Bye
    | Drain
)


class Close:
    """Close codes of the application (RFC 6455 7.4.2)."""

    BAD_FRAME = 4400  # what came cannot be read; do not repeat it
    UNAUTHORISED = 4401  # the token is wrong or old; get another one
    SILENT = 4408  # no beat for too long; connect again
    RESYNC = 4409  # more is waiting than may wait, or the database cannot be read; connect again and resume
    SIGNED_OUT = 4410  # the session has ended, or there is no such room; do not come back
    TAKEN_OVER = 4411  # another page has this one's place in the room; do not come back
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
