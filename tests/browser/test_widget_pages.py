"""What companies' pages do with the widget: its API and its events, its elements, greetings, and what goes from page to page."""

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from presence.sites.settings import Greeting, Settings
from tests.browser.conftest import BROWSER, violations
from tests.browser.host import Host, add_site, add_site_now, document, snippet
from tests.browser.widget import FREE, Looks, Visitor

pytestmark = BROWSER

TEXT = "<main><h1>Maison Soleil</h1><p>" + "Houses with a garden, and the sun in them. " * 400 + "</p></main>"
HEARD = """<script>window.heard = []; for (const name of ["ready", "opened", "closed", "message", "call", "booked", "refused"])
document.addEventListener(`presence:${name}`, ({ detail }) => heard.push([name, detail]));</script>"""


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with Host() as one:
        yield one


@pytest.fixture(scope="module")
def key(demo: str, demo_directory: Path, host: Host) -> str:
    return add_site_now(demo_directory, "maison", Settings(origins=(host.origin,)))


@pytest_asyncio.fixture(loop_scope="session")
async def look(chromium: Browser) -> AsyncIterator[Looks]:
    looks = Looks(chromium)
    yield looks
    await looks.close()


async def at(look: Looks, host: Host, demo: str, key: str, body: str = "", **more: Any) -> Visitor:
    """Somebody at a page whose widget opens a page of ours that listens; Alice and everybody is there."""
    url = host.page("/page", document(f'{HEARD}{TEXT}<nav aria-label="More">{body}</nav>{snippet(demo, key)}'))
    visitor = await look(**more)
    await visitor.listens()
    await visitor.answers(
        lambda answer: answer["presence"].update({name: there and FREE for name, there in answer["presence"].items()})
    )
    await visitor.page.goto(url)
    await expect(visitor.launcher).to_be_visible()
    return visitor


# -- the API ------------------------------------------------------------------------------------------------------------


async def test_what_was_asked_before_the_script_came_is_done(look: Looks, host: Host, demo: str, key: str) -> None:
    body = """<script>(window.presence ||= []).push((p) => p.open("book", { service: "home-loan", adviser: "alice" }));
      presence.push(() => { throw new Error("the page's own mistake") }); presence.push((p) => { window.pushed = typeof p.open })</script>"""
    visitor = await look()
    await visitor.listens()
    await visitor.page.goto(host.page("/queue", document(HEARD + body + TEXT + snippet(demo, key))))
    await visitor.frame()
    frame = visitor.page.locator("presence-widget iframe")
    assert await frame.get_attribute("src") == f"{demo}/at/{key}/en/book/home-loan?embed=1&adviser=alice"
    assert await visitor.page.evaluate("pushed") == "function"
    assert [name for name, _ in await visitor.page.evaluate("heard")] == ["ready", "opened"]
    assert await visitor.page.evaluate("presence.push((p) => { window.later = p === presence }), later") is True


async def test_a_page_hears_what_happens_in_the_frame(look: Looks, host: Host, demo: str, key: str) -> None:
    visitor = await at(look, host, demo, key)
    page = visitor.page
    await page.evaluate("presence.on('booked', (detail) => (window.booked = detail)); presence.open('audio')")
    frame = await visitor.frame()
    told: list[dict[str, Any]] = [
        {"t": "message", "by": "Alice"},
        {"t": "call", "state": "started", "medium": "audio"},
        {"t": "booked", "starts_at": 1_800_000_000, "service": "home-loan"},
        {"t": "refused", "reason": "expired", "detail": "The identity has expired"},
        {"t": "close"},
    ]
    for message in told:
        await frame.evaluate("(message) => port.postMessage(message)", message)
    await expect(visitor.panel).to_be_hidden()
    assert await page.evaluate("heard") == [
        ["ready", {"state": "available"}],
        ["opened", {"what": "audio"}],
        *([message["t"], {name: value for name, value in message.items() if name != "t"}] for message in told[:-1]),
        ["closed", {}],
    ]
    assert await page.evaluate("booked.service") == "home-loan"


async def test_listeners_can_go_and_a_late_one_hears_that_it_is_ready(
    look: Looks, host: Host, demo: str, key: str
) -> None:
    visitor = await at(look, host, demo, key)
    counts = await visitor.page.evaluate(
        """async () => { const counts = { ready: 0, opened: 0 };
          presence.on("ready", () => counts.ready++);
          presence.on("opened", () => { throw new Error("the page's own mistake") });
          const off = presence.on("opened", () => counts.opened++);
          await presence.open("chat"); presence.close();
          off(); await presence.open("chat"); return counts }"""
    )
    assert counts == {"ready": 1, "opened": 1}


