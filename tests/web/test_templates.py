"""Templates: escaped, strict, in the reader's language, and with the session's token in every form they post."""

import re
from pathlib import Path

import pytest
from jinja2 import DictLoader, UndefinedError

from presence.web.assets import Assets, static_directory
from presence.web.templates import DIRECTORY, Templates


def templates(**files: str) -> Templates:
    made = Templates(lambda name: f"/static/1/{name}", shared="for all")
    made._environment.loader = DictLoader({f"{name}.html": text for name, text in files.items()})
    return made


def test_what_people_typed_is_text() -> None:
    html = templates(a="<p>{{ said }}</p>").render("a.html", "en", said="<script>alert(1)</script>")
    assert html == "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>"


def test_what_is_missing_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        templates(a="{{ nothing }}").render("a.html", "en")


def test_texts_are_translated_and_their_places_escaped() -> None:
    made = templates(a='{{ _("You can also call us: %(phone)s", phone=phone) }} {{ shared }} {{ asset("a.css") }}')
    html = made.render("a.html", "fr", phone="<1>")
    assert html == "Vous pouvez aussi nous appeler : &lt;1&gt; for all /static/1/a.css"


def test_forms_that_post_carry_the_token_of_a_session_and_no_others_do() -> None:
    made = templates(a='<form class="x" method="post" action="/a"></form><form method="get"></form>')
    hidden = '<input type="hidden" name="csrf" value="t">'
    assert (
        made.render("a.html", "en", csrf="t")
        == f'<form class="x" method="post" action="/a">{hidden}</form><form method="get"></form>'
    )
    assert "hidden" not in made.render("a.html", "en", csrf="")
    assert "hidden" not in made.render("a.html", "en")


def test_no_form_of_the_desk_is_written_so_that_it_would_miss_the_token() -> None:
    for file in (DIRECTORY / "desk").glob("*.html"):
        tags = re.findall(r"<form\b.*?>", file.read_text(), re.DOTALL)
        assert all(re.search(r'method="(post|get)"', tag) and "{%" not in tag for tag in tags), file.name
        assert "{% macro" not in file.read_text() or "<form" not in file.read_text(), (
            file.name
        )  # macros do not see the token


@pytest.mark.parametrize(
    "file", sorted(DIRECTORY.rglob("*.html")), ids=lambda file: file.relative_to(DIRECTORY).as_posix()
)
def test_no_page_has_script_or_style_in_it_for_browsers_would_refuse_it(file: Path) -> None:
    if "mail" in file.relative_to(DIRECTORY).parts:
        return  # mail readers take styles only from the mail itself
    text = file.read_text()
    assert not re.search(r"<style|\sstyle=|\son\w+=\"|javascript:", text)
    scripts = re.findall(r"<script\b[^>]*>", text)
    assert all("src=" in tag or 'type="application/json"' in tag for tag in scripts)  # data are never run


@pytest.mark.parametrize("page", ["chat/chat.html", "desk/dashboard.html", "room/room.html"])
def test_a_page_has_the_icons_that_its_scripts_set_down(page: str) -> None:
    text = (DIRECTORY / page).read_text()
    (names,) = re.findall(r"sprite\(\[(.*?)\]\)", text)
    (script,) = re.findall(r'<script type="module" src="{{ asset\("(.*?)"\) }}"', text)
    assets = Assets()
    modules = [address.removeprefix(assets.url("")) for address in (assets.url(script), *assets.modules(script))]
    calls = re.findall(r"\bicon\((.*?)\)", "".join((static_directory() / one).read_text() for one in modules))
    wanted = set(re.findall(r'(?<!== )"([\w-]+)"', " ".join(calls)))
    assert wanted
    assert wanted <= set(re.findall(r'"([\w-]+)"', names))


def test_an_icon_is_a_drawing_and_one_that_nobody_drew_is_an_error() -> None:
    html = templates(a='{{ icon("check", "small") }}').render("a.html", "en")
    assert (
        html
        == '<svg class="icon small" viewBox="0 0 24 24" aria-hidden="true"><path d="m5 12.5 4.5 4.5L19 7.5" /></svg>'
    )
    for missing in ('{{ icon("chekc") }}', '{{ sprite(["chekc"]) }}'):
        with pytest.raises(UndefinedError):
            templates(a=missing).render("a.html", "en")


def test_every_icon_that_is_drawn_is_shown_somewhere() -> None:
    drawn = set(re.findall(r'^  "([\w-]+)": ', (DIRECTORY / "icons.html").read_text(), re.MULTILINE))
    pages = [file for file in DIRECTORY.rglob("*.html") if file.name != "icons.html"]
    text = "".join(file.read_text() for file in (*pages, *static_directory().rglob("*.js")))
    shown = set(re.findall(r'"([\w-]+)"', text)) | {f"{name}-off" for name in re.findall(r'both\("([\w-]+)"\)', text)}
    assert drawn
    assert drawn <= shown
