"""A letter to one person as the final bytes of its mail: RFC 5322 headers and one multipart/alternative.

Text first, HTML second, and last the calendar part, which is no attachment: that order, and a `method` in
the header that equals METHOD in the body (RFC 6047 2.4), is what lets Gmail, Outlook and Apple Mail show an
invitation.

The bytes are written here and not by `email.message`, which takes ten times as long; the tests read every
one of them back with the standard library. Pure: the same letter, Message-ID and date give the same bytes,
so a retry from the outbox is the same mail.
"""

import hashlib
import re
from binascii import b2a_base64, b2a_qp
from email.utils import formatdate

import msgspec

from presence.addresses import addressable as addressable  # known by this name here too

CRLF = "\r\n"
_LINE = 76  # RFC 2045 6.7 and 6.8: encoded lines are at most 76 characters; RFC 5322 2.1.1 wants headers under 78
_WORD_BYTES = 42  # of text in an encoded word: 56 of base64 and 12 around it stay under the 75 of RFC 2047 2
_MAX_TEXT = 255  # characters of a subject or a name: more is an accident or an attack

_MESSAGE_ID = re.compile(r"<[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+>", re.ASCII)
_METHOD = re.compile(r"[A-Z]+", re.ASCII)
_LANGUAGE = re.compile(r"[A-Za-z0-9-]+", re.ASCII)
_PLAIN_PHRASE = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+", re.ASCII)  # atoms and single spaces (RFC 5322 3.2.3)
# Control characters, line ends of every kind, and halves of characters, which no encoding can carry.
_BREAKING = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
# Marks that turn the direction of text make a name look like another one.
_TURNING = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C, 0xFEFF])


class Mailbox(msgspec.Struct, frozen=True):
    """A name and an address; the name may be empty."""

    name: str
    email: str

    @property
    def domain(self) -> str:
        return self.email.rpartition("@")[2]


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """What one person is to read. `calendar` is an iCalendar object whose METHOD is `method`."""

    to: Mailbox
    subject: str
    text: str
    html: str
    language: str
    calendar: bytes | None = None
    method: str = ""
    reply_to: Mailbox | None = None
    references: tuple[str, ...] = ()  # Message-IDs of the thread; the last is what it answers (RFC 5322 3.6.4)


def composed(letter: Letter, *, sender: Mailbox, message_id: str, date: int) -> bytes:
    """The mail's final bytes, CRLF throughout.

    Raises `ValueError` for what no mail may carry: an address that is none, a Message-ID or language that is
    none, a `method` that is not the calendar part's own. Line ends in names and subjects become spaces.
    """
    if not _MESSAGE_ID.fullmatch(message_id) or not _LANGUAGE.fullmatch(letter.language):
        raise ValueError("not a Message-ID, or not a language")
    # "=_" occurs neither in quoted-printable nor in base64, so the boundary cannot occur in a part (RFC 2045
    # 6.7).
    boundary = "=_" + hashlib.sha256(message_id.encode()).hexdigest()[:32]
    parts = [
        f"From: {_mailbox(sender, 6)}",
        f"To: {_mailbox(letter.to, 4)}",
        *([f"Reply-To: {_mailbox(letter.reply_to, 10)}"] if letter.reply_to else []),
        f"Subject: {_unstructured(letter.subject, 9)}",
        f"Date: {formatdate(date)[:-5]}+0000",
        f"Message-ID: {message_id}",
        *_thread(letter.references),
        "MIME-Version: 1.0",
        f"Content-Language: {letter.language}",
        "Auto-Submitted: auto-generated",  # RFC 3834 5: nobody's holiday notice answers it
        # The same for Exchange ([MS-OXCMAIL] 2.1.3.2.20). Not "All": that would keep back the reports of what did not arrive.
        "X-Auto-Response-Suppress: DR, RN, NRN, OOF, AutoReply",
        f'Content-Type: multipart/alternative;{CRLF} boundary="{boundary}"',
        "",
        f"--{boundary}",
        "Content-Type: text/plain; charset=UTF-8",
        "Content-Transfer-Encoding: quoted-printable",
        "",
        _quoted_printable(letter.text),
        f"--{boundary}",
        "Content-Type: text/html; charset=UTF-8",
        "Content-Transfer-Encoding: base64",
        "",
        _base64(letter.html.encode("utf-8", "replace")),
        *_calendar_part(letter, boundary),
        f"--{boundary}--",
        "",
    ]
    return CRLF.join(parts).encode("ascii")


