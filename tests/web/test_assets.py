"""Static files: kept for ever under an address that follows their content, and nothing but them."""

import gzip
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from presence.web.assets import Assets, content_version, lean, static_directory
from tests.web.cast import small_app, visiting


async def test_a_file_is_kept_for_ever_and_says_what_it_is() -> None:
    app = small_app([])
    assets: Assets = app.state.presence.assets
    async with visiting(app) as client:
        for name, kind in (("styles/tokens.css", "text/css"), ("booking/form.js", "text/javascript")):
            answer = await client.get(assets.url(name))
            assert answer.status_code == 200
            assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
            assert answer.headers["content-type"].startswith(kind)


async def test_other_sites_pages_fetch_the_widget_and_nothing_else() -> None:
    app = small_app([])
    assets: Assets = app.state.presence.assets
    async with visiting(app) as client:
        answer = await client.get(assets.url("widget/panel.js"))
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
        answer = await client.get(assets.url("shared/live.js"))
        assert "access-control-allow-origin" not in answer.headers


async def test_texts_are_sent_small_to_those_who_can_read_it() -> None:
    app = small_app([])
    assets: Assets = app.state.presence.assets
    source = (static_directory() / "shared" / "live.js").read_text()
    async with visiting(app) as client:
        for coding in ("gzip, br", "identity"):
            async with client.stream(
                "GET", assets.url("shared/live.js"), headers={"Accept-Encoding": coding}
            ) as answer:
                raw = b"".join([part async for part in answer.aiter_raw()])
            assert answer.headers["vary"] == "Accept-Encoding"
            if coding != "identity":
                assert answer.headers["content-encoding"] == "gzip"
                assert len(raw) < len(source) / 4
                raw = gzip.decompress(raw)
            assert raw.decode() == lean("live.js", source)


def test_what_is_sent_is_the_same_program_on_the_same_lines() -> None:
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    sources = [file.read_text() for file in sorted(static_directory().rglob("*.js"))]
    pairs = [(source, lean("a.js", source)) for source in sources]
    oracle = Path(__file__).parents[1] / "oracles"
    answer = subprocess.run(
        ["node", "--expose-internals", "same_program.cjs"],
        cwd=oracle,
        input=json.dumps(pairs).encode(),
        capture_output=True,
        check=True,
    )
    assert json.loads(answer.stdout) == [True] * len(sources)
    assert all(source.count("\n") == small.count("\n") for source, small in pairs)
    assert not any("/**" in small or "\n//" in small for _, small in pairs)


def test_everything_a_module_imports_is_found_once() -> None:
    assets = Assets()
    found = assets.modules("chat/chat.js")
    assert {assets.url(name) for name in ("shared/live.js", "shared/link.js", "chat/page.js")} <= set(found)
    assert assets.url("chat/chat.js") not in found
    assert assets.url("chat/history.js") not in found  # fetched when it is asked for
    assert len(set(found)) == len(found)
    assert all((static_directory() / one.removeprefix(f"{assets.prefix}/")).is_file() for one in found)


async def test_nothing_outside_of_the_directory_is_given() -> None:
    app = small_app([])
    prefix = app.state.presence.assets.prefix
    async with visiting(app) as client:
        for path in (
            "/../pyproject.toml",
            "/%2e%2e/pyproject.toml",
            "/..%2f..%2fpyproject.toml",
            "//etc/passwd",
            "/",
            "/styles",
        ):
            answer = await client.get(prefix + path)
            assert answer.status_code == 404, path
            assert "immutable" not in answer.headers.get("cache-control", "")


def test_the_address_changes_with_the_content(tmp_path: Path) -> None:
    versions = set()
    for name, text in (("a.css", "one"), ("a.css", "two"), ("b.css", "two")):
        for old in tmp_path.iterdir():
            old.unlink()
        (tmp_path / name).write_text(text)
        versions.add(content_version(tmp_path))
    assert len(versions) == 3


def test_the_files_are_found_in_this_checkout() -> None:
    assert (static_directory() / "styles" / "tokens.css").is_file()


async def test_what_other_sites_pages_load_may_be_read_there_and_nothing_else() -> None:
    app = small_app([])
    prefix = app.state.presence.assets.prefix
    async with visiting(app) as client:
        for name, leave in (("widget/panel.js", "*"), ("chat/chat.js", None)):
            answer = await client.get(f"{prefix}/{name}", headers={"Origin": "https://www.bank.example"})
            assert answer.status_code == 200
            assert answer.headers.get("access-control-allow-origin") == leave
