"""The guard: headers on every answer, no forged forms, no body without end, and nothing said that names a person."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from prometheus_client import REGISTRY
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Message

from tests.web.cast import HERE, echoing, raising, small_app, visiting

SECRET_PATH = "/a/{token}"
CAROL = "carol@example.org"


async def shown(_request: Request) -> Response:
    return PlainTextResponse("shown")


@pytest.fixture
def logged() -> Iterator[list[Any]]:
    with structlog.testing.capture_logs() as lines:
        yield lines


async def test_every_answer_carries_the_headers_even_the_ones_that_fail() -> None:
    app = small_app([Route("/fine", shown), Route("/broken", raising(ValueError(CAROL)).endpoint)])
    async with visiting(app) as client:
        for path, status in (("/fine", 200), ("/nowhere", 404), ("/broken", 500)):
            answer = await client.get(path)
            assert answer.status_code == status
            assert "default-src 'none'" in answer.headers["content-security-policy"]
            assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["referrer-policy"] == "same-origin"
            assert answer.headers["x-request-id"]
            assert "strict-transport-security" not in answer.headers


async def test_https_is_remembered_by_browsers() -> None:
    async with visiting(small_app([Route("/", shown)], base_url="https://presence.example")) as client:
        assert "max-age" in (await client.get("/")).headers["strict-transport-security"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec-fetch-site": "same-origin", "origin": HERE}, 200),
        ({"sec-fetch-site": "cross-site", "origin": HERE}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"origin": HERE}, 200),
        ({"origin": "https://mallory.example"}, 403),
        ({"origin": "http://localhost:8000.mallory.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "null", "host": ""}, 403),
        ({}, 200),
    ],
)
async def test_mallorys_page_cannot_send_our_forms(headers: dict[str, str], status: int) -> None:
    async with visiting(small_app([echoing()])) as client:
        assert (await client.post("/echo", data={"text": "hello"}, headers=headers)).status_code == status


async def test_the_api_is_called_from_anywhere() -> None:
    app = small_app([Route("/api/v1/it", shown, methods=["POST"])])
    async with visiting(app) as client:
        assert (await client.post("/api/v1/it", headers={"sec-fetch-site": "cross-site"})).status_code == 200


async def test_a_body_over_the_limit_is_refused_whether_it_says_so_or_not() -> None:
    async def pieces() -> Any:
        for _ in range(3):
            yield b"x" * 500

    async with visiting(small_app([echoing()], body_bytes=1000)) as client:
        said = await client.post("/echo", content=b"x" * 1001)
        unsaid = await client.post(
            "/echo", content=pieces(), headers={"content-type": "application/x-www-form-urlencoded"}
        )
        exact = await client.post(
            "/echo", content=b"text=" + b"x" * 995, headers={"content-type": "application/x-www-form-urlencoded"}
        )
    assert (said.status_code, unsaid.status_code, exact.status_code) == (413, 413, 200)


def scope_of(method: str, path: str) -> dict[str, Any]:
    headers = [(b"content-type", b"application/x-www-form-urlencoded"), (b"host", b"localhost:8000")]
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": headers,
        "scheme": "http",
        "server": ("localhost", 8000),
        "client": ("192.0.2.1", 1),
        "state": {},
    }


async def test_a_body_that_does_not_come_holds_the_connection_only_for_a_while() -> None:
    sent: list[Message] = []

    async def silence() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    await small_app([echoing()], body_seconds=0)(scope_of("POST", "/echo"), silence, send)
    assert sent[0]["status"] == 408
    assert (b"connection", b"close") in [(name.lower(), value) for name, value in sent[0]["headers"]]


async def test_who_leaves_in_the_middle_of_a_form_is_no_error_of_ours(logged: list[Any]) -> None:
    async def gone() -> Message:
        return {"type": "http.disconnect"}

    async def send(_message: Message) -> None:
        raise AssertionError

    await small_app([echoing()])(scope_of("POST", "/echo"), gone, send)
    assert [line["status"] for line in logged if line["event"] == "request"] == [499]
    assert not [line for line in logged if line["log_level"] == "error"]


async def test_logs_and_measures_name_routes_never_paths(logged: list[Any]) -> None:
    async with visiting(small_app([Route(SECRET_PATH, shown)])) as client:
        await client.get("/a/carols-token?name=Carol")
        await client.get("/elsewhere/carols-token")
        await client.request("CAROLS-TOKEN", "/a/carols-token")
    text = json.dumps(logged) + str([sample.labels for family in REGISTRY.collect() for sample in family.samples])
    assert "carols-token" not in text.lower()
    assert [line["route"] for line in logged] == [SECRET_PATH, "-", SECRET_PATH]
    assert logged[2]["method"] == "other"


async def test_an_unforeseen_error_is_logged_by_its_place_and_not_by_its_words(logged: list[Any]) -> None:
    async def fail(_request: Request) -> Response:
        try:
            raise KeyError(CAROL)
        except KeyError as error:
            raise ValueError(f"[parameters: ({CAROL!r},)]") from error

    async with visiting(small_app([Route("/broken", fail)])) as client:
        answer = await client.get("/broken")
    line = next(line for line in logged if line["event"] == "unexpected")
    assert CAROL not in json.dumps(logged) + answer.text
    assert "in fail" in line["trace"]
    assert "KeyError" in line["trace"]
    assert line["request"] == answer.headers["x-request-id"]
    assert line["request"] in answer.text


async def test_an_answer_that_breaks_off_is_cut_without_a_word_of_the_error(logged: list[Any]) -> None:
    async def halves() -> Any:
        yield b"the first half"
        raise ValueError(CAROL)

    async def broken(_request: Request) -> Response:
        return StreamingResponse(halves())

    async with visiting(small_app([Route("/broken", broken)])) as client:
        with pytest.raises(RuntimeError, match="broke off") as told:
            await client.get("/broken")
    assert told.value.__suppress_context__
    assert CAROL not in json.dumps(logged)
