"""A mail's bytes to what a person wrote. Pure, bounded in time and memory, and it never raises, whatever the bytes are."""

import re
from collections.abc import Iterable, Iterator
from email.utils import getaddresses

from presence.mail.compose import Mailbox, addressable, one_line
from presence.mail.inbound import html_text, mime, quoting
from presence.mail.inbound.charsets import decoded, tidy
from presence.mail.inbound.mime import Part
from presence.mail.inbound.model import Attachment, Incoming, Report, Unreadable
from presence.mail.inbound.sniffing import media_type

MAX_TEXT = 100_000  # characters of a text, and of what it quotes; all of a longer one is attached
MAX_BODY = 1_048_576  # bytes of a text part that are looked at
MAX_ATTACHMENT = 20 * 1_048_576  # bytes; of a larger one only its name and size are kept
MAX_ATTACHMENTS = 30
MAX_RECIPIENTS = 100
_MAX_REPORT = 16_384  # characters
_MAX_NAME = 120

_MESSAGE_ID = re.compile(r"<[^<>\s]{1,250}>")
_DELIVERED_TO = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-forwarded-to", "to", "cc")
_FORWARDED = re.compile(r"\s*(?:fwd?|tr|wg|rv|enc|doorst)\s?:", re.IGNORECASE)
_UNSAFE_IN_NAME = re.compile(r'[\x00-\x1f\x7f-\x9f/\\:*?"<>|\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]+')
_SIGNED = frozenset({"application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature"})
_SEALED = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime", "application/pgp-encrypted"})
_EXTENSIONS = {"image/png": ".png", "image/jpeg": ".jpg", "image/gif": ".gif", "application/pdf": ".pdf"}


def read(raw: bytes, *, recipients: Iterable[str] = (), return_path: str | None = None, cut: bool = False) -> Incoming:
    """What a mail says. `recipients` and `return_path` are the envelope's; `cut`: `raw` is only its beginning."""
    try:
        return _read(raw, tuple(recipients), return_path, cut)
    except Exception:
        # A mail that defeats the reader still came from somebody, and is shown as one that could not be read.
        return _nothing(tuple(recipients), return_path)


def _read(raw: bytes, recipients: tuple[str, ...], return_path: str | None, cut: bool) -> Incoming:
    root = mime.parsed(raw)
    content = _Content()
    content.take(root)
    text = content.text()
    subject = one_line(root.header("subject"))
    split = quoting.split(text[: 4 * MAX_TEXT], forwarded=_FORWARDED.match(subject) is not None)
    attachments = content.attachments
    if len(text) > 4 * MAX_TEXT or len(split.text) > MAX_TEXT or content.overflowed:
        attachments = [_whole(content.whole or text), *attachments]
    sender, sole = _sender(root)
    return Incoming(
        message_id=_first_id(root.header("message-id")),
        in_reply_to=_first_id(root.header("in-reply-to")),
        references=tuple(_MESSAGE_ID.findall(root.header("references"))[-50:]),
        sender=sender,
        sole_sender=sole,
        return_path=_return_path(root) if return_path is None else return_path,
        recipients=_recipients(root, recipients),
        subject=subject,
        text=split.text[:MAX_TEXT],
        quoted=split.quoted[:MAX_TEXT],
        attachments=tuple(attachments[:MAX_ATTACHMENTS]),
        headers=root.headers,
        report=_report(root),
        unreadable=_unreadable(root, content, cut),
    )


def _nothing(recipients: tuple[str, ...], return_path: str | None) -> Incoming:
    return Incoming(
        message_id="",
        in_reply_to="",
        references=(),
        sender=Mailbox("", ""),
        sole_sender=False,
        return_path=return_path,
        recipients=recipients[:MAX_RECIPIENTS],
        subject="",
        text="",
        quoted="",
        attachments=(),
        headers=(),
        report=None,
        unreadable="broken",
    )


