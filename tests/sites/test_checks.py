"""What a site chooses is looked at before it is stored: of everything that is wrong, the field and the reason."""

from typing import Any

import msgspec
import pytest

from presence.i18n import translator
from presence.sites.checks import VISIBLE, wrong_with
from presence.sites.colours import contrast, dark_accent
from presence.sites.settings import Settings

LANGUAGES = ("en", "fr")
GREETING = {"text": {"en": "Hello"}}


def wrong(**chosen: Any) -> list[str]:
    settings = msgspec.convert(chosen, Settings)
    return list(wrong_with(settings, LANGUAGES, {"advice"}, {"talk", "loan"}))


@pytest.mark.parametrize(
    "chosen",
    [
        {},
        {"origins": ["https://www.bank.example", "http://localhost:3000"]},
        {"team": "advice", "services": ["loan"], "capabilities": ["book"], "zone": "Indian/Reunion"},
        {"theme": {"accent": "#0d5c56", "accent_dark": "#7fcdbf", "offset_x": 0, "offset_y": 200}},
        {"words": {"fr": {"title": "Parlez-nous", "lede": "é" * 200}}},
        {"greetings": [{"text": {"fr": "Bonjour"}, "page": "/*/loans", "after": 3600, "scroll": 100}] * 10},
    ],
)
def test_what_fits_is_taken(chosen: dict[str, Any]) -> None:
    assert wrong(**chosen) == []


@pytest.mark.parametrize(
    ("chosen", "fields"),
    [
        ({"origins": ["https://a.example", "https://a.example/", "https://a.example"]}, ["origins.1", "origins.2"]),
        ({"origins": [f"https://{n}.shop.example" for n in range(51)]}, ["origins"]),
        ({"capabilities": []}, ["capabilities"]),
        ({"team": "nobody"}, ["team"]),
        ({"services": ["talk", "nothing"]}, ["services"]),
        ({"zone": "Mars/Olympus"}, ["zone"]),
        ({"zone": "localtime"}, ["zone"]),
        ({"theme": {"accent": "blue"}}, ["theme.accent"]),
        ({"theme": {"accent": "#1D4ED8"}}, ["theme.accent"]),
        ({"theme": {"accent": "#ffee00"}}, ["theme.accent"]),
        ({"theme": {"accent_dark": "#202020"}}, ["theme.accent_dark"]),
        ({"theme": {"offset_x": -1, "offset_y": 201}}, ["theme.offset_x", "theme.offset_y"]),
        ({"words": {"de": {"title": "Fragen"}}}, ["words.de"]),
        ({"words": {"en": {"title": "x" * 61, "lede": "two\nlines"}}}, ["words.en.title", "words.en.lede"]),
        ({"greetings": [GREETING] * 11}, ["greetings"]),
        ({"greetings": [GREETING, {"text": {}}, {"text": {"en": " "}}]}, ["greetings.1.text", "greetings.2.text"]),
        ({"greetings": [{"text": {"de": "Hallo", "en": "x" * 201}}]}, ["greetings.0.text.de", "greetings.0.text.en"]),
        (
            {"greetings": [{**GREETING, "page": "loans"}, {**GREETING, "page": "/a b"}]},
            ["greetings.0.page", "greetings.1.page"],
        ),
        ({"greetings": [{**GREETING, "after": 3601, "scroll": 101}]}, ["greetings.0.after", "greetings.0.scroll"]),
        ({"greetings": [{**GREETING, "after": -1, "scroll": -1}]}, ["greetings.0.after", "greetings.0.scroll"]),
    ],
)
def test_what_does_not_is_named(chosen: dict[str, Any], fields: list[str]) -> None:
    assert wrong(**chosen) == fields


def test_teams_and_services_that_nobody_gave_are_not_looked_for() -> None:
    assert wrong_with(Settings(team="nobody", services=("nothing",)), LANGUAGES) == {}


@pytest.mark.parametrize(
    ("field", "colour", "ground"), [("accent", "#ffee00", "#fffefb"), ("accent_dark", "#202020", "#181f20")]
)
def test_of_a_colour_that_cannot_be_seen_another_is_proposed_that_can(field: str, colour: str, ground: str) -> None:
    found = wrong_with(msgspec.convert({"theme": {field: colour}}, Settings), LANGUAGES)[f"theme.{field}"]
    proposed = found.values["colour"]
    assert contrast(proposed, ground) >= VISIBLE
    assert wrong(theme={field: proposed}) == []
    assert proposed in translator("fr").gettext(found.message, **found.values)


@pytest.mark.parametrize("accent", ["#000000", "#0d5c56", "#1d4ed8", "#8a1538", "#949494", "#e60000"])
def test_what_is_made_for_dark_ground_can_be_seen_there(accent: str) -> None:
    assert wrong(theme={"accent": accent, "accent_dark": dark_accent(accent)}) == []
