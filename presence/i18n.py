"""French and English: texts by gettext, dates and times by Babel, zones by their cities. English texts are the ids."""

import datetime as dt
import re
from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from babel import Locale
from babel.dates import format_date, format_time, get_timezone_location
from babel.messages.pofile import read_po

LANGUAGES: tuple[str, ...] = ("en", "fr")
LOCALES = Path(__file__).parent / "locales"


def N_(message: str) -> str:  # noqa: N802 - gettext's own name
    """Mark a text for translation where it is written; it is translated where it is shown."""
    return message


class Translator:
    """One language's texts, dates and times."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._locale = Locale.parse(language)
        self._unknown_city = self._locale.time_zones.get("Etc/Unknown", {}).get("city", "")
        self._texts, self._plurals = _catalogue(language)

    def gettext(self, message: str, **values: Any) -> str:
        """A text with its `%(name)s` places filled in; English when there is no translation."""
        text = self._texts.get(message, message)
        return text % values if values else text.replace("%%", "%")

    def ngettext(self, one: str, many: str, count: int, **values: Any) -> str:
        """One or many; `%(count)s` is filled in too."""
        forms = self._plurals.get(one, (one, many))
        single = count in (0, 1) if self.language == "fr" else count == 1
        return forms[0 if single else 1] % {"count": count, **values}

    def date(self, instant: int, zone: str, style: str = "full") -> str:
        """The day of an instant: "Thursday 26 November 2026", "jeudi 26 novembre 2026"."""
        return self.day(_local(instant, zone).date(), style)

    def day(self, day: dt.date, style: str = "full") -> str:
        """A date in words; `style` as in `_PATTERNS`: full (with the weekday), day (full without the year), long, ..."""
        pattern = _PATTERNS[style]
        return str(format_date(day, pattern, locale=self._locale))

    def time(self, instant: int, zone: str) -> str:
        """The time of day: "14:30" """
        return str(format_time(_local(instant, zone).time(), "HH:mm", locale=self._locale))

    def language_name(self, code: str) -> str:
        """A language in this one: "French", "français"."""
        return str(self._locale.languages.get(code, code))

    def zone_name(self, zone: str, instant: int) -> str:
        """A zone in words with its offset at an instant: "Paris time (UTC+1)", "heure de Paris (UTC+1)"."""
        city, offset = self.city(zone), utc_offset(zone, instant)
        if city == "UTC" or city.startswith("GMT"):
            return offset
        return f"{self._zone_phrase(city)} ({offset})"

    def _zone_phrase(self, city: str) -> str:
        if self.language != "fr":
            return f"{city} time"
        for article, contracted in (("Le ", "du "), ("Les ", "des "), ("Îles ", "des Îles ")):
            if city.startswith(article):
                return f"heure {contracted}{city.removeprefix(article)}"
        elided = city.startswith(_ELIDED) and not city.startswith(_ASPIRATED)
        return f"heure d’{city}" if elided else f"heure de {city}"

    def city(self, zone: str) -> str:
        """What people call a zone: its city in their language."""
        if zone in _UNIVERSAL:
            return "UTC"
        name = get_timezone_location(zone, locale=self._locale, return_city=True)
        found = name if name and name != self._unknown_city else zone.replace("_", " ")
        return found.rpartition("/")[2]


_UNIVERSAL = frozenset({"UTC", "Etc/UTC", "Etc/UCT", "UCT", "Etc/Universal", "Universal", "Etc/Zulu", "Zulu"})
_ELIDED = tuple("AEIOUHaeiouhÀÂÄÅÉÈÊËÎÏÔÖÛÜ")
_ASPIRATED = ("Harare", "Ho ", "Hobart", "Hong", "Hovd")  # an h that keeps "de" apart


_PATTERNS = {
    "full": "EEEE d MMMM y",
    "day": "EEEE d MMMM",
    "long": "d MMMM y",
    "medium": "EEE d MMM",
    "short": "d MMM",
    "month": "MMMM y",
    "weekday": "EEEE",
    "narrow": "EEEEE",
    "two_letters": "EEEEEE",
    "number": "d",
}


@cache
def translator(language: str) -> Translator:
    """The translator of a language; of English when it is not one of ours."""
    return Translator(language if language in LANGUAGES else "en")


def utc_offset(zone: str, instant: int) -> str:
    """ "UTC+1", "UTC-3:30", "UTC"."""
    delta = _local(instant, zone).utcoffset() or dt.timedelta()
    minutes = int(delta.total_seconds()) // 60
    if minutes == 0:
        return "UTC"
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'+' if minutes > 0 else '−'}{hours}{f':{rest:02}' if rest else ''}"


def negotiate(header: str, allowed: Sequence[str]) -> str:
    """The best language of an Accept-Language header (RFC 9110 12.5.4), else the first allowed."""
    wishes = []
    for part in header[:400].split(","):
        found = re.fullmatch(r"\s*([a-zA-Z-]{1,20}|\*)\s*(?:;\s*q=([01](?:\.\d{0,3})?))?\s*", part)
        if found:
            wishes.append((float(found[2] or 1), found[1].partition("-")[0].lower()))
    for quality, language in sorted(wishes, key=lambda wish: -wish[0]):
        if quality > 0 and language in allowed:
            return language
    return allowed[0]


def is_zone(name: str) -> bool:
    """Whether it names a zone as IANA does; a name that only opens a file of this machine is none."""
    return name in _zone_names()


@cache
def _zone_names() -> frozenset[str]:
    return frozenset(available_timezones()) - {"Factory", "localtime", "posixrules"}


@lru_cache(maxsize=1024)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def _local(instant: int, zone: str) -> dt.datetime:
    return dt.datetime.fromtimestamp(instant, _zone(zone))


def _catalogue(language: str) -> tuple[dict[str, str], dict[str, tuple[str, str]]]:
    """Texts and plurals of every .po file of a language: one a part of the program, read as they are."""
    texts: dict[str, str] = {}
    plurals: dict[str, tuple[str, str]] = {}
    for file in sorted((LOCALES / language / "LC_MESSAGES").glob("*.po")):
        with file.open("rb") as stream:
            for message in read_po(stream, locale=language):
                if not message.id or not message.string:
                    continue
                if isinstance(message.id, (list, tuple)):
                    if all(message.string):
                        plurals[message.id[0]] = (message.string[0], message.string[-1])
                else:
                    texts[message.id] = str(message.string)
    return texts, plurals