def _unreadable(root: Part, content: "_Content", cut: bool) -> Unreadable:
    if cut:
        return "cut"
    if any(part.type in _SEALED and part.parameter("smime-type") != "signed-data" for part in root.walk()):
        return "encrypted"
    nothing = not content.text().strip() and not content.attachments
    return "broken" if nothing and root.end > root.start and root.raw[root.start : root.end].strip() else ""


# -- addresses ---------------------------------------------------------------------------------------------------------


def _sender(root: Part) -> tuple[Mailbox, bool]:
    """Who it says it is from, and whether it says so only once."""
    fields = [value for name, value in root.headers if name == "from"]
    found = [mailbox for field in fields[:3] for mailbox in _mailboxes(field)]
    named = [mailbox for mailbox in found if mailbox.email]
    if not named:
        return (found[0] if found else Mailbox("", "")), False
    return named[0], len(fields) == 1 and len(found) == 1


def _mailboxes(field: str) -> list[Mailbox]:
    try:
        pairs = getaddresses([field[:4000]])
    except Exception:  # the standard library recurses into comments
        pairs = []
    found = [
        Mailbox(one_line(name), email.strip().lower() if addressable(email.strip()) else "") for name, email in pairs
    ]
    if not any(mailbox.email for mailbox in found):  # written in a way that no rule allows
        found = [Mailbox("", one.lower()) for one in _LOOSE_ADDRESS.findall(field[:4000]) if addressable(one)]
    return found[:MAX_RECIPIENTS]


_LOOSE_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,190}")


def _return_path(root: Part) -> str | None:
    """The null sender is written <>."""
    written = root.header("return-path")
    if not written:
        return None
    found = _LOOSE_ADDRESS.search(written)
    if found:
        return found[0].lower()
    return "" if "<>" in written.replace(" ", "") else None


def _recipients(root: Part, envelope: tuple[str, ...]) -> tuple[str, ...]:
    """The envelope's, then what the headers name, each once; their case is kept, for tokens have one."""
    found = dict.fromkeys(envelope)
    for header in _DELIVERED_TO:
        for name, value in root.headers:
            if name == header:
                found.update(dict.fromkeys(_LOOSE_ADDRESS.findall(value)))
    return tuple(found)[:MAX_RECIPIENTS]


def _first_id(field: str) -> str:
    found = _MESSAGE_ID.search(field)
    return found[0] if found else ""


# -- content -----------------------------------------------------------------------------------------------------------