async def test_a_token_is_asked_for_when_it_is_needed_and_kept_nowhere(
    look: Looks, host: Host, demo: str, key: str
) -> None:
    visitor = await at(look, host, demo, key)
    await visitor.page.evaluate("window.asked = 0; presence.identify(async () => `token-${++asked}`)")
    await visitor.page.evaluate("presence.open('chat')")
    frame = await visitor.frame()
    assert await visitor.page.evaluate("asked") == 0
    for number in (1, 2):
        await frame.evaluate("got.length = 0; port.postMessage({ t: 'identity' })")
        assert await visitor.told(frame, "identity") == {"t": "identity", "token": f"token-{number}"}
    await frame.evaluate("got.length = 0")
    await visitor.page.evaluate("presence.identify('once-alone')")
    assert await visitor.told(frame, "identity") == {"t": "identity", "token": "once-alone"}
    await frame.evaluate("got.length = 0; port.postMessage({ t: 'identity' })")
    assert await visitor.told(frame, "identity") == {"t": "identity", "token": ""}
    await visitor.page.evaluate("presence.identify(() => Promise.reject(new Error('no session')))")
    kept = await visitor.page.evaluate("JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])")
    assert "token-" not in kept
    assert "once-alone" not in kept


async def test_frames_are_told_of_page_and_customer(look: Looks, host: Host, demo: str, key: str) -> None:
    visitor = await at(look, host, demo, key)
    page = visitor.page
    await page.evaluate("location.hash = '#secret'; presence.prefill({ name: 'Carol' }); presence.open('chat')")
    frame = await visitor.frame()
    assert await frame.evaluate("hands") == [{"origin": host.origin, "data": {"presence": 1}}]
    assert await visitor.told(frame, "page") == {"t": "page", "url": f"{host.origin}/page", "title": "Maison Soleil"}
    assert await visitor.told(frame, "prefill") == {"t": "prefill", "name": "Carol"}
    assert await visitor.told(frame, "scheme") == {"t": "scheme", "scheme": "auto"}
    await visitor.told(frame, "show")
    await page.evaluate("presence.prefill({ email: 'carol@example.org' }); presence.theme({ scheme: 'dark' })")
    await frame.wait_for_function("got.some((one) => one.t === 'prefill' && one.name && one.email)")
    await frame.wait_for_function("got.some((one) => one.scheme === 'dark')")
    await page.evaluate("history.pushState(null, '', '/loans?id=7'); document.title = 'Loans'")
    await frame.wait_for_function(
        "(url) => got.some((one) => one.url === url && one.title === 'Loans')", arg=f"{host.origin}/loans?id=7"
    )
    await page.evaluate("presence.page({ url: 'app://cart', title: 'The cart' })")
    await frame.wait_for_function("got.some((one) => one.url === 'app://cart')")
    await page.evaluate("presence.close()")
    await visitor.told(frame, "hide")


async def test_another_language_is_spoken_at_once(look: Looks, host: Host, demo: str, key: str) -> None:
    visitor = await at(look, host, demo, key)
    await visitor.page.evaluate("presence.open('chat')")
    await visitor.frame()
    await visitor.page.evaluate("presence.language('fr')")
    await expect(visitor.page.locator("presence-widget")).to_have_attribute("lang", "fr")
    await expect(visitor.page.locator("presence-widget iframe")).to_have_attribute(
        "src", f"{demo}/at/{key}/fr/chat?embed=1"
    )
    assert visitor.complaints() == []


async def test_a_foreign_window_is_not_listened_to(look: Looks, host: Host, demo: str, key: str) -> None:
    visitor = await at(look, host, demo, key)
    mallory = host.page("/mallory", document("<p>Mallory</p>"))
    await visitor.page.evaluate("presence.open('chat')")
    await visitor.frame()
    await visitor.page.evaluate(
        "(src) => document.body.append(Object.assign(document.createElement('iframe'), { src: src.replace('127.0.0.1', 'localhost'), title: 'Mallory' }))",
        mallory,
    )
    inner = await visitor.frame_of("body > iframe")
    await inner.wait_for_load_state()
    await inner.evaluate("parent.postMessage({ t: 'close' }, '*')")
    for _ in range(1000):
        if any("was ignored" in line and "http://localhost" in line for line in visitor.said):
            break
        await visitor.page.evaluate("new Promise(requestAnimationFrame)")
    else:
        pytest.fail(str(visitor.said))
    await expect(visitor.panel).to_be_visible()


