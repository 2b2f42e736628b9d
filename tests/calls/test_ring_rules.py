"""Whom a call rings at, and what becomes of it, decided without a clock or a database."""

from typing import Any

import pytest

from presence.calls.model import Call
from presence.calls.ringing import (
    AT_ONCE,
    AT_ONE,
    Choice,
    Need,
    accepting,
    answering,
    become,
    chosen,
    meets,
    withdrawing,
)
from presence.roster.presence import Candidate, Facts, standing_of

NOW = 1_780_898_400
ALICE, BOB, MONA = 1, 2, 3
LOANS = 7
LEFT = NOW - 60  # when somebody who is not there any more was
THERE = dict.fromkeys(("adviser:1", "adviser:2", "adviser:3", "visitor:9"), NOW + 100)


def there(
    adviser_id: int, languages: tuple[str, ...] = ("en", "fr"), teams: tuple[int, ...] = (), **facts: Any
) -> Candidate:
    known = {"reachable": True, "engaged": True, **facts}
    return Candidate(
        standing=standing_of(Facts(adviser_id=adviser_id, **known)), languages=languages, team_ids=frozenset(teams)
    )


def rings_at(*candidates: Candidate, ringing: dict[int, int] | None = None, **need: Any) -> Choice:
    people = {one.standing.adviser_id: one for one in candidates}
    return chosen(people, Need(**{"language": "en", **need}), ringing or {})


def a_call(**changes: Any) -> Call:
    values: dict[str, Any] = dict.fromkeys(Call.__struct_fields__)
    values |= {
        "id": 1,
        "origin": "customer",
        "visitor_id": 9,
        "rung": (ALICE, BOB),
        "declined": (),
        "state": "ringing",
        "outcome": "",
        "created_at": NOW,
        "rings_until": NOW + 30,
    }
    return Call(**{**values, **changes})


# -- whom it rings at -----------------------------------------------------------------------------------------------


def test_it_rings_at_everybody_who_is_available_the_least_burdened_first() -> None:
    found = rings_at(there(ALICE, load=2), there(BOB, load=1), there(MONA))
    assert found == Choice((MONA, BOB, ALICE))


def test_whom_it_rings_at_already_comes_last() -> None:
    assert rings_at(there(ALICE), there(BOB, load=1), ringing={ALICE: 1}) == Choice((BOB, ALICE))


def test_it_rings_at_ten_at_most() -> None:
    assert len(rings_at(*(there(number) for number in range(1, 30))).rung) == AT_ONCE


def test_so_many_calls_ring_at_one_and_no_more_but_for_whose_conversation_they_have() -> None:
    many = {ALICE: AT_ONE}
    assert rings_at(there(ALICE), there(BOB), ringing=many).rung == (BOB,)
    assert rings_at(there(ALICE), ringing=many) == Choice((), "busy")
    assert rings_at(there(ALICE), there(BOB), asked=ALICE, ringing=many) == Choice((), "busy")
    assert rings_at(there(ALICE), there(BOB), liked=(ALICE,), ringing=many).rung == (BOB,)
    assert rings_at(there(ALICE), owner=ALICE, ringing=many).rung == (ALICE,)


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"reachable": False}, "nobody"),
        ({"engaged": False}, "nobody"),
        ({"wish": "away"}, "nobody"),
        ({"wish": "offline"}, "nobody"),
        ({"wish": "busy"}, "busy"),
        ({"in_call": True}, "busy"),
        ({"appointment": True}, "busy"),
        ({"load": 3}, "busy"),
    ],
)
def test_it_rings_at_nobody_who_cannot_or_will_not_answer(facts: dict[str, Any], why: str) -> None:
    assert rings_at(there(ALICE, **facts)) == Choice((), why)  # type: ignore[arg-type]


def test_a_language_is_preferred_and_given_up_when_nobody_speaks_it() -> None:
    french = there(BOB, languages=("fr",))
    assert rings_at(there(ALICE), french, language="fr").rung == (ALICE, BOB)
    assert rings_at(there(ALICE), french).rung == (ALICE,)
    assert rings_at(french).rung == (BOB,)


def test_a_team_is_kept_to() -> None:
    assert rings_at(there(ALICE), there(MONA, teams=(LOANS,)), team_id=LOANS).rung == (MONA,)
    assert rings_at(there(ALICE), there(MONA, teams=(LOANS,), wish="away"), team_id=LOANS) == Choice((), "nobody")


def test_who_has_the_conversation_is_rung_alone_even_with_a_full_list() -> None:
    assert rings_at(there(ALICE, load=3), there(BOB), owner=ALICE).rung == (ALICE,)


def test_who_has_the_conversation_and_is_on_another_call_is_busy_and_no_colleague_is_rung() -> None:
    assert rings_at(there(ALICE, in_call=True), there(BOB), owner=ALICE) == Choice((), "busy")


@pytest.mark.parametrize("facts", [{"reachable": False}, {"engaged": False}, {"wish": "away"}])
def test_colleagues_are_rung_when_who_has_the_conversation_is_away(facts: dict[str, Any]) -> None:
    assert rings_at(there(ALICE, **facts), there(BOB), owner=ALICE).rung == (BOB,)


