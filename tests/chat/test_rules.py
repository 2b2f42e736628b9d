"""What may be said by whom and when, and what it changes."""

from typing import Any

import msgspec
import pytest

from presence.chat import rules
from presence.chat.model import CUSTOMER, Entry, Head, Refusal, Stored

AT = 1_000_000_000
ALICE = "adviser:1"


def entry(kind: str, body: Any, sender: str = CUSTOMER, id_: str = "id") -> Entry | Refusal:
    return rules.entry(1, sender, id_, kind, msgspec.json.encode(body))


def head(**known: Any) -> Head:
    values = {
        "id": 1,
        "uid": "c",
        "state": "active",
        "last_seq": 10,
        "customer_seen": 0,
        "adviser_seen": 0,
        "preview": "",
        "answered_at": None,
        "mail_due_at": None,
        "updated_at": 0,
        "adviser_id": 1,
        "has_mail": True,
    }
    return Head(**{**values, **known})


def stored(sender: str = CUSTOMER, kind: str = "text", at: int = AT) -> Stored:
    return Stored(1, 5, at, sender, "before", kind, '{"text":"x"}')


def made(kind: str, body: Any, sender: str = CUSTOMER) -> Entry:
    found = entry(kind, body, sender)
    assert isinstance(found, Entry)
    return found


@pytest.mark.parametrize(
    ("kind", "body", "code"),
    [
        ("text", {"text": ""}, "empty"),
        ("text", {"text": " \n\u0000 "}, "empty"),
        ("text", {"text": "x" * 8001}, "too-long"),
        ("text", {}, "unknown"),
        ("text", None, "unknown"),
        ("text", {"text": 1}, "unknown"),
        ("note", {"text": "I am no adviser"}, "unknown"),
        ("closed", {"by": "customer"}, "unknown"),
        ("joined", {"name": "Alice"}, "unknown"),
        ("edit", {"seq": 1, "text": ""}, "empty"),
        ("edit", {"seq": 0, "text": "x"}, "unknown"),
        ("withdraw", {"seq": 2**70}, "unknown"),
        ("seen", {"seq": -1}, "unknown"),
        ("seen", {"seq": "1"}, "unknown"),
        ("file", {"file": "../../etc/passwd\u0000"}, "unknown"),
        ("file", {"file": ""}, "unknown"),
    ],
)
def test_what_cannot_be_said(kind: str, body: Any, code: str) -> None:
    assert entry(kind, body) == Refusal(code)


@pytest.mark.parametrize("id_", ["", "x" * 65, "zero\u0000", "line\nend"])
def test_what_is_no_id(id_: str) -> None:
    assert entry("text", {"text": "x"}, id_=id_) == Refusal("unknown")


def test_nothing_that_a_client_adds_is_kept() -> None:
    said = made("text", {"text": " Hello\r\nAlice\u0007 ", "via": "mail", "unverified": "x", "by": ALICE})
    assert said.body == '{"text":"Hello\\nAlice"}'
    shown = made("file", {"file": "abc", "name": "evil.svg", "type": "image/svg+xml", "size": 1})
    assert msgspec.json.decode(shown.body) == {"file": "abc", "name": "", "type": "", "size": 0}
    assert made("text", {"text": "x" * 8000}).sender == CUSTOMER
    assert made("note", {"text": "a note"}, ALICE).kind == "note"


def test_own_texts_are_changed_for_fifteen_minutes_and_not_after() -> None:
    edit, withdraw = made("edit", {"seq": 5, "text": "y"}), made("withdraw", {"seq": 5})
    last = AT + 15 * 60 * 1000
    for one in (edit, withdraw):
        assert rules.refusal(head(), one, last, stored()) is None
        assert rules.refusal(head(), one, last + 1, stored()) == Refusal("too-late")
        assert rules.refusal(head(), one, AT, stored(ALICE)) == Refusal("not-yours")
        assert rules.refusal(head(), one, AT, None) == Refusal("not-yours")
        assert rules.refusal(head(), one, AT, stored(kind="seen")) == Refusal("not-yours")
    assert rules.refusal(head(), edit, AT, stored(kind="file")) == Refusal("not-yours")
    assert rules.refusal(head(), withdraw, AT, stored(kind="file")) is None


def test_a_note_is_withdrawn_but_never_edited_for_an_edit_reaches_the_customer() -> None:
    edit, withdraw = made("edit", {"seq": 5, "text": "y"}, ALICE), made("withdraw", {"seq": 5}, ALICE)
    assert rules.refusal(head(), edit, AT, stored(ALICE, "note")) == Refusal("not-yours")
    assert rules.refusal(head(), withdraw, AT, stored(ALICE, "note")) is None


def test_marks_name_what_is_there_and_only_go_forward() -> None:
    assert rules.refusal(head(), made("seen", {"seq": 11}), AT, None) == Refusal("unknown")
    assert rules.refusal(head(), made("got", {"seq": 10}), AT, None) is None
    one = head(customer_seen=7)
    rules.advance(one, made("seen", {"seq": 9}), AT)
    rules.advance(one, made("seen", {"seq": 3}), AT)
    rules.advance(one, made("got", {"seq": 10}), AT)
    assert (one.customer_seen, one.last_seq) == (9, 13)
    rules.advance(one, made("seen", {"seq": 4}, ALICE), AT)
    rules.advance(one, made("seen", {"seq": 2}, ALICE), AT)
    assert one.adviser_seen == 4


def test_what_is_closed_takes_notes_and_marks_only() -> None:
    over = head(state="closed")
    assert rules.refusal(over, made("text", {"text": "x"}), AT, None) == Refusal("closed")
    assert rules.refusal(over, made("note", {"text": "x"}, ALICE), AT, None) is None
    assert rules.refusal(over, made("seen", {"seq": 1}), AT, None) is None
    assert rules.refusal(None, made("text", {"text": "x"}), AT, None) == Refusal("unknown")


def test_an_unseen_answer_is_due_by_mail_until_all_is_seen() -> None:
    one = head()
    rules.advance(one, made("text", {"text": "An answer"}, ALICE), AT)
    due = AT // 1000 + rules.MAIL_AFTER
    assert (one.mail_due_at, one.answered_at, one.preview) == (due, AT // 1000, "An answer")
    rules.advance(one, made("seen", {"seq": 10}), AT)  # crossed the answer
    assert (one.mail_due_at,) == (due,)
    rules.advance(one, made("seen", {"seq": 12}), AT)
    assert one.mail_due_at is None
    for silent in (head(has_mail=False), head()):
        rules.advance(silent, made("note", {"text": "A secret"}, ALICE), AT)
        assert (silent.mail_due_at, silent.preview) == (None, "")
