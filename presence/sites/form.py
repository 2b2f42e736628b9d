"""A site's settings as texts in the fields of a page, and back: what was typed is kept as it is, also when it is wrong. Pure."""

import re
from collections.abc import Iterable, Sequence
from typing import TypeVar, get_args

import msgspec

from presence.errors import FieldError, Invalid
from presence.roster.model import WEEKDAYS, WeeklyHours
from presence.roster.service import hours_of
from presence.sites.checks import MAX_GREETINGS
from presence.sites.settings import CAPABILITIES, Greeting, Scheme, Settings, Side, Theme, Vouching, Words
from presence.web.forms import Form

T = TypeVar("T", bound=str)

WORDS = tuple(Words.__struct_fields__)
ROWS = 20  # of greetings that are read; more than a site may have, so that it can be told
_BESIDE = frozenset({"csrf", "act", "capabilities", "services"})  # what a page sends that is no text of a field
_WHOLE = re.compile(r"-?[0-9]{1,6}")
_ROW = re.compile(r"greetings\.([0-9]{1,3})\.")


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in the fields. Texts are by name: "theme.accent", "words.fr.title", "greetings.0.page"."""

    texts: dict[str, str]
    capabilities: tuple[str, ...]
    services: tuple[str, ...]
    greetings: int  # rows

    def text(self, name: str) -> str:
        """What stands in a field."""
        return self.texts.get(name, "")

    def told(self, name: str) -> str:
        """A field in one text, whatever it is made of; "greetings" are one."""
        if name in {"capabilities", "services"}:
            return ", ".join(getattr(self, name))
        if name == "greetings":
            rows = (_row_of(self, number) for number in range(self.greetings))
            return "\n".join(" ".join(text for _, text in sorted(row.items()) if text) for row in rows)
        return self.text(name)


def written(name: str, settings: Settings, languages: Sequence[str]) -> Written:
    """What is stored, as it is shown."""
    theme = settings.theme
    texts = {
        "name": name,
        "origins": "\n".join(settings.origins),
        "team": settings.team,
        "zone": settings.zone,
        "vouching": settings.vouching,
        "theme.accent": theme.accent,
        "theme.accent_dark": theme.accent_dark,
        "theme.scheme": theme.scheme,
        "theme.side": theme.side,
        "theme.offset_x": str(theme.offset_x),
        "theme.offset_y": str(theme.offset_y),
    }
    for day in WEEKDAYS:
        texts[f"hours.{day}"] = ", ".join(getattr(settings.hours, day)) if settings.hours else ""
    for language in languages:
        own = settings.words.get(language, Words())
        texts |= {f"words.{language}.{key}": getattr(own, key) for key in WORDS}
    for number, one in enumerate(settings.greetings):
        row = f"greetings.{number}"
        texts |= {f"{row}.page": one.page, f"{row}.after": str(one.after), f"{row}.scroll": str(one.scroll)}
        texts |= {f"{row}.text.{language}": one.text.get(language, "") for language in languages}
    return Written(
        texts=texts,
        capabilities=settings.capabilities,
        services=settings.services,
        greetings=len(settings.greetings),
    )


def typed(form: Form) -> Written:
    """What a page sent."""
    texts = {name: value for name, value in form.named("").items() if name not in _BESIDE}
    rows = {int(found[1]) for found in map(_ROW.match, texts) if found}
    return Written(
        texts=texts,
        capabilities=form.texts("capabilities"),
        services=form.texts("services"),
        greetings=min(max(rows, default=-1) + 1, ROWS),
    )


def with_greeting(one: Written) -> Written:
    """With one more row, as a new greeting begins."""
    if one.greetings >= MAX_GREETINGS:
        return one
    row, new = f"greetings.{one.greetings}", Greeting(text={})
    texts = {f"{row}.page": new.page, f"{row}.after": str(new.after), f"{row}.scroll": str(new.scroll)}
    return msgspec.structs.replace(one, texts=one.texts | texts, greetings=one.greetings + 1)


def without_greeting(one: Written, number: int) -> Written:
    """Without a row; those after it move up."""
    if not 0 <= number < one.greetings:
        return one
    texts = {}
    for name, value in one.texts.items():
        found = _ROW.match(name)
        row = int(found[1]) if found else -1
        if found is None or row < number:
            texts[name] = value
        elif row > number:
            texts[f"greetings.{row - 1}.{name[found.end() :]}"] = value
    return msgspec.structs.replace(one, texts=texts, greetings=one.greetings - 1)


def without(one: Written, name: str) -> Written:
    """With an empty field."""
    return msgspec.structs.replace(one, texts={**one.texts, name: ""})


def differing(one: Written, other: Written) -> list[str]:
    """The fields of the other in which the two are not the same, as it shows them; greetings are one."""
    names = ["capabilities", "services", "greetings", *(name for name in other.texts if not _ROW.match(name))]
    return [name for name in _sorted(names) if one.told(name).strip() != other.told(name).strip()]


def merged(mine: Written, base: Written, theirs: Written) -> Written:
    """What two made of the same: where I changed nothing it is theirs, where I did it is mine."""
    kept = differing(mine, base)
    texts = {name: theirs.text(name) for name in theirs.texts if name not in kept and not _ROW.match(name)}
    rows = mine if "greetings" in kept else theirs
    texts |= {name: text for name, text in rows.texts.items() if _ROW.match(name)}
    return Written(
        texts={**{name: text for name, text in mine.texts.items() if not _ROW.match(name)}, **texts},
        capabilities=mine.capabilities if "capabilities" in kept else theirs.capabilities,
        services=mine.services if "services" in kept else theirs.services,
        greetings=rows.greetings,
    )


def base_of(text: str) -> Written | None:
    """What a page was filled with, as it sends that along; None when it is nothing of the kind."""
    try:
        return msgspec.json.decode(text, type=Written)
    except msgspec.DecodeError:
        return None


def origins_of(text: str) -> tuple[str, ...]:
    """The origins of lines."""
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def _row_of(one: Written, number: int) -> dict[str, str]:
    return {name: text for name, text in one.texts.items() if name.startswith(f"greetings.{number}.")}


_ORDER = (
    "name",
    "origins",
    "capabilities",
    "team",
    "services",
    "hours",
    "zone",
    "theme",
    "words",
    "greetings",
    "vouching",
)


def _sorted(names: Iterable[str]) -> list[str]:
    """Fields in the order of the page."""
    return sorted(names, key=lambda name: _ORDER.index(name.partition(".")[0]))


def read(one: Written, stored: Settings, languages: Iterable[str]) -> tuple[Settings, dict[str, FieldError]]:
    """The settings that are written there, and what could not be read, by field; that is as it was stored."""
    languages, wrong = tuple(languages), dict[str, FieldError]()
    settings = Settings(
        origins=origins_of(one.text("origins")),
        capabilities=tuple(capability for capability in CAPABILITIES if capability in one.capabilities),
        team=one.text("team").strip(),
        services=tuple(dict.fromkeys(one.services)),
        hours=_hours(one, stored.hours, wrong),
        zone=one.text("zone").strip(),
        theme=_theme(one, stored.theme, wrong),
        words={**stored.words, **_words(one, languages)},
        greetings=tuple(_greeting(one, f"greetings.{row}", languages, wrong) for row in range(one.greetings)),
        vouching=_chosen(one, "vouching", get_args(Vouching), stored.vouching),
    )
    said = {language: words for language, words in settings.words.items() if words != Words()}
    return msgspec.structs.replace(settings, words=said), wrong


def _hours(one: Written, stored: WeeklyHours | None, wrong: dict[str, FieldError]) -> WeeklyHours | None:
    """None where no day is written: open whenever somebody is there."""
    lines: dict[str, str] = {day: one.text(f"hours.{day}") for day in WEEKDAYS}
    if not any(line.strip() for line in lines.values()):
        return None
    try:
        return hours_of(lines)
    except Invalid as error:
        wrong |= {f"hours.{day}": what for day, what in error.fields.items()}
        return stored


def _theme(one: Written, stored: Theme, wrong: dict[str, FieldError]) -> Theme:
    return Theme(
        accent=one.text("theme.accent").strip().lower(),
        accent_dark=one.text("theme.accent_dark").strip().lower(),
        scheme=_chosen(one, "theme.scheme", get_args(Scheme), stored.scheme),
        side=_chosen(one, "theme.side", get_args(Side), stored.side),
        offset_x=_whole(one, "theme.offset_x", stored.offset_x, wrong),
        offset_y=_whole(one, "theme.offset_y", stored.offset_y, wrong),
    )


def _words(one: Written, languages: Iterable[str]) -> dict[str, Words]:
    return {
        language: Words(**{key: one.text(f"words.{language}.{key}").strip() for key in WORDS}) for language in languages
    }


def _greeting(one: Written, row: str, languages: Iterable[str], wrong: dict[str, FieldError]) -> Greeting:
    texts = {language: " ".join(one.text(f"{row}.text.{language}").split()) for language in languages}
    return Greeting(
        text={language: text for language, text in texts.items() if text},
        page=one.text(f"{row}.page").strip() or "*",
        after=_whole(one, f"{row}.after", 15, wrong),
        scroll=_whole(one, f"{row}.scroll", 0, wrong),
    )


def _chosen(one: Written, name: str, choices: tuple[T, ...], otherwise: T) -> T:
    """One of the choices of a field; a page of ours offers no other."""
    found = one.text(name)
    return next((choice for choice in choices if choice == found), otherwise)


def _whole(one: Written, name: str, otherwise: int, wrong: dict[str, FieldError]) -> int:
    text = one.text(name).strip()
    if _WHOLE.fullmatch(text):
        return int(text)
    wrong[name] = FieldError("A whole number is needed")
    return otherwise


_BLANK = Written(texts={}, capabilities=(), services=(), greetings=0)
FRESH = msgspec.structs.replace(  # a row that a page's script puts down and numbers
    _BLANK, texts={name.replace(".0.", ".ROW."): text for name, text in with_greeting(_BLANK).texts.items()}
)
