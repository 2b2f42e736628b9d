"""Final bytes, read back by the standard library."""

import email.policy
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parseaddr, parsedate_to_datetime
from typing import cast

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from presence.mail.compose import Letter, Mailbox, addressable, composed, message_id, one_line

BANK = Mailbox("Banque Exemple", "rdv@bank.example")
ID = message_id(BANK.domain, "confirmation", "uid", 0)
DATE = 1_795_600_000
ICS = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n"
LETTER = Letter(
    to=Mailbox("Carol Durand", "carol@example.org"),
    subject="Confirmed",
    text="Hello\n",
    html="<!doctype html>\n<html lang='en'><p>Hello</p></html>\n",
    language="en",
    calendar=ICS,
    method="REQUEST",
)


def mail(letter: Letter = LETTER, sender: Mailbox = BANK) -> bytes:
    raw = composed(letter, sender=sender, message_id=ID, date=DATE)
    assert raw.isascii()
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert b"\r" not in raw.replace(b"\r\n", b"")
    assert all(len(line) <= 78 for line in raw.split(b"\r\n"))
    return raw


def read(raw: bytes) -> tuple[EmailMessage, list[EmailMessage]]:
    message = message_from_bytes(raw, policy=email.policy.default)
    parts = cast(list[EmailMessage], list(message.iter_parts()))
    assert not [one.defects for one in (message, *parts) if one.defects]
    assert not [message[name].defects for name in message if message[name].defects]
    return message, parts


def name_in(raw: bytes, header: str) -> str:
    """A mailbox's name by RFC 2047: space between two encoded words is no space of the name.

    `policy.default` of Python 3.11 keeps that space in names, so the older reader is asked here.
    """
    value = str(message_from_bytes(raw)[header]).replace("\r\n ", " ")
    name, _ = parseaddr(value)
    return str(make_header(decode_header(name)))


def with_(**changes: object) -> Letter:
    return msgspec.structs.replace(LETTER, **changes)


def test_one_alternative_of_text_html_and_last_the_calendar() -> None:
    message, parts = read(mail())
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in parts] == ["text/plain", "text/html", "text/calendar"]
    assert b"\r\nContent-Type: text/calendar; method=REQUEST; charset=UTF-8\r\n" in mail()
    assert parts[2].get_payload(decode=True) == ICS
    assert not any("content-disposition" in part for part in parts)


def test_the_headers_say_who_when_and_that_no_machine_should_answer() -> None:
    message, _ = read(mail(with_(reply_to=Mailbox("", "desk@bank.example"))))
    assert message["from"] == "Banque Exemple <rdv@bank.example>"
    assert message["to"] == "Carol Durand <carol@example.org>"
    assert message["reply-to"] == "desk@bank.example"
    assert parsedate_to_datetime(message["date"]).timestamp() == DATE
    assert message["message-id"] == ID
    assert message["auto-submitted"] == "auto-generated"
    # Reports of what did not arrive may come.
    assert message["x-auto-response-suppress"] == "DR, RN, NRN, OOF, AutoReply"
    assert message["content-language"] == "en"
    assert message["mime-version"] == "1.0"


def test_the_same_letter_is_the_same_bytes() -> None:
    assert mail() == mail()


def test_message_ids_are_the_same_for_the_same_parts_alone() -> None:
    assert message_id("x.example", "a", 1) == message_id("x.example", "a", 1)
    assert message_id("x.example", "a", 1) != message_id("x.example", "a", 2)
    assert message_id("x.example", "ab", "c") != message_id("x.example", "a", "bc")


@pytest.mark.parametrize("method", ["CANCEL", "", "REQUEST\r\nX: y", "request"])
def test_a_method_that_is_not_the_bodys_is_refused(method: str) -> None:
    with pytest.raises(ValueError, match="METHOD"):
        mail(with_(method=method))


