"""What was written now, apart from what is repeated: the big mail programs in French and English, and what only looks so."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from presence.mail.inbound.html_text import text_of
from presence.mail.inbound.quoting import QUOTE_MARK, split
from presence.mail.inbound.reading import read
from tests.mail.inbound.cast import files

WRITTEN = {
    "fr": "Bonjour Alice,\n\nMardi à 10 h me convient très bien.\n\nCarol",
    "en": "Hello Alice,\n\nTuesday at 10 suits me very well.\n\nCarol",
}
REPEATED = {"fr": "Pouvez-vous mardi à 10 heures ?", "en": "Could you come on Tuesday at 10?"}

QUOTATION = "On Mon, 8 Jun 2026 at 09:00, The Bank <appointments@bank.example> wrote:\n> Could you come?\n> Alice"


@pytest.mark.parametrize("file", files("replies"), ids=lambda file: file.stem)
def test_an_answer_is_set_apart_from_what_it_answers(file: Path) -> None:
    mail, language = read(file.read_bytes()), file.stem[:2]
    assert mail.text == WRITTEN[language]
    assert REPEATED[language] in mail.quoted


@pytest.mark.parametrize("file", files("kept"), ids=lambda file: file.stem)
def test_what_only_looks_like_a_quotation_is_not_cut(file: Path) -> None:
    mail = read(file.read_bytes())
    assert mail.text
    assert mail.quoted == ""


def test_answers_in_between_keep_the_questions_that_they_answer() -> None:
    text = "On Monday, 8 June 2026 at 9:00, Alice wrote:\n> On Tuesday?\n\nYes.\n\n> At ten?\n\nAt eleven.\n\n> Bye\n> Alice\n> 1"
    found = split(text)
    assert found.text.endswith("> On Tuesday?\n\nYes.\n\n> At ten?\n\nAt eleven.")
    assert found.quoted == "> Bye\n> Alice\n> 1"


def test_an_answer_below_the_quotation_is_found() -> None:
    assert split(f"{QUOTATION}\n\nYes, gladly.") == ("Yes, gladly.", QUOTATION)


def test_a_long_quoted_line_that_was_broken_is_quoted_whole() -> None:
    quoted = (
        "> " + "a long line that goes on and on and on, and still " * 2 + "\nis not at its end\n> and the next\n> one"
    )
    found = split(f"Yes.\n\nOn 8 June 2026 at 9:00 Alice <alice@bank.example> wrote:\n{quoted}")
    assert found.text == "Yes."


def test_an_answer_without_a_word_is_empty_and_its_quotation_is_kept() -> None:
    assert split(QUOTATION) == ("", QUOTATION)


def test_a_mail_that_is_nothing_but_what_outlook_repeats_is_shown_whole() -> None:
    text = "From: The Bank <a@bank.example>\nSent: Monday 9:00\nTo: Carol\nSubject: Hello\n\nCould you come?"
    assert split(text) == (text, "")


def test_a_signature_is_set_apart_and_a_line_of_dashes_is_not() -> None:
    assert split("Yes.\n\n-- \nCarol Durand\n12 rue des Lilas") == ("Yes.", "--\nCarol Durand\n12 rue des Lilas")
    assert split("Yes.\n---\nNo.").quoted == ""


def test_a_signature_above_the_quotation_goes_with_it() -> None:
    found = split(f"Yes.\n\n-- \nCarol Durand\n\n{QUOTATION}")
    assert found.text == "Yes."
    assert "Carol Durand" in found.quoted


def test_what_is_forwarded_is_the_message() -> None:
    headers = (
        "De : Notaire <n@notaire.example>\nEnvoyé : lundi 8 juin 2026 09:00\nÀ : Carol\nObjet : Vente\n\nC'est signé."
    )
    assert split(f"Pour vous.\n\n{headers}").text == "Pour vous."
    assert split(f"Pour vous.\n\n{headers}", forwarded=True) == (f"Pour vous.\n\n{headers}", "")


def test_a_huge_text_is_split_like_a_small_one() -> None:
    found = split("Yes.\n\n" + QUOTATION + "\n> and on" * 100_000)
    assert found.text == "Yes."
    assert found.quoted.count("and on") == 100_000


LINES = st.lists(
    st.one_of(
        st.sampled_from(
            [
                "",
                "> quoted",
                ">> more",
                "-- ",
                "Yes.",
                "De : Paris",
                "A : Lyon",
                "From: Alice <alice@bank.example>",
                "Sent: Monday, 9:00",
                "To: Carol",
                "Subject: Hello",
                "-----Original Message-----",
                "________________________________",
                "On Mon, Jun 8, 2026 at 9:00 AM Alice <alice@bank.example>",
                "wrote:",
                "Le 8 juin 2026 à 09:00, Alice a écrit :",
                "##- Please reply above this line -##",
                "Sent from my iPhone",
                "---------- Forwarded message ---------",
                QUOTE_MARK,
            ]
        ),
        st.text(st.characters(codec="utf-8", exclude_characters="\n"), max_size=30),
    ),
    max_size=30,
)


@given(LINES, st.booleans())
def test_no_line_is_ever_lost(lines: list[str], forwarded: bool) -> None:
    def words(text: str) -> list[str]:
        return sorted(line.rstrip() for line in text.split("\n") if line.strip() and line.strip() != QUOTE_MARK)

    found = split("\n".join(lines), forwarded=forwarded)
    assert sorted(words(found.text) + words(found.quoted)) == words("\n".join(lines))


@given(st.text(max_size=300))
def test_html_of_any_kind_becomes_text(text: str) -> None:
    assert isinstance(text_of(text), str)


@given(
    st.lists(st.sampled_from(["<p>", "</p>", "<div class=yahoo_quoted>", "</div>", "<blockquote>", "</blockquote>"]))
)
def test_html_that_is_wrongly_nested_loses_no_words(tags: list[str]) -> None:
    markup = "".join(f"{tag}word{n}" for n, tag in enumerate(tags))
    assert all(f"word{n}" in text_of(markup) for n in range(len(tags)))


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p>One</p><p>Two</p>", "One\n\nTwo"),
        ("One<br>Two<br/><br/>Three", "One\nTwo\n\nThree"),
        ("a &lt; b &amp; c", "a < b & c"),
        ("<ul><li>One</li><li>Two</li></ul>", "- One\n- Two"),
        ("<table><tr><td>A</td><td>B</td></tr></table>", "A B"),
        ("<style>p { color: red }</style>Seen<script>unseen()</script>", "Seen"),
        ("<!-- unseen > -->Seen<!-- never closed", "Seen never closed"),
        ('Seen<img src="x" alt="😀"><img alt="Logo">', "Seen😀"),
        ('<a title="a > b" href="x">link</a>', "link"),
        ("<pre>  two\n lines</pre>", "two\n lines"),
        ("3 < 4 and <b", "3 < 4 and"),
        ("<title>never closed<p>Seen", "never closed\n\nSeen"),
    ],
)
def test_html_is_read_as_people_see_it(markup: str, text: str) -> None:
    assert text_of(markup).strip() == text
