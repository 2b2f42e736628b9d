"""Every page and state, in both languages, light and dark: axe finds nothing. And the booking page is small."""

import gzip
import re

from playwright.async_api import Page, Response, ViewportSize, expect

from tests.browser.conftest import BROWSER, LOOKS, WCAG, Visit, fits, sign_in, violations

pytestmark = BROWSER

MOST = 30_000  # bytes, compressed


async def book(page: Page, service: str = "first-talk") -> None:
    await page.goto(f"/book/{service}")
    await page.locator("button.hour").last.click()
    await page.locator("#name").fill("Carol Jones")
    await page.locator("#email").fill("carol@customers.example")


@LOOKS
async def test_the_customers_pages(visit: Visit, lang: str, dark: bool, size: ViewportSize) -> None:
    page = await visit("/book", lang=lang, dark=dark, size=size)
    found = await violations(page)

    async def look() -> None:
        found.extend(await violations(page))

    await page.goto("/book/home-loan")
    await look()
    await page.goto("/book/home-loan?zones=1")
    await look()
    await page.goto("/book/home-loan?month=2020-01")
    await look()
    await page.goto("/book/home-loan")
    await page.locator("button.hour").first.click()
    await expect(page.locator("#details")).to_be_visible()
    await look()
    await page.locator("#details .button").click()
    await expect(page.locator("#email")).to_have_attribute("aria-invalid", "true")
    await look()
    await book(page)
    await page.locator("#details .button").click()
    await expect(page.locator(".news")).to_be_visible()
    await look()
    own = re.sub(r"\?.*", "", page.url)
    for path in ("/room", "/cancel", "/move"):
        await page.goto(own + path)
        await look()
    await page.locator("button.hour").first.click()
    await expect(page.locator("#take")).to_be_visible()
    await look()
    await page.goto(own + "/cancel")
    await page.locator(".button.danger").click()
    await expect(page.locator(".badge.bad")).to_be_visible()
    await look()
    for path in ("/a/nothing", "/book/hold/nothing", "/nothing", "/sign-in"):
        await page.goto(path)
        await look()
    assert found == []


@LOOKS
async def test_the_advisers_pages(visit: Visit, lang: str, dark: bool, size: ViewportSize) -> None:
    page = await visit("/book", lang=lang, dark=dark, size=size)
    await book(page, "moving-account?adviser=alice")
    await page.locator("#details .button").click()
    await expect(page.locator(".news")).to_be_visible()
    await sign_in(page, "alice")
    found = await violations(page)
    for path in ("/agenda/hours", f"/agenda?week={await following(page)}"):
        await page.goto(path)
        found += await violations(page)
    await page.goto("/agenda")
    while not await page.locator(".entry").count():
        await page.locator("[rel=next]").click()
    await page.locator(".entry").first.click()
    await expect(page.locator(".told").first).to_be_visible()
    found += await violations(page)
    own = page.url
    for path in ("/move", "/room"):
        await page.goto(own + path)
        found += await violations(page)
    assert found == []


@LOOKS
async def test_the_catcher_and_the_mails_in_it(visit: Visit, lang: str, dark: bool, size: ViewportSize) -> None:
    page = await visit("/book", lang=lang, dark=dark, size=size)
    await book(page)
    await page.locator("#details .button").click()
    await expect(page.locator(".news")).to_be_visible()
    await page.goto("/catcher?to=carol@customers.example")
    while not await page.locator(".subject a").count():  # it is sent after the answer
        await page.reload()
    found = await violations(page)
    await page.locator(".subject a").first.click()
    async with fits(page):
        await expect(page.locator("iframe.mail")).to_be_visible()
    found += await violations(page)
    body = await page.request.get(f"{page.url}/body")
    letter = await visit("about:blank", beside=page)  # its own address forbids scripts, and so axe
    await letter.set_content(await body.text())
    async with fits(letter):
        found += await violations(letter, WCAG)
    assert found == []


async def following(page: Page) -> str:
    """The week after the one that is shown."""
    found = re.findall(r"week=(\d+-W\d+)", await page.content())
    return str(max(found))


async def test_the_booking_page_is_small(visit: Visit) -> None:
    page = await visit("/book")
    answers: list[Response] = []

    def note(answer: Response) -> None:
        answers.append(answer)

    page.on("response", note)
    await page.context.clear_cookies()
    await page.goto("/book/first-talk", wait_until="networkidle")
    weights = {answer.url: len(gzip.compress(await answer.body())) for answer in answers}
    assert sum(weights.values()) < MOST, weights
    assert len(weights) > 3
