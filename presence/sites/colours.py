"""Colours "#rrggbb": how well one is read on another (WCAG 2.2, 1.4.3), and what to do about it. Pure."""

import re

LEGIBLE = 4.5  # contrast that texts need
COLOUR = re.compile(r"#[0-9a-f]{6}")
BLACK, WHITE = "#000000", "#ffffff"
DARK_GROUND = "#20292a"  # the lightest ground of dark pages on which something is written
_STEPS = 25


def luminance(colour: str) -> float:
    """How light it is, from 0 to 1."""
    red, green, blue = (_linear(int(colour[at : at + 2], 16) / 255) for at in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    """From 1 to 21."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def on_colour(ground: str) -> str:
    """What is written on it: white, as long as that can be read, else black, which then can."""
    return WHITE if contrast(WHITE, ground) >= LEGIBLE else BLACK


def mixed(one: str, other: str, share: float) -> str:
    """Two colours mixed; `share` of the first, 0 to 1."""
    pairs = ((int(one[at : at + 2], 16), int(other[at : at + 2], 16)) for at in (1, 3, 5))
    return "#" + "".join(f"{round(a * share + b * (1 - share)):02x}" for a, b in pairs)


def legible(colour: str, ground: str, towards: str) -> str:
    """The colour, moved as little as need be towards another one to be read on a ground."""
    steps = (mixed(towards, colour, step / _STEPS) for step in range(_STEPS + 1))
    return next((moved for moved in steps if contrast(moved, ground) >= LEGIBLE), towards)


def dark_accent(accent: str) -> str:
    """An accent for dark ground: the same hue, light enough to be read there."""
    return legible(accent, DARK_GROUND, WHITE)
