"""The queue's decisions, without any of the machinery."""

from typing import Any

import msgspec

from presence.chat.desk.queueing import OFFER, PAUSE, UNATTENDED, Decision, decide, expected_wait, need_of, rescue
from presence.chat.model import Conversation
from presence.roster.presence import Candidate, Facts, standing_of

NOW = 1_000_000
LOANS = 2


def waiting(id_: int = 1, **known: Any) -> Conversation:
    empty: dict[str, Any] = dict.fromkeys(Conversation.__struct_fields__)
    values = {
        "id": id_,
        "uid": f"c{id_}",
        "visitor_id": id_,
        "state": "waiting",
        "language": "en",
        "passed_by": (),
        "tags": (),
        "queued_at": NOW - 5,
    }
    return Conversation(**{**empty, **values, **known})


def there(id_: int, team: int = 1, **known: Any) -> Candidate:
    facts = Facts(**{"adviser_id": id_, "reachable": True, "engaged": True, **known})
    return Candidate(standing=standing_of(facts), languages=("en",), team_ids=frozenset({team}))


def people(*candidates: Candidate) -> dict[int, Candidate]:
    return {one.standing.adviser_id: one for one in candidates}


def decided(one: Conversation, *candidates: Candidate, personal: int | None = None) -> list[Decision]:
    return decide([one], people(*candidates), {one.id: personal} if personal else {}, NOW)


def test_it_is_offered_to_one_for_a_time() -> None:
    one = waiting()
    assert decided(one, there(1), there(2)) == [Decision(one, "offer", 1, NOW + OFFER)]
    assert decided(waiting(offered_to=1, offered_until=NOW + 1), there(1), there(2)) == []


def test_an_offer_lapses_and_goes_to_the_next() -> None:
    late = waiting(offered_to=1, offered_until=NOW)
    assert decided(late, there(1), there(2)) == [Decision(late, "lapse", 1)]
    gone = waiting(offered_to=1, offered_until=NOW + 20)
    assert decided(gone, there(1, reachable=False), there(2)) == [Decision(gone, "lapse", 1)]
    passed = waiting(passed_by=(1,))
    assert decided(passed, there(1), there(2)) == [Decision(passed, "offer", 2, NOW + OFFER)]


def test_when_all_have_let_it_pass_there_is_a_pause_and_then_the_first_is_asked_again() -> None:
    passed = waiting(passed_by=(1, 2))
    (over,) = decided(passed, there(1), there(2))
    assert (over.act, over.until) == ("start over", NOW + PAUSE)
    assert decided(waiting(offered_until=NOW + 1), there(1)) == []
    assert decided(waiting(offered_until=NOW), there(1))[0].act == "offer"


def test_one_round_gives_nobody_more_than_they_can_carry() -> None:
    queue = [waiting(n) for n in range(1, 6)]
    given = decide(queue, people(there(1, load=1), there(2, capacity=1)), {}, NOW)
    assert [(one.conversation.id, one.adviser_id) for one in given] == [(1, 2), (2, 1), (3, 1)]


def test_the_first_come_are_served_first_and_who_cannot_be_served_blocks_nobody() -> None:
    loan, other = waiting(1, team_id=LOANS), waiting(2)
    assert decide([loan, other], people(there(1)), {}, NOW) == [Decision(other, "offer", 1, NOW + OFFER)]


def test_a_wish_comes_before_the_personal_adviser_and_both_before_the_rest() -> None:
    asked = waiting(wanted_adviser_id=3)
    assert need_of(asked, {1: 2}).adviser_ids == (3, 2)
    assert decided(asked, there(1), there(2), there(3), personal=2)[0].adviser_id == 3
    assert decided(waiting(), there(1), there(2), personal=2)[0].adviser_id == 2
    assert decided(waiting(), there(1), there(2, wish="busy"), personal=2)[0].adviser_id == 1


def test_when_nobody_is_there_any_more_it_becomes_a_message_after_a_while() -> None:
    patient = waiting(queued_at=NOW - UNATTENDED)
    assert decided(patient) == [Decision(patient, "message")]
    assert decided(patient, there(1, engaged=False)) == [Decision(patient, "message")]
    assert decided(patient, there(1, load=3)) == []  # somebody is busy: they will be free
    assert decided(waiting(queued_at=NOW - UNATTENDED + 1)) == []
    assert decided(msgspec.structs.replace(patient, team_id=LOANS), there(1))[0].act == "message"


def test_who_has_lost_their_adviser_is_rescued_while_they_are_there() -> None:
    lost = waiting(state="active", adviser_id=1)
    assert rescue([lost], [], {lost.visitor_id or 0}, {}) == [Decision(lost, "rescue", 1)]
    assert rescue([lost], [], set(), {}) == []


def test_who_comes_late_takes_the_messages_of_those_who_are_still_there() -> None:
    left = waiting(state="message")
    assert rescue([], [left], {1}, people(there(1))) == [Decision(left, "queue")]
    assert rescue([], [left], set(), people(there(1))) == []
    assert rescue([], [left], {1}, people(there(1, engaged=False))) == []
    assert rescue([], [msgspec.structs.replace(left, adviser_id=1)], {1}, people(there(1))) == []


def test_the_expected_wait_is_told_only_when_it_is_known() -> None:
    assert expected_wait(1, 3, 600) == 200
    assert expected_wait(6, 3, 600) == 1200
    assert expected_wait(1, 0, 600) is None
    assert expected_wait(1, 3, None) is None
