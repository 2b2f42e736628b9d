"""A supervisor sets a site up: the line for its pages, the preview that follows the keys, nothing typed is lost."""

import re
from uuid import uuid4

from playwright.async_api import FrameLocator, Locator, Page, ViewportSize, expect

from presence.demo.people import PASSWORD
from tests.browser.conftest import BROWSER, DESKTOP, LOOKS, PHONE, Visit, fits, violations

pytestmark = BROWSER


async def mona_at(
    visit: Visit, path: str, *, lang: str = "en", dark: bool = False, size: ViewportSize = DESKTOP
) -> Page:
    """Mona, signed in, at a page of the sites."""
    page = await visit(f"/sign-in?next={path}", lang=lang, dark=dark, size=size)
    await page.locator("[name=email]").fill("mona@demo.example")
    await page.locator("[name=password]").fill(PASSWORD)
    await page.locator("main .button").click()
    await page.wait_for_url(f"**{path}")
    return page


async def made(page: Page) -> str:
    """A new site of its own; the page is then at its settings. Returns its short name."""
    slug = f"shop-{uuid4().hex[:8]}"
    await page.goto("/desk/sites/new")
    await page.locator("#name").fill("The shop")
    await page.locator("#slug").fill(slug)
    await page.locator("#origins").fill("https://shop.example")
    await page.locator("main .button").click()
    await expect(page.locator("#secret-1")).to_contain_text("pk_")
    return slug


def field(page: Page, name: str) -> Locator:
    return page.locator(f"[id='{name}']")


def preview(page: Page) -> FrameLocator:
    return page.frame_locator("#preview iframe")


def launcher(page: Page) -> Locator:
    return preview(page).locator("presence-widget .launcher")


async def save(page: Page) -> None:
    await page.locator(".site-bar .button").click()
    await expect(page.locator("#standing")).to_have_text(re.compile("Saved|Enregistré"))


async def test_mona_makes_a_site_and_copies_its_line(visit: Visit) -> None:
    page = await mona_at(visit, "/desk")
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.locator("#more").click()
    await page.locator("#menu a[href='/desk/sites']").click()
    await page.wait_for_url("**/desk/sites")
    slug = await made(page)
    await page.locator("[data-copy=snippet]").click()
    await expect(page.locator("[data-copy=snippet]")).to_have_text("Copied")
    line = await page.evaluate("navigator.clipboard.readText()")
    key = await page.locator("#site").get_attribute("data-key")
    base = await page.evaluate("location.origin")
    assert line == f'<script async src="{base}/widget.js" data-site="{key}"></script>'
    await page.goto("/desk/sites")
    await expect(page.locator(f"a[href='/desk/sites/{slug}']")).to_contain_text("https://shop.example")


async def test_the_preview_follows_what_is_typed_before_it_is_saved(visit: Visit) -> None:
    page = await mona_at(visit, "/desk/sites")
    slug = await made(page)
    await expect(launcher(page)).to_be_visible()
    await field(page, "words.en.title").fill("Ask a banker")
    await expect(launcher(page)).to_contain_text("Ask a banker")
    await field(page, "theme.accent").fill("#8a1538")
    await expect(launcher(page).locator(".disc")).to_have_css("background-color", "rgb(138, 21, 56)")
    await expect(page.locator("[data-figure='theme.accent']")).to_have_text("Text on it: 9.3 : 1")
    await page.locator("[name='theme.side'][value=start]").check()
    await expect(preview(page).locator("presence-widget")).to_have_css("left", "20px")
    await page.locator("[data-language=fr]").click()
    await field(page, "words.fr.title").fill("Un conseil ?")
    await expect(launcher(page)).to_contain_text("Un conseil")
    await page.locator("[data-light=dark]").click()
    await expect(preview(page).locator("html")).to_have_attribute("data-light", "dark")
    await page.locator("[data-width=desktop]").click()
    width = await preview(page).locator("html").evaluate("() => innerWidth")
    assert width > 1000
    # Nothing of it is stored: another look at the page has none of it.
    page.on("dialog", lambda dialog: dialog.accept())
    await page.goto(f"/desk/sites/{slug}")
    await expect(field(page, "words.en.title")).to_have_value("")
    await expect(launcher(page)).to_contain_text("Talk to us")


async def test_the_preview_opens_what_the_sites_pages_open(visit: Visit) -> None:
    page = await mona_at(visit, "/desk/sites")
    await made(page)
    await launcher(page).click()
    await expect(preview(page).locator("presence-widget")).to_contain_text(re.compile("Choose what suits you best"))


async def test_colours_that_hardly_stand_out_are_told_while_they_are_typed(visit: Visit) -> None:
    page = await mona_at(visit, "/desk/sites", lang="fr")
    await made(page)
    figure = page.locator("[data-figure='theme.accent']")
    for typed in ("#ffee00", "blue"):
        await field(page, "theme.accent").fill(typed)
        await expect(page.locator("[data-standing=poor]")).to_be_visible()
    await field(page, "theme.accent").fill("#0d5c56")
    await expect(figure).to_have_text(re.compile(r"Texte dessus.: 7,\d.: 1"))
    await page.locator("[data-picks='theme.accent']").fill("#8a1538")
    await expect(field(page, "theme.accent")).to_have_value("#8a1538")


