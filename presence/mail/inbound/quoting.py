"""What somebody wrote now, apart from what their mail program repeats below, above or in between.

Pure, and careful: what is not surely a quotation stays in the text, and every line is kept on one side or the other.
Mail programs mark quotations in three ways, each with its own rule here: by ">" before each line (Gmail, Apple Mail,
Thunderbird, Proton in plain text), by the headers of the mail they repeat (Outlook everywhere), and by nothing but a
line that says who wrote when (Yahoo).
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

QUOTE_MARK = "\ue000"  # a line of its own, put by `html_text` where a mail program says that its quotation begins
_LINES = 4000  # that are looked at; what is beyond stays on the side where the last of them is
_LINE = 400  # characters of a line that are looked at

_TIMES = r"\d{1,2}\s?[:.hH]\s?\d{2}"
_ADDRESS = re.compile(r"[^\s<>@]{1,64}@[^\s<>@]{1,190}")
_DIGIT = re.compile(r"\d")
_TIME = re.compile(_TIMES)
_QUOTED = re.compile(r"\s{0,3}>")
_RULE = re.compile(r"[_=\-—*\s]{10,}$")

# Ours: "##- text -##" stands above the messages that our mails repeat.
_DELIMITER = re.compile(r"\s*##-.{1,200}-##\s*$")
_ORIGINAL = re.compile(
    r"\s*[-_]{2,}\s?(?:original message|original appointment|message d['’]origine|message original|message initial"
    r"|rendez-vous d['’]origine|ursprüngliche nachricht|mensaje original|messaggio originale|mensagem original"
    r"|oorspronkelijk bericht|oorspronkelijke bericht|wiadomość oryginalna|originalmeddelande"
    r"|oprindelig meddelelse)\s?[-_]{2,}\s*$",
    re.IGNORECASE,
)
_FORWARDED = re.compile(
    r"\s*(?:[-_]{2,}\s?(?:forwarded message|message transféré|message réexpédié|weitergeleitete nachricht"
    r"|mensaje reenviado|messaggio inoltrato)\s?[-_]{2,}"
    r"|begin forwarded message\s?:|début du message (?:transféré|réexpédié)\s?:)\s*$",
    re.IGNORECASE,
)
_OPENING = re.compile(r"\s*(?:On|Le|El|Am|Il|Op|Em|A|W dniu|Dnia|Den|På|Pe|\d{1,4}[-./]\d)\b[\s,]?")
_WROTE = re.compile(
    r"(?:wrote|a écrit|écrit|schrieb|escribió|ha scritto|scritto|schreef|escreveu|napisał(?:\(a\)|a)?|skrev|kirjoitti)"
    r"[^:]{0,120}:\s*$"
)
_APP = re.compile(
    r"\s*(?:sent from my \w+(?: \w+){0,3}|envoyé de(?:puis)? mon \w+(?: \w+){0,3}"
    r"|sent from (?:outlook|yahoo mail|mail) for .*"
    r"|envoyé (?:à partir |depuis )(?:de )?(?:outlook|yahoo mail|l['’]app).*"
    r"|sent with proton ?mail.*|envoyé avec (?:la messagerie sécurisée )?proton ?mail.*"
    r"|get outlook for (?:ios|android|mac).*|(?:télécharger|obtenez|obtenir) outlook pour (?:ios|android|mac).*)"
    r"\.?\s*$",
    re.IGNORECASE,
)
_SIGNATURE_LINES = 12

_LABELS = {
    "from": r"From|De|Von|Da|Van|Od|Från|Fra",
    "sent": r"Sent|Envoyé(?: le)?|Gesendet|Enviado(?: el| em)?|Inviato|Verzonden|Wysłano|Skickat|Sendt",
    "date": r"Date(?: d['’]envoi)?|Datum|Fecha|Data|Dato",
    "to": r"To|À|A|An|Para|Aan|Do|Till|Til",
    "subject": r"Subject|Objet|Betreff|Asunto|Oggetto|Onderwerp|Temat|Ämne|Emne|Assunto",
    "other": r"Cc|Copie(?: à)?|Kopie|Reply-To|Répondre à|Importance|Attachments|Pièces jointes",
}
_HEADER = re.compile(
    r"\s*\**(?:" + "|".join(f"(?P<{name}>{words})" for name, words in _LABELS.items()) + r")\s?:\**\s*(?P<value>.*)$"
)


class Split(NamedTuple):
    """The two sides of a mail's text."""

    text: str
    quoted: str


