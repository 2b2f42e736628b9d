"""The parts of a mail (RFC 5322, RFC 2045-2047, RFC 2231), from any bytes, in bounded time and memory.

The standard library's parser is not used: it takes time that grows with depth times lines, and raises on headers that
people send. Nothing here copies a part's bytes before they are asked for.
"""

import binascii
import re
from collections.abc import Iterator
from email.message import Message
from email.utils import collapse_rfc2231_value

from presence.mail.inbound.charsets import decoded, from_base64, words_decoded

MAX_DEPTH = 12  # of parts in parts
MAX_PARTS = 300
_MAX_HEADER_BLOCK = 256 * 1024  # bytes
_MAX_HEADERS = 500
_MAX_VALUE = 10_000  # characters of a header
_END_OF_HEADERS = re.compile(rb"\r?\n\r?\n|\r\r")
_LINE_END = re.compile(rb"\r\n|\n|\r")
_FIELD = re.compile(rb"([!-9;-~]{1,80})[ \t]*:")

Headers = tuple[tuple[str, str], ...]


class Part:
    """A part of a mail: its headers, decoded, and its children, or where its body stands in the mail's bytes."""

    __slots__ = ("children", "disposition", "end", "filename", "headers", "raw", "start", "type", "whole")

    def __init__(self, raw: bytes, whole: int, start: int, end: int, headers: Headers) -> None:
        self.raw = raw
        self.whole = whole  # where its headers begin
        self.start = start
        self.end = end
        self.headers = headers
        self.children: tuple[Part, ...] = ()
        kind = self.header("content-type")
        self.type = kind.partition(";")[0].strip().lower() or "text/plain"
        disposition = self.header("content-disposition")
        self.disposition = disposition.partition(";")[0].strip().lower()
        self.filename = _parameter(disposition, "filename") or _parameter(kind, "name")

    def header(self, name: str) -> str:
        """The first value of a header; "" without one."""
        return next((value for key, value in self.headers if key == name), "")

    def parameter(self, name: str) -> str:
        """A parameter of the content type; "" without it."""
        return _parameter(self.header("content-type"), name)

    def content(self, limit: int | None = None) -> bytes:
        """The body without its transfer encoding, of at most `limit` encoded bytes."""
        end = self.end if limit is None else min(self.end, self.start + limit)
        encoded = self.raw[self.start : end]
        match self.header("content-transfer-encoding").partition(";")[0].strip().lower():
            case "base64":
                return from_base64(encoded)
            case "quoted-printable":
                return binascii.a2b_qp(encoded)
            case "x-uuencode" | "uuencode" | "x-uue":
                return _from_uuencode(encoded)
        return encoded

    def text(self, limit: int) -> str:
        """The body as text, of at most `limit` encoded bytes."""
        return decoded(self.content(limit), self.parameter("charset"))

    def walk(self) -> "Iterator[Part]":
        """This part and all in it."""
        yield self
        for child in self.children:
            yield from child.walk()


class _Budget:
    """How many more parts there may be."""

    def __init__(self) -> None:
        self.parts = MAX_PARTS


def parsed(raw: bytes) -> Part:
    """The tree of a mail's parts. What is beyond the bounds stays in the part that holds it, unparsed."""
    start = 0
    if raw.startswith((b"From ", b">From ")):  # the line that mbox files put before a mail
        line = _LINE_END.search(raw)
        start = line.end() if line else 0
    return _part(raw, start, len(raw), 0, _Budget())


def _part(raw: bytes, start: int, end: int, depth: int, budget: _Budget, default: str = "") -> Part:
    block, body = _blocks(raw, start, end)
    headers = _headers(block)
    if default and not any(name == "content-type" for name, _ in headers):
        headers = (*headers, ("content-type", default))
    part = Part(raw, start, body, end, headers)
    budget.parts -= 1
    if depth >= MAX_DEPTH or budget.parts <= 0:
        return part
    if part.type.startswith("multipart/"):
        # RFC 2046 5.1.5: the parts of a digest are messages unless they say otherwise.
        inner = "message/rfc822" if part.type == "multipart/digest" else ""
        children = []
        for begin, stop in _slices(raw, body, end, part.parameter("boundary")):
            if budget.parts <= 0:
                break
            children.append(_part(raw, begin, stop, depth + 1, budget, inner))
        part.children = tuple(children)
    return part


