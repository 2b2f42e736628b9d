"""What becomes of a mail after a try."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from presence.mail.rules import RECONNECT, STEPS, Reply, Step, deadline, reconnect_after, verdict, without_addresses

NOW = 1_795_000_000
FAR = NOW + 72 * 3600


def test_a_mail_that_the_server_took_is_sent() -> None:
    assert verdict(Reply(250, "queued as 42"), 1, NOW, FAR, 0.5).state == "sent"


def test_a_yes_to_the_recipient_is_not_yet_a_mail_that_was_taken() -> None:
    assert verdict(Reply(250, "fine", "recipient"), 1, NOW, FAR, 0.5).state == "queued"


@pytest.mark.parametrize("code", [0, 421, 450, 451, 452])
@pytest.mark.parametrize("step", ["sender", "recipient", "data"])
def test_what_is_temporary_is_tried_after_a_minute_five_fifteen_an_hour_and_then_every_four_hours(
    code: int, step: Step
) -> None:
    waits = [verdict(Reply(code, "later", step), tries, NOW, FAR, 0.5).due_at - NOW for tries in range(1, 8)]
    assert waits == [60, 300, 900, 3600, 14_400, 14_400, 14_400]


@pytest.mark.parametrize("step", ["recipient", "data"])
def test_a_refused_recipient_or_mail_fails_for_good(step: Step) -> None:
    outcome = verdict(Reply(550, "5.1.1 no such user", step), 1, NOW, FAR, 0.5)
    assert outcome == ("failed", 0, "550 5.1.1 no such user")


@pytest.mark.parametrize(
    "reply",
    [
        Reply(554, "no service", "connect"),
        Reply(550, "sender refused", "sender"),
        Reply(530, "authentication required", "recipient"),
        Reply(535, "bad credentials", "connect"),
    ],
)
def test_what_is_our_own_trouble_is_not_the_recipients(reply: Reply) -> None:
    assert verdict(reply, 1, NOW, FAR, 0.5).state == "queued"


def test_a_mail_that_is_too_big_will_not_shrink() -> None:
    assert verdict(Reply(552, "too big", "sender"), 1, NOW, FAR, 0.5).state == "failed"


@given(
    tries=st.integers(1, 100),
    left=st.integers(-100_000, 400_000),
    chance=st.floats(0, 1, exclude_max=True),
    code=st.sampled_from([0, 421, 451]),
)
def test_no_retry_is_planned_at_or_past_the_deadline(tries: int, left: int, chance: float, code: int) -> None:
    outcome = verdict(Reply(code), tries, NOW, NOW + left, chance)
    if outcome.state == "queued":
        assert NOW < outcome.due_at < NOW + left
        assert outcome.due_at - NOW <= STEPS[-1] * 1.2
    else:
        assert outcome.state == "expired"
        assert left < STEPS[min(tries, len(STEPS)) - 1] * 1.2


def test_a_reminder_is_tried_again_while_there_is_time() -> None:
    due, tries = NOW, 2
    while (outcome := verdict(Reply(0, "down"), tries, due, NOW + 600, 0.5)).state == "queued":
        due, tries = outcome.due_at, tries + 1
    assert NOW + 450 < due < NOW + 600
    assert outcome.state == "expired"


def test_a_mail_is_given_up_when_it_was_tried_for_long_enough_or_is_of_no_use() -> None:
    assert deadline(NOW + 1000, NOW, 500) == NOW + 500
    assert deadline(NOW + 400, NOW, 500) == NOW + 400


def test_a_server_that_cannot_be_used_is_tried_less_and_less_often() -> None:
    assert [reconnect_after(failures, 0.5) for failures in range(1, 7)] == [*RECONNECT, 300, 300]


def test_chance_spreads_retries_by_a_fifth() -> None:
    waits = [verdict(Reply(451), 1, NOW, FAR, chance).due_at - NOW for chance in (0, 0.5, 0.999)]
    assert waits == [48, 60, 71]


def test_a_servers_words_are_kept_without_addresses() -> None:
    said = "550 <carol@customers.example>: Recipient\r\n address carol@customers.example rejected"
    assert without_addresses(said) == "550 <address>: Recipient address <address> rejected"
    assert len(without_addresses("x" * 1000)) == 300
