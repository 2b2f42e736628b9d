"""Every page and state, in both languages, light and dark: axe finds nothing. And the booking page is small."""

import gzip
import re

import pytest
from playwright.sync_api import Page, expect

from presence.demo import PASSWORD
from tests.browser.conftest import DESKTOP, PHONE, Visit, violations

LOOKS = pytest.mark.parametrize(
    ("lang", "dark", "size"),
    [("en", False, DESKTOP), ("en", True, PHONE), ("fr", False, PHONE), ("fr", True, DESKTOP)],
    ids=["en-light", "en-dark", "fr-light", "fr-dark"],
)
MOST = 30_000  # bytes, compressed


def book(page: Page, service: str = "first-talk") -> None:
    page.goto(f"/book/{service}")
    page.locator("button.hour").last.click()
    page.locator("#name").fill("Carol Jones")
    page.locator("#email").fill("carol@customers.example")


@LOOKS
def test_the_customers_pages(visit: Visit, lang: str, dark: bool, size: dict[str, int]) -> None:
    page = visit("/book", lang=lang, dark=dark, size=size)
    found = violations(page)

    def look() -> None:
        found.extend(violations(page))

    page.goto("/book/home-loan")
    look()
    page.goto("/book/home-loan?zones=1")
    look()
    page.goto("/book/home-loan?month=2020-01")
    look()
    page.locator("button.hour").first.click()
    expect(page.locator("#details")).to_be_visible()
    look()
    page.locator("#details .button").click()
    expect(page.locator("#email")).to_have_attribute("aria-invalid", "true")
    look()
    book(page)
    page.locator("#details .button").click()
    expect(page.locator(".news")).to_be_visible()
    look()
    own = re.sub(r"\?.*", "", page.url)
    for path in ("/room", "/cancel", "/move"):
        page.goto(own + path)
        look()
    page.locator("button.hour").first.click()
    look()
    page.goto(own + "/cancel")
    page.locator(".button.danger").click()
    expect(page.locator(".badge.bad")).to_be_visible()
    look()
    for path in ("/a/nothing", "/book/hold/nothing", "/nothing", "/sign-in"):
        page.goto(path)
        look()
    assert found == []


@LOOKS
def test_the_advisers_pages_and_the_catcher(visit: Visit, lang: str, dark: bool, size: dict[str, int]) -> None:
    page = visit("/book", lang=lang, dark=dark, size=size)
    book(page, "moving-account")
    page.locator("#details .button").click()
    page.goto("/catcher")
    found = violations(page)
    page.locator("main a").first.click()
    found += violations(page)
    for slug in ("alice", "bob", "mona"):
        page.context.clear_cookies()
        page.goto("/sign-in")
        page.locator("[name=email]").fill(f"{slug}@demo.example")
        page.locator("[name=password]").fill(PASSWORD)
        page.locator("main .button").click()
        page.wait_for_url("**/agenda")
        found += violations(page)
        for path in ("/agenda/hours", f"/agenda?week={following(page)}"):
            page.goto(path)
            found += violations(page)
        one = page.locator("a[href^='/agenda/appointments/']")
        if one.count():
            one.first.click()
            found += violations(page)
            own = page.url
            for path in ("/move", "/room"):
                page.goto(own + path)
                found += violations(page)
    assert found == []


def following(page: Page) -> str:
    """The week after the one that is shown."""
    found = re.findall(r"week=(\d+-W\d+)", page.content())
    return str(max(found))


def test_the_booking_page_is_small(visit: Visit) -> None:
    page = visit("/book")
    weights: dict[str, int] = {}
    page.on("response", lambda answer: weights.update({answer.url: len(gzip.compress(answer.body()))}))
    page.context.clear_cookies()
    page.goto("/book/first-talk", wait_until="networkidle")
    assert sum(weights.values()) < MOST, weights
    assert len(weights) > 3
