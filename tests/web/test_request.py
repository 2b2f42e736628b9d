"""The visitor's language and zone, and how a choice is remembered."""

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from presence.i18n import is_zone
from presence.web.request import language_of, page, zone_of
from tests.web.cast import small_app, visiting


async def told(request: Request) -> Response:
    return JSONResponse({"language": language_of(request), "zone": zone_of(request)})


async def shown(request: Request) -> Response:
    return page(request, "sign_in.html", email="", wrong={}, next="/agenda")


@pytest.mark.parametrize(
    ("query", "cookie", "header", "language"),
    [
        ("fr", "en", "en", "fr"),
        ("", "fr", "en", "fr"),
        ("", "", "fr-CA, en;q=0.5", "fr"),
        ("de", "xx", "de", "en"),
        ("../fr", "", "", "en"),
    ],
)
async def test_the_language_asked_for_wins_then_the_one_chosen_before_then_the_browsers(
    query: str, cookie: str, header: str, language: str
) -> None:
    async with visiting(small_app([Route("/", told)])) as client:
        answer = await client.get(
            "/", params={"lang": query}, headers={"cookie": f"lang={cookie}", "accept-language": header}
        )
    assert answer.json()["language"] == language


@pytest.mark.parametrize(
    ("query", "cookie", "zone"),
    [
        ("Asia/Tokyo", "Europe/London", "Asia/Tokyo"),
        ("", "Europe/London", "Europe/London"),
        ("Mars/Olympus", "../../etc/passwd", "Europe/Paris"),
        ("", "", "Europe/Paris"),
    ],
)
async def test_the_zone_asked_for_wins_then_the_one_chosen_before_then_the_organisations(
    query: str, cookie: str, zone: str
) -> None:
    async with visiting(small_app([Route("/", told)])) as client:
        answer = await client.get("/", params={"zone": query}, headers={"cookie": f"zone={cookie}"})
    assert answer.json()["zone"] == zone


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Europe",
        "localtime",
        "posixrules",
        "right/Europe/Paris",
        "posix/Europe/Paris",
        "Factory",
        "a\x00b",
        "x" * 5000,
        "..",
        "/etc/localtime",
    ],
)
def test_what_is_no_place_is_no_zone(name: str) -> None:
    assert not is_zone(name)


@pytest.mark.parametrize(
    "name",
    ["Europe/Paris", "UTC", "Asia/Calcutta", "Asia/Kolkata", "America/Argentina/Ushuaia", "Etc/GMT+5", "Europe/Kyiv"],
)
def test_every_name_a_browser_gives_is_a_zone(name: str) -> None:
    assert is_zone(name)


@pytest.mark.parametrize(("base_url", "secure"), [("http://localhost:8000", False), ("https://presence.example", True)])
async def test_a_choice_is_remembered(base_url: str, secure: bool) -> None:
    async with visiting(small_app([Route("/", shown)], base_url=base_url), base_url=base_url) as client:
        answer = await client.get("/", params={"lang": "fr", "zone": "Asia/Tokyo"})
    cookies = answer.headers.get_list("set-cookie")
    assert len(cookies) == 2
    assert all(("Secure" in cookie) == secure and "SameSite=lax" in cookie for cookie in cookies)
    assert '<html lang="fr">' in answer.text


async def test_what_cannot_be_chosen_is_not_remembered() -> None:
    async with visiting(small_app([Route("/", shown)])) as client:
        answer = await client.get("/", params={"lang": "de", "zone": "Mars/Olympus"})
    cookies = answer.headers.get_list("set-cookie")
    assert not any("de" in cookie.partition(";")[0] or "Mars" in cookie for cookie in cookies)


async def test_pages_are_not_kept_by_caches() -> None:
    async with visiting(small_app([Route("/", shown)])) as client:
        assert (await client.get("/")).headers["cache-control"] == "no-store"
