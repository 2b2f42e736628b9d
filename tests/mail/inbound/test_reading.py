"""Any bytes are a mail: bounded, repaired where that is possible, and never an exception."""

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from presence.mail.inbound import mime, reading
from presence.mail.inbound.charsets import decoded, words_decoded
from presence.mail.inbound.reading import read
from tests.mail.inbound.cast import CAROL, CORPUS, REPLY, TOKEN, files, mail

HEAD = b"From: Carol <carol@customers.example>\r\nMessage-ID: <x@customers.example>\r\n"
ALL = sorted(CORPUS.rglob("*.eml"))


def test_an_answer_is_read() -> None:
    found = mail("replies/fr-gmail")
    assert (found.sender.name, found.sender.email, found.sole_sender) == ("Carol Durand", CAROL, True)
    assert found.subject == "Re: Votre conversation avec la Banque"
    assert found.message_id == "<fr-gmail@customers.example>"
    assert found.in_reply_to == "<original@bank.example>"
    assert found.references == ("<first@bank.example>", "<original@bank.example>")
    assert found.return_path == CAROL
    assert found.recipients == (REPLY,)


@pytest.mark.parametrize("file", files("broken"), ids=lambda file: file.stem)
def test_text_that_is_wrongly_declared_is_read_all_the_same(file: Path) -> None:
    found = read(file.read_bytes())
    assert "Été à Besançon : 10 € d'intérêts" in found.text
    assert (found.sender.email, found.unreadable) == (CAROL, "")


@pytest.mark.parametrize(
    ("name", "why"), [("pgp", "encrypted"), ("smime", "encrypted"), ("nothing-readable", "broken")]
)
def test_a_mail_that_cannot_be_read_says_why(name: str, why: str) -> None:
    found = mail(f"unreadable/{name}")
    assert found.unreadable == why
    assert found.sender.email == CAROL


def test_a_mail_that_was_too_large_to_fetch_says_so() -> None:
    raw = (CORPUS / "replies/fr-gmail.eml").read_bytes()
    assert read(raw[:600], cut=True).unreadable == "cut"


def test_the_envelope_goes_before_the_headers() -> None:
    found = read(HEAD + b"To: else@bank.example\r\n\r\nx", recipients=(REPLY,), return_path="")
    assert found.recipients == (REPLY, "else@bank.example")
    assert found.return_path == ""


def test_an_address_may_be_known_only_by_where_the_mail_was_delivered() -> None:
    assert mail("people/only-delivered-to").recipients == (REPLY, f"REPLY+{TOKEN}@Bank.Example")


def test_two_senders_are_told_from_one() -> None:
    assert read(b"From: a@x.example\nFrom: b@x.example\n\nx").sole_sender is False
    assert read(b"From: a@x.example, b@x.example\n\nx").sole_sender is False
    assert read(b'From: "alice@bank.example" <mallory@x.example>\n\nx').sender.email == "mallory@x.example"


def test_files_are_known_by_their_content_and_named_without_tricks() -> None:
    found = mail("files/several")
    assert found.text == "Voici mes papiers."
    assert [(one.name, one.media_type) for one in found.attachments] == [
        ("logo.png", "image/png"),
        ("relevé de compte.pdf", "application/pdf"),
        ("etc pho to.jpg", "text/html"),
        ("La vente.eml", "message/rfc822"),
        ("comptes.csv", "text/plain"),
    ]
    assert [one.inline for one in found.attachments] == [True, False, False, False, False]
    assert found.attachments[1].data == b"%PDF-1.4 a statement"


def test_of_a_file_that_is_too_large_the_name_and_size_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_ATTACHMENT", 1000)
    raw = HEAD + b'Content-Type: application/pdf; name="a.pdf"\r\n\r\n%PDF-' + b"x" * 2000
    (found,) = read(raw).attachments
    assert (found.name, found.size, found.data) == ("a.pdf", 2005, b"")


