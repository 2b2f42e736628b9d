"""Logos: small pictures that are what they begin like; nothing else is shown in the name of a site."""

import struct
import zlib

import pytest

from presence.errors import Invalid
from presence.sites.logo import MOST_BYTES, kind_of


def png(width: int = 32, height: int = 32) -> bytes:
    """A picture of one colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress((b"\0" + b"\x1d\x4e\xd8" * width) * height)
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def jpeg(width: int, height: int) -> bytes:
    frame = struct.pack(">BHHB", 8, height, width, 3) + b"\1\x11\0" * 3
    return b"\xff\xd8\xff\xe0\0\x10JFIF\0" + b"\0" * 9 + b"\xff\xff\xc0" + struct.pack(">H", len(frame) + 2) + frame


def webp(kind: bytes, data: bytes) -> bytes:
    return b"RIFF\0\0\0\0WEBP" + kind + struct.pack("<I", len(data)) + data


def lossless(width: int, height: int) -> bytes:
    return webp(b"VP8L", b"\x2f" + ((width - 1) | (height - 1) << 14).to_bytes(4, "little") + b"\0" * 8)


def lossy(width: int, height: int) -> bytes:
    return webp(b"VP8 ", b"\0\0\0\x9d\x01\x2a" + struct.pack("<HH", width, height) + b"\0" * 8)


def extended(width: int, height: int) -> bytes:
    return webp(b"VP8X", b"\0" * 4 + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little"))


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (png, "image/png"),
        (jpeg, "image/jpeg"),
        (lossless, "image/webp"),
        (lossy, "image/webp"),
        (extended, "image/webp"),
    ],
)
def test_a_picture_is_taken_up_to_its_size(make, kind: str) -> None:  # type: ignore[no-untyped-def]
    for size in ((1, 1), (512, 512), (300, 60)):
        assert kind_of(make(*size)) == kind
    for size in ((513, 1), (1, 513)):
        with pytest.raises(Invalid) as error:
            kind_of(make(*size))
        assert "pixels" in error.value.fields["logo"].message


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        b"GIF89a" + b"\0" * 32,
        b"\x89PNG\r\n\x1a\n" + b"\0" * 32,  # begins like one, and is none
        png()[:24],
        png(0, 4),
        b"\xff\xd8\xff",
        b"\xff\xd8\xff\xe0\0\0" * 5,
        jpeg(8, 8)[:20],
        webp(b"VP8L", b"\0" * 12),
        webp(b"VP8 ", b"\0" * 12),
        webp(b"VP9 ", b"\0" * 12),
        webp(b"VP8X", b""),
    ],
)
def test_nothing_else_is_taken(content: bytes) -> None:
    with pytest.raises(Invalid) as error:
        kind_of(content)
    assert error.value.fields["logo"].message == "A PNG, WebP or JPEG picture is needed"


def test_not_more_than_so_many_bytes() -> None:
    assert kind_of(png() + b"\0" * (MOST_BYTES - len(png()))) == "image/png"
    with pytest.raises(Invalid):
        kind_of(png() + b"\0" * MOST_BYTES)
