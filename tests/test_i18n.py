"""French is complete, and dates, times and zones read as people write them."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_file

import presence
from presence.i18n import negotiate, translator

ROOT = Path(presence.__file__).parent
NOON = 1_795_690_800  # 2026-11-26T11:00:00Z
KEYWORDS = {"gettext": None, "N_": None, "_": None, "ngettext": (1, 2), "FieldError": None}


def texts() -> Iterator[str]:
    for file in ROOT.rglob("*.py"):
        for _, message, _, _ in extract_from_file("python", str(file), keywords=KEYWORDS):
            yield message[0] if isinstance(message, tuple) else message
    yield from re.findall(r'^    title(?:: ClassVar\[str\])? = "(.+)"', (ROOT / "errors.py").read_text(), re.MULTILINE)
    for file in (ROOT / "templates").rglob("*.html"):
        yield from re.findall(r'\b(?:_|ngettext)\(\s*"((?:[^"\\]|\\.)*)"', file.read_text())


def test_every_text_has_a_french_translation() -> None:
    french = translator("fr")
    missing = sorted(text for text in set(texts()) if text not in french._texts and text not in french._plurals)
    assert missing == []


def test_translations_keep_the_places_of_their_texts() -> None:
    french = translator("fr")
    place = re.compile(r"%\((\w+)\)s")
    wrong = [text for text, said in french._texts.items() if set(place.findall(text)) != set(place.findall(said))]
    assert wrong == []


@pytest.mark.parametrize(
    ("language", "date", "zone"),
    [
        ("en", "Thursday 26 November 2026", "Paris time (UTC+1)"),
        ("fr", "jeudi 26 novembre 2026", "heure de Paris (UTC+1)"),
    ],
)
def test_dates_and_zones_are_in_words(language: str, date: str, zone: str) -> None:
    t = translator(language)
    assert t.date(NOON, "Europe/Paris") == date
    assert t.time(NOON, "Europe/Paris") == "12:00"
    assert t.zone_name("Europe/Paris", NOON) == zone


def test_zones_that_are_not_whole_hours_say_so() -> None:
    assert translator("en").zone_name("Asia/Kolkata", NOON).endswith("(UTC+5:30)")


def test_none_is_one_in_french_and_many_in_english() -> None:
    assert translator("fr").ngettext("%(count)s day", "%(count)s days", 0) == "0 jour"
    assert translator("en").ngettext("%(count)s day", "%(count)s days", 0) == "0 days"


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("fr-CA,fr;q=0.8,en;q=0.5", "fr"),
        ("de,en;q=0.3", "en"),
        ("de", "en"),
        ("", "en"),
        ("fr;q=0,en", "en"),
        (";;;", "en"),
    ],
)
def test_the_browsers_wish_is_heard(header: str, language: str) -> None:
    assert negotiate(header, ("en", "fr")) == language
