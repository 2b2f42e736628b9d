"""A mailbox at Debian's Dovecot: what is for us is fetched as it comes, and marked only once it is committed."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
import structlog

from presence.errors import Unavailable
from presence.mail.inbound.addresses import Addresses
from presence.mail.inbound.imap import ImapDoor
from presence.mail.inbound.imap_session import Account, ImapError, ImapSession, Timeouts
from presence.mail.inbound.model import InboundEnvelope, Verdict
from tests.certificates import Certificate
from tests.mail.cast import FakeTime
from tests.mail.inbound.cast import CAROL, REPLY, Keeper, raw_mail
from tests.mail.inbound.dovecot import PASSWORD, Dovecot, dovecot

OURS = Addresses("reply+{token}@bank.example", "bounce+{token}@bank.example").ours
LARGEST = 200_000
PATIENCE = 30  # seconds until a test gives up


class Mailbox:
    """A mailbox of one test, and how to get at it."""

    def __init__(self, server: Dovecot, certificate: Certificate, user: str) -> None:
        self.server = server
        self.trust = certificate.trust
        self.user = user

    def account(self, **changes: Any) -> Account:
        values = {"host": "127.0.0.1", "port": self.server.plain, "tls": "none"}
        return Account(**{**values, "username": self.user, "password": PASSWORD, **changes})

    def session(self, *, largest: int = LARGEST, timeouts: Timeouts | None = None, **changes: Any) -> ImapSession:
        return ImapSession(self.account(**changes), trust=self.trust, largest=largest, timeouts=timeouts)

    def put(self, name: str, raw: bytes) -> None:
        self.server.put(self.user, name, raw)

    @property
    def seen(self) -> set[str]:
        return self.server.seen(self.user)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Dovecot, Certificate]]:
    directory = tmp_path_factory.mktemp("dovecot")
    certificate = Certificate(directory)
    with dovecot(directory / "home", directory / "mail.pem") as server:
        yield server, certificate


@pytest.fixture
def mailbox(running: tuple[Dovecot, Certificate]) -> Mailbox:
    return Mailbox(*running, user=f"{uuid.uuid4().hex}@bank.example")


class Watched(Keeper):
    """Tells of every mail that is brought."""

    def __init__(self) -> None:
        super().__init__()
        self.brought: asyncio.Queue[InboundEnvelope] = asyncio.Queue()

    async def deliver(self, mail: InboundEnvelope) -> Verdict:
        self.brought.put_nowait(mail)
        return await super().deliver(mail)

    async def next(self) -> InboundEnvelope:
        async with asyncio.timeout(PATIENCE):
            return await self.brought.get()


@contextlib.asynccontextmanager
async def at_the_door(mailbox: Mailbox, keeper: Keeper, **options: Any) -> AsyncIterator[ImapDoor]:
    """A door at work."""
    options = {"max_bytes": LARGEST, **options}
    opened = ImapDoor(mailbox.account(), keeper.deliver, OURS, **options)
    with structlog.testing.capture_logs():
        task = asyncio.create_task(opened.run())
        try:
            yield opened
        finally:
            opened.stop()
            async with asyncio.timeout(PATIENCE):
                await task


async def until(true: Callable[[], bool]) -> None:
    """What is awaited happens in Dovecot's files, which tell nobody."""
    async with asyncio.timeout(PATIENCE):
        while not true():
            await asyncio.sleep(0.01)


async def test_what_was_there_and_what_comes_is_fetched_and_marked(mailbox: Mailbox) -> None:
    keeper = Watched()
    mailbox.put("1", raw_mail("One"))
    async with at_the_door(mailbox, keeper):
        assert (await keeper.next()).raw == raw_mail("One")
        await until(lambda: mailbox.seen == {"1"})
        mailbox.put("2", raw_mail("Two"))  # the server tells of it: IDLE
        assert (await keeper.next()).raw == raw_mail("Two")
        await until(lambda: mailbox.seen == {"1", "2"})
    first = keeper.taken[0]
    assert (first.recipients, first.via, first.sender, first.cut) == ((REPLY,), "imap", None, False)


