"""Carol and Alice in the room: what each of them sees, from the device check to the stars, by eye, by ear and by keyboard."""

import asyncio
import re
import shutil
import time
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext, FilePayload, Page, ViewportSize, async_playwright, expect
from sqlalchemy import select

from presence.booking.requests import Booked, BookRequest
from presence.config import OrganisationConfig
from presence.roster.model import Medium
from presence.storage.migrate import migrate
from presence.storage.tables import call
from tests.browser.conftest import BROWSER, DESKTOP, FLAGS, PATIENCE, PHONE, Visit, fits, violations
from tests.chat.cast import Bank, bank_at, configuration
from tests.support import adviser, service

pytestmark = BROWSER

ALWAYS: dict[str, tuple[str, ...]] = dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), ("00:00-24:00",))
PASSWORD = "alice's long password"
Meet = Callable[..., Coroutine[Any, Any, "Meeting"]]


class Ahead:
    """The machine's clock, and what it was put forward by."""

    def __init__(self) -> None:
        self._by = 0

    def now(self) -> int:
        return int(time.time()) + self._by

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000 + self._by * 1000

    def put_to(self, instant: int) -> None:
        self._by = instant - int(time.time())


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def bank(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bank]:
    """A bank that is open day and night."""
    directory = tmp_path_factory.mktemp("bank")
    url = f"sqlite:///{directory / 'presence.db'}"
    config = msgspec.structs.replace(
        configuration(url, directory),
        organisation=OrganisationConfig(name="Banque Lumière", phone="+33 1 23 45 67 89", hours=ALWAYS),
        advisers=(adviser("alice", hours=ALWAYS, password=PASSWORD),),
        services=(service(notice=0, durations=[30, 5]),),
    )
    await asyncio.to_thread(migrate, url)
    async with bank_at(config, Ahead()) as served:
        yield served


@pytest.fixture(scope="module")
def demo(bank: Bank) -> str:
    """What `visit` visits."""
    return bank.url


class Meeting:
    """An appointment, and how its two people come to it."""

    def __init__(self, bank: Bank, visit: Visit, one: Booked) -> None:
        self.bank, self.visit, self.one = bank, visit, one

    async def customer(self, *, looks: bool = True, **how: Any) -> Page:
        """Carol, by the link from her mail, at the device check when she `looks` at one."""
        page = await self.visit(f"/a/{self.one.token}/room", **how)
        await page.locator("main form .button").click()
        await expect(page.locator("#check" if looks else "#waiting")).to_be_visible()
        return page

    async def adviser(self, *, looks: bool = True, **how: Any) -> Page:
        """Alice, by her agenda, in the room."""
        mine = f"/agenda/appointments/{self.one.appointment.id}/room"
        page = await self.visit(f"/sign-in?next={mine}", **how)
        await page.locator("[name=email]").fill("alice@bank.example")
        await page.locator("[name=password]").fill(PASSWORD)
        await page.locator("main .button").click()
        await page.locator("main form .button").click()
        if looks:
            await page.locator("#join").click()
        return page

    async def row(self) -> Any:
        at = self.one.appointment.id
        return await self.bank.database.read(
            lambda connection: connection.execute(select(call).where(call.c.appointment_id == at)).one()
        )

    async def talking(self, **how: Any) -> tuple[Page, Page]:
        """Both, in a call that sends pictures."""
        alice, carol = await self.adviser(**how), await self.customer(**how)
        await carol.locator("#join").click()
        await alice.locator("#let-in").click()
        for page in (alice, carol):
            await moves(page)
        return carol, alice