def split(text: str, *, forwarded: bool = False) -> Split:
    """Set apart what is repeated. `forwarded`: the subject says that what is repeated is what is sent."""
    lines = text.split("\n", _LINES)
    beyond = lines.pop() if len(lines) > _LINES else None
    looked_at = [line[:_LINE] for line in lines]
    forward = len(lines) if not forwarded else 0
    forward = next((n for n in range(len(looked_at)) if _FORWARDED.match(looked_at[n])), forward)
    end = _hard_start(looked_at[:forward])
    own = [True] * end + [False] * (forward - end) + [True] * (len(lines) - forward)
    if end < forward:  # whatever follows a quotation that has no end is in it
        own[forward:] = [False] * (len(lines) - forward)
    for block in _blocks(looked_at[:end], own):
        if not block.quoted:
            _signature(looked_at, own, block)
    _marked(looked_at[:end], own)
    if end < len(lines) and not any(own[n] and looked_at[n].strip() for n in range(end)):
        own = [True] * len(lines)  # nothing is above it, so it may not be a quotation after all
    if beyond is not None:
        lines, own = [*lines, beyond], [*own, own[-1]]
    return Split(_joined(lines, own, True), _joined(lines, own, False))


def _joined(lines: Sequence[str], own: Sequence[bool], side: bool) -> str:
    chosen = [line for line, mine in zip(lines, own, strict=True) if mine is side and line.strip() != QUOTE_MARK]
    return _MANY_BLANK.sub("\n\n", "\n".join(line.rstrip() for line in chosen)).strip("\n")


_MANY_BLANK = re.compile(r"\n{3,}")


# -- quotations without an end ----------------------------------------------------------------------------------------


def _hard_start(lines: Sequence[str]) -> int:
    """The first line from which everything is repeated; the number of lines when there is none."""
    for n, line in enumerate(lines):
        if line.strip() == QUOTE_MARK:
            return n
        if _DELIMITER.match(line):
            return _above(lines, n)
        if _ORIGINAL.match(line) or _heads(lines, n):
            return _without_rule(lines, n)
        first = _attribution(lines, n)
        if first is not None and not _followed_by_marks(lines, n):
            said = " ".join(lines[first : n + 1])
            if _ADDRESS.search(said) and _OPENING.match(said):
                return first
    return len(lines)


def _above(lines: Sequence[str], n: int) -> int:
    """From the line that says who wrote what follows, if there is one right above, in any language."""
    last = n - 1
    while last >= 0 and not lines[last].strip() and n - last < 4:
        last -= 1
    first = _attribution(lines, last) if last >= 0 else None
    return n if first is None else first


def _without_rule(lines: Sequence[str], n: int) -> int:
    """From the line drawn above it, if there is one."""
    above = n - 1
    while above >= 0 and not lines[above].strip():
        above -= 1
    return above if above >= 0 and n - above < 4 and _RULE.match(lines[above]) else n


def _heads(lines: Sequence[str], n: int) -> bool:
    """Whether the headers of a mail begin here, as Outlook repeats them.

    "De : Paris / A : Lyon" are not: a mail's headers have its sender and when it was sent, with an address or a time.
    """
    first = _HEADER.match(lines[n])
    if first is None or first["from"] is None:
        return False
    seen: dict[str, str] = {}
    for line in lines[n : n + 12]:
        if not line.strip():
            if len(seen) == 1:
                continue  # some put a blank line after each
            break
        found = _HEADER.match(line)
        if found is None:
            if len(seen) >= 4 or len(line) < 20:
                break
            continue  # a long list of recipients goes on
        seen.setdefault(_label(found), found["value"])
    if "from" not in seen or not ("to" in seen or "subject" in seen):
        return False
    if "sent" in seen:
        return bool(_TIME.search(seen["sent"]) or _ADDRESS.search(seen["from"]))
    return "date" in seen and bool(_ADDRESS.search(seen["from"]) and _DIGIT.search(seen["date"]))


def _label(found: re.Match[str]) -> str:
    return next(name for name in _LABELS if found[name] is not None)


# -- quotations with ">" before each line ------------------------------------------------------------------------------


class _Block(NamedTuple):
    """Lines that belong together: quoted ones, with the line that says who wrote them, or one's own."""

    first: int
    end: int
    quoted: bool
    sure: bool = True  # somebody is named, or there are several lines: ">" may also be "more than"