class _Content:
    """What the parts of a mail hold: texts in their order, and files."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.attachments: list[Attachment] = []
        self.overflowed = False
        self.whole = ""  # of a text that is too long to be looked at

    def text(self) -> str:
        return "\n\n".join(text for text in self.texts if text.strip())

    def take(self, part: Part) -> None:
        """Add a part and all in it."""
        if part.type == "multipart/alternative" and part.children:
            self._choose(part)
        elif part.type == "multipart/report" and part.children:
            self.take(part.children[0])  # the others are for machines; see `_report`
        elif part.children:
            for child in part.children:
                self.take(child)
        elif part.type.startswith("multipart/"):
            self.texts.append(_plain(part))  # it says that it has parts, and has none
        elif part.type in _SIGNED or (part.type in _SEALED and not part.filename):
            return
        elif part.type in {"text/plain", "text/html"} and part.disposition != "attachment" and not part.filename:
            self._read_text(part)
        else:
            self._attach(part)

    def _choose(self, part: Part) -> None:
        """The same in several forms: plain text if it says anything, else HTML; files from all of them."""
        forms = []
        for child in part.children:
            form = _Content()
            form.take(child)
            forms.append((child, form))
            self.attachments += form.attachments
        plain = [form for child, form in forms if child.type == "text/plain" and form.text().strip()]
        rich = [form for child, form in forms if child.type != "text/plain" and form.text().strip()]
        for form in (plain or rich)[:1]:
            self.texts += form.texts
            self.overflowed |= form.overflowed
            self.whole = self.whole or form.whole

    def _read_text(self, part: Part) -> None:
        text = _plain(part) if part.type == "text/plain" else html_text.text_of(part.text(MAX_BODY))
        if part.end - part.start > MAX_BODY:
            self.overflowed = True
            self.whole = self.whole or part.text(MAX_ATTACHMENT)
        self.texts.append(text)

    def _attach(self, part: Part) -> None:
        octets = part.content()
        if not octets.strip() and not part.filename:
            return
        found = "message/rfc822" if part.type == "message/rfc822" else media_type(octets)
        number = len(self.attachments) + 1
        self.attachments.append(
            Attachment(
                name=_file_name(part, found, number),
                media_type=found,
                size=len(octets),
                data=octets if len(octets) <= MAX_ATTACHMENT else b"",
                inline=bool(part.header("content-id")) and part.disposition != "attachment",
            )
        )


def _plain(part: Part) -> str:
    text = part.text(MAX_BODY)
    if part.parameter("format").lower() == "flowed":
        return _unflowed(text, delete_space=part.parameter("delsp").lower() == "yes")
    return text


def _unflowed(text: str, *, delete_space: bool) -> str:
    """Paragraphs that were broken into lines (RFC 3676), whole again."""
    paragraphs: list[tuple[str, list[str]]] = []
    open_depth: str | None = None
    for line in text.split("\n"):
        marks = line[: len(line) - len(line.lstrip(">"))]
        words = line[len(marks) :].removeprefix(" ")  # 4.4: a space may have been put in front
        if open_depth == marks and words != "-- ":
            paragraphs[-1][1].append(words)
        else:
            paragraphs.append((marks, [words]))
        # 4.3: "-- " before a signature ends with a space, and is not flowed.
        flowed = words.endswith(" ") and words != "-- "
        if flowed and delete_space:
            paragraphs[-1][1][-1] = words[:-1]
        open_depth = marks if flowed else None
    return "\n".join(f"{marks} {''.join(words)}" if marks else "".join(words) for marks, words in paragraphs)


def _whole(text: str) -> Attachment:
    """A text that is too long for a message, as a file."""
    octets = text.encode("utf-8", "replace")[:MAX_ATTACHMENT]
    return Attachment(name="message.txt", media_type="text/plain", size=len(octets), data=octets)


def _file_name(part: Part, found: str, number: int) -> str:
    """A name that is no path, hides no ending, and is not too long."""
    name = part.filename
    if not name and part.type == "message/rfc822":
        name = one_line(mime.message_in(part).header("subject"))[:80] + ".eml"
    name = " ".join(_UNSAFE_IN_NAME.sub(" ", tidy(name)).split()).lstrip(". ")
    if not name or name == "eml":
        return f"{number}{_EXTENSIONS.get(found, '.txt' if found == 'text/plain' else '')}"
    if len(name) > _MAX_NAME:
        stem, dot, ending = name.rpartition(".")
        ending = dot + ending if stem and len(ending) <= 10 else ""
        name = name[: _MAX_NAME - len(ending)] + ending
    return name


# -- reports -----------------------------------------------------------------------------------------------------------


def _report(root: Part) -> Report | None:
    """The machine's part of a delivery report (RFC 3464) or a receipt (RFC 8098)."""
    status = next(_parts_of(root, "message/delivery-status", "message/disposition-notification"), None)
    if status is None:
        return None
    returned = next(_parts_of(root, "text/rfc822-headers", "message/rfc822", "message/global-headers"), None)
    octets = returned.content(_MAX_REPORT) if returned is not None else b""
    return Report(
        kind=status.type.partition("/")[2],
        status=decoded(status.content(_MAX_REPORT), ""),
        returned=decoded(octets, ""),
    )


def _parts_of(root: Part, *types: str) -> Iterator[Part]:
    return (part for part in root.walk() if part.type in types)