async def test_a_frame_that_is_led_elsewhere_is_told_nothing(look: Looks, host: Host, demo: str, key: str) -> None:
    visitor = await at(look, host, demo, key)
    steals = "<p>Mallory</p><script>window.got = []; onmessage = (event) => got.push(event.data)</script>"
    await visitor.page.route(
        "http://mallory.example/", lambda route: route.fulfill(body=steals, content_type="text/html")
    )
    await visitor.page.evaluate("presence.prefill({ name: 'Carol' }); presence.open('chat')")
    await (await visitor.frame()).evaluate("location.href = 'http://mallory.example/'")
    await expect(visitor.page.frame_locator("presence-widget iframe").locator("p")).to_have_text("Mallory")
    await visitor.page.evaluate("presence.identify('secret'); presence.prefill({ email: 'carol@example.org' })")
    frame = visitor.page.frames[-1]
    assert await frame.evaluate("new Promise((done) => setTimeout(done, 0, [location.host, got]))") == [
        "mallory.example",
        [],
    ]


async def test_who_logs_out_is_forgotten_in_the_frame_too(look: Looks, host: Host, demo: str, key: str) -> None:
    visitor = await at(look, host, demo, key)
    await visitor.page.evaluate("presence.identify(() => 'token'); void presence.forget()")
    frame = await visitor.frame("iframe")  # none was open
    await visitor.told(frame, "forget")
    await expect(visitor.panel).to_be_hidden()
    # A page that goes at once leaves it to the next one.
    await visitor.page.evaluate("void presence.forget()")
    await visitor.page.evaluate(
        "sessionStorage.setItem(Object.keys(sessionStorage)[0], JSON.stringify({ forget: true }))"
    )
    await visitor.page.reload()
    frame = await visitor.frame("iframe")
    await visitor.told(frame, "forget")
    await visitor.page.wait_for_function("!JSON.parse(Object.values(sessionStorage)[0]).forget")


# -- from page to page ----------------------------------------------------------------------------------------------------


async def test_an_open_panel_is_open_on_the_next_page_and_takes_no_focus(
    look: Looks, host: Host, demo: str, key: str
) -> None:
    visitor = await at(look, host, demo, key)
    await visitor.page.evaluate("presence.open('chat')")
    await visitor.frame()
    await visitor.page.goto(host.page("/next", document(TEXT + snippet(demo, key))))
    await visitor.frame()
    await expect(visitor.panel).to_be_visible()
    assert await visitor.focused() == ""
    kept = await visitor.page.evaluate("Object.values(sessionStorage)")
    assert [json.loads(one) for one in kept] == [{"open": "chat"}]
    await visitor.page.evaluate("presence.close()")
    await visitor.page.reload()
    await expect(visitor.launcher).to_be_visible()
    await visitor.page.wait_for_load_state("networkidle")
    assert await visitor.page.locator("presence-widget iframe").count() == 0


async def test_a_conversation_is_heard_on_the_next_page_though_it_is_closed(
    look: Looks, host: Host, demo: str, key: str
) -> None:
    visitor = await at(look, host, demo, key)
    await visitor.page.evaluate("presence.open('chat')")
    frame = await visitor.frame()
    await frame.evaluate("port.postMessage({ t: 'talking', on: true }); port.postMessage({ t: 'close' })")
    await expect(visitor.panel).to_be_hidden()
    await visitor.page.reload()
    frame = await visitor.frame("iframe")
    await frame.evaluate("port.postMessage({ t: 'unread', count: 2 })")
    await expect(visitor.launcher.locator(".unread")).to_have_text("2")
    await expect(visitor.launcher).to_have_accessible_name("Talk to us Here for you now Unread messages: 2")
    assert await violations(visitor.page) == []
    await visitor.launcher.click()  # no question what for
    await expect(visitor.panel).to_be_visible()
    await frame.evaluate("port.postMessage({ t: 'popped' })")
    await expect(visitor.panel).to_be_hidden()
    await expect(visitor.page.locator("presence-widget iframe")).to_have_count(0)
    await expect(visitor.launcher.locator(".unread")).to_have_count(0)


