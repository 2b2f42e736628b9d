"""What cannot be taken of what a site chooses, in words for whoever chose it. Pure."""

import re
import unicodedata
from collections.abc import Collection, Iterator
from collections.abc import Set as AbstractSet

from presence.errors import FieldError
from presence.i18n import is_zone
from presence.sites.colours import BLACK, COLOUR, WHITE, contrast, legible
from presence.sites.origins import wrong_origin
from presence.sites.settings import Greeting, Settings, Theme, Words

MAX_ORIGINS = 50
MAX_GREETINGS = 10
MAX_OFFSET = 200  # CSS pixels
MAX_AFTER = 3600  # seconds
VISIBLE = 3.0  # contrast by which a button stands out from its ground (WCAG 2.2, 1.4.11)
LIGHT_GROUND, DARK_GROUND = "#fffefb", "#181f20"  # of the panel: --surface
LENGTHS = {"title": 60, "lede": 200, "chat": 40, "audio": 40, "video": 40, "book": 40}  # characters
MAX_GREETING = 200  # characters

_PAGE = re.compile(r"[/*][!-~]{0,199}")  # a path as addresses have it

Wrong = Iterator[tuple[str, FieldError]]


def wrong_with(
    settings: Settings,
    languages: Collection[str],
    teams: AbstractSet[str] | None = None,
    services: AbstractSet[str] | None = None,
) -> dict[str, FieldError]:
    """What is wrong, by field: "origins.0", "theme.accent", "words.fr.title", "greetings.2.page", ...; of each its first.

    `languages`: in which sites may say something; `teams` and `services`: the short names there are, None to let them pass.
    """
    wrong: dict[str, FieldError] = {}
    for parts in (
        _origins(settings.origins),
        _offer(settings, teams, services),
        _theme(settings.theme),
        _words(settings.words, languages),
        _greetings(settings.greetings, languages),
    ):
        for field, error in parts:
            wrong.setdefault(field, error)
    return wrong


def _origins(origins: tuple[str, ...]) -> Wrong:
    if len(origins) > MAX_ORIGINS:
        yield "origins", FieldError("At most %(most)s are possible", most=MAX_ORIGINS)
    for number, origin in enumerate(origins):
        error = wrong_origin(origin)
        if error is not None:
            yield f"origins.{number}", error
        elif origin in origins[:number]:
            yield f"origins.{number}", FieldError("%(origin)s is there already", origin=origin)


def _offer(settings: Settings, teams: AbstractSet[str] | None, services: AbstractSet[str] | None) -> Wrong:
    if not settings.capabilities:
        yield "capabilities", FieldError("A site offers something at least")
    if settings.team and teams is not None and settings.team not in teams:
        yield "team", FieldError("There is no team %(slug)s", slug=settings.team)
    unknown = [slug for slug in settings.services if services is not None and slug not in services]
    if unknown:
        yield "services", FieldError("There is no service %(slug)s", slug=", ".join(unknown))
    if settings.zone and not is_zone(settings.zone):
        yield "zone", FieldError("A time zone is written such as Europe/Paris")


def _theme(theme: Theme) -> Wrong:
    yield from _accent("theme.accent", theme.accent, LIGHT_GROUND, BLACK)
    if theme.accent_dark:
        yield from _accent("theme.accent_dark", theme.accent_dark, DARK_GROUND, WHITE)
    for field, offset in (("offset_x", theme.offset_x), ("offset_y", theme.offset_y)):
        if not 0 <= offset <= MAX_OFFSET:
            yield f"theme.{field}", _beyond(0, MAX_OFFSET)


def _accent(field: str, colour: str, ground: str, towards: str) -> Wrong:
    """What is written on an accent is legible on every one of them; but buttons of it must stand out from their ground."""
    if not COLOUR.fullmatch(colour):
        yield field, FieldError("A colour is written such as %(colour)s, in lower case", colour="#1d4ed8")
        return
    ratio = contrast(colour, ground)
    if ratio < VISIBLE:
        yield (
            field,
            FieldError(
                "It hardly stands out from %(ground)s, the ground: %(ratio)s : 1, and 3 are needed; %(colour)s would do",
                ground=ground,
                ratio=f"{int(ratio * 100) / 100:g}",  # rounded, it might look like enough
                colour=legible(colour, ground, towards),
            ),
        )


def _words(words: dict[str, Words], languages: Collection[str]) -> Wrong:
    for language, own in words.items():
        if language not in languages:
            yield f"words.{language}", _foreign(languages)
        for field, most in LENGTHS.items():
            text = getattr(own, field)
            if len(text) > most or not _is_line(text):
                yield f"words.{language}.{field}", _too_long(most)


def _greetings(greetings: tuple[Greeting, ...], languages: Collection[str]) -> Wrong:
    if len(greetings) > MAX_GREETINGS:
        yield "greetings", FieldError("At most %(most)s are possible", most=MAX_GREETINGS)
    for number, one in enumerate(greetings):
        field = f"greetings.{number}"
        if not any(text.strip() for text in one.text.values()):
            yield f"{field}.text", FieldError("A greeting says something in one language at least")
        for language, text in one.text.items():
            if language not in languages:
                yield f"{field}.text.{language}", _foreign(languages)
            if len(text) > MAX_GREETING or not _is_line(text):
                yield f"{field}.text.{language}", _too_long(MAX_GREETING)
        if not _PAGE.fullmatch(one.page):
            yield (
                f"{field}.page",
                FieldError("A page is written as its path is, such as /loans/*; * stands for anything"),
            )
        if not 0 <= one.after <= MAX_AFTER:
            yield f"{field}.after", _beyond(0, MAX_AFTER)
        if not 0 <= one.scroll <= 100:
            yield f"{field}.scroll", _beyond(0, 100)


def _is_line(text: str) -> bool:
    return not any(unicodedata.category(one) in {"Cc", "Cs", "Zl", "Zp"} for one in text)


def _too_long(most: int) -> FieldError:
    return FieldError("One line of at most %(most)s characters", most=most)


def _beyond(least: int, most: int) -> FieldError:
    return FieldError("From %(least)s to %(most)s", least=least, most=most)


def _foreign(languages: Collection[str]) -> FieldError:
    return FieldError("Not a language that is spoken here: %(languages)s", languages=", ".join(sorted(languages)))
