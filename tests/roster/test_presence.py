"""The one word for an adviser: three facts, and what they have to do."""

from typing import Any

import pytest

from presence.roster.presence import Facts, State, Wish, best, standing_of, state_of


def facts(**known: Any) -> Facts:
    return Facts(**{"adviser_id": 1, "reachable": True, "engaged": True, **known})


@pytest.mark.parametrize(
    ("known", "state"),
    [
        ({}, "available"),
        ({"reachable": False}, "offline"),
        ({"reachable": False, "appointment": True}, "offline"),
        ({"engaged": False}, "away"),
        ({"engaged": False, "in_call": True}, "busy"),  # nobody types while they talk
        ({"engaged": False, "load": 3}, "busy"),
        ({"in_call": True}, "busy"),
        ({"appointment": True}, "busy"),
        ({"load": 2}, "available"),
        ({"load": 3}, "busy"),
        ({"load": 1, "capacity": 1}, "busy"),
        ({"load": 4}, "busy"),  # somebody was transferred to them
    ],
)
def test_what_they_are_and_do_makes_their_state(known: dict[str, Any], state: State) -> None:
    assert state_of(facts(**known)) == state


@pytest.mark.parametrize("wish", ["busy", "away", "offline"])
def test_what_they_set_is_believed_over_being_there(wish: Wish) -> None:
    assert state_of(facts(wish=wish)) == wish
    assert state_of(facts(wish=wish, load=3)) == wish
    assert state_of(facts(wish=wish, reachable=False)) == "offline"


def test_only_who_is_available_may_be_given_more() -> None:
    assert standing_of(facts(load=1)).free == 2
    assert standing_of(facts(load=3)).free == 0
    assert standing_of(facts(load=0, wish="away")).free == 0
    assert standing_of(facts(load=0, appointment=True)).free == 0


def test_several_are_as_available_as_the_most_available_of_them() -> None:
    assert best(["offline", "busy", "available", "away"]) == "available"
    assert best(["offline", "away", "busy"]) == "busy"
    assert best(["away", "offline"]) == "away"
    assert best([]) == "offline"
