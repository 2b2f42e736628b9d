"""The conversation beside a room: found or made, told what happens in the room, and closed with it."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from presence.calls.model import Call
from presence.calls.rules import Meeting, Seen, number_of
from presence.chat import log
from presence.chat import store as chat_store
from presence.chat.log import Outcome
from presence.chat.model import SYSTEM, Conversation, Entry, Visitor, person_key
from presence.chat.service import begun, closed, system
from presence.roster.board import Member
from presence.storage.tables import call as call_table
from presence.storage.tables import conversation

FORGOTTEN = 7 * 86_400  # seconds after which nobody looks whether a conversation is still open


def key_of(meeting: Meeting | None, visitor: Visitor) -> str:
    """Whose open conversation it is.

    Of the appointment, for whoever types somebody's address books in their name and holds the link at once: they must not
    be shown what was said with whom the address belongs to. Advisers find it beside the customer's others.
    """
    return f"{meeting.site_id or 0}:a{meeting.id}" if meeting is not None else person_key(visitor)


def is_open(connection: Connection, uid: str) -> bool:
    """Whether something can be said in a conversation."""
    found = chat_store.by_uid(connection, uid)
    return found is not None and found.state != "closed"


def laid(connection: Connection, seen: Seen, visitor: Visitor, now: int) -> tuple[Call, list[Entry]]:
    """The call with its conversation: the open one, or a new one that its adviser has; and what its log is to say."""
    call, meeting = seen.call, seen.meeting
    if call.conversation_id is not None:
        before = chat_store.by_id(connection, call.conversation_id)
        if before is not None and before.state != "closed":
            return call, []
    key = key_of(meeting, visitor)
    found = chat_store.open_of(connection, key) if meeting is not None else chat_store.current_of(connection, visitor)
    if found is not None:
        return msgspec.structs.replace(call, conversation_id=found.id), []
    more: dict[str, Any] = {"person_key": key, "adviser_id": seen.adviser_id, "given_at": now}
    if meeting is not None:
        more |= {"site_id": meeting.site_id, "customer_id": meeting.customer_id}
    language = meeting.language if meeting is not None else call.language
    id_ = begun(connection, visitor, state="active", language=language, page=call.page, now=now, **more)
    return msgspec.structs.replace(call, conversation_id=id_), [system(id_, "opened", page=call.page)]


def joined(connection: Connection, call: Call, adviser: Member, now: int) -> list[Entry]:
    """The adviser has come: the conversation is theirs, if it was nobody's or somebody's who has not come."""
    found = chat_store.by_id(connection, call.conversation_id, lock=True) if call.conversation_id else None
    if found is None or found.state == "closed" or _has_come(connection, found, adviser):
        return []
    if found.adviser_id != adviser.id or found.state != "active":
        changes = {"state": "active", "adviser_id": adviser.id, "given_at": now, "updated_at": now}
        chat_store.change(
            connection, found.id, **changes, offered_to=None, offered_until=None, queued_at=None, passed_by=[]
        )
    return [system(found.id, "joined", adviser=adviser.id, name=adviser.name)]


def _has_come(connection: Connection, found: Conversation, adviser: Member) -> bool:
    """Whether the last that was said of their coming and going is that they came."""
    for said in reversed(log.recent(connection, found.id, 200)):
        if said.kind in {"joined", "left"} and msgspec.json.decode(said.body).get("adviser") == adviser.id:
            return said.kind == "joined"
    return False


def talked(call: Call) -> int | None:
    """Seconds that they talked."""
    return call.ended_at - call.admitted_at if call.ended_at is not None and call.admitted_at is not None else None


def leftover(connection: Connection, now: int) -> list[int]:
    """Conversations that are still open though the room they are beside has closed, and whose adviser has read all of them.

    What the customer wrote to somebody who never came is not put away unread.
    """
    rows = connection.execute(
        select(conversation.c.id, conversation.c.adviser_seen)
        .join_from(call_table, conversation, call_table.c.conversation_id == conversation.c.id)
        .where(
            call_table.c.appointment_id.is_not(None),
            call_table.c.state == "ended",
            call_table.c.closes_at.between(now - FORGOTTEN, now),
            conversation.c.state == "active",
            conversation.c.person_key.like("%:a%"),
        )
    )
    seen = {row.id: row.adviser_seen for row in rows}
    heard = chat_store.last_heard(connection, list(seen)) if seen else {}
    return [id_ for id_, up_to in seen.items() if id_ not in heard or heard[id_][0] <= up_to]


def put_away(connection: Connection, ids: Sequence[int], now: int, at: int) -> list[Outcome]:
    """Close them: nobody need do so by hand, and they weigh on no adviser any more."""
    outcomes: list[Outcome] = []
    for id_ in ids:
        found = chat_store.by_id(connection, id_, lock=True)
        if found is not None and found.state == "active":
            outcomes += closed(connection, found, SYSTEM, now, at)
    return outcomes


def adviser_in(seen: Seen) -> int | None:
    """Who is in the adviser's place."""
    place = seen.places.get("adviser")
    return number_of(place.person) if place is not None else None
