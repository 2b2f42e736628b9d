"""Bytes to text, whatever a mail says of them, and encoded words (RFC 2047)."""

import binascii
import codecs
import re

# What mails are written in. Other names are not looked up: some of Python's codecs are no charsets, and some are slow.
_KNOWN = {
    codecs.lookup(name).name: name
    for name in (
        *("utf-8", "utf-16", "utf-16-le", "utf-16-be", "us-ascii"),
        *(f"iso-8859-{n}" for n in (*range(1, 12), *range(13, 17))),
        *(f"windows-{n}" for n in range(1250, 1259)),
        *("cp874", "koi8-r", "koi8-u", "mac-roman", "cp437", "cp850", "cp852", "cp866"),
        *("big5", "big5-hkscs", "gb2312", "gbk", "gb18030", "hz", "euc-jp", "shift_jis", "cp932", "iso-2022-jp"),
        *("euc-kr", "cp949", "iso-2022-kr"),
    )
}
# Names that mean more than they say: mails in Western Europe are windows-1252, the Chinese gb18030.
_WIDER = {"ascii": "cp1252", "iso8859-1": "cp1252", "gb2312": "gb18030", "gbk": "gb18030", "shift_jis": "cp932"}
# Control characters, halves of characters, and the one with which `quoting` marks its places.
_BREAKING = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ue000\ufeff\ufffe\uffff]")
_WORD = re.compile(r"=\?([^?\s]{1,40})\?([bBqQ])\?([^?]{0,2000})\?=")
_BETWEEN_WORDS = re.compile(r"(=\?[^?\s]{1,40}\?[bBqQ]\?[^?]{0,2000}\?=)\s+(?==\?[^?\s]{1,40}\?[bBqQ]\?)")


def decoded(octets: bytes, declared: str) -> str:
    """The text of some bytes; line ends are LF, and control characters but tabs are gone.

    What is said to be in a charset may be in UTF-8 all the same, or in none: then it is read as what it looks like.
    """
    return tidy(_decoded(octets, declared))


def tidy(text: str) -> str:
    """LF as the only line end, no control characters, no halves of characters."""
    return _BREAKING.sub("", text.replace("\r\n", "\n").replace("\r", "\n").replace("\x85", "\n"))


def _decoded(octets: bytes, declared: str) -> str:
    name = _codec(declared)
    if not name.startswith(("utf-16", "iso2022", "hz")):
        try:  # text that is valid UTF-8 by accident hardly exists
            return octets.decode("utf-8")
        except UnicodeDecodeError:
            if name == "utf-8" and _mostly_utf8(octets):
                return octets.decode("utf-8", "replace")
    try:
        return octets.decode("cp1252" if name == "utf-8" else name)
    except UnicodeError:
        return octets.decode(name if name != "utf-8" else "cp1252", "replace")


def _codec(declared: str) -> str:
    try:
        name = codecs.lookup(declared.strip().strip("\"'")[:40]).name
    except (LookupError, ValueError):
        return "utf-8"
    return _WIDER.get(name, name) if name in _KNOWN else "utf-8"


def _mostly_utf8(octets: bytes) -> bool:
    """Whether bytes that are not valid are UTF-8 that was cut or damaged, not another charset."""
    text = octets.decode("utf-8", "replace")
    wrong = text.count("\ufffd")
    right = sum(1 for character in text if character > "\x7f") - wrong
    return right >= wrong


def words_decoded(raw: str) -> str:
    """A header's text with its encoded words decoded; what cannot be is left as it is."""
    if "=?" not in raw:
        return raw
    parts: list[str] = []
    pending, charset, at = b"", "", 0
    raw = _BETWEEN_WORDS.sub(r"\1", raw)  # RFC 2047 6.2: space between two encoded words is not shown
    for word in _WORD.finditer(raw):
        octets = _octets(word[2], word[3])
        if octets is None:
            continue
        name = word[1].partition("*")[0].lower()  # RFC 2231 5: a language may follow
        if pending and (word.start() > at or name != charset):
            parts.append(_decoded(pending, charset))
            pending = b""
        parts.append(raw[at : word.start()])
        # Senders split characters between words: those of one charset are put together first.
        pending, charset, at = pending + octets, name, word.end()
    parts.append(_decoded(pending, charset) if pending else "")
    parts.append(raw[at:])
    return "".join(parts)


def _octets(encoding: str, text: str) -> bytes | None:
    if encoding in "bB":
        return from_base64(text.encode("ascii", "ignore")) or None
    return binascii.a2b_qp(text.encode("utf-8", "replace"), header=True)


def from_base64(encoded: bytes) -> bytes:
    """The bytes of base64 that may be broken: what is no base64 is skipped, what is missing at the end is made up for."""
    letters = _NOT_BASE64.sub(b"", encoded)
    letters = letters[: len(letters) - (len(letters) % 4 == 1)]
    return binascii.a2b_base64(letters + b"=" * (-len(letters) % 4))


_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")