async def test_nothing_is_marked_before_it_is_committed(mailbox: Mailbox) -> None:
    begun, committed = asyncio.Event(), asyncio.Event()

    class Slow(Keeper):
        async def deliver(self, mail: InboundEnvelope) -> Verdict:
            begun.set()
            await committed.wait()
            return await super().deliver(mail)

    mailbox.put("1", raw_mail())
    async with at_the_door(mailbox, Slow()):
        async with asyncio.timeout(PATIENCE):
            await begun.wait()
        async with mailbox.session() as other:
            assert len(await other.unseen()) == 1
        committed.set()
        await until(lambda: mailbox.seen == {"1"})


async def test_what_the_database_cannot_take_is_brought_again(mailbox: Mailbox) -> None:
    keeper, time = Watched(), FakeTime()
    keeper.trouble.append(Unavailable())
    mailbox.put("1", raw_mail())
    async with at_the_door(mailbox, keeper, rest=time.rest):
        await keeper.next()
        await until(lambda: time.waits_for(30))
        assert mailbox.seen == set()
        time.advance(30)
        await keeper.next()
        await until(lambda: mailbox.seen == {"1"})
    assert len(keeper.taken) == 1


async def test_others_mail_is_left_for_them(mailbox: Mailbox) -> None:
    keeper = Watched()
    mailbox.put("1", raw_mail("Not for us", to="advice@bank.example"))
    mailbox.put("2", raw_mail("For us"))
    async with at_the_door(mailbox, keeper):
        await keeper.next()
        await until(lambda: mailbox.seen == {"2"})
    assert [mail.raw for mail in keeper.taken] == [raw_mail("For us")]


async def test_a_mail_for_an_address_that_is_none_of_ours_any_more_is_left_and_asked_about_once(
    mailbox: Mailbox,
) -> None:
    keeper = Watched()
    keeper.verdict = Verdict.UNKNOWN
    mailbox.put("1", raw_mail("One"))
    async with at_the_door(mailbox, keeper):
        await keeper.next()
        mailbox.put("2", raw_mail("Two"))
        assert (await keeper.next()).raw == raw_mail("Two")
    assert mailbox.seen == set()


async def test_a_mail_at_which_we_fail_does_not_stop_the_others(mailbox: Mailbox) -> None:
    keeper = Watched()
    keeper.trouble.append(RuntimeError("a bug"))
    mailbox.put("1", raw_mail("One"))
    async with at_the_door(mailbox, keeper):
        await keeper.next()
        mailbox.put("2", raw_mail("Two"))
        await keeper.next()
        await until(lambda: mailbox.seen == {"2"})


async def test_of_a_mail_that_is_too_large_the_beginning_is_fetched(mailbox: Mailbox) -> None:
    keeper = Watched()
    mailbox.put("1", raw_mail(("x" * 70 + "\r\n") * 5000))
    async with at_the_door(mailbox, keeper):
        found = await keeper.next()
        await until(lambda: mailbox.seen == {"1"})
    assert found.cut
    assert len(found.raw) == 65_536


async def test_a_mail_delivered_under_another_name_is_found_by_its_envelope(mailbox: Mailbox) -> None:
    keeper = Watched()
    raw = f"Delivered-To: {REPLY}\r\nReturn-Path: <{CAROL}>\r\n".encode() + raw_mail(to="undisclosed-recipients:;")
    mailbox.put("1", raw)
    async with at_the_door(mailbox, keeper):
        found = await keeper.next()
    assert (found.recipients, found.sender) == ((REPLY,), CAROL)


