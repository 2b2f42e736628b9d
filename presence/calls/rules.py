"""Rooms: who may enter when, what each act makes of a call, and what each side is shown. Pure: `now` is an argument."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from presence.booking.model import AppointmentState
from presence.booking.rules import ROOM_OPENS
from presence.calls.model import Call, Outcome, Place, Role
from presence.chat.rules import plain
from presence.live import frames
from presence.roster.model import Medium
from presence.roster.presence import Standing

MAX_TEXT = 500  # characters of what an adviser says to who is held or turned away
MAX_DESCRIPTION = 32 * 1024  # bytes
MAX_COMMENT = 2_000  # characters
DESERTED = 120  # seconds after which a call that was rung for, and that nobody is in any more, is over
# Who was said to have missed it may still come while its room is open, and is then not shut out.
_KEPT: frozenset[AppointmentState] = frozenset({"confirmed", "held", "missed"})
_GIVEN_UP: frozenset[AppointmentState] = frozenset({"cancelled", "declined"})
_TOLD: frozenset[Outcome] = frozenset({"held", "rejected"})  # whoever was in the room may read what became of it

Door = Literal["requested", "cancelled", "early", "open", "over"]
Act = Literal["admit", "hold", "reject", "finish"]


class Meeting(msgspec.Struct, frozen=True, kw_only=True):
    """An appointment as its room needs it."""

    id: int
    uid: str  # iCalendar's
    state: AppointmentState
    service: str  # slug
    starts_at: int
    ends_at: int
    medium: Medium
    adviser_ids: tuple[int, ...]
    site_id: int | None
    customer_id: int
    name: str  # the customer's
    email: str
    phone: str
    language: str
    zone: str

    @property
    def opens_at(self) -> int:
        """When its room opens."""
        return self.starts_at - ROOM_OPENS

    def closes_at(self, grace: int) -> int:
        """When its room closes, `grace` seconds after the end."""
        return self.ends_at + grace


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of a call at one instant."""

    call: Call
    places: Mapping[Role, Place]
    meeting: Meeting | None = None
    c: str = ""  # the uid of the conversation beside it
    visitor: str = ""  # the name that the browser in it gave
    elsewhere: bool = False  # its adviser is in another call
    next_at: int | None = None  # when the adviser's next appointment starts
    extend: int = 0  # minutes that may be added

    @property
    def adviser_id(self) -> int | None:
        """Who has the adviser's place, or will have it."""
        place = self.places.get("adviser")
        found = number_of(place.person) if place is not None else self.call.adviser_id
        if self.meeting is None or found in self.meeting.adviser_ids:
            return found
        return next(iter(self.meeting.adviser_ids), None)  # it was handed over

    @property
    def customer(self) -> str:
        """The customer's name."""
        return self.call.name or (self.meeting.name if self.meeting else self.visitor)


def number_of(person: str) -> int:
    """The id in "adviser:7" or "visitor:7"."""
    return int(person.partition(":")[2])


def other(role: Role) -> Role:
    """The side across."""
    return "customer" if role == "adviser" else "adviser"


# -- who may enter --------------------------------------------------------------------------------------------------


def door(meeting: Meeting, call: Call | None, now: int, grace: int) -> Door:
    """What the appointment's link shows."""
    if meeting.state in _GIVEN_UP:
        return "cancelled"
    if now >= meeting.closes_at(grace):
        return "over"
    if meeting.state == "requested":
        return "requested"
    if now < meeting.opens_at:
        return "early"
    return "over" if call is not None and call.state == "ended" and not is_of_before(call, meeting) else "open"


def is_of_before(call: Call, meeting: Meeting) -> bool:
    """Whether a call ended at another hour, before its appointment was moved to this one."""
    return call.state == "ended" and (call.ended_at or 0) < meeting.opens_at


