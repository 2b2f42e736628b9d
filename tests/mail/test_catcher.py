"""The demo's mail server keeps every mail, and its pages show them without trusting them."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import aiosmtplib
import httpx
import msgspec
import pytest
from icalendar import Calendar
from starlette.applications import Starlette

from presence import demo
from presence.app import create_app
from presence.booking.requests import BookRequest, OfferRequest
from presence.booking.service import Booking
from presence.chat.service import OpenRequest
from presence.config import DatabaseConfig, ServerConfig
from presence.mail.catcher import Catcher
from presence.mail.worker import MailWorker
from tests.mail.cast import BANK, CAROL, DAVE, eventually, running
from tests.support import FrozenClock

HERE = "http://localhost:8000"
MALLORYS = (
    f"From: Mallory <{BANK}>\r\nTo: {DAVE}\r\nSubject: <script>alert(1)</script>\r\nMIME-Version: 1.0\r\n"
    'Content-Type: multipart/alternative; boundary="b"\r\n\r\n'
    "--b\r\nContent-Type: text/plain\r\n\r\n</pre><script>alert(2)</script>\r\n"
    "--b\r\nContent-Type: text/html\r\n\r\n<html><head></head><script>alert(3)</script><form action=/sign-out></form>\r\n"
    "--b--\r\n"
)


@pytest.fixture
async def catcher(tmp_path: Path) -> AsyncIterator[tuple[Catcher, int]]:
    """A catcher and its port."""
    opened = Catcher(tmp_path / "mails")
    yield opened, await opened.listen(0)
    await opened.close()


@pytest.fixture
async def app(
    catcher: tuple[Catcher, int], database_url: str, clock: FrozenClock, tmp_path: Path
) -> AsyncIterator[Starlette]:
    """The demo as it starts, with its mails unsent."""
    config = demo.configuration(8000, tmp_path, catcher[1])
    config = msgspec.structs.replace(config, database=DatabaseConfig(url=database_url))
    started = create_app(config, clock, catcher=catcher[0], workers=False)
    async with started.router.lifespan_context(started):
        yield started


@pytest.fixture
async def browser(app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=HERE) as client:
        yield client


@pytest.fixture
async def booked(app: Starlette, clock: FrozenClock) -> None:
    """Carol has booked, and the mails are caught."""
    booking: Booking = app.state.booking
    start = (await booking.offers(OfferRequest(service="first-talk"))).starts[-1]
    await booking.book(
        BookRequest(
            request_key="carol-1",
            service="first-talk",
            start=start,
            name="Carol Jones",
            email=CAROL,
            zone="Europe/Paris",
        )
    )
    async with running(MailWorker(app.state.database, clock, app.state.presence.config.mail)) as worker:
        await worker.idle()


async def send(port: int, raw: str, *recipients: str) -> None:
    """Send a mail as a stranger's program would."""
    await aiosmtplib.send(raw.encode(), sender=BANK, recipients=recipients, hostname="127.0.0.1", port=port)


def keys(html: str) -> list[str]:
    """The mails that a page lists, in order."""
    return re.findall(r'href="/catcher/([^"?/]+)"', html)


@pytest.mark.usefixtures("booked")
async def test_every_mail_of_a_booking_is_listed_and_can_be_asked_for_by_recipient(browser: httpx.AsyncClient) -> None:
    everything = await browser.get("/catcher", params={"lang": "en"})
    assert everything.status_code == 200
    assert len(keys(everything.text)) == 2  # Carol's and the adviser's
    assert CAROL in everything.text
    hers = await browser.get("/catcher", params={"to": CAROL})
    (key,) = keys(hers.text)
    shown = await browser.get(f"/catcher/{key}")
    assert CAROL in shown.text
    assert f'<iframe class="mail" src="/catcher/{key}/body"' in shown.text
    assert "REQUEST" in shown.text
    assert keys((await browser.get("/catcher", params={"to": "nobody@customers.example"})).text) == []