async def test_a_call_rings_where_the_panel_was_closed(look: Looks, host: Host, demo: str, key: str) -> None:
    visitor = await at(look, host, demo, key, '<input aria-label="Search">')
    await visitor.page.evaluate("presence.open('chat')")
    frame = await visitor.frame()
    await frame.evaluate("port.postMessage({ t: 'close' })")
    await expect(visitor.panel).to_be_hidden()
    await visitor.page.locator("input").focus()
    await frame.evaluate("port.postMessage({ t: 'call', state: 'ringing', medium: 'video' })")
    await expect(visitor.panel).to_be_visible()
    await expect(visitor.page.locator("input")).to_be_focused()
    narrow = await visitor.panel.bounding_box()
    await frame.evaluate("port.postMessage({ t: 'call', state: 'started', medium: 'video' })")
    await expect(visitor.panel).to_have_class("panel wide")
    wide = await visitor.panel.bounding_box()
    assert narrow is not None
    assert wide is not None
    assert wide["width"] > narrow["width"]
    await visitor.page.evaluate("presence.open('chat', { adviser: 'bob' })")  # a running call is not left for that
    assert await frame.evaluate("got.filter(({ t }) => t === 'show').length") >= 2


# -- elements -----------------------------------------------------------------------------------------------------------

ELEMENTS = """<p><presence-badge adviser="alice"></presence-badge> <presence-badge adviser="nobody-of-ours"></presence-badge></p>
<p><presence-button kind="call" adviser="alice">Call Alice</presence-button> <presence-button kind="book" service="home-loan"></presence-button></p>"""


async def test_elements_tell_of_somebody_and_reach_them(look: Looks, host: Host, demo: str, key: str) -> None:
    visitor = await at(look, host, demo, key, ELEMENTS)
    page = visitor.page
    await expect(page.locator("presence-badge").first).to_contain_text("Here for you now")
    await expect(page.locator("presence-badge .badge")).to_have_count(1)
    assert [line for line in visitor.complaints() if "nobody-of-ours" in line]
    assert len(visitor.states()) == 1
    assert visitor.states()[0].endswith("?for=adviser:alice,adviser:nobody-of-ours,service:home-loan")
    call = page.get_by_role("button", name="Call Alice")
    await expect(call).to_be_enabled()
    assert await violations(page) == []
    await call.click()
    await visitor.frame()
    assert (
        await page.locator("presence-widget iframe").get_attribute("src")
        == f"{demo}/at/{key}/en/chat?embed=1&adviser=alice&call=audio"
    )
    await page.evaluate("presence.close()")
    await page.get_by_role("button", name="Make an appointment").click()
    await expect(page.locator("presence-widget iframe:not([hidden])")).to_have_attribute(
        "src", f"{demo}/at/{key}/en/book/home-loan?embed=1"
    )


async def test_elements_come_change_and_go(look: Looks, host: Host, demo: str, key: str) -> None:
    visitor = await at(look, host, demo, key)
    page = visitor.page
    async with page.expect_request("**/widget/*/*?for=adviser:bob"):
        await page.evaluate(
            "document.querySelector('main').insertAdjacentHTML('afterbegin', '<presence-badge adviser=bob></presence-badge>')"
        )
    await expect(page.locator("presence-badge .badge")).to_have_count(1)
    async with page.expect_request("**/widget/*/*?for=adviser:mona"):
        await page.evaluate("document.querySelector('presence-badge').setAttribute('adviser', 'mona')")
    await page.evaluate("document.querySelector('presence-badge').remove()")
    asked = len(visitor.states())
    await page.evaluate("document.body.append(document.createElement('presence-button'))")
    await expect(page.locator("presence-button button")).to_be_enabled()
    assert len(visitor.states()) == asked  # of everybody it is known


async def test_more_elements_than_one_question_holds_are_all_told(look: Looks, host: Host, demo: str, key: str) -> None:
    many = "".join(f'<presence-badge adviser="a{number}"></presence-badge>' for number in range(24))
    visitor = await at(look, host, demo, key, f'{many}<presence-badge team="advice"></presence-badge>')
    await expect(visitor.page.locator("presence-badge .badge")).to_have_count(1)
    assert len(visitor.states()) == 2


async def test_booking_and_experts_stand_in_the_page(look: Looks, host: Host, demo: str, key: str) -> None:
    visitor = await at(
        look,
        host,
        demo,
        key,
        '<presence-booking service="home-loan" adviser="alice"></presence-booking><presence-experts team="advice"></presence-experts>',
    )
    frames = visitor.page.locator("presence-booking iframe, presence-experts iframe")
    await expect(frames).to_have_count(2)
    assert [await one.get_attribute("src") for one in await frames.all()] == [
        f"{demo}/at/{key}/en/book/home-loan?embed=1&adviser=alice&inline=1",
        f"{demo}/at/{key}/en/experts/advice?embed=1&inline=1",
    ]
    frame = await visitor.frame_of("presence-booking iframe")
    await frame.wait_for_function("window.port")
    await frame.evaluate(
        "port.postMessage({ t: 'size', height: 1234 }); port.postMessage({ t: 'booked', starts_at: 1, service: 'home-loan' })"
    )
    await visitor.page.wait_for_function("heard.some(([name]) => name === 'booked')")
    box = await visitor.page.locator("presence-booking iframe").bounding_box()
    assert box is not None
    assert box["height"] == 1234
    await visitor.page.evaluate("document.querySelector('presence-booking').setAttribute('service', 'first-talk')")
    await expect(frames.first).to_have_attribute(
        "src", f"{demo}/at/{key}/en/book/first-talk?embed=1&adviser=alice&inline=1"
    )