@pytest_asyncio.fixture(loop_scope="session")
async def meet(bank: Bank, visit: Visit) -> Meet:
    """Books an appointment; they come `after` its start, in seconds, or rather before it."""

    async def made(medium: Medium = "video", after: int = -600, duration: int = 30) -> Meeting:
        clock = bank.clock
        assert isinstance(clock, Ahead)
        start = (clock.now() // 3600 + 2) * 3600
        request = BookRequest(
            request_key=uuid.uuid4().hex,
            service="talk",
            start=start,
            medium=medium,
            duration=duration,
            adviser="alice",
            name="Carol Petit",
            email="carol@customers.example",
            zone="Europe/Paris",
        )
        one = await bank.app.state.booking.book(request)
        clock.put_to(start + after)
        return Meeting(bank, visit, one)

    return made


async def moves(page: Page) -> None:
    """The other's picture is there, and it moves."""
    await expect(page.locator("#remote-video")).to_be_visible()
    await decodes(page, "#remote-video")


async def decodes(page: Page, video: str) -> None:
    """Another frame of a video comes."""
    async with asyncio.timeout(PATIENCE / 1000):
        await page.evaluate(
            "one => new Promise(done => document.querySelector(one).requestVideoFrameCallback(done))", video
        )


# -- one whole appointment ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lang", "dark", "size"), [("en", False, DESKTOP), ("fr", True, PHONE)], ids=["en-light-desktop", "fr-dark-phone"]
)
async def test_an_appointment_from_the_door_to_the_stars(meet: Meet, lang: str, dark: bool, size: ViewportSize) -> None:
    meeting = await meet()
    alice = await meeting.adviser()
    await expect(alice.locator("#waiting-title")).to_have_text("Carol Petit has not come yet")
    carol = await meeting.customer(lang=lang, dark=dark, size=size)
    await expect(carol.locator("#mirror-video")).to_be_visible()
    await expect(carol.locator("#test-network")).to_have_attribute("data-good", "")
    found: list[str] = []

    async def look() -> None:
        async with fits(carol):
            found.extend(await violations(carol))

    async def look_at_hers() -> None:
        if lang == "en":  # Alice's page is the same both times
            found.extend(await violations(alice))

    await look()
    await expect(alice.locator("#waiting-title")).to_have_text("Carol Petit is waiting")
    await expect(alice.locator("#waiting-word")).to_contain_text("Still looking")
    await carol.locator("#join").click()
    await expect(alice.locator("#waiting-word")).to_have_text("Ready to begin.")
    await look_at_hers()
    await look()

    await alice.locator("[data-dialog=holding]").click()
    await alice.locator("#holding-text").fill("Two minutes, please")
    await alice.locator("#holding button[value=hold]").click()
    await expect(carol.locator("#waiting-note")).to_have_text("Two minutes, please")
    await look()
    await alice.locator("#let-in").click()
    await moves(carol)
    await moves(alice)
    await expect(carol.locator("#mic")).to_have_attribute("aria-pressed", "true")
    await look()
    await look_at_hers()

    await carol.locator("#open-chat").click()
    await carol.locator("#message").fill("Good morning!")
    await carol.locator("#send").click()
    await expect(alice.locator("#unread")).to_have_text(re.compile("^1"))
    await look()
    await alice.locator("#open-chat").click()
    await expect(alice.locator("#log .said.theirs .bubble")).to_have_text("Good morning!")
    await expect(alice.locator("#unread")).to_be_hidden()
    await expect(carol.locator("#log .said.mine")).to_have_attribute("data-state", "seen")

    plan: FilePayload = {"name": "plan.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7 a plan"}
    await carol.locator("#files").set_input_files(plan)
    for page in (carol, alice):
        address = await page.locator("#log a.file").get_attribute("href")
        assert (await page.request.get(f"{address}")).status == 200

    await alice.locator("#leave").click()
    await alice.locator("#leaving button[value=leave]").click()
    await expect(carol.locator("#after-title")).to_have_text(
        {"en": "Thank you for the talk", "fr": "Merci pour cet échange"}[lang]
    )
    await carol.locator("#rating label").nth(3).click()
    await carol.locator("#comment").fill("Very clear")
    await look()
    await carol.locator("#rating .button").click()
    await expect(carol.locator("#thanks")).not_to_be_empty()
    await expect(alice.locator("#after-title")).to_have_text("The call has ended")
    await look_at_hers()
    row = await meeting.row()
    assert (row.state, row.outcome, row.rating, row.comment) == ("ended", "held", 4, "Very clear")
    assert found == []