def role_of(seen: Seen, person: str, *, keyed: bool, now: int) -> Role | None:
    """The place somebody may take; None: there is no such room for them. `keyed`: their browser has used its link."""
    call, meeting = seen.call, seen.meeting
    if now >= call.closes_at or (call.state == "ended" and call.outcome not in _TOLD):
        return None
    if call.state == "ringing":  # an adviser who rings waits in the room; everybody else comes when it is answered
        return "adviser" if call.origin == "adviser" and person == f"adviser:{call.adviser_id}" else None
    early = meeting is not None and now < meeting.opens_at and call.state != "admitted"  # else moved while they talk
    if early or (meeting is not None and meeting.state not in _KEPT):
        return None
    if person.startswith("adviser:"):
        advisers = meeting.adviser_ids if meeting is not None else (call.adviser_id,)
        return "adviser" if number_of(person) in advisers else None
    mine = call.origin != "appointment" and call.visitor_id == number_of(person)
    return "customer" if keyed or mine else None


def first(meeting: Meeting, uid: str, now: int, grace: int) -> dict[str, Any]:
    """The call of an appointment whose room nobody has opened yet, as its row."""
    return {
        "uid": uid,
        "request_key": f"appointment {meeting.id}",
        "origin": "appointment",
        "appointment_id": meeting.id,
        "site_id": meeting.site_id,
        "customer_id": meeting.customer_id,
        "adviser_id": meeting.adviser_ids[0] if meeting.adviser_ids else None,
        "state": "waiting",
        "medium": meeting.medium,
        "name": meeting.name,
        "language": meeting.language,
        "gen": 1,
        "created_at": now,
        "closes_at": meeting.closes_at(grace),
    }


# -- taking a place -------------------------------------------------------------------------------------------------


def taken(
    call: Call, before: Place | None, role: Role, person: str, connection: str, inst: str, now: int
) -> tuple[Call, Place]:
    """A connection takes a place: the call and the place as they are then.

    Another page, or somebody else, begins the connection between the browsers anew; the same page goes on.
    """
    same = before is not None and (before.person, before.inst) == (person, inst)
    if before is not None and not same:
        call = msgspec.structs.replace(call, gen=call.gen + 1)
    if role == "customer":
        call = msgspec.structs.replace(call, knocked_at=call.knocked_at or now)
    place = Place(
        role=role,
        person=person,
        connection=connection,
        inst=inst,
        ready=same and before is not None and before.ready,
        here=True,
        arrived_at=before.arrived_at if before is not None else now,
        left_at=None,
    )
    return call, place


def rebuilt(call: Call, gen: int) -> Call | None:
    """The connection between the browsers is given up: once a generation. None: it has been already."""
    if call.state != "admitted" or gen != call.gen:
        return None
    return msgspec.structs.replace(call, gen=call.gen + 1)


# -- what is done with a call ---------------------------------------------------------------------------------------


def done(call: Call, act: Act, role: Role, text: str, now: int) -> Call | None:
    """What an act makes of a call; None: it cannot be done, or has been done."""
    waits = call.state in {"waiting", "held"} and call.knocked_at is not None
    match act:
        case "admit" if role == "adviser" and waits:
            return msgspec.structs.replace(call, state="admitted", admitted_at=call.admitted_at or now, note="")
        case "hold" if role == "adviser" and waits:
            return msgspec.structs.replace(call, state="held", note=text)
        case "reject" if role == "adviser" and waits:
            return msgspec.structs.replace(ended(call, "rejected", now), note=text)
        case "finish" if call.state == "admitted" and (role == "adviser" or call.origin != "appointment"):
            return ended(call, "held", now)
        case "finish" if role == "adviser" and call.state == "ringing":
            return ended(call, "cancelled", now)
    return None


def is_done(call: Call, act: Act) -> bool:
    """Whether a call is as an act would make it."""
    match act:
        case "admit":
            return call.state == "admitted"
        case "hold":
            return call.state == "held"
        case "reject":
            return call.outcome == "rejected"
        case "finish":
            return call.state == "ended"


def said(text: str, most: int) -> str:
    """What somebody wrote, as it is kept."""
    return plain(text)[:most]


def ended(call: Call, outcome: Outcome, now: int) -> Call:
    """A call that is over."""
    return msgspec.structs.replace(call, state="ended", outcome=outcome, ended_at=now)


def expired(seen: Seen, now: int) -> Call | None:
    """A call whose time is over; None: it goes on."""
    call = seen.call
    if call.state not in {"waiting", "held", "admitted"}:
        return None
    if now >= call.closes_at or _is_deserted(seen, now):
        met = call.admitted_at is not None and len(seen.places) == 2
        return ended(call, "held" if met else "expired", now)
    return None


