"""A site's logo: a small picture, which is what it begins like and as large as it says. Pure."""

from presence.errors import FieldError, Invalid
from presence.i18n import N_
from presence.web.kinds import media_type

MOST_BYTES = 65_536
MOST_PIXELS = 512  # either way
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # of JPEG: the markers that tell how large it is
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})  # those that nothing follows


def kind_of(content: bytes) -> str:
    """The type of a picture that can be a logo: image/png, image/webp or image/jpeg. `Invalid` says why it cannot."""
    if len(content) > MOST_BYTES:
        raise _wrong(FieldError(N_("This picture is too large: 64 KB at most")))
    kind = media_type(content[:16])
    measure = {"image/png": _png, "image/webp": _webp, "image/jpeg": _jpeg}.get(kind)
    size = measure(content) if measure else None
    if size is None or 0 in size:
        raise _wrong(FieldError(N_("A PNG, WebP or JPEG picture is needed")))
    if max(size) > MOST_PIXELS:
        raise _wrong(FieldError(N_("This picture is too large: %(most)s pixels either way at most"), most=MOST_PIXELS))
    return kind


def _wrong(what: FieldError) -> Invalid:
    return Invalid({"logo": what})


def _png(content: bytes) -> tuple[int, int] | None:
    if content[12:16] != b"IHDR" or len(content) < 33:
        return None
    return int.from_bytes(content[16:20]), int.from_bytes(content[20:24])


def _webp(content: bytes) -> tuple[int, int] | None:
    kind, data = content[12:16], content[20:30]
    if len(data) < 10:
        return None
    if kind == b"VP8X":
        return int.from_bytes(data[4:7], "little") + 1, int.from_bytes(data[7:10], "little") + 1
    if kind == b"VP8L" and data[0] == 0x2F:
        bits = int.from_bytes(data[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 " and data[3:6] == b"\x9d\x01\x2a":
        return int.from_bytes(data[6:8], "little") & 0x3FFF, int.from_bytes(data[8:10], "little") & 0x3FFF
    return None


def _jpeg(content: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 <= len(content) and content[at] == 0xFF:
        marker = content[at + 1]
        if marker == 0xFF:  # padding
            at += 1
        elif marker in _ALONE:
            at += 2
        elif marker in _FRAMES:
            return int.from_bytes(content[at + 7 : at + 9]), int.from_bytes(content[at + 5 : at + 7])
        else:
            at += 2 + int.from_bytes(content[at + 2 : at + 4])
    return None
