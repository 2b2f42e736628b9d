"""Carol books, moves and cancels, as people do it: in both languages, with and without JavaScript, small and large."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESKTOP, PHONE, Visit, fits

WORDS = {
    "en": {
        "choose": "Choose an hour: A first talk",
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
        "choose": "Choisir une heure : Un premier entretien",
        "name": "Votre nom",
        "email": "Adresse électronique",
        "confirm": "Confirmer le rendez-vous",
        "booked": "Votre rendez-vous est pris.",
        "move": "Déplacer",
        "moved": "Votre rendez-vous a été déplacé.",
        "to this": "Déplacer à cette heure",
        "cancel": "Annuler",
        "sure": "Oui, l’annuler",
        "cancelled": "Annulé",
    },
}


def last_free_day(page: Page) -> None:
    """Choose a later day than the one that is shown."""
    page.locator("a.day").last.click()
    expect(page.locator("a.day").last).to_have_attribute("aria-current", "date")


@pytest.mark.parametrize("lang", ["en", "fr"])
@pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])
@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_carol_books_moves_and_cancels(visit: Visit, lang: str, script: bool, size: dict[str, int]) -> None:
    say = WORDS[lang]
    page = visit("/book", lang=lang, size=size, script=script)
    with fits(page):
        expect(page.locator("html")).to_have_attribute("lang", lang)
    page.get_by_role("link", name=say["choose"]).click()
    with fits(page):
        last_free_day(page)
    page.locator("button.hour").last.click()
    with fits(page):
        page.get_by_label(say["name"]).fill("Carol Jones")
    page.get_by_label(say["email"]).fill("carol@customers.example")
    page.get_by_role("button", name=say["confirm"]).click()
    with fits(page):
        expect(page.get_by_text(say["booked"])).to_be_visible()
    before = page.locator(".ticket .when").inner_text()
    page.get_by_role("link", name=say["move"], exact=True).click()
    with fits(page):
        last_free_day(page)
    page.locator("button.hour").first.click()
    page.get_by_role("button", name=say["to this"]).click()
    with fits(page):
        expect(page.get_by_text(say["moved"])).to_be_visible()
    assert page.locator(".ticket .when").inner_text() != before
    page.get_by_role("link", name=say["cancel"], exact=True).click()
    with fits(page):
        page.get_by_role("button", name=say["sure"]).click()
    expect(page.get_by_text(say["cancelled"], exact=True)).to_be_visible()
    page.reload()
    expect(page.get_by_role("link", name=say["move"], exact=True)).to_have_count(0)


def test_the_keyboard_alone_is_enough(visit: Visit) -> None:
    page = visit("/book")

    def go_to(selector: str) -> None:
        """Press Tab until it has the focus; everything on the way has it visibly."""
        for _ in range(150):
            page.keyboard.press("Tab")
            if page.evaluate("s => document.activeElement.matches(s)", selector):
                return
            shown = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert shown != "none", page.evaluate("document.activeElement.outerHTML")
        raise AssertionError(f"{selector} cannot be reached")

    go_to("a[href*='/book/first-talk']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/book/first-talk**")
    go_to("a.day:not([aria-current])")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("day="))
    go_to("button.hour")
    page.keyboard.press("Enter")
    page.wait_for_url("**/book/hold/**")
    go_to("#name")
    page.keyboard.type("Dave Smith")
    go_to("#email")
    page.keyboard.type("dave@customers.example")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Your appointment is booked.")).to_be_visible()


def test_errors_stand_beside_their_fields_in_the_users_language(visit: Visit) -> None:
    page = visit("/book/home-loan", lang="fr", size=PHONE)
    page.locator("button.hour").first.click()
    page.locator("#email").fill("carol")
    page.locator("#details .button").click()
    expect(page.locator("#email")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#email")).to_have_value("carol")
    expect(page.get_by_text("Ce n’est pas une adresse électronique").first).to_be_visible()
    with fits(page):
        expect(page.locator("#name")).to_have_attribute("aria-invalid", "true")


def test_what_was_typed_outlives_another_hour_and_another_language(visit: Visit) -> None:
    page = visit("/book/first-talk")
    page.locator("button.hour").first.click()
    page.locator("#name").fill("Carol Jones")
    page.get_by_role("button", name="Choose another hour").click()
    page.locator("button.hour").last.click()
    expect(page.locator("#name")).to_have_value("Carol Jones")
    page.get_by_role("button", name="Français").click()
    expect(page.locator("html")).to_have_attribute("lang", "fr")
    expect(page.locator("#name")).to_have_value("Carol Jones")
