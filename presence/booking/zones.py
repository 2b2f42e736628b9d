"""The time zones a visitor can choose from: one entry a place, the likely ones first. Pure but for reading tzdata once."""

from functools import cache
from importlib.resources import files
from typing import NamedTuple

from presence.i18n import N_, Translator, translator, utc_offset

_LIKELY = (
    "Europe/Paris",
    "Europe/Brussels",
    "Europe/Luxembourg",
    "Europe/Zurich",
    "Europe/London",
    "America/Guadeloupe",
    "America/Martinique",
    "America/Cayenne",
    "Indian/Reunion",
    "Indian/Mayotte",
    "Pacific/Noumea",
    "Pacific/Tahiti",
    "America/Toronto",
    "America/New_York",
)
_REGIONS = {
    "Europe": N_("Europe"),
    "Africa": N_("Africa"),
    "America": N_("America"),
    "Asia": N_("Asia"),
    "Atlantic": N_("Atlantic"),
    "Australia": N_("Australia"),
    "Indian": N_("Indian Ocean"),
    "Pacific": N_("Pacific"),
    "Antarctica": N_("Antarctica"),
    "Arctic": N_("Arctic"),
}


class Zone(NamedTuple):
    """An IANA name, and how a visitor reads it: "Paris (UTC+1)"."""

    name: str
    label: str


class Region(NamedTuple):
    """Zones under a heading."""

    label: str
    zones: tuple[Zone, ...]


@cache
def names() -> tuple[str, ...]:
    """The zones of places where people live, without their aliases: tzdata's own table."""
    table = (files("tzdata") / "zoneinfo" / "zone.tab").read_text("utf-8")
    return tuple(line.split("\t")[2].strip() for line in table.splitlines() if line and not line.startswith("#"))


def regions(t: Translator, now: int, chosen: str, home: str) -> tuple[Region, ...]:
    """Every zone with its offset at `now`. First the visitor's, the organisation's and the likely ones."""
    first = dict.fromkeys((chosen, home, *_LIKELY))  # in this order, each once

    def zone(name: str) -> Zone:
        return Zone(name, f"{_city(t.language, name)} ({utc_offset(name, now)})")

    shown = [Region(t.gettext("Often chosen"), tuple(zone(name) for name in first))]
    for prefix, label in _REGIONS.items():
        mine = [zone(name) for name in names() if name.startswith(f"{prefix}/") and name not in first]
        shown.append(Region(t.gettext(label), tuple(sorted(mine, key=lambda one: one.label))))
    shown.append(Region("UTC", (Zone("UTC", "UTC"),)))
    return tuple(shown)


@cache
def _city(language: str, name: str) -> str:
    return translator(language).city(name).rpartition("/")[2]
