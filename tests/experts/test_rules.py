"""Who is found, in what order, and on which page."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from presence.experts.rules import Asked, Expert, Rating, cursor, found, page, place_of, topic_key, topics_of
from presence.roster.presence import State

STATES: st.SearchStrategy[State] = st.sampled_from(get_args(State))
HOURS = st.none() | st.integers(0, 4)
NAMES = st.sampled_from(["Alice Martin", "Bob", "bob", "Zoé", "Éric", ""])


@st.composite
def people(draw: st.DrawFn) -> list[Expert]:
    some = draw(st.lists(st.tuples(NAMES, STATES, HOURS), max_size=30))
    return [
        Expert(id=n, slug=f"s{n}", name=name, state=state, next_free=hour) for n, (name, state, hour) in enumerate(some)
    ]


def walk(experts: list[Expert], size: int) -> list[Expert]:
    """Everybody, page after page."""
    seen: list[Expert] = []
    after = ""
    while True:
        some = page(experts, Asked(), after, size)
        seen += some.experts
        after = some.following
        if not after:
            return seen


@given(people(), st.integers(1, 7))
def test_page_after_page_shows_everybody_once_and_in_order(experts: list[Expert], size: int) -> None:
    seen = walk(experts, size)
    assert sorted(one.slug for one in seen) == sorted(one.slug for one in experts)
    assert seen == sorted(seen, key=place_of)


@given(people(), st.integers(1, 7), st.data())
def test_who_leaves_between_two_pages_moves_nobody_else(experts: list[Expert], size: int, data: st.DataObject) -> None:
    first = page(experts, Asked(), "", size)
    left = [one for one in experts if data.draw(st.booleans())]
    if first.following:
        rest = page(left, Asked(), first.following, 100)
        assert {one.slug for one in rest.experts} == {one.slug for one in left if one not in first.experts}


@given(st.text(max_size=60))
def test_an_address_that_somebody_has_broken_shows_the_first_page(after: str) -> None:
    alice = Expert(id=1, slug="alice", name="Alice", state="available")
    assert page([alice], Asked(), after).experts == (alice,)


def test_whoever_is_here_comes_first_then_whoever_is_free_soonest_then_the_name() -> None:
    names = [
        Expert(id=1, slug="late", name="A", next_free=200),
        Expert(id=2, slug="never", name="A"),
        Expert(id=3, slug="soon-z", name="Zoé", next_free=100, state="away"),
        Expert(id=4, slug="soon-e", name="Élise", next_free=100),
        Expert(id=5, slug="talks", name="B", next_free=900, state="busy"),
        Expert(id=6, slug="here", name="Z", state="available"),
    ]
    assert [one.slug for one in page(names, Asked()).experts] == ["here", "talks", "soon-e", "soon-z", "late", "never"]


@pytest.mark.parametrize(
    ("asked", "is_found"),
    [
        (Asked(), True),
        (Asked(name="helene"), True),
        (Asked(name="PETIT hél"), True),
        (Asked(name="arc"), True),
        (Asked(name="elene"), False),
        (Asked(name="helene martin"), False),
        (Asked(name="%_*("), True),
        (Asked(spoken="de"), True),
        (Asked(spoken="fr"), False),
        (Asked(topic="pret-immobilier"), True),
        (Asked(topic="mortgages"), False),
        (Asked(here=True), False),
    ],
)
def test_somebody_is_found_by_what_was_asked(asked: Asked, is_found: bool) -> None:
    helene = Expert(
        id=1,
        slug="helene",
        name="Hélène d’Arc-Petit",
        languages=("de",),
        topics=({"fr": "Prêt immobilier"},),
        state="busy",
    )
    assert found(helene, asked) is is_found


def test_a_topic_has_one_name_in_addresses_whatever_language_it_is_read_in() -> None:
    assert topic_key({"en": "Savings & investing", "fr": "Épargne"}) == "savings-investing"
    assert topic_key({"fr": "Épargne"}) == "epargne"
    assert topic_key({"el": "Δάνεια"}) == "Δάνεια"
    texts = {"en": "Loans", "fr": "Crédits"}
    assert topics_of([Expert(id=1, slug="a", name="A", topics=(texts,))]) == {"loans": texts}


def test_an_average_is_told_from_five_ratings_on() -> None:
    assert Rating(4, 20).average is None
    assert Rating(5, 23).average == 4.6


def test_the_last_page_leads_nowhere() -> None:
    some = [Expert(id=n, slug=f"s{n}", name="A") for n in range(4)]
    first = page(some, Asked(), "", 2)
    assert first.following == cursor(place_of(some[1]))
    assert page(some, Asked(), first.following, 2).following == ""
    assert first.count == 4
