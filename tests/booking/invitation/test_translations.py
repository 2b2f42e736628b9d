"""Whatever a mail or an invitation says has a French text with the same places to fill in."""

import re

from babel.messages.extract import extract
from babel.messages.pofile import read_po

from presence.booking import letters, wording
from presence.i18n import LOCALES
from presence.mail.templates import BUILT_IN

_PLACES = re.compile(r"%\((\w+)\)s")


def said() -> set[str]:
    """Every msgid of our templates and modules."""
    found = set()
    ours = (path for path in (*BUILT_IN.rglob("*.html"), *BUILT_IN.rglob("*.txt")) if path.parent.name != "chat")
    for template in ours:
        found |= set(re.findall(r'\b_\("((?:[^"\\]|\\.)*)"', template.read_text()))
    for module in (letters, wording):
        assert module.__file__
        with open(module.__file__, "rb") as source:  # noqa: PTH123 - extract wants an open file
            found |= {str(message) for _, message, _, _ in extract("python", source, {"gettext": None, "N_": None})}
    return found


def test_every_text_has_a_french_one_with_the_same_places_and_none_is_left_over() -> None:
    with (LOCALES / "fr" / "LC_MESSAGES" / "mail.po").open("rb") as stream:
        catalogue = {str(one.id): str(one.string) for one in read_po(stream) if one.id}
    assert said() == set(catalogue)
    for message, french in catalogue.items():
        assert french
        assert sorted(_PLACES.findall(french)) == sorted(_PLACES.findall(message)), message


def test_french_punctuation_has_its_space_that_does_not_break() -> None:
    with (LOCALES / "fr" / "LC_MESSAGES" / "mail.po").open("rb") as stream:
        for one in read_po(stream):
            assert not re.search(r"[^\u00a0][:;?!]", str(one.string)) or not one.id, one.string
            assert "'" not in str(one.string) or not one.id, one.string