async def test_by_keyboard_alone_greetings_come_and_go_and_all_of_it_is_saved(visit: Visit) -> None:
    page = await mona_at(visit, "/desk/sites")
    await made(page)
    await expect(page.locator("#preview-bar")).to_be_visible()  # its script is there
    await page.locator("#greeting-add").focus()
    for text in ("First", "Second", "Third"):
        await page.locator("#greeting-add").press("Enter")
        await page.keyboard.type(text)  # the new row has the focus
    await page.locator(".greeting .remove").nth(1).press("Enter")
    assert await page.evaluate("document.activeElement.value") == "Third"
    legends = await page.locator("#greetings legend").all_inner_texts()
    assert legends == ["Greeting 1", "Greeting 2"]
    await field(page, "name").fill("The other shop")
    await field(page, "name").press("Enter")  # saves, as the first button does
    await expect(page.locator("#standing")).to_have_text("Saved")
    await expect(page.locator("h1")).to_have_text("The other shop")
    found = [await one.input_value() for one in await page.locator("#greetings textarea[lang=en]").all()]
    assert found == ["First", "Third"]


async def test_what_is_wrong_is_reached_from_the_list_of_it(visit: Visit) -> None:
    page = await mona_at(visit, "/desk/sites")
    await made(page)
    await field(page, "words.fr.lede").fill("Nous sommes là")
    await field(page, "zone").fill("Mars/Olympus")
    await page.locator(".site-bar .button").click()
    await expect(page.locator("#problems")).to_be_focused()
    await page.locator("#problems a").click()
    await expect(field(page, "zone")).to_have_value("Mars/Olympus")
    bar, wrong = await page.locator(".site-bar").bounding_box(), await field(page, "zone").bounding_box()
    assert bar is not None
    assert wrong is not None
    assert wrong["y"] >= bar["y"] + bar["height"]  # the bar that stays above hides nothing
    await expect(field(page, "words.fr.lede")).to_have_value("Nous sommes là")
    await field(page, "zone").fill("Europe/Rome")
    await save(page)


async def test_two_supervisors_at_once(visit: Visit) -> None:
    mona = await mona_at(visit, "/desk/sites")
    slug = await made(mona)
    await mona.goto(f"/desk/sites/{slug}")
    other = await visit(f"/desk/sites/{slug}", beside=mona)
    await field(mona, "words.en.title").fill("Mona's")
    await field(mona, "zone").fill("Europe/Rome")
    await save(mona)
    await field(other, "words.en.title").fill("Hers")
    await other.locator(".site-bar .button").click()
    await expect(other.locator("#changed")).to_be_focused()
    await expect(other.locator("#changed dd")).to_have_text("theirs: Mona's")
    await expect(field(other, "zone")).to_have_value("Europe/Rome")
    await save(other)
    await expect(field(other, "words.en.title")).to_have_value("Hers")


async def test_it_works_without_scripts(visit: Visit) -> None:
    page = await visit("/sign-in?next=/desk/sites", script=False)
    await page.locator("[name=email]").fill("mona@demo.example")
    await page.locator("[name=password]").fill(PASSWORD)
    await page.locator("main .button").click()
    await made(page)
    await page.locator("#greeting-add").click()
    await field(page, "greetings.0.text.en").fill("Hello")
    await field(page, "words.en.title").fill("Ask a banker")
    await page.locator(".site-bar .button").click()
    await expect(page.locator("#standing")).to_have_text("Saved")
    await expect(field(page, "words.en.title")).to_have_value("Ask a banker")
    await expect(field(page, "greetings.0.text.en")).to_have_value("Hello")
    assert not await page.locator("#preview-bar, [data-copy]").first.is_visible()
    await page.locator("a[target=_blank]").click()
    await expect(page.locator("#preview iframe")).to_be_visible()


@LOOKS
async def test_axe_finds_nothing_in_the_pages_of_sites(visit: Visit, lang: str, dark: bool, size: ViewportSize) -> None:
    page = await mona_at(visit, "/desk/sites", lang=lang, dark=dark, size=size)
    found = await violations(page)
    async with fits(page):
        slug = await made(page)
    found += await violations(page)
    async with fits(page):
        await page.goto(f"/desk/sites/{slug}")
        await page.locator("#greeting-add").click()
        for details in await page.locator("details summary").all():
            await details.click()
        await field(page, "zone").fill("Mars/Olympus")
        await field(page, "theme.accent").fill("#ffee00")
        await expect(page.locator("[data-standing=poor]")).to_be_visible()
    found += await violations(page)
    async with fits(page):
        await page.locator(".site-bar .button").click()
        await expect(page.locator("#problems")).to_be_visible()
    found += await violations(page)
    await page.goto(f"/desk/sites/{slug}/preview")
    async with fits(page):
        await expect(page.locator("presence-widget .launcher")).to_be_visible()
    found += await violations(page)
    for width in (PHONE, DESKTOP):
        await page.set_viewport_size(width)
        for path in ("/desk/sites", "/desk/sites/new", f"/desk/sites/{slug}"):
            async with fits(page):
                await page.goto(path)
    assert found == []