@pytest.mark.parametrize(
    "address",
    [
        "carol@example.org\r\nBcc: all@example.org",
        "carol@example.org>, <mallory@evil.example",
        "carol",
        "",
        "@example.org",
        "a@",
        "a b@example.org",
        '"a"@example.org',
        "hélène@example.org",
        "a@-x.org",
        "a@x..org",
        "a" * 65 + "@example.org",
        "a@" + "x" * 255 + ".org",
    ],
)
def test_what_is_no_address_is_refused(address: str) -> None:
    assert not addressable(address)
    with pytest.raises(ValueError, match="address") as refused:
        mail(with_(to=Mailbox("Carol", address)))
    assert not address or address not in str(refused.value)  # an error must not carry it to a log


def test_what_people_have_is_an_address() -> None:
    for address in (
        "carol.d+rdv@mail.example.org",
        "o'hara@example.org",
        "c@xn--mnchen-3ya.de",
        "rdv@localhost",
    ):
        assert addressable(address)


@pytest.mark.parametrize("bad", ["<a b@x>", "no", "<a@x>\r\nBcc: y", "<@x>"])
def test_what_is_no_message_id_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="Message-ID"):
        composed(LETTER, sender=BANK, message_id=bad, date=DATE)


@pytest.mark.parametrize("place", ["subject", "name", "sender"])
def test_a_line_end_in_a_subject_or_name_begins_no_header(place: str) -> None:
    evil = "Carol\r\nBcc: all@example.org\r\n\r\n<script>\n\x0b\x85\u2028x"
    letter = {
        "subject": with_(subject=evil),
        "name": with_(to=Mailbox(evil, "carol@example.org")),
        "sender": LETTER,
    }[place]
    message, parts = read(mail(letter, Mailbox(evil, BANK.email) if place == "sender" else BANK))
    assert message["bcc"] is None
    assert len(parts) == 3
    told = "Carol Bcc: all@example.org <script> x"
    assert told in (
        message["subject"],
        message["to"].addresses[0].display_name,
        message["from"].addresses[0].display_name,
    )


@pytest.mark.parametrize(
    "name",
    [
        "Carol",
        "Hélène d'Été",
        'Carol "the \\ boss" <mallory@evil.example>',
        "Durand, Carol; (x) @home:",
        "=?utf-8?q?hidden?=",
        "名前 " * 30,
        "👩‍👩‍👧‍👦" * 20,
        "x" * 200,
        "a " * 100,
        "",
        "  spaced   out  ",
        "trailing\\",
    ],
)
def test_names_and_subjects_come_back_as_they_were(name: str) -> None:
    raw = mail(with_(subject=name, to=Mailbox(name, "carol@example.org")), Mailbox(name, BANK.email))
    message, _ = read(raw)
    assert name_in(raw, "to") == name_in(raw, "from") == one_line(name)
    assert message["to"].addresses[0].addr_spec == "carol@example.org"
    assert message["subject"] == one_line(name)


def test_marks_that_reverse_what_is_read_are_left_out() -> None:
    assert one_line("Bank \u202egpj.exe\u202c") == "Bank gpj.exe"


def test_space_that_does_not_break_is_kept() -> None:
    assert one_line("Confirmé\u00a0: crédit") == "Confirmé\u00a0: crédit"


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=150)


@settings(max_examples=100, deadline=None)
@given(subject=text, name=text, body=text)
def test_whatever_is_written_comes_back(subject: str, name: str, body: str) -> None:
    raw = mail(with_(subject=subject, to=Mailbox(name, "c@example.org"), text=body, html=body))
    message, (plain, html, _) = read(raw)
    (address,) = message["to"].addresses
    assert address.addr_spec == "c@example.org"
    assert name_in(raw, "to") == one_line(name)
    assert message["subject"] == one_line(subject)
    whole = body.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n") + "\n"
    assert cast(bytes, plain.get_payload(decode=True)).decode().replace("\r\n", "\n") == whole
    assert cast(bytes, html.get_payload(decode=True)).decode() == body


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from([".", "..", "=", " ", "\t", "From x", "--", "é", "\n", "x" * 80, "."]), max_size=60))
def test_dots_spaces_and_equal_signs_survive(pieces: list[str]) -> None:
    body = "".join(pieces)
    _, (plain, *_) = read(mail(with_(text=body)))
    decoded = cast(bytes, plain.get_payload(decode=True)).decode().replace("\r\n", "\n")
    assert decoded == body.rstrip("\n") + "\n"
