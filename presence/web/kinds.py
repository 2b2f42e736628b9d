"""What a file is by how it begins; the sender's word and the name's ending count for nothing. Pure."""

PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
UNKNOWN = "application/octet-stream"
_SIGNATURES = (  # bytes at the beginning -> type; what is not here is bytes and nothing else
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),
)


def media_type(beginning: bytes) -> str:
    """The type of a file by its first bytes, a dozen of them or more."""
    for signature, found in _SIGNATURES:
        if beginning.startswith(signature):
            return found
    if beginning[:4] == b"RIFF" and beginning[8:12] == b"WEBP":
        return "image/webp"
    return UNKNOWN
