"""The API does what its document says."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import CHECKS, not_a_server_error
from schemathesis.core.result import Err
from starlette.applications import Starlette

from presence.app import create_app
from presence.booking.api.operations import document
from presence.storage.migrate import migrate
from tests.booking.conftest import KEY, configuration
from tests.support import FrozenClock

AUTH = {"Authorization": f"Bearer {KEY}"}


async def first_start(browser: httpx.AsyncClient) -> str:
    answer = await browser.get("/api/v1/services/talk/starts", headers=AUTH)
    assert answer.status_code == 200
    start: str = answer.json()["starts"][20]
    return start


async def test_a_site_books_moves_and_cancels(browser: httpx.AsyncClient) -> None:
    start = await first_start(browser)
    body = {"service": "talk", "start": start, "name": "Carol", "email": "carol@example.org", "language": "fr"}
    keyed = {**AUTH, "Idempotency-Key": "order-1"}
    made = await browser.post("/api/v1/appointments", json=body, headers=keyed)
    again = await browser.post("/api/v1/appointments", json=body, headers=keyed)
    assert (made.status_code, again.status_code) == (201, 200)
    assert made.json() == again.json()
    token = made.json()["token"]
    later = (await browser.get("/api/v1/services/talk/starts", headers=AUTH)).json()["starts"][30]
    moved = await browser.post(f"/api/v1/appointments/{token}/move", json={"start": later}, headers=AUTH)
    assert moved.json()["sequence"] == 1
    cancelled = await browser.post(f"/api/v1/appointments/{token}/cancel", json={}, headers=AUTH)
    assert cancelled.json()["state"] == "cancelled"


async def test_a_taken_start_is_a_problem_that_names_the_nearest(browser: httpx.AsyncClient) -> None:
    start = await first_start(browser)
    body = {"service": "talk", "start": start, "name": "Carol", "email": "carol@example.org"}
    answers = await asyncio.gather(*(browser.post("/api/v1/appointments", json=body, headers=AUTH) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409]
    problem = next(answer for answer in answers if answer.status_code == 409)
    assert problem.headers["content-type"] == "application/problem+json"
    assert problem.json()["nearest"]


async def test_bad_input_names_the_field(browser: httpx.AsyncClient) -> None:
    answer = await browser.post("/api/v1/holds", json={"service": "talk", "start": "tomorrow"}, headers=AUTH)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "start"
    assert (await browser.post("/api/v1/holds", content=b"{", headers=AUTH)).status_code == 400


async def test_without_a_key_nothing_is_told(browser: httpx.AsyncClient) -> None:
    for headers in ({}, {"Authorization": "Bearer pk_not-a-key-at-all"}):
        answer = await browser.get("/api/v1/services", headers=headers)
        assert answer.status_code == 401
        assert "www-authenticate" in answer.headers


async def test_free_starts_carry_a_tag(browser: httpx.AsyncClient) -> None:
    first = await browser.get("/api/v1/services/talk/starts", headers=AUTH)
    assert "max-age" in first.headers["cache-control"]
    tagged = {**AUTH, "If-None-Match": first.headers["etag"]}
    assert (await browser.get("/api/v1/services/talk/starts", headers=tagged)).status_code == 304


async def test_why_says_what_is_against_a_start(browser: httpx.AsyncClient) -> None:
    query = {"at": "2026-06-09T01:00:00Z"}
    answer = await browser.get("/api/v1/services/talk/why", params=query, headers=AUTH)
    codes = {(one["adviser"], one["code"]) for one in answer.json()["reasons"]}
    assert ("alice", "outside_hours") in codes


@contextmanager
def served(app: Starlette) -> Iterator[str]:
    """The application on a real port, in a thread of its own."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, access_log=False))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started and thread.is_alive():
        thread.join(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


CHECKED = {"status_code_conformance", "content_type_conformance", "response_schema_conformance"}


@pytest.mark.filterwarnings("default")
def test_no_answer_is_undocumented_and_none_is_a_server_error(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'presence.db'}"
    migrate(url)
    checks = [not_a_server_error, *(check for check in CHECKS.get_all() if check.__name__ in CHECKED)]
    with served(create_app(configuration(url), FrozenClock(), workers=False)) as address:
        schema = schemathesis.openapi.from_dict(document(address))
        schema.config.update(base_url=address)
        for result in schema.get_all_operations():
            assert not isinstance(result, Err)
            answers_as_documented(result.ok(), checks)


def answers_as_documented(operation: Any, checks: list[Any]) -> None:
    @settings(
        max_examples=40,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def answers(case: Any) -> None:
        case.call_and_validate(headers=AUTH, checks=checks)

    answers()
