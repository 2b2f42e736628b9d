"""What may be said by whom and when, and what it changes of the conversation. Pure: `now` is an argument."""

import msgspec

from presence.chat.model import (
    CUSTOMER,
    FROM_ADVISERS,
    FROM_CUSTOMERS,
    HAPPENED,
    SPOKEN,
    SYSTEM,
    UNANSWERED,
    CallBody,
    Change,
    Entry,
    FileBody,
    Head,
    Mark,
    Refusal,
    Stored,
    Text,
)

MAX_TEXT = 8_000  # characters
MAX_ID = 64
EDITABLE = 15 * 60  # seconds after which a text can neither be edited nor withdrawn
MAIL_AFTER = 120  # seconds unseen after which an adviser's message is mailed
PREVIEW = 140  # characters
# In the body of what came by mail; inside of a JSON string it would be escaped. Who answers a mail has not seen what was
# said since.
_BY_MAIL = '"via":"mail"'

# An edit shows its new text to everybody, so that of a note would reach the customer.
_CHANGEABLE = {"edit": frozenset({"text"}), "withdraw": frozenset({"text", "file", "note"})}

_BODIES: dict[str, type[msgspec.Struct]] = {
    "text": Text,
    "note": Text,
    "file": FileBody,
    "edit": Change,
    "withdraw": Change,
    "seen": Mark,
    "got": Mark,
}


def entry(conversation_id: int, sender: str, client_id: str, kind: str, raw: bytes) -> Entry | Refusal:
    """An entry from what a client sent, in our own spelling; nothing a client adds to a body is kept."""
    allowed = FROM_CUSTOMERS if sender == CUSTOMER else FROM_ADVISERS
    if kind not in allowed or not named(client_id):
        return Refusal("unknown")
    try:
        body = msgspec.json.decode(raw, type=_BODIES[kind])
    except msgspec.MsgspecError:
        return Refusal("unknown")
    match body:
        case Text(text=text) | Change(text=text) if len(text) > MAX_TEXT:
            return Refusal("too-long")
        case Text(text=text):
            body = Text(plain(text))
            if not body.text:
                return Refusal("empty")
        case Change(seq=seq, text=text):
            body = Change(seq, plain(text) if kind == "edit" else "")
            if kind == "edit" and not body.text:
                return Refusal("empty")
        case FileBody(file=file) if not named(file):
            return Refusal("unknown")
        case FileBody(file=file):
            body = FileBody(file)  # name, type and size are what the upload found
    return Entry(conversation_id, sender, client_id, kind, msgspec.json.encode(body).decode())


def named(id_: str) -> bool:
    """Whether something sent can be an id: PostgreSQL stores no zero bytes, and one such event would stop a whole batch."""
    return 0 < len(id_) <= MAX_ID and id_.isprintable()


def plain(text: str) -> str:
    """A text without control characters but line ends and tabs, and without blank edges."""
    tidy = text.replace("\r\n", "\n").replace("\r", "\n")
    if not tidy.isprintable():
        tidy = "".join(c for c in tidy if c in "\n\t" or (c.isprintable() or ord(c) > 0xFF))
    return tidy.strip()


def refusal(head: Head | None, one: Entry, at: int, referred: Stored | None) -> Refusal | None:
    """Why an entry cannot be taken now. `referred` is the event that an edit or a withdrawal names."""
    if head is None:
        return Refusal("unknown")
    if one.sender == SYSTEM:
        return None
    if one.kind in {"edit", "withdraw"}:
        if referred is None or referred.sender != one.sender or referred.kind not in _CHANGEABLE[one.kind]:
            return Refusal("not-yours")
        if at - referred.at > EDITABLE * 1000:
            return Refusal("too-late")
    if one.kind in {"seen", "got"}:
        mark = msgspec.json.decode(one.body, type=Mark)
        return None if 0 < mark.seq <= head.last_seq else Refusal("unknown")
    if head.state == "closed" and one.kind != "note":
        return Refusal("closed")
    return None


def advance(head: Head, one: Entry, at: int) -> None:
    """What an entry changes: its seq is the head's `last_seq` afterwards. `at` in milliseconds."""
    now = at // 1000
    head.last_seq += 1
    by_customer, by_system = one.sender == CUSTOMER, one.sender == SYSTEM
    if one.kind == "seen":
        mark = msgspec.json.decode(one.body, type=Mark)
        if by_customer:
            head.customer_seen = max(head.customer_seen, mark.seq)
            if head.customer_seen >= head.last_seq - 1:  # else something was said since, and is still to be mailed
                head.mail_due_at = None
        else:
            head.adviser_seen = max(head.adviser_seen, mark.seq)
        return
    if one.kind in HAPPENED:
        _note_call(head, one, now)
    if one.kind in SPOKEN:
        head.updated_at = now
        head.preview = preview(one)
        by_mail = _BY_MAIL in one.body
        if by_customer and not by_mail:
            head.customer_seen = head.last_seq
        elif not by_customer and not by_system:
            if not by_mail:
                head.adviser_seen = head.last_seq
            head.answered_at = head.answered_at or now
            if head.has_mail and head.mail_due_at is None:
                head.mail_due_at = now + MAIL_AFTER


def _note_call(head: Head, one: Entry, now: int) -> None:
    """A call that nobody answered is like a message of who rang."""
    call = msgspec.json.decode(one.body, type=CallBody) if one.kind == "call" else None
    if call is not None and call.what not in UNANSWERED:
        return
    head.updated_at = now
    if call is not None and call.by != CUSTOMER and head.has_mail and head.mail_due_at is None:
        head.mail_due_at = now + MAIL_AFTER


def preview(one: Entry) -> str:
    """The beginning of a message, on one line."""
    if one.kind == "file":
        return msgspec.json.decode(one.body, type=FileBody).name[:PREVIEW]
    return " ".join(msgspec.json.decode(one.body, type=Text).text[: 4 * PREVIEW].split())[:PREVIEW]
