"""Machines are told from people by every signal in use, and people are never taken for machines."""

from pathlib import Path

import pytest

from presence.mail.inbound.automatic import recognised
from presence.mail.inbound.reading import read
from tests.mail.inbound.cast import files, mail


@pytest.mark.parametrize("file", files("away"), ids=lambda file: file.stem)
def test_automatic_mail_is_recognised(file: Path) -> None:
    assert recognised(read(file.read_bytes())) is not None


@pytest.mark.parametrize(
    "file", [*files("people"), *files("replies"), *files("kept"), *files("files")], ids=lambda file: file.stem
)
def test_people_are_not_taken_for_machines(file: Path) -> None:
    assert recognised(read(file.read_bytes())) is None


def test_holiday_notices_of_ten_languages_are_known_without_any_header() -> None:
    stripped = {file.stem[:2] for file in files("away") if "stripped" in file.stem}
    assert stripped == {"en", "fr", "de", "es", "it", "pt", "nl", "pl", "sv", "da"}


def test_a_delivery_report_is_a_report() -> None:
    found = recognised(mail("bounces/unknown-user"))
    assert found is not None
    assert found.kind == "report"


@pytest.mark.parametrize(
    ("headers", "signal"),
    [
        ("Auto-Submitted: auto-replied", "auto-submitted: auto-replied"),
        ("Auto-Submitted: AUTO-GENERATED; x=y", "auto-submitted: auto-generated"),
        ("Precedence: List", "precedence: list"),
        ("X-Auto-Response-Suppress: OOF", "x-auto-response-suppress"),
        ("List-Id: <x.example>", "list-id"),
        ("X-Failed-Recipients: dave@customers.example", "x-failed-recipients"),
        ("Return-Path: <>", "null sender"),
        ("X-Autoreply: no\nX-Loop: x", "x-loop"),
    ],
)
def test_the_signal_is_named(headers: str, signal: str) -> None:
    found = recognised(read(f"From: dave@customers.example\n{headers}\n\nx".encode()))
    assert found is not None
    assert found.signal == signal
