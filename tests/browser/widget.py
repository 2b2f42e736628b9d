"""Who looks at a company's pages: what their browser asked, what its console said, and what the widget is told in them."""

import json
from collections.abc import Callable
from typing import Any

from playwright.async_api import Browser, BrowserContext, Frame, Locator, Page, Route, ViewportSize

from tests.browser.conftest import DESKTOP, PATIENCE

FREE = {"state": "available", "until": None}

# A page of ours that keeps what it is told, and says what a test wants.
LISTENS = """<!doctype html><html lang=en><title>A page of ours</title><button>In the frame</button><script>
window.got = []; window.hands = [];
onmessage = ({ origin, ports, data }) => {
  if (!ports[0]) return;
  hands.push({ origin, data });
  window.port = ports[0];
  port.onmessage = ({ data }) => got.push(data);
  port.postMessage({ t: "ready", verified: false });
};
</script></html>"""

# Adds up what moved without having been touched.
SHIFTS = """window.shifts = 0;
new PerformanceObserver((list) => list.getEntries().forEach((one) => (shifts += one.value))).observe({ type: "layout-shift", buffered: true });"""


class Visitor:
    """A browser of its own in front of a company's page."""

    def __init__(self, context: BrowserContext, page: Page) -> None:
        self.context = context
        self.page = page
        self.said: list[str] = []
        self.asked: list[str] = []
        self.sockets: list[str] = []
        page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.said.append(f"uncaught: {error}"))
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("websocket", lambda socket: self.sockets.append(socket.url))

    @property
    def launcher(self) -> Locator:
        return self.page.locator("presence-widget .launcher")

    @property
    def panel(self) -> Locator:
        return self.page.locator("presence-widget dialog.panel")

    def states(self) -> list[str]:
        """How often, and of whom, the state was asked."""
        return [url for url in self.asked if "/widget/" in url and "/static/" not in url]

    def complaints(self) -> list[str]:
        return [line for line in self.said if line.startswith(("error", "uncaught", "warning"))]

    async def answers(self, changes: Callable[[dict[str, Any]], None]) -> None:
        """The server's own answer, changed before it arrives."""

        async def changed(route: Route) -> None:
            response = await route.fetch()
            body = await response.json()
            changes(body)
            await route.fulfill(response=response, body=json.dumps(body))

        await self.page.route("**/widget/*/*", changed)

    async def somebody_is(self, **site: Any) -> None:
        """Who is there, whoever is."""
        await self.answers(lambda body: body["presence"].update(site={**FREE, **site}))

    async def listens(self) -> None:
        """Frames hold a page that keeps what it is told."""
        await self.page.route("**/at/**", lambda route: route.fulfill(body=LISTENS, content_type="text/html"))

    async def frame(self, inside: str = "dialog.panel iframe:not([hidden])") -> Frame:
        """The page of ours that is shown, once it has its port."""
        frame = await self.frame_of(f"presence-widget {inside}")
        await frame.wait_for_function("window.port", polling=20)  # by time: what is hidden is not drawn
        return frame

    async def frame_of(self, selector: str) -> Frame:
        """What is in a frame."""
        element = await self.page.wait_for_selector(selector, state="attached")
        frame = await element.content_frame() if element else None
        assert frame is not None
        return frame

    async def told(self, frame: Frame, t: str) -> dict[str, Any]:
        """What a frame was told last, of a kind; waits for it."""
        await frame.wait_for_function("(t) => got.some((one) => one.t === t)", arg=t, polling=20)
        found: dict[str, Any] = await frame.evaluate("(t) => got.findLast((one) => one.t === t)", t)
        return found

    async def focused(self) -> str:
        """What has the focus in the widget: tag and class; empty when nothing there has it."""
        found: str = await self.page.evaluate(
            """() => { const one = document.querySelector("presence-widget")?.shadowRoot.activeElement;
                return one ? `${one.localName}.${one.className}` : "" }"""
        )
        return found


class Looks:
    """Opens pages, each in a browser of its own."""

    def __init__(self, chromium: Browser) -> None:
        self._chromium = chromium
        self._contexts: list[BrowserContext] = []

    async def __call__(
        self,
        url: str = "",
        *,
        lang: str = "en-GB",
        size: ViewportSize = DESKTOP,
        dark: bool = False,
        zone: str = "Europe/Paris",
        still: bool = True,
        **more: Any,
    ) -> Visitor:
        context = await self._chromium.new_context(
            locale=lang,
            viewport=size,
            timezone_id=zone,
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce" if still else "no-preference",
            **more,
        )
        context.set_default_timeout(PATIENCE)
        self._contexts.append(context)
        visitor = Visitor(context, await context.new_page())
        if url:
            await visitor.page.goto(url)
        return visitor

    async def close(self) -> None:
        for context in self._contexts:
            for page in context.pages:
                await page.unroute_all(behavior="ignoreErrors")  # what is still on its way is nobody's concern
            await context.close()
