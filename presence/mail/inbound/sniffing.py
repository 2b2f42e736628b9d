"""What a file is by its first bytes; what it is called, and what a mail says of it, are not asked."""

import re

UNKNOWN = "application/octet-stream"
_HEAD = 4096  # bytes that are looked at

_BEGINNINGS: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"BM", "image/bmp"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"%PDF-", "application/pdf"),
    (b"{\\rtf", "application/rtf"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),  # Word, Excel and Outlook before 2007
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"Rar!\x1a\x07", "application/vnd.rar"),
    (b"\x1f\x8b\x08", "application/gzip"),
    (b"OggS", "audio/ogg"),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"fLaC", "audio/flac"),
    (b"\x1aE\xdf\xa3", "video/webm"),
    (b"BEGIN:VCALENDAR", "text/calendar"),
    (b"BEGIN:VCARD", "text/vcard"),
)
_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}
_BRANDS = {b"heic": "image/heic", b"heix": "image/heic", b"mif1": "image/heic", b"avif": "image/avif"}
_ZIPPED = (
    (b"word/", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    (b"xl/", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    (b"ppt/", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
)
_OPEN_DOCUMENT = re.compile(rb"mimetype(application/vnd\.oasis\.opendocument\.[a-z-]{1,40})")
_SVG = re.compile(rb"<svg[\s>]", re.IGNORECASE)
_MARKUP = re.compile(rb"\s*(?:<!doctype html|<html|<head|<body|<script|<iframe|<table|<div|<p>|<!--)", re.IGNORECASE)
_XML = re.compile(rb"\s*<\?xml\s", re.IGNORECASE)
_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def media_type(octets: bytes) -> str:
    """The media type of a file by its content; `UNKNOWN` for what is not recognised."""
    head = octets[:_HEAD]
    for beginning, found in _BEGINNINGS:
        if head.startswith(beginning):
            return found
    if head.startswith(b"RIFF"):
        return _RIFF.get(head[8:12], UNKNOWN)
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], "video/quicktime" if head[8:12] == b"qt  " else "video/mp4")
    if head.startswith(b"PK\x03\x04"):
        return _zipped(octets, head)
    return _text(head)


def _zipped(octets: bytes, head: bytes) -> str:
    """Office files are archives whose list of contents, at the end, names the program."""
    found = _OPEN_DOCUMENT.search(head)
    if found:
        return found[1].decode()
    names = head + octets[-65_536:]
    if b"[Content_Types].xml" in names:
        return next((found for part, found in _ZIPPED if part in names), "application/zip")
    return "application/zip"


def _text(head: bytes) -> str:
    if not head or _BINARY.search(head):
        return UNKNOWN
    if _SVG.search(head):
        return "image/svg+xml"
    if _MARKUP.match(head):
        return "text/html"
    if _XML.match(head):
        return "application/xml"
    return "text/plain"
