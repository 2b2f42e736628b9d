"""Two real windows talk; the server is restarted under them, one is killed, and a mail takes its place."""

import asyncio
import shutil
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
from playwright.async_api import Browser, Page, Playwright, async_playwright, expect
from sqlalchemy import select

from bench.ports import free_port
from presence.config import Config, ServerConfig
from presence.storage.tables import conversation
from tests.browser.conftest import BROWSER, DESKTOP, FLAGS, PHONE
from tests.chat.cast import Bank, bank_at, configuration
from tests.chat.mail.post import CAROL, Post, answer, reply_to, with_mail
from tests.mail.cast import MailServer
from tests.support import FrozenClock

pytestmark = BROWSER


class Killable:
    """A Chromium of its own, that can be killed as a battery kills it."""

    def __init__(self, process: Process, browser: Browser) -> None:
        self._process = process
        self.browser = browser

    async def kill(self) -> None:
        self._process.kill()
        await self._process.wait()


@asynccontextmanager
async def killable(playwright: Playwright, directory: Path) -> AsyncIterator[Killable]:
    binary = shutil.which("chromium")
    assert binary
    words = [*FLAGS, "--remote-debugging-port=0", f"--user-data-dir={directory}", "about:blank"]
    process = await asyncio.create_subprocess_exec(binary, *words, stdout=DEVNULL, stderr=DEVNULL)
    try:
        port = directory / "DevToolsActivePort"
        async with asyncio.timeout(30):
            while not port.exists() or len(port.read_text().splitlines()) < 2:
                await asyncio.sleep(0.05)
        browser = await playwright.chromium.connect_over_cdp(f"http://127.0.0.1:{port.read_text().splitlines()[0]}")
        yield Killable(process, browser)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def at_the_desk(chromium: Browser, base: str) -> Page:
    context = await chromium.new_context(base_url=base, locale="en-GB", viewport=DESKTOP)
    page = await context.new_page()
    await page.goto("/sign-in?next=/desk")
    await page.locator("[name=email]").fill("alice@bank.example")
    await page.locator("[name=password]").fill("alice's long password")
    await page.locator("main .button").click()
    await page.goto("/desk")
    await expect(page.locator("#my-dot")).to_have_attribute("data-state", "available")
    return page


async def says(page: Page, box: str, text: str) -> None:
    await page.locator(box).fill(text)
    await page.locator(box).press("Enter")


async def reads(page: Page, text: str) -> None:
    await expect(page.locator("#log").get_by_text(text, exact=True)).to_have_count(1, timeout=30_000)


async def only_conversation(bank: Bank) -> str:
    return await bank.database.read(lambda connection: str(connection.execute(select(conversation.c.uid)).scalar_one()))


def served(migrated: Path, directory: Path, port: int, mail: int) -> Config:
    shutil.copyfile(migrated, directory / "presence.db")
    config = with_mail(configuration(f"sqlite:///{directory / 'presence.db'}", directory), directory, mail)
    chat = msgspec.structs.replace(config.chat, ask=("name", "email"))
    server = ServerConfig(base_url=f"http://localhost:{port}", secret_key="s" * 40, port=port)
    return msgspec.structs.replace(config, server=server, chat=chat)


async def test_nothing_is_lost_between_two_windows_a_restart_a_death_and_a_mail(
    chromium: Browser, migrated: Path, tmp_path: Path
) -> None:
    port, clock = free_port(), FrozenClock()
    base = f"http://localhost:{port}"
    async with (
        MailServer() as outside,
        async_playwright() as playwright,
        killable(playwright, tmp_path / "chromium") as hers,
    ):
        config = served(migrated, tmp_path, port, outside.port)
        async with bank_at(config, clock, port=port):
            alice = await at_the_desk(chromium, base)
            carol = await (await hers.browser.new_context(base_url=base, viewport=PHONE, locale="en-GB")).new_page()
            await carol.goto("/chat")
            await carol.locator("#message").fill("Is my loan on its way?")
            await carol.locator("#send").click()
            await carol.locator("#ask-name").fill("Carol")
            await carol.locator("#ask-email").fill(CAROL)
            await carol.locator("#send").click()
            await alice.locator("#offers").get_by_role("button", name="Accept").click()
            await reads(alice, "Is my loan on its way?")
            await says(alice, "#text", "It left yesterday.")
            await reads(carol, "It left yesterday.")
        # The server is gone; what is written meanwhile waits in the browser.
        await says(carol, "#message", "Wonderful!")
        await says(alice, "#text", "Anything else?")
        async with bank_at(config, clock, port=port) as bank:
            await reads(alice, "Wonderful!")
            await reads(carol, "Anything else?")
            await hers.kill()
            await says(alice, "#text", "Your contract is ready.")
            await reads(alice, "Your contract is ready.")
            post = Post(bank, outside, tmp_path)
            await post.time_passes()
            (mail,) = await post.mails(1, CAROL)
            said = await post.brings(answer(mail, "I will sign it tonight."), reply_to(mail), protocol="smtp")
            assert said.startswith("250")
            await reads(alice, "I will sign it tonight.")
            texts = [body["text"] for body in await post.bodies(await only_conversation(bank), "text")]
            await alice.context.close()
    assert texts[:2] == ["Is my loan on its way?", "It left yesterday."]
    assert sorted(texts[2:4]) == ["Anything else?", "Wonderful!"]
    assert texts[4:] == ["Your contract is ready.", "I will sign it tonight."]
