"""An appointment's mails go through Debian's Postfix, and come out as they went in."""

import asyncio
import datetime as dt
import email
import email.policy
import shutil
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
from icalendar import Calendar
from sqlalchemy import select
from starlette.applications import Starlette

from bench.ports import free_port
from presence.app import create_app
from presence.booking.requests import BookRequest, OfferRequest
from presence.booking.service import Booking
from presence.config import Config, DatabaseConfig, MailConfig, OrganisationConfig, ServerConfig
from presence.mail.smtp import probe
from presence.mail.worker import MailWorker
from presence.storage.tables import outbox
from tests.certificates import Certificate
from tests.mail.cast import CAROL, DAVE, MailServer, running
from tests.mail.postfix import postfix
from tests.support import FrozenClock, adviser, service

PATIENCE = 60  # seconds until a test that waits for Postfix gives up


class Bank(NamedTuple):
    """The application, the way to its mail server, and where that server hands mails on to."""

    app: Starlette
    config: Config
    trust: ssl.SSLContext
    onward: MailServer

    @asynccontextmanager
    async def sending(self) -> AsyncIterator[MailWorker]:
        database, clock = self.app.state.database, self.app.state.presence.clock
        async with asyncio.timeout(PATIENCE):
            async with running(MailWorker(database, clock, self.config.mail, trust=self.trust)) as worker:
                yield worker

    async def delivered(self, count: int) -> dict[str, EmailMessage]:
        """The next mails that come out of Postfix, by recipient."""
        while len(self.onward.received) < count:
            self.onward.arrived.clear()
            await self.onward.arrived.wait()
        mails = {}
        for _, recipient, raw in self.onward.received:
            message = email.message_from_bytes(raw, _class=EmailMessage, policy=email.policy.default)
            assert not message.defects
            mails[recipient] = message
        self.onward.received.clear()
        return mails

    async def stored(self) -> dict[str, tuple[str, str, str]]:
        """Recipient -> (Message-ID, state, what the server said) of what is in the outbox."""
        columns = (outbox.c.recipient, outbox.c.message_id, outbox.c.state, outbox.c.last_error)
        rows = await self.app.state.database.read(
            lambda connection: connection.execute(select(*columns).order_by(outbox.c.id)).all()
        )
        return {recipient: (message_id, state, said) for recipient, message_id, state, said in rows}


@pytest.fixture
def postfix_port(tmp_path: Path) -> Iterator[tuple[int, int, ssl.SSLContext]]:
    """Where Postfix listens, where it hands mails on to, and whom to trust."""
    certificate, onward = Certificate(tmp_path), free_port()
    with postfix(tmp_path / "postfix", certificate=tmp_path / "mail.pem", onward=onward) as port:
        yield port, onward, certificate.trust


@pytest.fixture
async def bank(
    postfix_port: tuple[int, int, ssl.SSLContext], migrated: Path, tmp_path: Path, clock: FrozenClock
) -> AsyncIterator[Bank]:
    port, onward, trust = postfix_port
    shutil.copyfile(migrated, tmp_path / "presence.db")
    config = Config(
        server=ServerConfig(base_url="https://rdv.bank.example", secret_key="s" * 40),
        database=DatabaseConfig(url=f"sqlite:///{tmp_path / 'presence.db'}"),
        organisation=OrganisationConfig(name="Banque Lumière"),
        mail=MailConfig(host="127.0.0.1", port=port, tls="starttls", sender="rendezvous@bank.example"),
        advisers=(adviser("alice", name="Alice Müller-Lefèvre"),),
        services=(service(name={"en": "A talk about money", "fr": "Un entretien – épargne & crédit"}),),
    )
    app = create_app(config, clock, workers=False)
    async with MailServer(port=onward) as server, app.router.lifespan_context(app):
        yield Bank(app, config, trust, server)


async def carols(booking: Booking, **changes: object) -> BookRequest:
    start = (await booking.offers(OfferRequest(service="talk"))).starts[20]
    request = BookRequest(
        request_key="carol-1",
        service="talk",
        start=start,
        name="Carol Jönsson",
        email=CAROL,
        language="fr",
        zone="Europe/London",
    )
    return msgspec.structs.replace(request, **changes)


async def test_everybody_gets_the_invitation_and_then_its_cancellation(bank: Bank) -> None:
    booking: Booking = bank.app.state.booking
    booked = await booking.book(await carols(booking, guests=(DAVE,)))
    async with bank.sending() as worker:
        invited = await bank.delivered(3)
        await worker.idle()
        sent = await bank.stored()
        await booking.cancel(booked.token, "ill")
        worker.wake()
        cancelled = await bank.delivered(3)
    assert set(invited) == set(cancelled) == {CAROL, DAVE, "alice@bank.example"}
    assert {recipient: (str(mail["Message-ID"]), "sent") for recipient, mail in invited.items()} == {
        recipient: (message_id, state) for recipient, (message_id, state, _) in sent.items()
    }
    for mails, method in ((invited, "REQUEST"), (cancelled, "CANCEL")):
        for mail in mails.values():
            assert [part.get_content_type() for part in mail.iter_parts()] == [
                "text/plain",
                "text/html",
                "text/calendar",
            ]
            *_, part = mail.iter_parts()
            assert isinstance(part, EmailMessage)
            assert part["Content-Type"].params["method"] == method
            content = part.get_payload(decode=True)
            assert isinstance(content, bytes)
            calendar = Calendar.from_ical(content)
            assert calendar["METHOD"] == method
            (event,) = calendar.events
            assert event["UID"] == booked.appointment.uid
            assert isinstance(event.start, dt.datetime)
            assert event.start.timestamp() == booked.appointment.starts_at
            assert event["SEQUENCE"] == (method == "CANCEL")
    assert "Un entretien – épargne & crédit" in str(invited[CAROL]["Subject"])


async def test_an_address_that_postfix_refuses_is_told_to_the_adviser(bank: Bank) -> None:
    booking: Booking = bank.app.state.booking
    booked = await booking.book(await carols(booking, email="nobody@customers.example"))
    async with bank.sending() as worker:
        assert set(await bank.delivered(1)) == {"alice@bank.example"}
        await worker.idle()
    _, state, said = (await bank.stored())["nobody@customers.example"]
    assert state == "failed"
    assert "5.7.1" in said
    (alice,) = await bank.app.state.roster.advisers()
    shown = await bank.app.state.desk.appointment(alice.id, booked.appointment.id)
    assert [recipient for recipient, _ in shown.failures] == ["nobody@customers.example"]


async def test_the_way_to_postfix_is_found_good_and_its_certificate_is_looked_at(bank: Bank) -> None:
    assert await probe(bank.config.mail, trust=bank.trust) is None
    assert "certificate verify failed" in str(await probe(bank.config.mail))