async def test_by_the_keyboard_alone(meet: Meet) -> None:
    meeting = await meet()
    alice, carol = await meeting.adviser(), await meeting.customer()
    await expect(carol.locator("#mirror-video")).to_be_visible()
    await tab_to(carol, "#join")
    await carol.keyboard.press("Enter")
    await expect(carol.locator("#waiting-title")).to_be_focused()
    await tab_to(alice, "#let-in")
    await alice.keyboard.press("Enter")
    await moves(carol)
    await expect(carol.locator("#mic")).to_be_focused()  # where the waiting room's heading was is nothing any more
    for key, button in (("m", "#mic"), ("c", "#cam")):
        await carol.keyboard.press(key)
        await expect(carol.locator(button)).to_have_attribute("aria-pressed", "false")
    await expect(carol.locator("#told")).to_have_text("Your camera is off")
    await expect(alice.locator("#remote-muted")).to_be_visible()
    await expect(alice.locator("#remote-video")).to_be_hidden()
    await carol.keyboard.press("c")
    await moves(alice)
    await carol.keyboard.press("t")
    await expect(carol.locator("#message")).to_be_focused()
    await carol.keyboard.type("mcs?")  # words, and no shortcuts
    await expect(carol.locator("#message")).to_have_value("mcs?")
    await carol.keyboard.press("Enter")
    await expect(alice.locator("#unread")).to_be_visible()
    await carol.keyboard.press("Escape")
    await expect(carol.locator("#open-chat")).to_be_focused()
    await carol.keyboard.press("Shift+?")
    await expect(carol.locator("#keys")).to_be_visible()
    await carol.keyboard.press("Escape")
    await expect(carol.locator("#keys")).to_be_hidden()
    await tab_to(carol, "#own-move")
    await carol.keyboard.press("Enter")
    await expect(carol.locator("#own")).to_have_attribute("data-corner", "end-start")
    await tab_to(carol, "#leave")
    await carol.keyboard.press("Enter")
    await expect(carol.locator("#leaving")).to_be_visible()
    await carol.keyboard.press("Enter")
    await expect(carol.locator("#after-title")).to_be_focused()
    await expect(alice.locator("#remote-word")).to_contain_text("is not here just now")
    await tab_to(carol, "#rejoin")  # it was a mistake
    async with carol.expect_navigation():
        await carol.keyboard.press("Enter")
    await moves(carol)


async def tab_to(page: Page, place: str) -> None:
    """Press Tab until it has the focus."""
    for _ in range(60):
        if await page.evaluate("place => document.activeElement?.matches(place)", place):
            return
        await page.keyboard.press("Tab")
    raise AssertionError(f"{place} cannot be reached")


async def test_the_end_is_told_before_it_comes(meet: Meet) -> None:
    meeting = await meet(after=10, duration=5)
    carol, alice = await meeting.talking()
    await expect(alice.locator("#ending-word")).to_contain_text("in 5 min. Nothing follows within the hour.")
    await expect(carol.locator("#ending-word")).to_contain_text("in 5 min.")
    await expect(carol.locator("#left")).to_have_attribute("data-soon", "")
    assert await violations(alice) == []
    await alice.get_by_role("button", name="15 minutes more").click()
    await expect(alice.locator("#ending-soon")).to_be_hidden()
    await expect(carol.locator("#left-word")).to_have_text("20 min left")
    await alice.locator("#more").click()
    await alice.locator("#menu-propose").click()
    await expect(alice.locator("#told")).to_contain_text("can choose the next appointment")
    await carol.locator("#open-chat").click()
    await expect(carol.locator("#log .said.theirs a")).to_have_attribute("href", re.compile("/book/talk"))