def message_id(domain: str, *parts: str | int) -> str:
    """The Message-ID that belongs to these parts at a domain: the same parts, the same Message-ID."""
    digest = hashlib.sha256("\x1f".join(map(str, parts)).encode("utf-8", "replace")).hexdigest()
    return f"<{digest[:40]}@{domain}>"


def is_message_id(text: str) -> bool:
    """Whether a Message-ID can stand in our headers as it is; there are others that came with somebody's mail."""
    return _MESSAGE_ID.fullmatch(text) is not None and len(text) <= _MAX_TEXT


def one_line(text: str) -> str:
    """Text for a header or a name: control characters and line ends become spaces, runs of space one space.

    Ends a CR LF that would begin another header, and the marks that reverse what is read; cut at 255
    characters.
    """
    if not text.isprintable():  # most texts are, and need no second look
        text = _BREAKING.sub(" ", text.translate(_TURNING))
    if "  " in text:
        text = re.sub(" +", " ", text)
    return text.strip()[:_MAX_TEXT].rstrip()


def _thread(references: tuple[str, ...]) -> list[str]:
    if not references:
        return []
    if not all(_MESSAGE_ID.fullmatch(one) for one in references):
        raise ValueError("not a Message-ID")
    return [f"In-Reply-To: {references[-1]}", f"References: {f'{CRLF} '.join(references)}"]


def _calendar_part(letter: Letter, boundary: str) -> list[str]:
    if letter.calendar is None:
        return []
    if not _METHOD.fullmatch(letter.method) or letter.calendar.count(f"\r\nMETHOD:{letter.method}\r\n".encode()) != 1:
        raise ValueError(f"the calendar part's METHOD is not {letter.method!r}")  # RFC 6047 2.4
    return [
        f"--{boundary}",
        f"Content-Type: text/calendar; method={letter.method}; charset=UTF-8",
        "Content-Transfer-Encoding: base64",
        "",
        _base64(letter.calendar),
    ]


def _mailbox(mailbox: Mailbox, used: int) -> str:
    """`name <address>` after a header name that took `used` characters."""
    if not addressable(mailbox.email):
        raise ValueError("not an address that mail can be sent to")  # without the address: it would reach a log
    name = one_line(mailbox.name)
    if not name:
        return f"<{mailbox.email}>"
    if not name.isascii() or "=?" in name or len(name) > _LINE - used - 4:
        name = _encoded_words(name, used)
    elif not _PLAIN_PHRASE.fullmatch(name):
        name = '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
    last = name.rpartition(CRLF)[2]
    fold = CRLF if used + len(last) + len(mailbox.email) + 3 > _LINE else ""
    return f"{name}{fold} <{mailbox.email}>"


def _unstructured(text: str, used: int) -> str:
    text = one_line(text)
    if text.isascii() and "=?" not in text and len(text) <= _LINE - used:
        return text
    return _encoded_words(text, used)


def _encoded_words(text: str, used: int) -> str:
    """Encoded words (RFC 2047), one a line, each of whole characters since each decodes by itself."""
    octets = text.encode("utf-8", "replace")
    words: list[str] = []
    at, room = (
        0,
        min(_WORD_BYTES, (_LINE - used - 12) // 4 * 3),
    )  # the first line has the header's name as well
    while len(octets) - at > room:
        end = at + room
        while octets[end] & 0xC0 == 0x80:  # inside a character
            end -= 1
        words.append(_encoded_word(octets[at:end]))
        at, room = end, _WORD_BYTES
    words.append(_encoded_word(octets[at:]))
    return f"{CRLF} ".join(words)


def _encoded_word(octets: bytes) -> str:
    return f"=?utf-8?B?{b2a_base64(octets, newline=False).decode()}?="


def _quoted_printable(text: str) -> str:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n").replace("\n", CRLF) + CRLF
    # The final CRLF tells b2a_qp which line ends to use; the one before the boundary belongs to the boundary.
    return b2a_qp(lines.encode("utf-8", "replace"), istext=True)[:-2].decode("ascii") + CRLF


def _base64(octets: bytes) -> str:
    line = b2a_base64(octets, newline=False).decode("ascii")
    return CRLF.join([line[at : at + _LINE] for at in range(0, len(line), _LINE)])