def _is_deserted(seen: Seen, now: int) -> bool:
    call, places = seen.call, seen.places.values()
    if call.state != "admitted" or any(place.here for place in places):
        return False
    if call.origin == "appointment":  # moved while they talked: at its new hour the customer knocks again
        return seen.meeting is not None and now < seen.meeting.opens_at
    return now - max([call.admitted_at or now, *(place.left_at or now for place in places)]) >= DESERTED


def followed(call: Call, meeting: Meeting, now: int, grace: int) -> Call:
    """A call that has not ended, after what has become of its appointment: cancelled, moved, made longer."""
    if meeting.state in _GIVEN_UP:
        return ended(call, "cancelled", now)
    call = msgspec.structs.replace(call, closes_at=meeting.closes_at(grace))
    if now < meeting.opens_at and call.state == "held":  # at its new hour they knock again
        call = msgspec.structs.replace(call, state="waiting", note="")
    if now < meeting.opens_at and call.state == "waiting":
        call = msgspec.structs.replace(call, knocked_at=None)
    return call


def renewed(call: Call, meeting: Meeting, grace: int) -> Call:
    """The call of an appointment that was moved after it had ended: as if there had been none, but for its address."""
    return msgspec.structs.replace(
        call,
        state="waiting",
        outcome="",
        note="",
        gen=call.gen + 1,
        knocked_at=None,
        admitted_at=None,
        connected_at=None,
        ended_at=None,
        closes_at=meeting.closes_at(grace),
        rating=None,
        comment="",
        first_frame=None,
        relayed=None,
        failure="",
    )


def measured(call: Call, told: frames.Quality, now: int) -> Call:
    """A call after one side has told how it is: the first picture and the last failure count.

    Devices may fail before; but who has not been let in sees and hears nobody, whatever they say.
    """
    if told.gen != call.gen or call.state == "ringing":
        return call
    changes: dict[str, Any] = {"failure": told.failure} if told.failure else {}
    if call.admitted_at is None:
        return msgspec.structs.replace(call, **changes)
    if told.first_frame is not None:
        changes |= {"connected_at": call.connected_at or now, "failure": ""}
        changes["first_frame"] = told.first_frame if call.first_frame is None else call.first_frame
    if told.relayed is not None:
        changes["relayed"] = told.relayed
    return msgspec.structs.replace(call, **changes)


# -- what each side is shown ----------------------------------------------------------------------------------------


def presence_of(seen: Seen, standing: Standing | None) -> str:
    """Whether the adviser is there, to who waits for them: that this appointment keeps them busy is no news."""
    place = seen.places.get("adviser")
    if seen.elsewhere:
        return "call"
    if place is not None and place.here:
        return "available"
    if standing is None:
        return "offline"
    idle = standing.wish == "available" and standing.load < standing.capacity
    return "available" if standing.state == "busy" and idle and seen.meeting is not None else standing.state


def room(seen: Seen, role: Role, peer: str, presence: str, now: int) -> frames.Room:
    """The room from one side. `peer` is the other one's name, `presence` the adviser's; `now` in milliseconds."""
    call, meeting, across = seen.call, seen.meeting, seen.places.get(other(role))
    here = across is not None and across.here
    return frames.Room(
        call=call.uid,
        role=role,
        state=call.state,
        outcome=call.outcome,
        note=call.note,
        medium=call.medium,
        gen=call.gen,
        polite=role == "customer",
        peer=frames.Peer(
            name=peer,
            here=here,
            ready=here and across is not None and across.ready,
            since=across.arrived_at * 1000 if across is not None else None,
        ),
        presence="" if role == "adviser" else presence,
        c=seen.c,
        starts_at=meeting.starts_at * 1000 if meeting else None,
        ends_at=meeting.ends_at * 1000 if meeting else None,
        closes_at=call.closes_at * 1000,
        next_at=seen.next_at * 1000 if role == "adviser" and seen.next_at is not None else None,
        extend=seen.extend if role == "adviser" else 0,
        now=now,
    )