async def test_whoever_is_turned_away_reads_why(meet: Meet) -> None:
    meeting = await meet()
    alice, carol = await meeting.adviser(), await meeting.customer()
    await carol.locator("#join").click()
    await alice.locator("[data-dialog=rejecting]").click()
    await alice.locator("#rejecting-text").fill("Please come tomorrow")
    await alice.locator("#rejecting button[value=reject]").click()
    await expect(carol.locator("#after-note")).to_have_text("Please come tomorrow")
    await expect(carol.locator("#after-book")).to_have_attribute("href", re.compile("^/book/talk"))
    await expect(carol.locator("#after-phone")).to_be_visible()
    await expect(carol.locator("#rating")).to_be_hidden()
    assert await violations(carol) == []


async def test_in_writing_there_is_nothing_to_look_at_first(meet: Meet) -> None:
    meeting = await meet("text")
    alice, carol = await meeting.adviser(looks=False), await meeting.customer(looks=False)
    await expect(carol.locator("#waiting-title")).to_have_text("Alice Martin is here and lets you in soon")
    await alice.locator("#let-in").click()
    await expect(carol.locator("#stage")).to_be_hidden()
    await carol.locator("#message").fill("Hello, in writing")
    await carol.keyboard.press("Enter")
    await expect(alice.locator("#log .said.theirs .bubble")).to_have_text("Hello, in writing")
    await expect(carol.locator("#mic")).to_have_attribute("aria-pressed", "false")
    async with fits(carol):
        assert await violations(carol) == []


# -- devices that cannot be had -----------------------------------------------------------------------------------------


@asynccontextmanager
async def browser_with(bank: Bank, *flags: str) -> AsyncIterator[BrowserContext]:
    """A browser of somebody who has other devices, or allows other things."""
    binary = shutil.which("chromium")
    assert binary is not None
    async with (
        async_playwright() as playwright,
        await playwright.chromium.launch(executable_path=binary, args=list(flags)) as browser,
    ):
        context = await browser.new_context(base_url=bank.url, locale="en-GB", reduced_motion="reduce")
        context.set_default_timeout(PATIENCE)
        yield context


async def test_a_refusal_is_helped_with_until_it_is_taken_back(bank: Bank, meet: Meet) -> None:
    meeting = await meet()
    async with browser_with(bank, *(one for one in FLAGS if "fake-ui" not in one)) as context:
        carol = await context.new_page()
        await enter(carol, meeting)
        await expect(carol.locator("#help-title")).to_have_text("Microphone and camera are not allowed yet")
        await expect(carol.locator("#help-steps li")).to_have_count(2)
        assert await violations(carol) == []
        await context.grant_permissions(["camera", "microphone"])
        await expect(carol.locator("#mirror-video")).to_be_visible()  # without another click
        await expect(carol.locator("#help")).to_be_hidden()


async def test_without_a_camera_there_is_no_word_of_one(bank: Bank, meet: Meet) -> None:
    meeting = await meet()
    flags = (f"{one}=device-count=0" if "fake-device" in one else one for one in FLAGS)
    async with browser_with(bank, *flags) as context:
        carol = await context.new_page()
        await enter(carol, meeting)
        await expect(carol.locator("#test-mic")).to_be_visible()
        await expect(carol.locator("[data-way=video]")).to_be_hidden()
        await expect(carol.locator("[data-way=audio] input")).to_be_checked()
        for place in ("#check-cam", "#help"):
            await expect(carol.locator(place)).to_be_hidden()
        await carol.locator("#join").click()
        await expect(carol.locator("#mic")).to_be_visible()
        await expect(carol.locator("#cam")).to_be_hidden()


async def enter(page: Page, meeting: Meeting) -> None:
    await page.goto(f"/a/{meeting.one.token}/room")
    await page.locator("main form .button").click()
    await expect(page.locator("#check")).to_be_visible()
