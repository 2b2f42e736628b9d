"""The widget on companies' pages: what it does to them, what it shows, and what they do to it."""

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, ViewportSize, expect

from presence.sites.settings import Settings, Theme
from tests.browser.adviser import AtDemo
from tests.browser.conftest import BROWSER, DESKTOP, LOOKS, PHONE, fits, violations
from tests.browser.host import Host, add_site, add_site_now, document, snippet
from tests.browser.widget import SHIFTS, Looks, Visitor

pytestmark = BROWSER

TEXT = "<main><h1>Maison Soleil</h1><p>" + "Houses with a garden, and the sun in them. " * 120 + "</p></main>"


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with Host() as one:
        yield one


@pytest.fixture(scope="module")
def key(demo: str, demo_directory: Path, host: Host) -> str:
    return add_site_now(demo_directory, "soleil", Settings(origins=(host.origin,)))


@pytest_asyncio.fixture(loop_scope="session")
async def look(chromium: Browser) -> AsyncIterator[Looks]:
    looks = Looks(chromium)
    yield looks
    await looks.close()


@pytest.fixture
def plain(demo: str, key: str, host: Host) -> str:
    """A page with nothing but its text and the snippet."""
    return host.page("/", document(TEXT + snippet(demo, key)))


# -- what it does to a page ---------------------------------------------------------------------------------------------


async def test_a_page_is_left_as_it_was(look: Looks, plain: str, demo: str) -> None:
    visitor = await look()
    await visitor.page.add_init_script(SHIFTS)
    await visitor.somebody_is()
    await visitor.page.goto(plain)
    await expect(visitor.launcher).to_have_accessible_name(re.compile("Here for you now|available", re.IGNORECASE))
    await visitor.page.wait_for_load_state("networkidle")
    assert await visitor.page.evaluate("shifts") == 0
    assert await visitor.context.cookies() == []
    assert await visitor.page.evaluate("[localStorage.length, sessionStorage.length]") == [0, 0]
    ours = [url.removeprefix(demo) for url in visitor.asked if url.startswith(demo)]
    assert len(ours) == 2, ours
    assert ours[0] == "/widget.js"
    assert len(visitor.states()) == 1
    assert visitor.sockets == []
    assert visitor.complaints() == []


async def test_who_is_there_is_said_as_it_is(look: Looks, plain: str, demo: str) -> None:
    async with AtDemo(demo):
        visitor = await look(plain)
        await expect(visitor.launcher.locator(".dot")).to_have_class("dot available")


@LOOKS
async def test_closed_or_open_it_is_accessible(
    look: Looks, plain: str, lang: str, dark: bool, size: ViewportSize
) -> None:
    visitor = await look(lang="fr-FR" if lang == "fr" else "en-GB", dark=dark, size=size)
    await visitor.somebody_is()
    await visitor.page.goto(plain)
    await expect(visitor.launcher).to_be_visible()
    page = visitor.page
    async with fits(page):
        assert await violations(page) == []
        await visitor.launcher.click()
        await expect(page.locator("presence-widget .menu")).to_be_visible()
        assert await violations(page) == []
        await page.locator("presence-widget .way").first.click()
        await expect(page.frame_locator("presence-widget iframe").locator("main")).to_be_visible()
        assert await violations(page) == []


async def test_the_keyboard_alone_opens_and_closes_it(look: Looks, plain: str) -> None:
    visitor = await look()
    await visitor.listens()
    await visitor.somebody_is()
    await visitor.page.goto(plain)
    keyboard = visitor.page.keyboard
    await expect(visitor.launcher).to_be_visible()
    await keyboard.press("Tab")
    await expect(visitor.launcher).to_be_focused()
    await keyboard.press("Enter")
    await expect(visitor.page.locator("presence-widget .way").first).to_be_focused()
    await keyboard.press("Escape")
    await expect(visitor.launcher).to_be_focused()
    await keyboard.press("Enter")
    await expect(visitor.page.locator("presence-widget .way").first).to_be_focused()
    await keyboard.press("Enter")
    await visitor.frame()
    await expect(visitor.page.locator("presence-widget iframe")).to_be_focused()
    await expect(visitor.launcher).to_be_hidden()
    frame = await visitor.frame()
    await frame.evaluate("port.postMessage({ t: 'close' })")
    await expect(visitor.panel).to_be_hidden()
    await expect(visitor.launcher).to_be_focused()
    assert visitor.complaints() == []