def test_whom_the_customer_chose_is_rung_or_nobody() -> None:
    assert rings_at(there(ALICE), there(BOB), asked=BOB).rung == (BOB,)
    assert rings_at(there(ALICE), there(BOB, load=3), asked=BOB) == Choice((), "busy")
    assert rings_at(there(ALICE), there(BOB, reachable=False), asked=BOB) == Choice((), "nobody")
    assert rings_at(there(ALICE), asked=BOB) == Choice((), "nobody")


def test_the_customers_own_adviser_comes_before_the_others() -> None:
    assert rings_at(there(ALICE), there(BOB, load=1), liked=(BOB,)).rung == (BOB,)
    assert rings_at(there(ALICE), there(BOB, wish="away"), liked=(BOB,)).rung == (ALICE,)


# -- while it rings -------------------------------------------------------------------------------------------------


def test_it_rings_until_its_time_is_over_and_no_longer() -> None:
    assert become(a_call(), THERE, set(), NOW + 29) == ""
    assert become(a_call(), THERE, set(), NOW + 30) == "missed"


@pytest.mark.parametrize(
    ("declined", "until", "on_call", "outcome"),
    [
        ((ALICE,), THERE, set(), ""),
        ((ALICE, BOB), THERE, set(), "declined"),
        ((), THERE, {ALICE}, ""),
        ((), THERE, {ALICE, BOB}, "busy"),
        ((ALICE,), THERE, {BOB}, "busy"),
        ((), {"adviser:1": LEFT, "adviser:2": NOW + 1}, set(), ""),
        ((), {"adviser:2": NOW + 1}, {BOB}, "busy"),
        ((), {}, {ALICE, BOB}, "busy"),
        ((), {}, set(), "missed"),
        ((ALICE,), {"adviser:1": NOW + 1, "adviser:2": NOW}, set(), "missed"),
    ],
)
def test_it_ends_early_when_nobody_is_left_who_could_answer(
    declined: tuple[int, ...], until: dict[str, int], on_call: set[int], outcome: str
) -> None:
    assert become(a_call(declined=declined), until, on_call, NOW) == outcome


def test_an_advisers_ring_ends_when_either_side_has_gone() -> None:
    ring = a_call(origin="adviser", adviser_id=ALICE, rung=())
    assert become(ring, THERE, set(), NOW) == ""
    assert become(ring, {"adviser:1": NOW + 1}, set(), NOW) == "missed"
    assert become(ring, {"visitor:9": NOW + 1}, set(), NOW) == "cancelled"
    assert become(ring, THERE, {BOB}, NOW) == ""
    assert become(ring, THERE, {ALICE}, NOW) == "cancelled"  # they have taken another call
    assert become(ring, THERE, set(), NOW + 30) == "missed"


def test_it_ends_when_who_rings_has_left_the_page_since() -> None:
    assert become(a_call(), {**THERE, "visitor:9": NOW + 10}, set(), NOW + 9) == ""
    assert become(a_call(), {**THERE, "visitor:9": NOW + 10}, set(), NOW + 10) == "cancelled"
    assert become(a_call(), {**THERE, "visitor:9": LEFT}, set(), NOW + 10) == ""  # of a page they had before
    assert become(a_call(), {**THERE, "visitor:9": 0}, set(), NOW + 10) == ""


def test_what_does_not_ring_becomes_nothing() -> None:
    assert become(a_call(state="admitted"), {}, set(), NOW + 100) == ""


@pytest.mark.parametrize(
    ("changes", "engaged", "now", "answer"),
    [
        ({}, False, NOW + 29, "go"),
        ({}, False, NOW + 30, "over"),
        ({}, True, NOW, "engaged"),
        ({"declined": (ALICE,)}, False, NOW, "go"),  # they have thought better of it
        ({"state": "admitted", "adviser_id": ALICE}, True, NOW + 99, "done"),
        ({"state": "admitted", "adviser_id": BOB}, False, NOW, "taken"),
        ({"state": "ended", "adviser_id": BOB}, False, NOW, "taken"),
        ({"state": "ended"}, False, NOW, "over"),
        ({"state": "ended", "adviser_id": ALICE}, False, NOW, "over"),
    ],
)
def test_the_first_adviser_who_accepts_has_it(changes: dict[str, Any], engaged: bool, now: int, answer: str) -> None:
    assert accepting(a_call(**changes), ALICE, engaged=engaged, now=now) == answer


def test_the_customer_answers_while_it_rings() -> None:
    ring = {"origin": "adviser", "adviser_id": ALICE}
    assert answering(a_call(**ring), NOW + 29) == "go"
    assert answering(a_call(**ring), NOW + 30) == "over"
    assert answering(a_call(**ring, state="admitted"), NOW) == "done"
    assert answering(a_call(**ring, state="ended"), NOW) == "over"


def test_what_has_been_answered_can_be_withdrawn_no_more() -> None:
    assert [withdrawing(a_call(state=state)) for state in ("ringing", "admitted", "ended")] == ["go", "taken", "done"]


def test_whoever_rings_at_who_rings_at_them_means_the_same_call() -> None:
    ring = a_call(origin="adviser", adviser_id=ALICE)
    assert meets(ring, None)
    assert meets(ring, ALICE)
    assert not meets(ring, BOB)
    assert not meets(a_call(), None)
