"""Carol books, moves and cancels, as people do it: in both languages, with and without JavaScript, small and large."""

import datetime as dt
import re
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import Page, ViewportSize, expect

from tests.browser.conftest import BROWSER, DESKTOP, PHONE, Visit, fits, sign_in, violations

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
    day = page.locator("a.day").last
    there = await day.evaluate("day => day.href")
    await day.click()
    await page.wait_for_url(there)
    await expect(day).to_have_attribute("aria-current", "date")


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


async def fill_in(page: Page, name: str) -> None:
    """The form, as far as it must be filled in."""
    await page.locator("#name").fill(name)
    await page.locator("#email").fill(f"{name.split()[0].lower()}@customers.example")


async def test_the_soonest_hour_is_one_click_away(visit: Visit) -> None:
    page = await visit("/book")
    row = page.locator(".service").filter(has_text="A first talk")
    offered = await row.get_by_text("Next free").locator("..").inner_text()
    await row.get_by_role("button", name="Take the soonest").click()
    day, time = offered.removeprefix("Next free").strip().rsplit(", ", 1)
    await expect(page.locator(".summary .when")).to_contain_text(day)
    await expect(page.locator(".summary .when")).to_contain_text(f"{time} – ")


async def test_the_page_says_how_long_the_hour_is_kept(visit: Visit) -> None:
    page = await visit("/book/first-talk")
    await page.clock.install()
    await page.locator("button.hour").last.click()
    left, said = page.locator(".left"), page.locator("#said")
    await expect(left).to_have_text(re.compile("^(5:00|4:5[0-9]) left$"))
    await page.clock.run_for("02:30")
    await expect(left).to_have_text(re.compile("^2:[0-3][0-9] left$"))
    await expect(said).to_be_empty()
    await page.clock.run_for("00:45")
    await expect(said).to_have_text("Two minutes left to confirm.")
    await page.clock.run_for("02:00")
    await expect(left).to_have_text("The time is over; we will try to keep this hour when you confirm.")


@pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])
async def test_an_hour_taken_meanwhile_gives_way_to_the_nearest_and_nothing_typed_is_lost(
    visit: Visit, script: bool
) -> None:
    german = "/book/first-talk?spoken=de"  # only Mona speaks it
    carols, daves = await visit(german, script=script, size=PHONE), await visit(german)
    await carols.locator("button.hour").first.click()
    await fill_in(carols, "Carol Jones")
    await carols.get_by_role("button", name="Choose another hour").click()
    await last_free_day(carols)
    start = await carols.locator("button.hour").last.get_attribute("value")
    await last_free_day(daves)
    await daves.locator(f"button.hour[value='{start}']").click()
    await expect(daves.locator("#details")).to_be_visible()
    await carols.locator(f"button.hour[value='{start}']").click()
    await expect(carols.get_by_role("heading", name="This hour has just been taken")).to_be_visible()
    if script:
        assert await violations(carols) == []
    async with fits(carols):
        await expect(carols.locator(f"button.hour[value='{start}']")).to_have_count(0)
    await carols.locator("button.hour").first.click()
    await expect(carols.locator("#name")).to_have_value("Carol Jones")
    await expect(carols.locator("#email")).to_have_value("carol@customers.example")


async def test_a_link_can_bring_everything_that_is_known(visit: Visit) -> None:
    known = "name=Carol%20Jones&email=carol@customers.example&zone=Asia/Tokyo&adviser=alice"
    page = await visit(f"/book?service=home-loan&{known}")
    await expect(page.locator(".zone")).to_contain_text("Tokyo time (UTC+9)")
    start = await page.locator("button.hour").nth(1).get_attribute("value")
    await page.goto(f"/book?service=home-loan&{known}&start={start}")
    await expect(page.locator("#take")).to_contain_text("The hour you asked for")
    await page.get_by_role("button", name="Take this hour").click()
    await expect(page.locator("#name")).to_have_value("Carol Jones")
    await expect(page.locator("#email")).to_have_value("carol@customers.example")
    await expect(page.locator(".summary")).to_contain_text("Alice Martin")
    await expect(page.locator(".summary")).to_contain_text("In Paris it is")


async def test_hours_are_in_the_visitors_zone_until_they_choose_another(visit: Visit) -> None:
    page = await visit("/book/first-talk", zone="America/New_York")
    await expect(page.locator(".zone")).to_contain_text("New York time (UTC")
    await page.get_by_role("link", name="Change").click()
    await page.get_by_role("searchbox", name="Search a city").fill("tokyo")
    await page.get_by_role("button", name="Use this zone").click()
    await expect(page.locator(".zone")).to_contain_text("Tokyo time (UTC+9)")
    await page.goto("/book")
    await expect(page.get_by_text("Hours are in Tokyo time (UTC+9).")).to_be_visible()


async def test_carol_invites_a_guest_answers_later_and_cancels_with_a_reason_that_mona_reads(visit: Visit) -> None:
    page = await visit("/book/home-loan?adviser=mona")
    await last_free_day(page)  # the next hour may be too near to be cancelled
    start = await page.locator("button.hour").first.get_attribute("value")
    await page.locator("button.hour").first.click()
    await fill_in(page, "Carol Marchetti")
    await page.get_by_label("I have signed").check()
    await page.get_by_text("Invite others").click()
    await page.locator("#guests").fill("guest@friends.example")
    await page.get_by_role("button", name="Confirm the appointment").click()
    await expect(page.locator(".facts")).to_contain_text("guest@friends.example")
    for name in ("Google", "Outlook", "Microsoft 365", "Yahoo"):
        await expect(page.get_by_role("link", name=name, exact=True)).to_have_attribute("href", re.compile("^https://"))
    async with page.expect_download() as loading:
        await page.get_by_role("link", name="Calendar file (.ics)").click()
    assert (await loading.value).suggested_filename == "invite.ics"
    await page.get_by_label("What are you planning?").fill("A house by the sea")
    await page.get_by_role("button", name="Save the answers").click()
    await expect(page.get_by_text("Your answers are saved.")).to_be_visible()
    await expect(page.get_by_label("What are you planning?")).to_have_value("A house by the sea")
    await page.get_by_role("link", name="Cancel", exact=True).click()
    await page.get_by_label("Reason").fill("We bought a boat")
    await page.get_by_role("button", name="Yes, cancel it").click()
    await expect(page.get_by_text("nobody waits for you")).to_be_visible()

    desk = await visit("/book")
    await sign_in(desk, "mona")
    week = dt.datetime.fromtimestamp(int(start or 0), ZoneInfo("Europe/Paris")).strftime("%G-W%V")
    await desk.goto(f"/agenda?week={week}")
    await desk.get_by_role("link", name="Carol Marchetti").first.click()
    for words in ("We bought a boat", "A house by the sea", "guest@friends.example"):
        await expect(desk.get_by_text(words)).to_be_visible()
