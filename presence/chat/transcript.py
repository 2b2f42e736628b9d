"""A conversation as text, for its customer: who said what and when, in their language and zone. Pure."""

from collections.abc import Mapping, Sequence

import msgspec

from presence.chat.model import CUSTOMER, Change, Conversation, FileBody, Stored, Text, Visitor
from presence.i18n import Translator
from presence.roster.board import Member


def transcript(
    one: Conversation,
    events: Sequence[Stored],
    advisers: Mapping[int, Member],
    visitor: Visitor,
    t: Translator,
    organisation: str,
) -> str:
    """The whole of it; what was edited reads as it is now, what was withdrawn is not repeated."""
    zone = visitor.zone
    begun = f"{t.date(one.created_at, zone)}, {t.time(one.created_at, zone)}"
    lines = [
        t.gettext("Conversation with %(organisation)s", organisation=organisation),
        t.gettext("Begun on %(moment)s, %(zone)s", moment=begun, zone=t.zone_name(zone, one.created_at)),
        "",
    ]
    for said in spoken(events):
        who = name_of(said.sender, advisers, visitor, t)
        lines.append(f"[{t.date(said.at // 1000, zone, 'day')} {t.time(said.at // 1000, zone)}] {who}: {said.text}")
    return "\n".join(lines) + "\n"


class Said(msgspec.Struct, frozen=True):
    """A message as it reads now."""

    seq: int
    at: int
    sender: str
    text: str
    file: str = ""


def spoken(events: Sequence[Stored], *, notes: bool = False) -> list[Said]:
    """The messages among events, in order, edits and withdrawals applied; internal notes only when asked for."""
    texts: dict[int, Said] = {}
    for one in events:
        match one.kind:
            case "text" | "note" if one.kind == "text" or notes:
                texts[one.seq] = Said(one.seq, one.at, one.sender, msgspec.json.decode(one.body, type=Text).text)
            case "file":
                body = msgspec.json.decode(one.body, type=FileBody)
                texts[one.seq] = Said(one.seq, one.at, one.sender, body.name, body.file)
            case "edit" | "withdraw":
                change = msgspec.json.decode(one.body, type=Change)
                if change.seq in texts and one.kind == "edit":
                    texts[change.seq] = msgspec.structs.replace(texts[change.seq], text=change.text)
                elif one.kind == "withdraw":
                    texts.pop(change.seq, None)
    return [texts[seq] for seq in sorted(texts)]


def name_of(sender: str, advisers: Mapping[int, Member], visitor: Visitor, t: Translator) -> str:
    """Who said something, by name."""
    if sender == CUSTOMER:
        return visitor.name or t.gettext("You")
    member = advisers.get(int(sender.partition(":")[2] or 0))
    return member.name if member else t.gettext("Adviser")