async def test_a_phone_shows_the_panel_alone(look: Looks, plain: str) -> None:
    visitor = await look(size=PHONE)
    await visitor.listens()
    await visitor.somebody_is()
    await visitor.page.goto(plain)
    await visitor.launcher.click()
    await visitor.page.locator("presence-widget .way").first.click()
    await visitor.frame()
    assert await visitor.panel.bounding_box() == {"x": 0, "y": 0, "width": PHONE["width"], "height": PHONE["height"]}
    assert await visitor.panel.evaluate("(dialog) => dialog.matches(':modal')")


async def test_the_frame_may_do_what_calls_need_and_has_a_name(look: Looks, plain: str, demo: str, key: str) -> None:
    visitor = await look()
    await visitor.listens()
    await visitor.page.goto(plain)
    await visitor.page.evaluate("presence.open('chat', { adviser: 'alice' })")
    frame = visitor.page.locator("presence-widget iframe")
    allowed = await frame.get_attribute("allow") or ""
    for what in ("camera", "microphone", "display-capture", "autoplay", "fullscreen", "picture-in-picture"):
        assert what in allowed
    assert await frame.get_attribute("title")
    assert await frame.get_attribute("src") == f"{demo}/at/{key}/en/chat?embed=1&adviser=alice"


async def test_nothing_moves_where_motion_is_not_wanted(look: Looks, plain: str) -> None:
    for still, moves in ((True, 0), (False, 1)):
        visitor = await look(still=still)
        await visitor.somebody_is()
        await visitor.page.goto(plain)
        await visitor.launcher.click()
        menu = visitor.page.locator("presence-widget .menu")
        assert await menu.evaluate("(one) => getComputedStyle(one).animationName !== 'none'") == bool(moves)


async def test_forced_colours_leave_edges_to_see(look: Looks, plain: str) -> None:
    visitor = await look(forced_colors="active")
    await visitor.somebody_is()
    await visitor.page.goto(plain)
    await expect(visitor.launcher).to_be_visible()
    assert await visitor.launcher.evaluate("(one) => getComputedStyle(one).borderTopStyle") == "solid"
    assert await violations(visitor.page) == []


# -- what it says -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lang", "zone", "time"), [("en-GB", "Europe/Paris", "14:00"), ("fr-FR", "America/New_York", "08:00")]
)
async def test_somebody_is_back_by_the_visitors_own_clock(
    look: Looks, plain: str, lang: str, zone: str, time: str
) -> None:
    visitor = await look(lang=lang, zone=zone)
    await visitor.page.clock.install(time="2026-12-01T09:00:00+01:00")
    await visitor.somebody_is(state="away", until=1_796_130_000)  # 14:00 in Paris, that day
    await visitor.page.goto(plain.replace("/?", "/"))
    if lang == "fr-FR":
        await visitor.page.evaluate("presence.language('fr')")
        await expect(visitor.launcher).to_contain_text("retour")
    await expect(visitor.launcher).to_contain_text(time)


async def test_a_call_is_offered_only_where_it_is_answered(look: Looks, plain: str) -> None:
    for state, offered in (("available", 5), ("busy", 3), ("offline", 3)):
        visitor = await look()
        await visitor.somebody_is(state=state)
        await visitor.page.goto(plain)
        await visitor.launcher.click()
        await expect(visitor.page.locator("presence-widget .way")).to_have_count(offered)


async def test_the_site_and_then_the_page_say_where_it_is_and_how_it_looks(
    look: Looks, demo: str, demo_directory: Path, host: Host
) -> None:
    theme = Theme(accent="#7a1f5c", side="start", offset_x=40, offset_y=64, scheme="dark")
    key = await add_site(demo_directory, "corner", Settings(origins=(host.origin,), theme=theme))
    visitor = await look(host.page("/corner", document(TEXT + snippet(demo, key))))
    await expect(visitor.launcher).to_be_visible()
    box = await visitor.launcher.bounding_box()
    assert box is not None
    assert (box["x"], round(box["y"] + box["height"])) == (40, DESKTOP["height"] - 64)
    disc = visitor.launcher.locator(".disc")
    before = await disc.evaluate("(one) => getComputedStyle(one).backgroundColor")
    await visitor.page.evaluate("presence.theme({ scheme: 'light', side: 'end', x: 8, y: 8, accent: '#0a5c2b' })")
    box = await visitor.launcher.bounding_box()
    assert box is not None
    assert round(box["y"] + box["height"]) == DESKTOP["height"] - 8
    assert box["x"] > DESKTOP["width"] / 2
    assert await disc.evaluate("(one) => getComputedStyle(one).backgroundColor") == "rgb(10, 92, 43)" != before