@pytest.mark.usefixtures("booked")
async def test_the_invitation_can_be_downloaded(browser: httpx.AsyncClient) -> None:
    (key,) = keys((await browser.get("/catcher", params={"to": CAROL})).text)
    ics = await browser.get(f"/catcher/{key}/invite.ics")
    assert ics.headers["content-type"].startswith("text/calendar")
    assert ics.headers["content-disposition"] == 'attachment; filename="invite.ics"'
    assert Calendar.from_ical(ics.content)["METHOD"] == "REQUEST"


async def test_a_mails_html_is_shown_in_a_box_without_scripts_forms_or_anything_fetched(
    browser: httpx.AsyncClient, catcher: tuple[Catcher, int]
) -> None:
    await send(catcher[1], MALLORYS, DAVE)
    (key,) = keys((await browser.get("/catcher")).text)
    body = await browser.get(f"/catcher/{key}/body")
    said = [rule.split() for rule in body.headers["content-security-policy"].split(";")]
    rules = {name: values for name, *values in said}
    assert "allow-scripts" not in rules["sandbox"]
    assert "allow-forms" not in rules["sandbox"]
    assert "allow-same-origin" not in rules["sandbox"]
    assert rules["default-src"] == ["'none'"]
    assert rules["frame-ancestors"] == ["'self'"]
    assert "script-src" not in rules
    assert '<base target="_blank">' in body.text


async def test_a_mails_words_are_text_on_our_own_pages(
    browser: httpx.AsyncClient, catcher: tuple[Catcher, int]
) -> None:
    await send(catcher[1], MALLORYS, DAVE)
    listed = await browser.get("/catcher")
    (key,) = keys(listed.text)
    shown = await browser.get(f"/catcher/{key}")
    for page in (listed, shown):
        assert "<script>alert" not in page.text
        assert "&lt;script&gt;alert(1)" in page.text
    assert "&lt;/pre&gt;&lt;script&gt;alert(2)" in shown.text
    source = await browser.get(f"/catcher/{key}/source")
    assert source.headers["content-type"].startswith("text/plain")
    assert source.headers["x-content-type-options"] == "nosniff"
    assert "<script>alert(3)" in source.text


@pytest.mark.parametrize(
    "part",
    [
        "Content-Type: text/plain; charset=klingon\r\n\r\nnuqneH",
        "Content-Type: text/html; charset=klingon\r\n\r\n<p>nuqneH",
        "Content-Type: text/calendar\r\n\r\nnot a calendar",
        "Content-Type: text/calendar\r\n\r\nBEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nEND:VCALENDAR",
        "Content-Type: text/calendar\r\n\r\nBEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nEND:VEVENT\r\nEND:VCALENDAR",
        "\r\nno type at all",
    ],
)
async def test_a_mail_that_makes_no_sense_is_shown_all_the_same(
    browser: httpx.AsyncClient, catcher: tuple[Catcher, int], part: str
) -> None:
    await send(catcher[1], f"From: {BANK}\r\nTo: {DAVE}\r\nSubject: odd\r\nMIME-Version: 1.0\r\n{part}\r\n", DAVE)
    (key,) = keys((await browser.get("/catcher")).text)
    for page in ("", "/body", "/source"):
        assert (await browser.get(f"/catcher/{key}{page}")).status_code == 200


async def test_what_was_not_caught_is_not_found(browser: httpx.AsyncClient, catcher: tuple[Catcher, int]) -> None:
    await send(catcher[1], MALLORYS, DAVE)
    (key,) = keys((await browser.get("/catcher")).text)
    for path in ("/catcher/other", "/catcher/..%2F..%2Fsecret", "/catcher/other/body", f"/catcher/{key}/invite.ics"):
        assert (await browser.get(path)).status_code == 404


async def test_mails_that_come_at_once_are_all_kept(catcher: tuple[Catcher, int]) -> None:
    await asyncio.gather(*(send(catcher[1], MALLORYS, f"dave{n}@customers.example") for n in range(40)))
    assert {one.recipient for one in catcher[0].mails()} == {f"dave{n}@customers.example" for n in range(40)}