def _marked(lines: Sequence[str], own: list[bool]) -> None:
    """Set apart what stands above or below all of one's own words; what is answered in between stays with its answer."""
    blocks = _blocks(lines, own)
    mine = [n for n, block in enumerate(blocks) if not block.quoted]
    quotations = [n for n, block in enumerate(blocks) if block.quoted]
    for n, block in enumerate(blocks):
        if not block.quoted or not block.sure:
            continue
        below_all = not mine or n > mine[-1]
        above_all = not mine or (n < mine[0] and len(quotations) - sum(q > mine[-1] for q in quotations) == 1)
        if below_all or above_all:
            own[block.first : block.end] = [False] * (block.end - block.first)


def _blocks(lines: Sequence[str], own: Sequence[bool]) -> list[_Block]:
    blocks: list[_Block] = []
    at = 0
    taken = 0  # up to here lines are in a block
    while at < len(lines):
        if not (own[at] and _QUOTED.match(lines[at])):
            at += 1
            continue
        end = _end_of_marks(lines, at)
        first = _first_of_attribution(lines, at, taken)
        if any(own[n] and lines[n].strip() for n in range(taken, first)):
            blocks.append(_Block(taken, first, False))
        several = sum(1 for line in lines[at:end] if line.strip(" >\t")) >= 3
        blocks.append(_Block(first, end, True, sure=several or first < at))
        at = taken = end
    if any(own[n] and lines[n].strip() for n in range(taken, len(lines))):
        blocks.append(_Block(taken, len(lines), False))
    return blocks


def _end_of_marks(lines: Sequence[str], at: int) -> int:
    """Where the quoted lines end; blank lines and a long line's rest, broken off on its way, are among them."""
    end = at
    while at < len(lines):
        if _QUOTED.match(lines[at]):
            end = at + 1
        elif lines[at].strip() and not _is_rest(lines, at):
            break
        at += 1
    return end


def _is_rest(lines: Sequence[str], at: int) -> bool:
    between = at + 1 < len(lines) and _QUOTED.match(lines[at - 1]) and _QUOTED.match(lines[at + 1])
    return bool(between and len(lines[at - 1]) >= 60 and len(lines[at]) < 40)


def _first_of_attribution(lines: Sequence[str], at: int, taken: int) -> int:
    """The first of the lines above that say who wrote what follows; `at` when there are none."""
    last = at - 1
    while last >= taken and not lines[last].strip() and at - last < 4:
        last -= 1
    first = _attribution(lines, last) if last >= taken else None
    return at if first is None or first < taken else first


# -- "On Monday Alice wrote:" ------------------------------------------------------------------------------------------


def _attribution(lines: Sequence[str], last: int) -> int | None:
    """The first of up to four lines that end here and say who wrote when; None when they do not."""
    if not lines[last].rstrip().endswith(":") or _QUOTED.match(lines[last]):
        return None
    plausible = None
    for first in range(last, max(-1, last - 4), -1):
        if not lines[first].strip() or _QUOTED.match(lines[first]):
            break
        said = " ".join(line.strip() for line in lines[first : last + 1])
        if not _says_who(said):
            continue
        plausible = first if plausible is None else plausible
        if _OPENING.match(said):
            return first
    return plausible


def _says_who(said: str) -> bool:
    """A date or a time, and an address or the word for it, in whatever language."""
    if len(said) > 500 or not _DIGIT.search(said):
        return _ADDRESS.search(said) is not None and _WROTE.search(said) is not None
    return _WROTE.search(said) is not None or (_ADDRESS.search(said) is not None and _TIME.search(said) is not None)


def _followed_by_marks(lines: Sequence[str], n: int) -> bool:
    following = next((line for line in lines[n + 1 : n + 5] if line.strip()), ">")
    return _QUOTED.match(following) is not None


# -- signatures --------------------------------------------------------------------------------------------------------


def _signature(lines: Sequence[str], own: list[bool], block: _Block) -> None:
    """Set apart what follows "-- " at the end of one's own words, and the line by which a telephone advertises itself."""
    written = [n for n in range(block.first, block.end) if lines[n].strip()]
    for n in reversed(written[-_SIGNATURE_LINES:]):
        if lines[n] in {"-- ", "--"}:
            own[n : block.end] = [False] * (block.end - n)
            written = [m for m in written if m < n]
            break
    if written and _APP.match(lines[written[-1]]):
        own[written[-1]] = False
