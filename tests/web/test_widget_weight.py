"""What the widget costs the pages that carry it, as it is sent: a page's own speed is nothing to spend for its company."""

import gzip

import pytest

from presence.web.assets import Assets, lean, static_directory

LOADER = 6 * 1024
# What is fetched once it is needed, with everything it imports: upon the first click, for elements, for a greeting.
PARTS = {"panel": 7 * 1024, "elements": 9 * 1024, "greeting": 3 * 1024}


def sent(name: str) -> int:
    """Compressed bytes of a script."""
    source = (static_directory() / name).read_text()
    return len(gzip.compress(lean(name, source).encode(), mtime=0))


def test_the_loader_weighs_six_kilobytes_at_most() -> None:
    assert sent("widget/widget.js") <= LOADER


@pytest.mark.parametrize("part", PARTS)
def test_a_part_weighs_little_with_all_that_it_imports(part: str) -> None:
    assets = Assets()
    names = [
        f"widget/{part}.js",
        *(one.removeprefix(f"{assets.prefix}/") for one in assets.modules(f"widget/{part}.js")),
    ]
    assert sum(map(sent, names)) <= PARTS[part]


def test_the_loader_needs_nothing_before_it_is_there() -> None:
    source = (static_directory() / "widget" / "widget.js").read_text()
    for word in ("document.cookie", "localStorage", "WebSocket", "innerHTML", "eval(", "new Function", "@font-face"):
        assert word not in source, word
