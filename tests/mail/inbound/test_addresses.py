"""Addresses with a token: made, and read again in whatever case mail servers leave them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from presence.mail.compose import addressable
from presence.mail.inbound.addresses import Addresses, AddressPattern
from presence.tokens import random_token
from tests.mail.inbound.cast import REPLY, TOKEN

PATTERN = AddressPattern("reply+{token}@bank.example")


def test_what_is_made_is_read_again() -> None:
    token = random_token()
    assert addressable(PATTERN.address(token))
    assert PATTERN.token(PATTERN.address(token)) == token


def test_the_token_keeps_its_case_and_the_rest_has_none() -> None:
    assert PATTERN.token(f"REPLY+{TOKEN}@Bank.Example") == TOKEN
    assert PATTERN.token(REPLY) != PATTERN.token(REPLY.swapcase())


@pytest.mark.parametrize(
    "address",
    [
        "reply@bank.example",
        "reply+short@bank.example",
        f"reply+{TOKEN}x@bank.example",
        f"reply+{TOKEN}@other.example",
        f"xreply+{TOKEN}@bank.example",
        f"reply+{TOKEN}@bank.example.evil.example",
        f"reply+{TOKEN[:-1]}-@bank.example",
        f"reply+{TOKEN[:-1]}é@bank.example",
        "",
    ],
)
def test_other_addresses_have_no_token(address: str) -> None:
    assert PATTERN.token(address) is None


@given(st.text(max_size=80))
def test_any_text_can_be_asked(text: str) -> None:
    assert PATTERN.token(text) is None


def test_one_mailbox_can_have_both_kinds() -> None:
    both = Addresses("advice+{token}@bank.example", "advice+bounce-{token}@bank.example")
    token = random_token()
    assert both.reply.token(both.bounce.address(token)) is None
    assert both.bounce.first_token(["x@y.example", both.bounce.address(token)]) == token
    assert both.ours(both.reply.address(token))
    assert not both.ours("advice@bank.example")


@pytest.mark.parametrize(
    "pattern",
    [
        "reply@bank.example",
        "{token}",
        "reply+{token}{token}@x.example",
        "reply@{token}.example",
        "",
        "a b{token}@x.example",
    ],
)
def test_a_pattern_that_makes_no_addresses_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="makes no address"):
        AddressPattern(pattern)


def test_the_two_kinds_cannot_be_the_same() -> None:
    with pytest.raises(ValueError, match="same addresses"):
        Addresses("reply+{token}@bank.example", "REPLY+{token}@bank.example")
