"""What delivery reports say of mails of ours, and whether their address is to blame."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from presence.mail.inbound.bounces import read_bounce
from presence.mail.inbound.reading import read
from tests.mail.inbound.cast import TOKEN, files, mail


@pytest.mark.parametrize(
    ("name", "status", "failed", "hard"),
    [
        ("unknown-user", "5.1.1", True, True),
        ("exchange", "5.1.10", True, True),
        ("qmail", "5.1.1", True, True),
        ("exim", "5.1.1", True, True),
        ("mailbox-full", "5.2.2", True, False),
        ("refused-as-spam", "5.7.1", True, False),
        ("expired", "4.4.7", True, False),
        ("delayed", "4.4.1", False, False),
        ("relayed", "2.0.0", False, False),
    ],
)
def test_a_report_tells_whether_to_try_again(name: str, status: str, failed: bool, hard: bool) -> None:
    found = read_bounce(mail(f"bounces/{name}"))
    assert found is not None
    assert (found.status, found.failed, found.hard) == (status, failed, hard)


@pytest.mark.parametrize("name", ["unknown-user", "exchange", "exim"])
def test_a_report_names_the_mail_and_who_did_not_get_it(name: str) -> None:
    found = read_bounce(mail(f"bounces/{name}"))
    assert found is not None
    assert (found.recipient, found.message_id) == ("dave@customers.example", "<original@bank.example>")


def test_what_the_server_said_names_no_address() -> None:
    found = read_bounce(mail("bounces/unknown-user"))
    assert found is not None
    assert "@" not in found.diagnostic
    assert "User unknown" in found.diagnostic


def test_the_return_path_says_which_mail_came_back() -> None:
    assert all(any(TOKEN in address for address in read(file.read_bytes()).recipients) for file in files("bounces"))


def test_the_worst_of_several_recipients_counts() -> None:
    blocks = "\n\n".join(
        ["Reporting-MTA: dns; x", "Action: delayed\nStatus: 4.0.0", "Action: failed\nStatus: 5.1.1", "Action: relayed"]
    )
    raw = f"Content-Type: multipart/report; boundary=b\n\n--b\n\nSorry.\n--b\nContent-Type: message/delivery-status\n\n{blocks}"
    found = read_bounce(read(raw.encode()))
    assert found is not None
    assert (found.action, found.status) == ("failed", "5.1.1")


@pytest.mark.parametrize(
    "name", ["away/read-receipt", "away/en-by-header", "people/changed-subject", "away/null-sender"]
)
def test_other_mail_is_no_delivery_report(name: str) -> None:
    assert read_bounce(mail(name)) is None


@given(st.text(max_size=500))
def test_any_status_is_read(status: str) -> None:
    raw = f"Return-Path: <>\nContent-Type: multipart/report; boundary=b\n\n--b\n\nx\n--b\nContent-Type: message/delivery-status\n\n{status}"
    read_bounce(read(raw.encode("utf-8", "replace")))