async def test_right_to_left_pages_have_it_on_the_left(look: Looks, demo: str, key: str, host: Host) -> None:
    for name, attributes, style in (
        ("rtl", 'lang="ar" dir="rtl"', ""),
        ("rtl-body", 'lang="ar"', "body{direction:rtl}"),
    ):
        url = host.page(
            f"/{name}", document(TEXT + snippet(demo, key), attributes=attributes, head=f"<style>{style}</style>")
        )
        visitor = await look()
        await visitor.listens()
        await visitor.somebody_is()
        await visitor.page.goto(url)
        await expect(visitor.launcher).to_be_visible()
        box = await visitor.launcher.bounding_box()
        assert box is not None
        assert box["x"] == 20
        await visitor.page.evaluate("presence.open('chat')")
        await visitor.frame()
        box = await visitor.panel.bounding_box()
        assert box is not None
        assert box["x"] == 20


# -- what pages do to it ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scripts", ["'nonce-abc'", "ORIGIN"])
async def test_a_strict_policy_is_kept_to(look: Looks, demo: str, key: str, host: Host, scripts: str) -> None:
    policy = (
        f"default-src 'none'; script-src {scripts.replace('ORIGIN', demo)}; connect-src {demo}; frame-src {demo}; "
        "style-src 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )
    url = host.page(
        "/strict",
        document(TEXT + '<presence-button kind="chat">Ask</presence-button>' + snippet(demo, key, ' nonce="abc"')),
        {"Content-Security-Policy": policy},
    )
    visitor = await look()
    await visitor.listens()
    await visitor.somebody_is()
    await visitor.page.goto(url)
    await visitor.page.locator("presence-button button").click()
    await visitor.frame()
    await expect(visitor.panel).to_be_visible()
    assert await visitor.panel.evaluate("(one) => getComputedStyle(one).borderTopLeftRadius") == "16px"
    assert visitor.complaints() == []


@pytest.mark.parametrize("less", ["connect-src", "script-src", "frame-src"])
async def test_what_a_policy_lacks_is_said(look: Looks, demo: str, key: str, host: Host, less: str) -> None:
    allowed = {"script-src": f"{demo}/widget.js", "connect-src": demo, "frame-src": demo}
    if less != "script-src":
        allowed["script-src"] = demo
        allowed[less] = "'none'"
    policy = "; ".join(f"{name} {value}" for name, value in allowed.items())
    url = host.page("/lacks", document(TEXT + snippet(demo, key)), {"Content-Security-Policy": policy})
    visitor = await look()
    await visitor.page.clock.install()
    await visitor.somebody_is()
    await visitor.page.goto(url)
    if less != "connect-src":
        await visitor.launcher.click()
        if less == "frame-src":
            await visitor.page.locator("presence-widget .way").first.click()
            await expect(visitor.panel).to_be_visible()
            await visitor.page.clock.run_for(10_000)
            await expect(visitor.panel.locator("a")).to_have_attribute("target", "_blank")
    await _says(visitor, f"error: presence: .*{less}")
    await expect(visitor.launcher).to_be_visible(visible=less == "script-src")


HOSTILE = """* { all: revert; position: fixed }
* { all: revert !important; position: fixed !important; inset: 0 !important; opacity: 0 !important; transform: scale(3) !important; transition: all 9s !important }
div, presence-widget { display: none !important } presence-widget::before { content: "x" !important; display: block !important }
html > * { visibility: hidden !important; width: 1px !important } button, dialog, iframe { display: none !important }"""


async def test_hostile_styles_do_not_reach_it(look: Looks, demo: str, key: str, host: Host, plain: str) -> None:
    boxes = []
    for url in (plain, host.page("/hostile", document(TEXT + snippet(demo, key), head=f"<style>{HOSTILE}</style>"))):
        visitor = await look()
        await visitor.listens()
        await visitor.somebody_is()
        await visitor.page.goto(url)
        await expect(visitor.launcher).to_be_visible()
        boxes.append(await visitor.launcher.bounding_box())
        await visitor.launcher.click()
        await visitor.page.locator("presence-widget .way").first.click()
        await visitor.frame()
        boxes.append(await visitor.panel.bounding_box())
        boxes.append(await visitor.page.locator("presence-widget iframe").bounding_box())
    assert boxes[:3] == boxes[3:]
    assert None not in boxes


async def test_a_second_script_does_no_harm(look: Looks, demo: str, key: str, host: Host) -> None:
    twice = snippet(demo, key) + snippet(demo, "another-key-of-somebody") + snippet(demo, key)
    visitor = await look(host.page("/twice", document(TEXT + twice)))
    await expect(visitor.launcher).to_be_visible()
    await visitor.page.wait_for_load_state("networkidle")
    assert len([line for line in visitor.said if line.startswith("info: presence: ")]) == 2
    assert visitor.complaints() == []
    assert await visitor.page.locator("presence-widget").count() == 1
    assert len(visitor.states()) == 1


async def test_a_page_of_another_origin_is_told_why_there_is_nothing(
    look: Looks, demo: str, demo_directory: Path, host: Host
) -> None:
    key = await add_site(demo_directory, "elsewhere", Settings(origins=("https://www.bank.example",)))
    visitor = await look(host.page("/stolen", document(TEXT + snippet(demo, key))))
    await _says(visitor, f"error: presence: .*{re.escape(host.origin)} is not among the origins")
    assert await visitor.page.locator("presence-widget").count() == 0
    await visitor.page.clock.install()
    await visitor.page.clock.run_for(3_600_000)
    assert len(visitor.states()) == 1  # it is not asked again


async def test_an_unknown_key_is_said(look: Looks, demo: str, host: Host) -> None:
    visitor = await look()
    url = host.page(
        "/unknown",
        document(
            TEXT
            + snippet(demo, "nobody-has-this-key")
            + "<script>window.heard = []; document.addEventListener('presence:refused', ({ detail }) => heard.push(detail))</script>"
        ),
    )
    await visitor.page.goto(url)
    await _says(visitor, "error: presence: ")
    assert len(await visitor.page.evaluate("heard")) == 1
    assert await visitor.page.locator("presence-widget").count() == 0


async def test_a_page_that_replaces_its_body_keeps_panel_and_call(look: Looks, plain: str) -> None:
    visitor = await look()
    await visitor.listens()
    await visitor.somebody_is()
    await visitor.page.goto(plain)
    await visitor.page.evaluate("presence.open('chat')")
    frame = await visitor.frame()
    await frame.evaluate("window.mark = 1")
    await visitor.page.evaluate(
        "document.body.replaceWith(Object.assign(document.createElement('body'), { textContent: 'Another page' }))"
    )
    await expect(visitor.panel).to_be_visible()
    assert await (await visitor.frame()).evaluate("window.mark") == 1
    await visitor.page.evaluate(
        "document.documentElement.replaceChildren(document.createElement('head'), document.createElement('body'))"
    )
    await expect(visitor.page.locator("presence-widget")).to_have_count(1)
    await expect(visitor.panel).to_be_visible()


# -- when the server is away ----------------------------------------------------------------------------------------------


async def test_nothing_wrong_is_shown_while_the_server_cannot_be_reached(
    look: Looks, demo: str, key: str, host: Host
) -> None:
    body = TEXT + '<presence-badge></presence-badge><presence-button kind="audio">Call us</presence-button>'
    visitor = await look()
    await visitor.somebody_is()
    down = "**/widget/*/*"
    await visitor.page.clock.install()
    await visitor.page.route(down, lambda route: route.abort())
    await visitor.page.goto(host.page("/away", document(body + snippet(demo, key))))
    button = visitor.page.locator("presence-button button")
    await expect(button).to_be_disabled()
    await expect(visitor.page.locator("presence-button")).to_contain_text("Call us")
    await _says(visitor, "error: presence: .*does not answer")
    await visitor.page.clock.run_for(70_000)
    assert len([line for line in visitor.said if "does not answer" in line]) == 1
    assert await visitor.page.locator("presence-widget").count() == 0
    await visitor.page.unroute(down)
    await visitor.somebody_is()
    await visitor.page.clock.run_for(600_000)
    await expect(visitor.launcher).to_be_visible()
    await expect(button).to_be_enabled()
    await visitor.page.route(down, lambda route: route.abort())
    await visitor.page.clock.run_for(600_000)
    await expect(visitor.launcher).to_be_hidden()
    await expect(button).to_be_disabled()
    await expect(visitor.page.locator("presence-badge .badge")).to_have_count(0)


async def test_a_page_that_nobody_looks_at_asks_nothing(look: Looks, plain: str) -> None:
    visitor = await look()
    await visitor.somebody_is()
    await visitor.page.clock.install()
    await visitor.page.goto(plain)
    await expect(visitor.launcher).to_be_visible()
    await visitor.page.evaluate("Object.defineProperty(document, 'hidden', { value: true, configurable: true })")
    await visitor.page.clock.run_for(3_600_000)
    assert len(visitor.states()) == 1
    async with visitor.page.expect_request("**/widget/*/*"):
        await visitor.page.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
    await visitor.page.wait_for_load_state("networkidle")
    assert len(visitor.states()) == 2


async def _says(visitor: Visitor, pattern: str) -> None:
    """Wait for a line of the console."""
    for _ in range(1000):
        if any(re.match(pattern, line) for line in visitor.said):
            return
        await visitor.page.evaluate("new Promise(requestAnimationFrame)")
    pytest.fail(f"{pattern!r} is not in {visitor.said}")