def test_a_huge_text_is_cut_and_comes_whole_as_a_file() -> None:
    text = b"".join(b"line %d of a very long letter\r\n" % n for n in range(60_000))
    found = read(HEAD + b"\r\n" + text)
    assert len(found.text) == reading.MAX_TEXT
    assert found.attachments[0].name == "message.txt"
    assert b"line 59999 of" in found.attachments[0].data


def test_parts_in_parts_and_parts_without_number_end() -> None:
    deep = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" * 3000
    many = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 100_000
    assert read(HEAD + deep).sender.email == CAROL
    assert len(list(mime.parsed(HEAD + many).walk())) <= mime.MAX_PARTS + 1
    assert read(HEAD + many).text.startswith("x")


@pytest.mark.parametrize(
    "piece",
    [
        b"<",
        b"<!--",
        b'<a "',
        b"<div>",
        b"<blockquote>",
        b"&",
        b"&#",
        b"> ",
        b"--b\n",
        b"=?utf-8?Q?a?= ",
        b"\r",
        b"a: b\n",
    ],
)
def test_a_megabyte_of_anything_is_read(piece: bytes) -> None:
    body = piece * (1_000_000 // len(piece))
    assert read(HEAD + b"Content-Type: text/html\r\n\r\n" + body).sender.email == CAROL
    assert read(HEAD + b"\r\n" + body).sender.email == CAROL
    assert read(HEAD + b"Subject: " + body).sender.email == CAROL
    assert read(HEAD + b"To: " + body + b"\r\n\r\nx").sender.email == CAROL


@given(st.binary(max_size=2000))
@example(b"")
@example(b"\r\n")
@example(b"From \r\n")
@example(b"From: " + b"(" * 5000)
@example(b'Content-Type: multipart/mixed; boundary=""\n\n--\n--\n')
@example(b"Content-Type: text/plain; charset*0*=''%; name*=%%\n\nx")
def test_no_bytes_raise(raw: bytes) -> None:
    reading._read(raw, (), None, False)


@given(st.sampled_from(ALL), st.data())
@settings(max_examples=300)
def test_damaged_mails_do_not_raise(file: Path, data: st.DataObject) -> None:
    raw = bytearray(file.read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(raw)))
        end = min(len(raw), at + data.draw(st.integers(0, 40)))
        raw[at:end] = data.draw(st.binary(max_size=20))
    reading._read(bytes(raw), (), None, False)


def test_should_the_reader_fail_the_mail_is_still_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise RecursionError

    monkeypatch.setattr(reading, "_read", fails)
    assert read(b"x", recipients=(REPLY,)).unreadable == "broken"


@given(st.text(max_size=200), st.text(max_size=30))
def test_utf8_is_read_whatever_it_is_declared_as(text: str, charset: str) -> None:
    assert decoded(text.encode("utf-8", "replace"), charset) is not None


@given(st.text(max_size=200))
def test_any_header_is_decoded(text: str) -> None:
    assert words_decoded(text) is not None
    assert words_decoded(f"=?utf-8?B?{text}?= =?x?Q?{text}?=") is not None


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("=?utf-8?Q?=C3=89t=C3=A9?=", "Été"),
        ("=?iso-8859-1?Q?=C9t=E9?=", "Été"),
        ("=?utf-8?B?w4k=?= =?utf-8?B?dMM=?=\t=?utf-8?B?qQ==?=", "Été"),  # a character in two words
        ("a =?utf-8?Q?b?= c", "a b c"),
        ("=?utf-8?Q?a_b?= =?iso-8859-1?Q?c?=", "a bc"),
        ("=?utf-8*fr?Q?=C3=89?=", "É"),
        ("=?utf-8?X?no?=", "=?utf-8?X?no?="),
    ],
)
def test_encoded_words(written: str, meant: str) -> None:
    assert words_decoded(written) == meant


def test_paragraphs_that_were_broken_into_lines_are_whole_again() -> None:
    raw = (
        HEAD
        + b"Content-Type: text/plain; format=flowed\r\n\r\nA long \r\nparagraph.\r\n \r\n > no quote\r\n-- \r\nCarol\r\n"
    )
    found = read(raw)
    assert found.text == "A long paragraph.\n\n> no quote"
    assert found.quoted == "--\nCarol"