# -- greetings ----------------------------------------------------------------------------------------------------------


async def greeted(
    look: Looks, host: Host, demo: str, key: str, *, state: str = "available", path: str = "/loans", script: str = ""
) -> Visitor:
    """Somebody who has just come to a page of the loans."""
    visitor = await look()
    if script:
        await visitor.page.add_init_script(script)
    await visitor.page.clock.install()
    await visitor.listens()
    await visitor.somebody_is(state=state)
    await visitor.page.goto(host.page(path, document(TEXT + snippet(demo, key))))
    await expect(visitor.launcher).to_be_visible()
    await visitor.page.wait_for_load_state("networkidle")
    return visitor


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def greeting(demo: str, demo_directory: Path, host: Host) -> str:
    """The key of a site with words of its own."""
    greetings = (
        Greeting(text={"en": "May we help you with the figures?"}, page="/loans*", after=15),
        Greeting(text={"en": "You have read it all."}, page="/read", after=0, scroll=80),
    )
    return await add_site(demo_directory, "greeting", Settings(origins=(host.origin,), greetings=greetings))


async def test_a_greeting_is_said_once_a_visit(look: Looks, host: Host, demo: str, greeting: str) -> None:
    visitor = await greeted(look, host, demo, greeting)
    said = visitor.page.get_by_role("status").get_by_role("button", name="May we help you with the figures?")
    await visitor.page.clock.run_for(13_000)
    await expect(said).to_have_count(0)
    await visitor.page.clock.run_for(4_000)
    await expect(said).to_be_visible()
    assert await visitor.focused() == ""
    assert await violations(visitor.page) == []
    await visitor.page.get_by_role("button", name="Close this greeting").click()
    await expect(said).to_have_count(0)
    await visitor.page.clock.run_for(60_000)
    await visitor.page.reload()
    await expect(visitor.launcher).to_be_visible()
    await visitor.page.clock.run_for(60_000)
    await expect(said).to_have_count(0)


async def test_a_greeting_leads_to_the_chat(look: Looks, host: Host, demo: str, greeting: str) -> None:
    visitor = await greeted(look, host, demo, greeting)
    await visitor.page.clock.run_for(17_000)
    await visitor.page.get_by_role("button", name="May we help you with the figures?").click()
    await expect(visitor.panel).to_be_visible()
    await expect(visitor.page.get_by_role("status")).to_be_empty()


@pytest.mark.parametrize(
    ("state", "path", "script"),
    [
        ("busy", "/loans", ""),
        ("offline", "/loans", ""),
        ("available", "/houses", ""),
        ("available", "/loans", "Object.defineProperty(navigator, 'doNotTrack', { value: '1' })"),
        ("available", "/loans", "Object.defineProperty(navigator, 'globalPrivacyControl', { value: true })"),
    ],
    ids=["busy", "nobody", "another page", "do not track", "privacy control"],
)
async def test_a_greeting_is_not_said(
    look: Looks, host: Host, demo: str, greeting: str, state: str, path: str, script: str
) -> None:
    visitor = await greeted(look, host, demo, greeting, state=state, path=path, script=script)
    await visitor.page.clock.run_for(120_000)
    await expect(visitor.page.locator("presence-widget .greeting")).to_have_count(0)
    assert await visitor.page.evaluate("sessionStorage.length") == 0


async def test_a_greeting_waits_for_how_much_was_read_and_for_the_page_of_an_application(
    look: Looks, host: Host, demo: str, greeting: str
) -> None:
    visitor = await greeted(look, host, demo, greeting, path="/houses")
    await visitor.page.evaluate("history.pushState(null, '', '/read')")
    await visitor.page.clock.run_for(5_000)
    said = visitor.page.locator("presence-widget .greeting")
    await expect(said).to_have_count(0)
    await visitor.page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    await visitor.page.clock.run_for(2_000)
    await expect(said).to_contain_text("You have read it all.")
