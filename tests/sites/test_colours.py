"""Whatever accent a site has chosen, what is written in it, on it and on its tints can be read."""

import re
from pathlib import Path

import pytest

from presence.sites.colours import LEGIBLE, contrast, dark_accent, legible, mixed, on_colour
from presence.sites.settings import Scheme, Theme
from presence.sites.theming import shades, style
from presence.web.assets import static_directory

ACCENTS = ("#1d4ed8", "#ffcc00", "#000000", "#ffffff", "#0d5c56", "#e5007d", "#808080", "#00ff00", "#7f0000")
LIGHT = ("#f6f4ef", "#fffefb", "#efece4")  # of tokens.css
DARK = ("#101516", "#181f20", "#20292a")
TOKENS = Path(static_directory(), "styles/tokens.css").read_text()


def test_contrast_is_that_of_wcag() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert contrast("#1d4ed8", "#1d4ed8") == 1
    assert mixed("#ff0000", "#0000ff", 0.5) == "#800080"
    assert legible("#1d4ed8", "#ffffff", "#000000") == "#1d4ed8"  # as it was


@pytest.mark.parametrize("accent", ACCENTS)
def test_everything_of_every_accent_is_legible(accent: str) -> None:
    for one, grounds in zip(shades(Theme(accent=accent)), (LIGHT, DARK), strict=True):
        assert contrast(one.on_accent, one.accent) >= LEGIBLE
        assert contrast(one.on_link, one.link) >= LEGIBLE
        assert contrast(one.on_link, one.deep) >= LEGIBLE  # a button under the pointer
        assert contrast(one.deep, one.soft) >= LEGIBLE
        for ground in grounds:
            assert contrast(one.link, ground) >= LEGIBLE, (one, ground)
            assert contrast(one.deep, ground) >= LEGIBLE, (one, ground)


def test_an_accent_of_the_dark_is_kept_when_it_was_chosen() -> None:
    light, dark = shades(Theme(accent="#0d5c56", accent_dark="#7fcdbf"))
    assert (light.accent, dark.accent) == ("#0d5c56", "#7fcdbf")
    assert on_colour("#7fcdbf") == "#000000"
    assert shades(Theme(accent="#0d5c56"))[1].accent == dark_accent("#0d5c56")


def test_the_grounds_are_those_of_our_style_sheet() -> None:
    for name, light, dark in zip(("paper", "surface", "surface-sunk"), LIGHT, DARK, strict=True):
        assert re.findall(rf"--{name}: (#\w+);", TOKENS) == [light, dark]


@pytest.mark.parametrize(
    ("scheme", "root", "by_device"), [("auto", "light dark", 1), ("light", "light", 0), ("dark", "dark", 0)]
)
def test_a_sites_scheme_goes_before_the_devices(scheme: Scheme, root: str, by_device: int) -> None:
    sheet = style(Theme(accent="#ffcc00", scheme=scheme), TOKENS)
    first = sheet.partition("\n")[0]
    assert first.startswith(f":root {{ color-scheme: {root};")
    ink = "#e9ebe6" if scheme == "dark" else "#1a2527"
    assert f"--ink: {ink};" in first
    assert sheet.count("prefers-color-scheme: dark") == by_device
    for wanted in ("light", "dark"):  # what the page around asks for by and by
        assert f':root[data-scheme="{wanted}"] {{ color-scheme: {wanted};' in sheet
    names = set(re.findall(r"(--[\w-]+):", sheet))
    assert {"--accent", "--accent-ink", "--accent-soft", "--accent-deep", "--shadow"} <= names
    assert "--step-1" not in names