def test_the_newest_comes_first_and_the_oldest_goes_first(tmp_path: Path) -> None:
    catcher = Catcher(tmp_path / "mails")
    for second, name in ((7, "M99999P1Q1"), (7, "M100000P1Q2"), (7, "M100000P1Q10"), (10, "M5P1Q11")):
        file = tmp_path / "mails" / "new" / f"{second}.{name}.bank"
        file.write_bytes(f"X-Caught-For: {second}-{name}\r\n\r\n".encode())
    assert [one.recipient for one in catcher.mails()] == [
        "10-M5P1Q11",
        "7-M100000P1Q10",
        "7-M100000P1Q2",
        "7-M99999P1Q1",
    ]


async def test_a_mail_is_answered_from_its_page_through_the_real_door(
    catcher: tuple[Catcher, int], database_url: str, clock: FrozenClock, tmp_path: Path
) -> None:
    config = msgspec.structs.replace(
        demo.configuration(8000, tmp_path, catcher[1]), database=DatabaseConfig(url=database_url)
    )
    app = create_app(config, clock, catcher=catcher[0])
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=HERE, headers={"Origin": HERE}) as browser,
    ):
        chat = app.state.assembly.chat
        _, carol = await chat.new_visitor(None, "en", "Europe/Paris")
        request = OpenRequest(id="1", text="My card is gone!", name="Carol", email=CAROL, adviser="alice")
        opened = (await chat.open(carol, request)).conversation

        async def caught() -> bool:
            return len(catcher[0].mails("alice@demo.example")) == 1

        await eventually(caught)
        (key,) = keys((await browser.get("/catcher")).text)
        assert f'action="/catcher/{key}/answer"' in (await browser.get(f"/catcher/{key}", params={"lang": "en"})).text
        for manner in ("self", "stranger", "away"):
            form = {"text": f"An answer by {manner}.", "manner": manner}
            answer = await browser.post(f"/catcher/{key}/answer", data=form, follow_redirects=True)
            assert 'role="status"' in answer.text
        said = {one.body: (one.sender, one.kind) for one in await chat.events(opened.id)}
    alice = app.state.assembly.board.by_slug["alice"].id
    texts = {
        msgspec.json.decode(body)["text"]: (msgspec.json.decode(body), *who)
        for body, who in said.items()
        if "text" in body
    }
    assert texts["An answer by self."][1:] == (f"adviser:{alice}", "text")
    assert texts["An answer by stranger."][0]["unverified"] == "mallory@elsewhere.example"
    assert texts["An answer by away."][0]["automatic"] == "auto-submitted: auto-replied"


async def test_what_nobody_answers_has_no_form(catcher: tuple[Catcher, int], browser: httpx.AsyncClient) -> None:
    await send(catcher[1], MALLORYS, DAVE)
    (key,) = keys((await browser.get("/catcher")).text)
    assert "/answer" not in (await browser.get(f"/catcher/{key}")).text
    answer = await browser.post(f"/catcher/{key}/answer", data={"text": "x"}, headers={"Origin": HERE})
    assert answer.status_code == 404


async def test_without_the_demo_there_is_no_catcher(
    catcher: tuple[Catcher, int], database_url: str, clock: FrozenClock, tmp_path: Path
) -> None:
    config = msgspec.structs.replace(
        demo.configuration(8000, tmp_path, catcher[1]), database=DatabaseConfig(url=database_url)
    )
    earnest = msgspec.structs.replace(config, server=ServerConfig(secret_key="s" * 40))
    await send(catcher[1], MALLORYS, DAVE)
    (key,) = (one.id for one in catcher[0].mails())
    for app in (create_app(earnest, clock, catcher=catcher[0]), create_app(config, clock)):
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=HERE) as browser:
            for path in ("/catcher", f"/catcher/{key}", f"/catcher/{key}/body", f"/catcher/{key}/source"):
                assert (await browser.get(path)).status_code == 404
