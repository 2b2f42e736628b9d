"""The page of experts: found without reloading, seen to come and go, talked to or booked; also inside of a site's page."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, ViewportSize, expect

from bench.ports import free_port
from presence.config import ServerConfig
from presence.sites.settings import Settings
from tests.browser.adviser import AtDemo
from tests.browser.calling import bank_now, serving
from tests.browser.conftest import BROWSER, LOOKS, PATIENCE, PHONE, Visit, fits, violations
from tests.browser.host import Host, add_site_now, document, snippet
from tests.browser.widget import Looks
from tests.chat.cast import Bank
from tests.support import adviser

pytestmark = BROWSER


class Shop(NamedTuple):
    """A site that shows our experts: the server of its pages, and where ours begin inside of them."""

    host: Host
    at: str


@pytest.fixture(scope="module")
def shop(demo: str, demo_directory: Path) -> Iterator[Shop]:
    with Host() as host:
        settings = Settings(origins=(host.origin,), team="advice", capabilities=("chat", "video", "book", "experts"))
        yield Shop(host, f"/at/{add_site_now(demo_directory, 'experts-shop', settings)}")


def card(page: Page, slug: str) -> Locator:
    return page.locator(f'[data-expert="{slug}"]')


async def test_somebody_is_seen_to_come_and_to_go(visit: Visit, demo: str) -> None:
    page = await visit("/experts")
    alice = card(page, "alice")
    await expect(alice).to_contain_text("Not here now")
    await expect(alice.get_by_role("link", name="Leave a message for Alice Martin")).to_be_visible()
    async with AtDemo(demo, "alice") as there:
        await expect(alice).to_contain_text("Here now")
        await expect(alice.get_by_role("link", name="Chat now with Alice Martin")).to_be_visible()
        await expect(alice.get_by_role("link", name="Leave a message for Alice Martin")).to_be_hidden()
        await there.post("/desk/presence", wish="busy", capacity=3)
        await expect(alice).to_contain_text("In a conversation")
        await expect(alice.get_by_role("link", name="Chat now with Alice Martin")).to_be_hidden()
    await expect(alice).to_contain_text("Not here now")


async def test_the_focus_stays_at_who_was_about_to_be_called(visit: Visit, demo: str) -> None:
    page = await visit("/experts")
    async with AtDemo(demo, "alice"):
        await page.get_by_role("link", name="Call Alice Martin by video").focus()
    await expect(page.get_by_role("heading", name="Alice Martin")).to_be_focused()


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("Chat now with Alice Martin", "/chat?adviser=alice"),
        ("Call Alice Martin by video", "/chat?adviser=alice&call=video"),
        ("Call Alice Martin with sound alone", "/chat?adviser=alice&call=audio"),
        ("Book an hour with Alice Martin", "/book?adviser=alice"),
    ],
)
async def test_a_card_begins_what_it_offers(visit: Visit, demo: str, name: str, address: str) -> None:
    async with AtDemo(demo, "alice"):
        page = await visit("/experts")
        await page.get_by_role("link", name=name).click()
        await page.wait_for_url(f"**{address}")
        if "/chat" in address:
            await expect(page.locator("#chat")).to_contain_text("You are writing to Alice Martin")
        if "call=" in address:
            await expect(page.locator("#calling")).to_be_visible()
        if "/book" in address:
            await expect(page.locator(".services")).to_be_visible()


async def test_people_are_found_without_reloading(visit: Visit) -> None:
    page = await visit("/experts")
    await page.evaluate("document.body.dataset.same = 'yes'")
    await page.get_by_label("Name").fill("kel")
    await expect(page.locator("[data-expert]")).to_have_count(1)
    await expect(page.locator("#count")).to_have_text("1 expert")
    assert page.url.endswith("/experts?q=kel")
    await expect(page.get_by_label("Name")).to_be_focused()
    await page.get_by_label("Name").fill("")
    await page.get_by_label("Topic", exact=True).select_option("Insurance")
    await expect(page.locator("[data-expert]")).to_have_count(1)
    await expect(card(page, "bob")).to_be_visible()
    await page.get_by_label("Language").select_option("German")
    await expect(page.get_by_role("heading", name="Nobody was found")).to_be_visible()
    await page.get_by_role("link", name="Show everybody").click()
    await expect(page.locator("[data-expert]")).to_have_count(3)
    await expect(page.get_by_label("Topic", exact=True)).to_have_value("")
    await expect(page.get_by_role("button", name="Show", exact=True)).to_be_hidden()
    await page.go_back()
    await expect(page.get_by_label("Language")).to_have_value("de")
    await expect(page.get_by_role("heading", name="Nobody was found")).to_be_visible()
    assert await page.evaluate("document.body.dataset.same") == "yes"


async def test_who_comes_is_shown_where_nobody_was_here(visit: Visit, demo: str) -> None:
    page = await visit("/experts?here=1")
    await expect(page.get_by_role("heading", name="None of them is here just now")).to_be_visible()
    async with AtDemo(demo, "mona"):
        await expect(card(page, "mona")).to_be_visible()


async def test_without_javascript_the_page_is_as_the_moment_is(visit: Visit, demo: str) -> None:
    async with AtDemo(demo, "alice"):
        page = await visit("/experts", script=False)
        await expect(page.get_by_role("link", name="Chat now with Alice Martin")).to_be_visible()
        await expect(page.get_by_role("link", name="Leave a message for Bob Durand")).to_be_visible()
        await page.get_by_label("Here now").check()
        await page.get_by_role("button", name="Show").click()
        await expect(page.locator("[data-expert]")).to_have_count(1)


async def test_hours_are_those_of_the_visitors_zone(visit: Visit) -> None:
    page = await visit("/experts", zone="Asia/Tokyo")
    await expect(page.locator("#found")).to_contain_text("Hours are in Tokyo time (UTC+9).")


async def test_inside_of_a_page_a_site_shows_its_experts(visit: Visit, demo: str, shop: Shop) -> None:
    page = await visit(f"{shop.at}/en/experts?embed=1", zone="Asia/Tokyo")
    await expect(page.locator("#found")).to_contain_text("Hours are in Tokyo time (UTC+9).")
    async with AtDemo(demo, "alice"):
        alice = card(page, "alice")
        await expect(alice).to_contain_text("Here now")
        await expect(alice.locator("[data-go=audio]")).to_have_count(0)  # the site does not offer it
        await expect(alice.locator("[data-go=video]")).to_be_visible()
        await alice.get_by_role("link", name="Chat now with Alice Martin").click()
        await page.wait_for_url(f"**{shop.at}/en/chat?adviser=alice&embed=1")


@pytest_asyncio.fixture(loop_scope="session")
async def look(chromium: Browser) -> AsyncIterator[Looks]:
    looks = Looks(chromium)
    yield looks
    await looks.close()


async def test_what_is_begun_in_the_text_of_a_page_goes_on_in_its_panel(look: Looks, demo: str, shop: Shop) -> None:
    body = '<main><h1>Shop</h1><presence-experts team="advice"></presence-experts></main>'
    url = shop.host.page("/shop", document(body + snippet(demo, shop.at.rpartition("/")[2])))
    async with AtDemo(demo, "alice"):
        visitor = await look(url)
        inline = visitor.page.frame_locator("presence-experts iframe")
        await expect(inline.locator('[data-expert="alice"]')).to_contain_text("Here now")
        await inline.get_by_role("link", name="Chat now with Alice Martin").click()
        chat = visitor.page.frame_locator("presence-widget dialog.panel iframe:not([hidden])")
        await expect(chat.locator("#greeting")).to_contain_text("You are writing to Alice Martin")
        await expect(inline.locator('[data-expert="alice"]')).to_be_visible()
        await visitor.page.evaluate("presence.open('experts', { team: 'advice' })")
        await expect(chat.locator('[data-expert="alice"]')).to_be_visible()
        await chat.get_by_role("link", name="Book an hour with Alice Martin").click()
        await expect(chat.locator(".services")).to_be_visible()
        assert visitor.complaints() == []


@LOOKS
async def test_the_experts_are_for_everybody(
    visit: Visit, demo: str, shop: Shop, lang: str, dark: bool, size: ViewportSize
) -> None:
    found = []
    for path in ("/experts", "/experts?q=zzz", "/experts?here=1", f"{shop.at}/{lang}/experts/advice?embed=1"):
        async with AtDemo(demo, "alice"):  # for each anew: she beats for nobody, and counts for less than a minute
            page = await visit(path, lang=lang, dark=dark, size=size)
            if "q=" not in path:
                await expect(card(page, "alice")).to_have_attribute("data-state", "available")
            async with fits(page):
                found += await violations(page)
        bare = await visit("/healthz", lang=lang, dark=dark, size=size)
        await bare.route("**/*.js", lambda route: route.abort())  # axe is a script itself: ours are kept away instead
        await bare.goto(path)
        await expect(bare.locator("#apply")).to_be_visible()
        async with fits(bare):
            found += await violations(bare)
    assert found == []


async def test_nothing_is_wider_than_a_small_phone(visit: Visit, demo: str, shop: Shop) -> None:
    async with AtDemo(demo, "alice"):
        for path in ("/experts", f"{shop.at}/fr/experts?embed=1"):
            page = await visit(path, lang="fr", size=PHONE)
            await expect(card(page, "alice")).to_have_attribute("data-state", "available")
            wide = await page.evaluate(
                "[...document.querySelectorAll('main *')].filter((one) => one.getBoundingClientRect().right > innerWidth).length"
            )
            assert wide == 0


MANY = 30


@pytest_asyncio.fixture(loop_scope="session")
async def many(migrated: Path, tmp_path: Path) -> AsyncIterator[Bank]:
    """A bank with more experts than a page shows, in two teams."""
    port = free_port()
    config = msgspec.structs.replace(
        serving(migrated, tmp_path, port),
        server=ServerConfig(base_url=f"http://localhost:{port}", secret_key="s" * 40, port=port),
        teams=({"slug": "loans", "name": {"en": "Loans"}}, {"slug": "savings", "name": {"en": "Savings"}}),
        advisers=tuple(
            adviser(f"expert-{n}", name=f"Expert {n:02}", teams=["savings" if n == 7 else "loans"]) for n in range(MANY)
        ),
    )
    async with bank_now(config) as served:
        yield served


async def test_more_of_them_come_under_those_who_are_there(chromium: Browser, many: Bank) -> None:
    context = await chromium.new_context(
        base_url=f"http://localhost:{many.port}", viewport=PHONE, locale="en-GB", reduced_motion="reduce"
    )
    context.set_default_timeout(PATIENCE)
    async with context:
        page = await context.new_page()
        await page.goto("/experts")
        found = await violations(page)
        await page.get_by_role("link", name="Loans").click()
        cards = page.locator("[data-expert]")
        await expect(cards).to_have_count(24)
        await page.get_by_role("link", name="Show more").click()
        await expect(cards).to_have_count(MANY - 1)
        await expect(cards.nth(24).locator("h2")).to_be_focused()
        await expect(page.get_by_role("link", name="Show more")).to_have_count(0)
        names = await cards.locator("h2").all_text_contents()
        assert len(set(names)) == MANY - 1
        async with fits(page):
            found += await violations(page)
        await page.get_by_role("link", name="All teams").click()
        await page.get_by_role("link", name="Show everybody").click()
        await page.get_by_label("Name").fill("07")
        await expect(cards).to_have_count(1)
        assert found == []


async def test_without_javascript_the_next_ones_are_a_page_of_their_own(chromium: Browser, many: Bank) -> None:
    context = await chromium.new_context(
        base_url=f"http://localhost:{many.port}", java_script_enabled=False, locale="en-GB"
    )
    async with context:
        page = await context.new_page()
        await page.goto("/experts/loans")
        first = await page.locator("[data-expert] h2").all_text_contents()
        await page.get_by_role("link", name="Show more").click()
        rest = await page.locator("[data-expert] h2").all_text_contents()
        assert len({*first, *rest}) == MANY - 1
        await page.get_by_role("link", name="From the beginning").click()
        await expect(page.locator("[data-expert]")).to_have_count(24)
