"""A site's colours on its widget and on our pages inside of its own, so that everything stays legible. Pure.

A site chooses an accent; what is written in it, on it and on its tints follows from that, on light and on dark ground. An
accent that could not be read as a link is made darker, or lighter, until it can: never another hue.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from presence.sites.colours import BLACK, DARK_GROUND, WHITE, dark_accent, legible, mixed, on_colour
from presence.sites.settings import Theme

_LIGHT = "#efece4"  # the darkest ground of light pages on which something is written: --surface-sunk
_ROOT = re.compile(r":root \{(.*?)\n *\}", re.DOTALL)
_TOKEN = re.compile(r"(--[\w-]+): ([^;]+);")


class Shades(NamedTuple):
    """The colours of one ground, "#rrggbb"."""

    accent: str  # as the site has chosen it: of what is filled
    on_accent: str  # written on it
    link: str  # the same, dark or light enough to be written in
    on_link: str  # written on that
    soft: str  # a tint
    deep: str  # written on the tint


@lru_cache(maxsize=1024)
def shades(theme: Theme) -> tuple[Shades, Shades]:
    """On light ground, and on dark."""
    chosen = theme.accent_dark or dark_accent(theme.accent)
    return _shades(theme.accent, _LIGHT, WHITE, BLACK), _shades(chosen, DARK_GROUND, "#181f20", WHITE)


def _shades(accent: str, ground: str, surface: str, ink: str) -> Shades:
    link, soft = legible(accent, ground, ink), mixed(accent, surface, 0.12)
    deep = legible(mixed(link, ink, 0.75), soft, ink)
    return Shades(accent, on_colour(accent), link, on_colour(link), soft, deep)


def style(theme: Theme, tokens: str) -> str:
    """The style sheet of framed pages: `tokens`, the sheet of our own values, with the site's colours, in its scheme.

    What the page around wants by and by (`data-scheme` of the root) goes before the site's scheme, and that before the reader's.
    """
    light_tokens, dark_tokens = _ROOT.findall(tokens)[:2]
    dark_names = {name for name, _ in _TOKEN.findall(dark_tokens)}
    on_light, on_dark = shades(theme)
    light = {name: value for name, value in _TOKEN.findall(light_tokens) if name in dark_names} | _own(on_light)
    dark = dict(_TOKEN.findall(dark_tokens)) | _own(on_dark)
    rules = [_rule(":root", light, "light" if theme.scheme == "light" else "light dark")]
    if theme.scheme == "dark":
        rules = [_rule(":root", dark, "dark")]
    elif theme.scheme == "auto":
        rules.append(f"@media (prefers-color-scheme: dark) {{\n{_rule(':root', dark)}\n}}")
    rules += [_rule(':root[data-scheme="light"]', light, "light"), _rule(':root[data-scheme="dark"]', dark, "dark")]
    return "\n".join(rules) + "\n"


def _own(one: Shades) -> dict[str, str]:
    return {
        "--accent": one.link,
        "--accent-ink": one.on_link,
        "--accent-soft": one.soft,
        "--accent-deep": one.deep,
    }


def _rule(selector: str, values: dict[str, str], scheme: str = "") -> str:
    first = f"color-scheme: {scheme}; " if scheme else ""
    return f"{selector} {{ {first}{' '.join(f'{name}: {value};' for name, value in values.items())} }}"
