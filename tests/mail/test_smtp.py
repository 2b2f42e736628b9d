"""What a connection makes of a real server's answers."""

from pathlib import Path

import pytest

from presence.mail.rules import Reply
from presence.mail.smtp import Connection, Timeouts, Unreachable, probe
from tests.certificates import Certificate
from tests.mail.cast import BANK, CAROL, DAVE, MailServer, config_for, disconnect, greeting, mail, stall

RAW = mail("one").raw
SHORT = Timeouts(final_dot=0.05)


async def one(connection: Connection, recipient: str = CAROL) -> Reply:
    """Try one mail."""
    return await connection.begin(BANK, recipient, len(RAW)) or await connection.deliver(RAW)


async def test_several_mails_go_over_one_connection_each_with_its_own_recipient(server: MailServer) -> None:
    async with Connection(config_for(server.port)) as connection:
        assert (await one(connection)).sent
        assert (await one(connection, DAVE)).sent
    assert [recipient for _, recipient, _ in server.received] == [CAROL, DAVE]
    assert server.connections == 1


async def test_the_server_gets_the_very_bytes(server: MailServer) -> None:
    async with Connection(config_for(server.port)) as connection:
        await one(connection)
    assert server.received == [(BANK, CAROL, RAW)]


async def test_a_refused_recipient_does_not_end_the_connection(server: MailServer) -> None:
    server.at_recipient.append("550 5.1.1 no such user")
    async with Connection(config_for(server.port)) as connection:
        assert await one(connection) == Reply(550, "5.1.1 no such user", "recipient")
        assert connection.usable
        assert (await one(connection, DAVE)).sent


async def test_a_refused_mail_does_not_end_the_connection(server: MailServer) -> None:
    server.at_dot.append("451 4.3.0 try later")
    async with Connection(config_for(server.port)) as connection:
        assert await one(connection) == Reply(451, "451 4.3.0 try later", "data")
        assert (await one(connection)).sent


async def test_a_server_that_says_421_is_left(server: MailServer) -> None:
    server.at_sender.append("421 enough for now")
    async with Connection(config_for(server.port)) as connection:
        assert await one(connection) == Reply(421, "enough for now", "sender")
        assert not connection.usable


async def test_a_server_that_stays_silent_after_the_dot_is_left(server: MailServer) -> None:
    server.at_dot.append(stall)
    async with Connection(config_for(server.port), timeouts=SHORT) as connection:
        assert await one(connection) == Reply(0, "no answer in time", "data")
        assert not connection.usable


async def test_the_reply_to_the_dot_is_awaited_ten_minutes_and_the_others_five() -> None:
    assert Timeouts().final_dot == 600
    assert Timeouts().command == Timeouts().connect == 300


@pytest.mark.parametrize("step", ["recipient", "data"])
async def test_a_line_that_is_cut_is_no_answer(server: MailServer, step: str) -> None:
    (server.at_recipient if step == "recipient" else server.at_dot).append(disconnect)
    async with Connection(config_for(server.port)) as connection:
        reply = await one(connection)
        assert (reply.code, reply.step, reply.permanent) == (0, step, False)
        assert not connection.usable


async def test_an_address_that_smtp_cannot_carry_fails_for_good(server: MailServer) -> None:
    async with Connection(config_for(server.port)) as connection:
        assert (await one(connection, "zoé@customers.example")).permanent
        assert (await one(connection)).sent


async def test_a_greeting_that_refuses_us_is_no_connection() -> None:
    async with greeting(b"554 no service for you\r\n") as port:
        with pytest.raises(Unreachable) as refused:
            await Connection(config_for(port)).__aenter__()
    assert refused.value.reply == Reply(554, "no service for you", "connect")


async def test_nobody_listening_is_no_connection(server: MailServer) -> None:
    await server.__aexit__()
    with pytest.raises(Unreachable) as refused:
        await Connection(config_for(server.port)).__aenter__()
    assert refused.value.reply.code == 0


async def test_signing_in_with_the_wrong_password_and_then_with_the_right_one() -> None:
    async with MailServer(login=("bank", "right")) as server:
        with pytest.raises(Unreachable) as refused:
            await Connection(config_for(server.port, username="bank", password="wrong")).__aenter__()
        assert refused.value.reply.code == 535
        assert not refused.value.reply.permanent
        async with Connection(config_for(server.port, username="bank", password="right")) as connection:
            assert (await one(connection)).sent


async def test_a_server_that_wants_a_sign_in_is_our_trouble_and_not_the_recipients() -> None:
    async with MailServer(login=("bank", "right")) as server, Connection(config_for(server.port)) as connection:
        reply = await one(connection)
        assert reply.code == 530
        assert not reply.permanent


# -- TLS ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    return Certificate(tmp_path)


async def test_starttls_secures_the_line_before_the_sign_in(certificate: Certificate) -> None:
    async with MailServer(starttls=certificate.server, login=("bank", "right")) as server:
        config = config_for(server.port, tls="starttls", username="bank", password="right")
        async with Connection(config, trust=certificate.trust) as connection:
            assert (await one(connection)).sent
        assert await probe(config, trust=certificate.trust) is None


async def test_implicit_tls(certificate: Certificate) -> None:
    async with MailServer(implicit=certificate.server) as server:
        config = config_for(server.port, tls="implicit")
        async with Connection(config, trust=certificate.trust) as connection:
            assert (await one(connection)).sent


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_a_certificate_that_nobody_vouches_for_is_refused_on_loopback_too(
    certificate: Certificate, tls: str
) -> None:
    starttls, implicit = (certificate.server, None) if tls == "starttls" else (None, certificate.server)
    async with MailServer(starttls=starttls, implicit=implicit) as server:
        with pytest.raises(Unreachable):
            await Connection(config_for(server.port, tls=tls)).__aenter__()
        assert "certificate verify failed" in str(await probe(config_for(server.port, tls=tls)))


async def test_starttls_is_not_given_up_when_the_server_does_not_offer_it(server: MailServer) -> None:
    with pytest.raises(Unreachable):
        await Connection(config_for(server.port, tls="starttls")).__aenter__()
    assert server.received == []


# -- the probe ----------------------------------------------------------------------------------------------------


async def test_the_probe_finds_nothing_wrong_and_sends_nothing(server: MailServer) -> None:
    assert await probe(config_for(server.port)) is None
    assert server.received == []


async def test_the_probe_says_what_is_wrong() -> None:
    async with greeting(b"554 no service for you\r\n") as port:
        assert await probe(config_for(port)) == f"127.0.0.1:{port}: 554 no service for you"
    async with MailServer(login=("bank", "right")) as server:
        wrong = await probe(config_for(server.port, username="bank", password="wrong"))
        assert wrong is not None
        assert "535" in wrong
