"""Only our own server's word counts on whether an adviser's mail is an adviser's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from presence.mail.inbound.authentication import dmarc_passed
from presence.mail.inbound.reading import read

OURS = "mx.bank.example"


def passed(*results: str, sender: str = "From: Alice <alice@bank.example>", trusted: str = OURS) -> bool:
    headers = "".join(f"Authentication-Results: {one}\r\n" for one in results)
    return dmarc_passed(read(f"{headers}{sender}\r\n\r\nx".encode("utf-8", "replace")), trusted)


@pytest.mark.parametrize(
    "result",
    [
        "mx.bank.example; dmarc=pass (p=reject dis=none) header.from=bank.example",
        "MX.Bank.Example 1; spf=pass smtp.mailfrom=bank.example; dmarc=Pass header.from=Bank.Example",
        "mx.bank.example;\r\n\tdkim=pass header.d=bank.example;\r\n\tdmarc=pass (p=REJECT (nested)) header.from=bank.example",
        'mx.bank.example; dmarc/1 = pass header.from="bank.example"',
    ],
)
def test_a_pass_of_our_server_is_believed(result: str) -> None:
    assert passed(result)


@pytest.mark.parametrize(
    "result",
    [
        "mx.evil.example; dmarc=pass header.from=bank.example",
        "mx.bank.example.evil.example; dmarc=pass header.from=bank.example",
        "mx.bank.example; dmarc=fail header.from=bank.example",
        "mx.bank.example; dmarc=none header.from=bank.example",
        "mx.bank.example; dmarc=pass header.from=evil.example",
        "mx.bank.example; dmarc=pass",
        "mx.bank.example; spf=pass smtp.mailfrom=bank.example; dkim=pass header.d=bank.example",
        "mx.bank.example; spf=fail (dmarc=pass header.from=bank.example)",
        'mx.bank.example; spf=fail reason="; dmarc=pass header.from=bank.example"',
        "mx.bank.example; none",
        "(mx.bank.example) mx.evil.example; dmarc=pass header.from=bank.example",
        "",
    ],
)
def test_nothing_else_is(result: str) -> None:
    assert not passed(result)


def test_what_came_with_the_mail_stands_below_and_does_not_count() -> None:
    forged = f"{OURS}; dmarc=pass header.from=bank.example"
    assert not passed(f"{OURS}; dmarc=fail header.from=bank.example", forged)
    assert passed(f"{OURS}; spf=none", forged.replace("pass", "pass"))  # two headers of one server: one has the result


def test_without_a_trusted_server_nothing_passes() -> None:
    assert not passed("; dmarc=pass header.from=bank.example", trusted="")


def test_two_senders_do_not_pass() -> None:
    good = f"{OURS}; dmarc=pass header.from=bank.example"
    assert not passed(good, sender="From: alice@bank.example\r\nFrom: mallory@evil.example")
    assert not passed(good, sender="From: alice@bank.example, mallory@evil.example")


@given(st.text(max_size=200))
def test_any_header_can_be_there(text: str) -> None:
    line = " ".join(text.split())
    assert passed(f"mx.other.example; {line}") is False
