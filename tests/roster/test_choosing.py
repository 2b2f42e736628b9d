"""Who is offered a conversation: whom the customer wants, else language, team, room and fairness."""

from typing import Any

from presence.roster.presence import Candidate, Facts, Need, choose, standing_of

ADVICE, LOANS = 1, 2


def candidate(
    id_: int, languages: tuple[str, ...] = ("en", "fr"), team: int = ADVICE, last: int = 0, **known: Any
) -> Candidate:
    standing = standing_of(Facts(**{"adviser_id": id_, "reachable": True, "engaged": True, **known}))
    return Candidate(standing=standing, languages=languages, team_ids=frozenset({team}), last_given_at=last)


def test_whoever_carries_least_for_what_they_can_carry() -> None:
    need = Need(language="en")
    assert choose([candidate(1, load=1), candidate(2), candidate(3, load=2)], need) == 2
    assert choose([candidate(1, load=1, capacity=2), candidate(2, load=2, capacity=8)], need) == 2


def test_among_equals_whoever_was_given_one_the_longest_ago() -> None:
    assert choose([candidate(1, last=300), candidate(2, last=100), candidate(3, last=200)], Need(language="en")) == 2
    assert choose([candidate(2), candidate(1)], Need(language="en")) == 1


def test_a_language_is_preferred_and_given_up_rather_than_leave_somebody_waiting() -> None:
    speaks, does_not = candidate(1, ("fr",), load=2), candidate(2, ("en",))
    assert choose([speaks, does_not], Need(language="fr")) == 1
    assert choose([does_not], Need(language="fr")) == 2


def test_a_team_is_kept_to() -> None:
    assert choose([candidate(1), candidate(2, team=LOANS, load=2)], Need(language="en", team_id=LOANS)) == 2
    assert choose([candidate(1)], Need(language="en", team_id=LOANS)) is None


def test_whom_the_customer_wants_then_their_personal_adviser_then_anybody() -> None:
    need = Need(language="en", adviser_ids=(3, 2))
    everybody = [candidate(1), candidate(2, load=2), candidate(3, load=2)]
    assert choose(everybody, need) == 3
    assert choose([candidate(1), candidate(2, load=2), candidate(3, load=3)], need) == 2
    assert choose([candidate(1), candidate(2, reachable=False), candidate(3, wish="away")], need) == 1


def test_whoever_let_it_pass_is_not_asked_again_and_nobody_is_forced() -> None:
    assert choose([candidate(1), candidate(2, load=2)], Need(language="en", passed_by=frozenset({1}))) == 2
    assert choose([candidate(1)], Need(language="en", adviser_ids=(1,), passed_by=frozenset({1}))) is None
    assert choose([candidate(1, load=3), candidate(2, engaged=False)], Need(language="en")) is None
    assert choose([], Need(language="en")) is None
