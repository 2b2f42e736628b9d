"""The call of an appointment, and who its customer is: made when the first of both opens the room."""

import msgspec
from sqlalchemy import Connection

from presence.calls import rules, store
from presence.calls.model import Call
from presence.calls.rules import Door, Meeting
from presence.chat import store as chat_store
from presence.tokens import fingerprint, random_token


def opened(connection: Connection, meeting: Meeting, now: int, grace: int) -> Call | Door:
    """An appointment's call, made when there is none; or why its room cannot be entered now."""
    before = store.of_appointment(connection, meeting.id, lock=True)
    at = rules.door(meeting, before, now, grace)
    if at != "open":
        return at
    if before is None:
        made = store.by_id(connection, store.add(connection, rules.first(meeting, random_token(), now, grace)))
        assert made is not None
        return made
    if rules.is_of_before(before, meeting):
        store.empty(connection, before.id)
        after = rules.renewed(before, meeting, grace)
    else:
        after = rules.followed(before, meeting, now, grace)
    store.save(connection, before, after)
    return after


def with_visitor(connection: Connection, call: Call, meeting: Meeting, now: int) -> Call:
    """The call with who is its customer: one visitor, whichever browsers the link is used in.

    No cookie is theirs: they are let in by keys alone, and into nothing but this room.
    """
    if call.visitor_id is not None:
        return call
    values = {
        "fingerprint": fingerprint(random_token()),
        "site_id": meeting.site_id,
        "customer_id": meeting.customer_id,
        "verified": False,
        "name": meeting.name,
        "email": meeting.email,
        "language": meeting.language,
        "zone": meeting.zone,
        "created_at": now,
        "seen_at": now,
    }
    after = msgspec.structs.replace(call, visitor_id=chat_store.add_visitor(connection, values))
    store.save(connection, call, after)
    return after
