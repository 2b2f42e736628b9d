"""Errors read well: a page in the visitor's language, or problem+json that names the field."""

import pytest

from presence.errors import FieldError, Forbidden, Invalid, NotFound, PresenceError, SlotTaken, TooMany, Unauthorised
from tests.web.cast import raising, small_app, visiting

FRENCH = {"accept-language": "fr"}


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (NotFound(), 404, "Il n’y a rien ici"),
        (TooMany(7), 429, "Vous pourrez réessayer dans 7 secondes."),
        (TooMany(1), 429, "Vous pourrez réessayer dans 1 seconde."),
        (Forbidden("At least %(count)s characters are needed", count=12), 403, "12 caractères"),
        (ValueError("inside"), 500, "C’est notre faute"),
    ],
)
async def test_people_read_errors_in_their_language(error: Exception, status: int, said: str) -> None:
    async with visiting(small_app([raising(error)])) as client:
        answer = await client.get("/page", headers=FRENCH)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["content-language"] == "fr"
    assert answer.headers["cache-control"] == "no-store"
    assert said in answer.text
    assert "inside" not in answer.text


@pytest.mark.parametrize(
    ("error", "status"),
    [(NotFound(), 404), (Unauthorised(), 401), (TooMany(7), 429), (PresenceError(), 500), (ValueError("inside"), 500)],
)
async def test_programs_read_problems(error: Exception, status: int) -> None:
    async with visiting(small_app([raising(error)])) as client:
        answer = await client.get("/api/v1/it")
    assert answer.status_code == answer.json()["status"] == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["title"]
    assert "inside" not in answer.text


async def test_a_limit_says_when_to_come_back() -> None:
    async with visiting(small_app([raising(TooMany(7))])) as client:
        for path in ("/page", "/api/v1/it"):
            assert (await client.get(path)).headers["retry-after"] == "7"


async def test_a_problem_names_its_fields() -> None:
    error = Invalid({"email": FieldError("At least %(count)s characters are needed", count=3)})
    async with visiting(small_app([raising(error)])) as client:
        problem = (await client.get("/api/v1/it", headers=FRENCH)).json()
    assert problem["errors"] == [{"field": "email", "detail": "Il faut au moins 3 caractères"}]


async def test_a_taken_start_tells_the_nearest_in_utc() -> None:
    async with visiting(small_app([raising(SlotTaken((1_780_898_400,)))])) as client:
        assert (await client.get("/api/v1/it")).json()["nearest"] == ["2026-06-08T06:00:00Z"]


async def test_who_has_no_key_is_told_how_to_give_one() -> None:
    async with visiting(small_app([raising(Unauthorised())])) as client:
        assert (await client.get("/api/v1/it")).headers["www-authenticate"].startswith("Bearer")


async def test_the_routers_own_refusals_look_like_ours() -> None:
    async with visiting(small_app([])) as client:
        assert "<h1>There is nothing here</h1>" in (await client.get("/nowhere")).text
        problem = await client.get("/api/nowhere")
        assert problem.json() == {"type": "/problems/not-found", "title": "Not Found", "status": 404}


async def test_unknown_expired_and_foreign_links_answer_alike() -> None:
    """What the router does not know and what a service does not find cannot be told apart."""
    async with visiting(
        small_app(
            [
                raising(NotFound()),
            ]
        )
    ) as client:
        found = await client.get("/a/token")
    async with visiting(small_app([])) as client:
        routed = await client.get("/a/token")
    assert found.text == routed.text
    assert found.status_code == routed.status_code == 404
