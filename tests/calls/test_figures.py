"""What an operator sees of calls."""

from typing import Any, get_args

import msgspec
import pytest
from prometheus_client import REGISTRY

from presence.calls import figures, rules
from presence.calls.model import Call, Failure, Outcome
from presence.live.frames import Quality
from tests.support import MONDAY

WAITING = Call(
    id=7,
    uid="c7",
    origin="appointment",
    appointment_id=1,
    conversation_id=None,
    site_id=None,
    visitor_id=None,
    customer_id=1,
    adviser_id=1,
    rung=(),
    declined=(),
    state="waiting",
    outcome="",
    note="",
    medium="video",
    name="Carol",
    language="fr",
    page="",
    gen=1,
    rings_until=None,
    created_at=MONDAY,
    knocked_at=MONDAY + 10,
    admitted_at=None,
    connected_at=None,
    ended_at=None,
    closes_at=MONDAY + 3600,
    called_back=False,
    rating=None,
    comment="",
    first_frame=None,
    relayed=None,
    failure="",
)


def told(before: Call, after: Call, name: str, **labels: str) -> float:
    """By how much a figure goes up."""
    was = REGISTRY.get_sample_value(name, labels) or 0
    figures.moved(before, after)
    return (REGISTRY.get_sample_value(name, labels) or 0) - was


def changed(call: Call, **changes: Any) -> Call:
    return msgspec.structs.replace(call, **changes)


def test_a_call_is_counted_once_by_how_it_ended() -> None:
    ended = rules.ended(WAITING, "expired", MONDAY + 60)
    labels = {"origin": "appointment", "outcome": "expired"}
    assert told(WAITING, ended, "presence_calls_total", **labels) == 1
    assert told(ended, changed(ended, rating=5), "presence_calls_total", **labels) == 0


def test_the_wait_and_the_ring_are_told_apart() -> None:
    admitted = rules.done(WAITING, "admit", "adviser", "", MONDAY + 25)
    assert admitted is not None
    assert told(WAITING, admitted, "presence_call_wait_seconds_sum") == 15
    ringing = changed(WAITING, origin="customer", state="ringing", knocked_at=None)
    answered = changed(ringing, state="admitted", admitted_at=MONDAY + 4)
    assert told(ringing, answered, "presence_ring_answer_seconds_sum") == 4
    assert told(ringing, answered, "presence_call_wait_seconds_count") == 0


def test_connecting_is_counted_once_a_call_however_often_it_is_told() -> None:
    call = changed(WAITING, state="admitted", admitted_at=MONDAY)
    first = rules.measured(call, Quality(gen=1, first_frame=800, relayed=True), MONDAY)
    again = rules.measured(first, Quality(gen=1, first_frame=900, relayed=True), MONDAY)
    assert told(call, first, "presence_call_connected_total") == 1
    assert told(call, first, "presence_call_first_frame_seconds_sum") == pytest.approx(0.8)
    assert told(call, first, "presence_call_relayed_total", how="relay") == 1
    assert told(first, again, "presence_call_connected_total") == 0
    assert told(first, again, "presence_call_relayed_total", how="relay") == 0


def test_failures_are_counted_by_their_cause() -> None:
    call = changed(WAITING, state="admitted", admitted_at=MONDAY)
    failed = rules.measured(call, Quality(gen=1, failure="turn"), MONDAY)
    assert told(call, failed, "presence_call_failed_total", cause="turn") == 1
    assert told(failed, failed, "presence_call_failed_total", cause="turn") == 0


def test_labels_are_words_of_ours() -> None:
    for outcome in get_args(Outcome):
        figures.moved(WAITING, changed(WAITING, state="ended" if outcome else "waiting", outcome=outcome))
    for failure in get_args(Failure):
        figures.moved(WAITING, changed(WAITING, failure=failure))
    seen = {
        (name, value)
        for metric in REGISTRY.collect()
        if metric.name.startswith(("presence_call", "presence_ring"))
        for sample in metric.samples
        for name, value in sample.labels.items()
        if name != "le"
    }
    assert {value for name, value in seen if name == "outcome"} <= set(get_args(Outcome)) - {""}
    assert {value for name, value in seen if name == "cause"} <= set(get_args(Failure)) - {""}
    assert {name for name, _ in seen} == {"origin", "outcome", "cause", "how"}


def test_open_rooms_are_a_gauge() -> None:
    figures.rooms(3)
    assert REGISTRY.get_sample_value("presence_calls_open") == 3
    figures.rooms(0)
    assert REGISTRY.get_sample_value("presence_calls_open") == 0
