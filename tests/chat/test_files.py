"""Files: what they are is seen, not believed; how large they may be; who may have them, and how they are handed out."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from presence.chat.files import Files, safe_name
from presence.errors import Invalid, TooLarge
from presence.web.kinds import UNKNOWN, media_type
from tests.chat.cast import Adviser, Bank, Browser, Customer
from tests.chat.stage import copied_sqlite

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 32
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@pytest.fixture
def database_url(settled_sqlite: Path, tmp_path: Path) -> str:
    """SQLite alone: files are not in the database."""
    return copied_sqlite(settled_sqlite, tmp_path)


async def upload(whose: Browser, c: str, name: str, content: bytes, as_: str = "image/png") -> httpx.Response:
    side = "desk" if isinstance(whose, Adviser) else "chat"
    return await whose.http.post(f"/{side}/conversations/{c}/files", files={"file": (name, content, as_)})


async def show(whose: Browser, c: str, file: str, id_: str = "f", **more: object) -> dict[str, object]:
    """Send the event that shows a file; the answer."""
    await whose.send({"t": "send", "c": c, "id": id_, "kind": "file", "body": {"file": file, **more}})
    return await whose.until(lambda f: f["t"] in {"ack", "refused"} and f["id"] == id_)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"%PDF-1.7", "application/pdf"),
        (b"PK\x03\x04", "application/zip"),
        (SVG, UNKNOWN),
        (b"<!DOCTYPE html><script>", UNKNOWN),
        (b"RIFF\x00\x00\x00\x00WAVE", UNKNOWN),
        (b"GIF88a", UNKNOWN),
        (b"x", UNKNOWN),
    ],
)
def test_what_a_file_is_by_how_it_begins(content: bytes, found: str) -> None:
    assert media_type(content) == found


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Windows\\system32\\calc.exe", "calc.exe"),
        ('a"b<c>d\r\nX: y.pdf', "abcdX y.pdf"),
        ("...", "file"),
        ("", "file"),
        ("été 2026.pdf", "été 2026.pdf"),
        ("x" * 300 + ".pdf", "x" * 116 + ".pdf"),
    ],
)
def test_a_name_is_no_path_and_keeps_its_ending(sent: str, kept: str) -> None:
    assert safe_name(sent) == kept


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def test_too_large_or_empty_leaves_nothing_behind(tmp_path: Path) -> None:
    files = Files(tmp_path, 10)
    with pytest.raises(TooLarge):
        await files.receive("a", pieces(b"x" * 8, b"y" * 8))
    with pytest.raises(Invalid):
        await files.receive("a", pieces())
    assert [one for one in tmp_path.rglob("*") if one.is_file()] == []  # noqa: ASYNC240
    kept = await files.receive("../a", pieces(b"x" * 8, b"yy"))
    assert (kept.size, kept.name) == (10, "a")
    assert files.path(kept.uid).read_bytes() == b"x" * 8 + b"yy"


async def test_a_picture_is_previewed_and_everything_else_only_downloaded(
    bank: Bank, carol: Customer, alice: Adviser
) -> None:
    c = await carol.begin()
    await alice.take(c)
    picture = (await upload(carol, c, "me.png", PNG)).json()
    assert picture["type"] == "image/png"
    assert (await show(carol, c, picture["file"], name="evil.html", type="text/html"))["t"] == "ack"
    event = await alice.event("file")
    assert event["body"] == {"file": picture["file"], "name": "me.png", "type": "image/png", "size": len(PNG)}
    for whose in (carol, alice):
        inline = await whose.http.get(f"/chat/files/{picture['file']}", params={"preview": "1"})
        assert (inline.content, inline.headers["content-type"]) == (PNG, "image/png")
        assert inline.headers["content-disposition"].startswith("inline")
        assert inline.headers["content-security-policy"] == "default-src 'none'; sandbox"
        assert inline.headers["x-content-type-options"] == "nosniff"
    plain = await alice.http.get(f"/chat/files/{picture['file']}")
    assert plain.headers["content-disposition"].startswith("attachment")
    for name, content, as_ in (
        ("x.svg", SVG, "image/svg+xml"),
        ("x.html", b"<script>", "text/html"),
        ("x.png", SVG, "image/png"),
    ):
        sent = (await upload(alice, c, name, content, as_)).json()
        assert sent["type"] == UNKNOWN
        got = await carol.http.get(f"/chat/files/{sent['file']}", params={"preview": "1"})
        assert got.headers["content-disposition"].startswith("attachment"), name
        assert got.headers["content-type"] == UNKNOWN


async def test_a_file_is_shown_only_by_who_sent_it_and_where(bank: Bank, carol: Customer, alice: Adviser) -> None:
    c = await carol.begin()
    await alice.take(c)
    file = (await upload(carol, c, "me.png", PNG)).json()["file"]
    async with Customer(bank, "Dave") as dave:
        other = await dave.begin()
        assert (await show(dave, other, file))["code"] == "unknown"
    assert (await show(alice, c, file))["code"] == "unknown"
    assert (await show(carol, c, "../../presence.db"))["code"] == "unknown"
    assert (await show(carol, c, file, "again"))["t"] == "ack"


async def test_too_large_is_told_and_what_is_closed_takes_no_more(bank: Bank, carol: Customer) -> None:
    c = await carol.begin()
    most = bank.app.state.presence.config.chat.file_bytes
    assert (await upload(carol, c, "big.png", b"x" * (most + 1))).status_code == 413
    assert (await upload(carol, c, "none.png", b"")).status_code == 422
    await carol.post(f"/chat/conversations/{c}/end")
    assert (await upload(carol, c, "late.png", PNG)).status_code == 404


async def test_a_file_that_is_in_no_backup_is_not_found(bank: Bank, carol: Customer) -> None:
    c = await carol.begin()
    file = (await upload(carol, c, "me.png", PNG)).json()["file"]
    bank.chat.files.path(file).unlink()
    assert (await carol.http.get(f"/chat/files/{file}")).status_code == 404
