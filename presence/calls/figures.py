"""Figures of calls, for the operator: told after the commit, by the process that committed.

Every label is one of a few words of ours (`calls.model`); nothing that a client writes becomes one.
"""

from prometheus_client import Counter, Gauge, Histogram

from presence.calls.model import Call

_ENDED = Counter("presence_calls_total", "Calls that have ended", ["origin", "outcome"])
_OPEN = Gauge("presence_calls_open", "Rooms with somebody in them on this process")
_CONNECTED = Counter("presence_call_connected_total", "Calls whose two sides saw or heard each other")
_FAILED = Counter("presence_call_failed_total", "Times that a call could not connect, or could not go on", ["cause"])
_RELAYED = Counter("presence_call_relayed_total", "Connected calls by the way media goes", ["how"])  # "relay", "direct"
_FIRST_FRAME = Histogram(
    "presence_call_first_frame_seconds",
    "From both sides being ready to the first picture or sound",
    buckets=(0.25, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 20, 60),
)
_WAIT = Histogram(
    "presence_call_wait_seconds",
    "From the customer's knock to being let in",
    buckets=(5, 15, 30, 60, 120, 300, 600, 900, 1800),
)
_ANSWER = Histogram(
    "presence_ring_answer_seconds", "From the ring to its answer", buckets=(2, 5, 10, 15, 20, 30, 45, 60, 120)
)


def rooms(count: int) -> None:
    """So many rooms have somebody in them here."""
    _OPEN.set(count)


def moved(before: Call, after: Call) -> None:
    """A call was this before a commit, and is that after it."""
    if before.state != "ended" and after.state == "ended":
        _ENDED.labels(after.origin, after.outcome).inc()
    if before.admitted_at is None and after.admitted_at is not None:
        if before.state == "ringing":
            _ANSWER.observe(after.admitted_at - after.created_at)
        elif after.knocked_at is not None:
            _WAIT.observe(after.admitted_at - after.knocked_at)
    if before.connected_at is None and after.connected_at is not None:
        _CONNECTED.inc()
        if after.first_frame is not None:
            _FIRST_FRAME.observe(after.first_frame / 1000)
    if before.relayed is None and after.relayed is not None:
        _RELAYED.labels("relay" if after.relayed else "direct").inc()
    if after.failure and after.failure != before.failure:
        _FAILED.labels(after.failure).inc()
