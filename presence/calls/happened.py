"""What became of a call, as the event of its conversation. Pure."""

import msgspec

from presence.calls.model import Call
from presence.chat.model import CUSTOMER, SYSTEM, CallBackBody, CallBody, CallWhat, Entry, adviser_sender


def happened(call: Call, conversation_id: int, what: CallWhat, *, name: str = "", seconds: int | None = None) -> Entry:
    """The event; the same of a call again is the same event. `name` is the adviser's, when it is one."""
    body = CallBody(call=call.uid, what=what, medium=call.medium, by=wanted_by(call), name=name, seconds=seconds)
    # An appointment's call may take place again, at another hour.
    once = f"call {call.uid} {what} {call.gen if what == 'started' else call.ended_at or 0}"
    return Entry(conversation_id, SYSTEM, once, "call", msgspec.json.encode(body).decode())


def asked_back(call: Call, conversation_id: int, phone: str, at: int | None, text: str) -> Entry:
    """The customer asks to be called; `at` in milliseconds. Once for each call."""
    body = CallBackBody(call=call.uid, phone=phone, at=at, text=text)
    once = f"callback {call.uid}"
    return Entry(conversation_id, SYSTEM, once, "callback", msgspec.json.encode(body).decode())


def wanted_by(call: Call) -> str:
    """Who rang: "customer", "adviser:ID"; "system" for an appointment, which both wanted."""
    match call.origin:
        case "adviser" if call.adviser_id is not None:
            return adviser_sender(call.adviser_id)
        case "customer":
            return CUSTOMER
    return SYSTEM