def message_in(part: Part) -> Part:
    """The mail that a message/rfc822 part holds, without its own parts."""
    raw = part.content()
    block, body = _blocks(raw, 0, len(raw))
    return Part(raw, 0, body, len(raw), _headers(block))


def _blocks(raw: bytes, start: int, end: int) -> tuple[bytes, int]:
    """The header block between `start` and `end`, and where the body begins."""
    if raw.startswith((b"\n", b"\r\n"), start, end):
        return b"", min(end, start + (2 if raw.startswith(b"\r\n", start) else 1))
    if not _FIELD.match(raw, start, end):
        return b"", start  # no header at all: everything is body
    found = _END_OF_HEADERS.search(raw, start, min(end, start + _MAX_HEADER_BLOCK))
    if found is None:
        stop = min(end, start + _MAX_HEADER_BLOCK)
        return raw[start:stop], stop
    return raw[start : found.start()], found.end()


def _headers(block: bytes) -> Headers:
    """Names in lower case and decoded values. Lines that are none are skipped."""
    unfolded: list[tuple[bytes, list[bytes]]] = []
    for line in _LINE_END.split(block):
        if line[:1] in (b" ", b"\t"):
            if unfolded:
                unfolded[-1][1].append(line)
            continue
        field = _FIELD.match(line)
        if field is None:
            continue
        if len(unfolded) == _MAX_HEADERS:
            break
        unfolded.append((field[1], [line[field.end() :]]))
    return tuple((name.decode().lower(), _value(b"".join(lines))) for name, lines in unfolded)


def _value(octets: bytes) -> str:
    return words_decoded(decoded(octets[:_MAX_VALUE], "").replace("\n", " ").replace("\t", " ").strip())


def _slices(raw: bytes, start: int, end: int, boundary: str) -> Iterator[tuple[int, int]]:
    """Where the parts between boundary lines begin and end. A missing last boundary is the end."""
    delimiter = b"--" + boundary.encode("utf-8", "replace") if boundary else _guessed(raw, start, end)
    if len(delimiter) < 3:
        return
    begin = -1
    at = raw.find(delimiter, start, end)
    while at != -1:
        after = at + len(delimiter)
        closing = raw.startswith(b"--", after, end)
        line_end = _rest_of_line(raw, after + 2 * closing, end)
        if line_end != -1 and (at == start or raw[at - 1 : at] in (b"\n", b"\r")):
            if begin != -1:
                yield begin, max(begin, _before_line_end(raw, begin, at))
            begin = line_end
            if closing:
                return
            after = line_end
        at = raw.find(delimiter, after, end)
    if begin != -1:
        yield begin, end


def _rest_of_line(raw: bytes, at: int, end: int) -> int:
    """Where the next line begins when nothing but space is left on this one; else -1."""
    for position in range(at, min(end, at + 200)):
        character = raw[position]
        if character == 0x0A:
            return position + 1
        if character == 0x0D:
            return position + (2 if raw[position + 1 : position + 2] == b"\n" else 1)
        if character not in b" \t":
            return -1
    return end if min(end, at + 200) == end else -1


def _before_line_end(raw: bytes, start: int, at: int) -> int:
    """RFC 2046 5.1.1: the line end before a boundary belongs to the boundary."""
    if raw.endswith(b"\r\n", start, at):
        return at - 2
    return at - 1 if raw.endswith((b"\n", b"\r"), start, at) else at


def _guessed(raw: bytes, start: int, end: int) -> bytes:
    """The boundary line of a multipart that does not name it: the first line with two dashes in front."""
    found = re.compile(rb"^--[^\s-]\S{5,90}\s*$", re.MULTILINE).search(raw, start, min(end, start + 10_000))
    return found[0].strip() if found else b""


def _parameter(value: str, name: str) -> str:
    """A parameter of a structured header, split and encoded as RFC 2231 has it or as it is found in the wild."""
    if ";" not in value:
        return ""
    holder = Message()
    holder["content-type"] = value[:4000].encode("utf-8", "replace").decode("utf-8")
    try:
        found = holder.get_param(name, "")
        return words_decoded(collapse_rfc2231_value(found).strip()) if found else ""
    except Exception:  # the standard library's own trouble with headers that are none
        return ""


def _from_uuencode(encoded: bytes) -> bytes:
    octets = []
    for line in encoded.splitlines():
        if line.startswith((b"begin ", b"end")) or not line:
            continue
        try:
            octets.append(binascii.a2b_uu(line))
        except binascii.Error:
            continue
    return b"".join(octets)
