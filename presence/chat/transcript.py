"""A conversation as text, for its customer: who said what and when, in their language and zone. Pure."""

from collections.abc import Mapping, Sequence

import msgspec

from presence.chat.model import (
    CUSTOMER,
    SYSTEM,
    UNANSWERED,
    CallBackBody,
    CallBody,
    CallWhat,
    Change,
    Conversation,
    FileBody,
    Stored,
    Text,
    Visitor,
)
from presence.i18n import N_, Translator
from presence.roster.board import Member
from presence.roster.model import Medium


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
    for said in spoken(events, calls=True):
        who, when = name_of(said.sender, advisers, visitor, t), f"{_day(said.at, zone, t)} {_time(said.at, zone, t)}"
        lines.append(f"[{when}] {f'{who}: ' if said.sender != SYSTEM else ''}{words_of(said, t, zone)}")
    return "\n".join(lines) + "\n"


class Said(msgspec.Struct, frozen=True):
    """A message as it reads now, or what became of a call, which is said by who wanted it."""

    seq: int
    at: int
    sender: str
    text: str
    file: str = ""
    call: CallBody | CallBackBody | None = None


def spoken(events: Sequence[Stored], *, notes: bool = False, calls: bool = False) -> list[Said]:
    """The messages among events, in order, edits and withdrawals applied; internal notes only when asked for.

    Calls that nobody answered are messages too; others only when asked for.
    """
    texts: dict[int, Said] = {}
    for one in events:
        match one.kind:
            case "text" | "note" if one.kind == "text" or notes:
                texts[one.seq] = Said(one.seq, one.at, one.sender, msgspec.json.decode(one.body, type=Text).text)
            case "file":
                body = msgspec.json.decode(one.body, type=FileBody)
                texts[one.seq] = Said(one.seq, one.at, one.sender, body.name, body.file)
            case "call":
                call = msgspec.json.decode(one.body, type=CallBody)
                if calls or call.what in UNANSWERED:
                    texts[one.seq] = Said(one.seq, one.at, call.by, "", call=call)
            case "callback":
                back = msgspec.json.decode(one.body, type=CallBackBody)
                texts[one.seq] = Said(one.seq, one.at, CUSTOMER, f"{back.phone} {back.text}".strip(), call=back)
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


# -- calls in words -------------------------------------------------------------------------------------------------

_MEDIA: dict[Medium, str] = {"video": N_("Video call"), "audio": N_("Audio call"), "text": N_("Text chat")}
_BECAME: dict[CallWhat, str] = {
    "started": N_("%(call)s: begun"),
    "ended": N_("%(call)s: ended"),
    "missed": N_("%(call)s: no answer"),
    "declined": N_("%(call)s: nobody could answer"),
    "busy": N_("%(call)s: everybody was busy"),
    "cancelled": N_("%(call)s: given up before somebody answered"),
}


def words_of(one: Said, t: Translator, zone: str) -> str:
    """A message in words; a call in those of the reader's language, its times in `zone`."""
    match one.call:
        case CallBody():
            return call_words(one.call, t)
        case CallBackBody():
            return callback_words(one.call, t, zone)
    return one.text


def call_words(one: CallBody, t: Translator) -> str:
    """What became of a call, in a few words."""
    call = t.gettext(_MEDIA[one.medium])
    if one.what == "ended" and one.seconds is not None:
        minutes = max(one.seconds // 60, 1)
        return t.ngettext("%(call)s: %(count)s minute", "%(call)s: %(count)s minutes", minutes, call=call)
    if one.what == "declined" and one.by != CUSTOMER:
        return t.gettext("%(call)s: declined", call=call)
    return t.gettext(_BECAME[one.what], call=call)


def callback_words(one: CallBackBody, t: Translator, zone: str) -> str:
    """Where and when somebody wants to be called."""
    match one.phone, one.at:
        case "", None:
            asked = t.gettext("Please get in touch with me.")
        case phone, None:
            asked = t.gettext("Please call me on %(phone)s.", phone=phone)
        case "", int(at):
            asked = t.gettext("Please get in touch with me: %(moment)s.", moment=_moment(at, zone, t))
        case phone, at:
            moment = _moment(at or 0, zone, t)
            asked = t.gettext("Please call me on %(phone)s: %(moment)s.", phone=phone, moment=moment)
    return f"{asked}\n{one.text}".strip()


def _moment(at: int, zone: str, t: Translator) -> str:
    return f"{_day(at, zone, t)}, {_time(at, zone, t)} ({t.zone_name(zone, at // 1000)})"


def _day(at: int, zone: str, t: Translator) -> str:
    return t.date(at // 1000, zone, "day")


def _time(at: int, zone: str, t: Translator) -> str:
    return t.time(at // 1000, zone)
