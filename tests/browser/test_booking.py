"""Carol books, moves and cancels, as people do it: in both languages, with and without JavaScript, small and large."""

import re

import pytest
from playwright.async_api import Page, ViewportSize, expect

from tests.browser.conftest import BROWSER, DESKTOP, PHONE, Visit, fits

pytestmark = BROWSER

WORDS = {
    "en": {
        "choose": "Choose an hour A first talk",
        "name": "Your name",
        "email": "Email address",
        "confirm": "Confirm the appointment",
        "booked": "Your appointment is booked.",
        "move": "Move",
        "moved": "Your appointment has been moved.",
        "to this": "Move it to this hour",
        "cancel": "Cancel",
        "sure": "Yes, cancel it",
        "cancelled": "Cancelled",
    },
    "fr": {
        "choose": "Choisir un créneau Un premier entretien",
        "name": "Votre nom",
        "email": "Adresse électronique",
        "confirm": "Confirmer le rendez-vous",
        "booked": "Votre rendez-vous est pris.",
        "move": "Déplacer",
        "moved": "Votre rendez-vous est déplacé.",
        "to this": "Déplacer à cet horaire",
        "cancel": "Annuler",
        "sure": "Oui, l’annuler",
        "cancelled": "Annulé",
    },
}


async def last_free_day(page: Page) -> None:
    """Choose a later day than the one that is shown."""
    await page.locator("a.day").last.click()
    await expect(page.locator("a.day").last).to_have_attribute("aria-current", "date")


@pytest.mark.parametrize("lang", ["en", "fr"])
@pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])
@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
async def test_carol_books_moves_and_cancels(visit: Visit, lang: str, script: bool, size: ViewportSize) -> None:
    say = WORDS[lang]
    page = await visit("/book", lang=lang, size=size, script=script)
    async with fits(page):
        await expect(page.locator("html")).to_have_attribute("lang", lang)
    await page.get_by_role("link", name=say["choose"]).click()
    async with fits(page):
        await last_free_day(page)
    await page.locator("button.hour").last.click()
    async with fits(page):
        await page.get_by_label(say["name"], exact=True).fill("Carol Jones")
    await page.get_by_label(say["email"], exact=True).fill("carol@customers.example")
    await page.get_by_role("button", name=say["confirm"]).click()
    async with fits(page):
        await expect(page.get_by_text(say["booked"])).to_be_visible()
    before = await page.locator(".ticket .when").inner_text()
    await page.get_by_role("link", name=say["move"], exact=True).click()
    async with fits(page):
        await last_free_day(page)
    await page.locator("button.hour").first.click()
    await page.get_by_role("button", name=say["to this"]).click()
    async with fits(page):
        await expect(page.get_by_text(say["moved"])).to_be_visible()
    assert await page.locator(".ticket .when").inner_text() != before
    await page.get_by_role("link", name=say["cancel"], exact=True).click()
    async with fits(page):
        await page.get_by_role("button", name=say["sure"]).click()
    await expect(page.get_by_text(say["cancelled"], exact=True)).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("link", name=say["move"], exact=True)).to_have_count(0)


async def test_the_keyboard_alone_is_enough(visit: Visit) -> None:
    page = await visit("/book")

    async def go_to(selector: str) -> None:
        """Press Tab until it has the focus; everything on the way has it visibly."""
        for _ in range(150):
            await page.keyboard.press("Tab")
            if await page.evaluate("s => document.activeElement.matches(s)", selector):
                return
            shown = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert shown != "none", await page.evaluate("document.activeElement.outerHTML")
        raise AssertionError(f"{selector} cannot be reached")

    await go_to("a[href*='/book/first-talk']")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/book/first-talk**")
    await go_to("a.day:not([aria-current])")
    await page.keyboard.press("Enter")
    await page.wait_for_url(re.compile("day="))
    await go_to("button.hour")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/book/hold/**")
    await go_to("#name")
    await page.keyboard.type("Dave Smith")
    await go_to("#email")
    await page.keyboard.type("dave@customers.example")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Your appointment is booked.")).to_be_visible()


async def test_errors_stand_beside_their_fields_in_the_users_language(visit: Visit) -> None:
    page = await visit("/book/home-loan", lang="fr", size=PHONE)
    await page.locator("button.hour").first.click()
    await page.locator("#email").fill("carol")
    await page.locator("#details .button").click()
    await expect(page.locator("#email")).to_have_attribute("aria-invalid", "true")
    await expect(page.locator("#email")).to_have_value("carol")
    await expect(page.get_by_text("Ce n’est pas une adresse électronique").first).to_be_visible()
    async with fits(page):
        await expect(page.locator("#name")).to_have_attribute("aria-invalid", "true")


async def test_what_was_typed_outlives_another_hour_and_another_language(visit: Visit) -> None:
    page = await visit("/book/first-talk")
    await page.locator("button.hour").first.click()
    await page.locator("#name").fill("Carol Jones")
    await page.get_by_role("button", name="Choose another hour").click()
    await page.locator("button.hour").last.click()
    await expect(page.locator("#name")).to_have_value("Carol Jones")
    await page.get_by_role("button", name="Français").click()
    await expect(page.locator("html")).to_have_attribute("lang", "fr")
    await expect(page.locator("#name")).to_have_value("Carol Jones")