async def test_a_server_that_goes_is_found_again(mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    keeper, time = Watched(), FakeTime()
    sessions: list[ImapSession] = []
    enter = ImapSession.__aenter__

    async def noted(self: ImapSession) -> ImapSession:
        sessions.append(self)
        return await enter(self)

    monkeypatch.setattr(ImapSession, "__aenter__", noted)
    mailbox.put("1", raw_mail("One"))
    async with at_the_door(mailbox, keeper, rest=time.rest):
        await keeper.next()
        await until(lambda: mailbox.seen == {"1"})
        writer = sessions[0]._writer
        assert writer is not None
        writer.transport.abort()
        await until(lambda: any(time.waits_for(seconds) for seconds in range(4, 7)))
        mailbox.put("2", raw_mail("Two"))
        time.advance(6)
        assert (await keeper.next()).raw == raw_mail("Two")
        await until(lambda: mailbox.seen == {"1", "2"})
    assert len(sessions) == 2


async def test_a_wrong_password_is_told_and_tried_again_later(mailbox: Mailbox) -> None:
    with pytest.raises(ImapError) as caught:
        async with mailbox.session(password="wrong"):
            pass
    assert "wrong" not in str(caught.value)
    assert "AUTHENTICATIONFAILED" in str(caught.value)
    with pytest.raises(ImapError):
        async with mailbox.session(folder="No such folder"):
            pass


@pytest.mark.parametrize("tls", ["none", "starttls", "implicit"])
async def test_the_connection_is_secured_as_configured(mailbox: Mailbox, tls: str) -> None:
    port = mailbox.server.implicit if tls == "implicit" else mailbox.server.plain
    mailbox.put("1", raw_mail())
    async with mailbox.session(tls=tls, port=port) as session:
        assert await session.unseen() == [1]
        assert session.validity > 0
        assert session.can_idle
        assert session._writer is not None
        assert (session._writer.get_extra_info("cipher") is not None) == (tls != "none")


async def test_a_certificate_that_nobody_vouches_for_is_not_accepted(mailbox: Mailbox) -> None:
    with pytest.raises(OSError, match="certificate verify failed"):
        async with ImapSession(mailbox.account(tls="starttls"), largest=LARGEST):
            pass


async def test_a_server_without_plain_is_signed_in_to_by_login(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = ImapSession._ask_capabilities

    async def without_plain(self: ImapSession) -> None:
        await ask(self)
        self._capabilities -= {"AUTH=PLAIN"}

    monkeypatch.setattr(ImapSession, "_ask_capabilities", without_plain)
    async with mailbox.session() as session:
        assert await session.unseen() == []


async def test_a_session_tells_what_it_is_asked(mailbox: Mailbox) -> None:
    raw = raw_mail("é" * 10)
    mailbox.put("1", raw)
    async with mailbox.session() as session:
        found = await session.header(1)
        assert found == (len(raw), raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\n")
        assert await session.mail(1) == raw
        assert await session.mail(1, 10) == raw[:10]
        assert await session.unseen() == [1]  # reading marks nothing
        assert await session.header(99) is None
        assert await session.mail(99) is None
        await session.mark_seen(1)
        assert await session.unseen() == []


async def test_more_than_was_asked_for_is_not_read(mailbox: Mailbox) -> None:
    mailbox.put("1", raw_mail("x" * 5000))
    with pytest.raises(ImapError, match="more than was asked for"):
        async with mailbox.session(largest=1000) as session:
            await session.mail(1)


async def test_idle_ends_by_itself_before_the_server_tires_and_when_stopped(mailbox: Mailbox) -> None:
    stop = asyncio.Event()
    async with mailbox.session(timeouts=Timeouts(idle=0.05)) as session:
        await session.news(stop)  # nothing came
        assert await session.unseen() == []
    async with mailbox.session() as session:
        assert await session.unseen() == []
        waiting = asyncio.create_task(session.news(stop))
        stop.set()
        async with asyncio.timeout(PATIENCE):
            await waiting
        mailbox.put("1", raw_mail())
        async with asyncio.timeout(PATIENCE):
            await session.news(asyncio.Event())
        assert await session.unseen() == [1]


async def test_a_folder_with_accents_is_found(mailbox: Mailbox) -> None:
    mailbox.server.folder(mailbox.user, ".R&AOk-ponses")
    async with mailbox.session(folder="Réponses") as session:
        assert await session.unseen() == []
