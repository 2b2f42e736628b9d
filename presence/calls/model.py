"""The values of calls: immutable, no I/O. Instants in seconds, but for `Row`, which browsers read in milliseconds."""

from typing import Literal

import msgspec

from presence.roster.model import Medium

Role = Literal["adviser", "customer"]
Origin = Literal["appointment", "customer", "adviser"]  # who wanted it: both, or who rings

CallState = Literal[
    "ringing",  # somebody is rung; nobody has answered
    "waiting",  # the room is there; the customer has not been let in
    "held",  # the adviser has asked the customer to wait
    "admitted",  # both may talk
    "ended",
]
Outcome = Literal[
    "",  # it has not ended
    "held",  # it took place
    "rejected",  # the adviser turned the customer away
    "declined",  # everybody who was rung declined
    "busy",  # everybody who was rung has taken another call
    "missed",  # nobody answered in time
    "cancelled",  # who rang gave up, or the appointment was cancelled
    "expired",  # its time is over, and it never took place
]
Failure = Literal["", "permission", "no_device", "device_busy", "network", "turn", "timeout", "browser"]

OVER_AT_MOST = 4 * 3600  # seconds after which an instant call's room closes
TOLD = 120  # seconds for which an instant call that has ended is still in its people's `Row`s


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A call as rules need it."""

    id: int
    uid: str
    origin: Origin
    appointment_id: int | None
    conversation_id: int | None
    site_id: int | None
    visitor_id: int | None
    customer_id: int | None
    team_id: int | None = None
    adviser_id: int | None
    rung: tuple[int, ...]
    declined: tuple[int, ...]
    state: CallState
    outcome: Outcome
    note: str
    medium: Medium
    name: str
    language: str
    page: str
    gen: int
    rings_until: int | None
    created_at: int
    knocked_at: int | None
    admitted_at: int | None
    connected_at: int | None
    ended_at: int | None
    closes_at: int
    called_back: bool
    rating: int | None
    comment: str
    first_frame: int | None
    relayed: bool | None
    failure: Failure


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """One of a room's two places. `here`: somebody is connected and in it."""

    role: Role
    person: str  # "adviser:<id>", "visitor:<id>"
    connection: str
    inst: str
    ready: bool
    here: bool
    arrived_at: int
    left_at: int | None


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A call as one of its people's pages lists it (frame `calls`). Instants in milliseconds.

    `way` is "in" for who is rung or waited for, "out" for who rings. To an adviser, `state` "waiting" with `since` is a
    customer in the waiting room, and without `since` an appointment's customer who is late.
    """

    call: str
    way: Literal["in", "out"]
    origin: Origin
    state: CallState
    outcome: Outcome = ""
    medium: Medium
    name: str  # of the other side
    since: int | None = None  # rung, or waiting, since
    until: int | None = None  # rings until
    c: str = ""  # its conversation, when there is one
    page: str = ""  # where the customer rings from, to advisers
    language: str = ""  # the customer's, to advisers
    verified: bool = False  # to advisers: it is known who the customer is
    starts_at: int | None = None  # of the appointment
    appointment: int | None = None  # its id, to advisers
    service: dict[str, str] = {}  # the appointment's, by language
    room: str = ""  # the address of this side's room, once it may be entered
    here: bool = False  # to an adviser: they are in this room
