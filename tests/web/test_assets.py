"""Static files: kept for ever under an address that follows their content, and nothing but them."""

from pathlib import Path

from presence.web.assets import Assets, content_version, static_directory
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
