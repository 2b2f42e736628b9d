"""Who asks too often waits, and nobody else does."""

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from presence.errors import TooMany
from presence.web import limits
from presence.web.limits import Limits, limited
from tests.web.cast import HERE, small_app


def refused(some: Limits, who: str, now: float, what: str = "sign_in") -> int:
    """Seconds to wait; 0 when it goes through."""
    try:
        some.take(what, who, now)
    except TooMany as error:
        return error.retry_after
    return 0


def test_the_third_try_of_two_a_minute_waits_until_there_is_a_token_again() -> None:
    some = Limits({"sign_in": 2})
    assert [refused(some, "mallory", 0) for _ in range(3)] == [0, 0, 31]
    assert refused(some, "mallory", 20) == 11
    assert refused(some, "mallory", 31) == 0
    assert refused(some, "mallory", 31) > 0


def test_asking_while_waiting_does_not_lengthen_the_wait() -> None:
    some = Limits({"sign_in": 2})
    assert [bool(refused(some, "mallory", second)) for second in (0, 0, 10, 20, 30)] == [
        False,
        False,
        True,
        True,
        False,
    ]


def test_one_persons_limit_is_not_anothers() -> None:
    some = Limits({"sign_in": 1, "hold": 1})
    assert refused(some, "mallory", 0) == refused(some, "carol", 0) == refused(some, "mallory", 0, "hold") == 0


def test_zero_is_no_limit() -> None:
    assert not any(refused(Limits({"sign_in": 0}), "carol", 0) for _ in range(1000))


def test_the_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_KEPT", 10)
    some = Limits({"sign_in": 1})
    for number in range(100):
        some.take("sign_in", str(number), 0)
    assert len(some._buckets) == 10


@pytest.mark.parametrize(
    ("first", "second", "alike"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", "192.0.2.1", True),
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
    ],
)
async def test_a_home_counts_as_one(first: str, second: str, alike: bool) -> None:
    async def endpoint(request: Request) -> Response:
        limited(request, "sign_in")
        return PlainTextResponse("in")

    app = small_app([Route("/", endpoint)])
    statuses = []
    for address in (first, first, second):
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app, client=(address, 1)), base_url=HERE) as client:
            statuses.append((await client.get("/")).status_code)
    assert statuses == [200, 200, 429 if alike else 200]
