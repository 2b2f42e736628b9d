"""The rows of the outbox and the leases on them."""

import contextlib

from sqlalchemy import Connection

from presence.mail import outbox
from presence.mail.outbox import Backlog, Batch, Claimed
from presence.mail.rules import Verdict
from presence.storage.database import Database
from tests.mail.cast import CAROL, DAVE, DAY, NOW, an_appointment, mail, put, rows, states


async def claim(database: Database, lease: str, *, now: int = NOW, count: int = 10) -> Batch:
    return await database.write(
        lambda connection: outbox.claim(connection, lease=lease, now=now, until=now + 90, count=count)
    )


async def record(database: Database, *outcomes: tuple[Claimed, Verdict]) -> set[int]:
    return await database.write(lambda connection: outbox.record(connection, outcomes, NOW))


async def test_a_message_id_is_stored_once(database: Database) -> None:
    await put(database, mail("one"), mail("two"))
    await put(database, mail("two", recipient=DAVE), mail("three"))
    assert await states(database) == {"one": "queued", "two": "queued", "three": "queued"}
    assert (await rows(database))["two"].recipient == CAROL


async def test_nothing_is_stored_when_there_is_nothing(database: Database) -> None:
    await put(database)
    assert await rows(database) == {}


async def test_a_mail_is_undone_with_what_caused_it(database: Database) -> None:
    def fails(connection: Connection) -> None:
        outbox.enqueue(connection, [mail("one")], appointment_id=None, now=NOW, expires_at=NOW + DAY)
        raise LookupError

    with contextlib.suppress(LookupError):
        await database.write(fails)
    assert await rows(database) == {}


async def test_a_claimed_mail_is_nobody_elses(database: Database) -> None:
    await put(database, *[mail(str(number)) for number in range(5)])
    first, second = await claim(database, "a", count=3), await claim(database, "b")
    assert [len(first.mails), len(second.mails)] == [3, 2]
    assert not {one.id for one in first.mails} & {one.id for one in second.mails}
    assert {row.state for row in (await rows(database)).values()} == {"attempting"}


async def test_a_claimed_mail_has_the_very_bytes_that_were_stored(database: Database) -> None:
    await put(database, mail("one"))
    (claimed,) = (await claim(database, "a")).mails
    assert (claimed.raw, claimed.recipient, claimed.attempts) == (mail("one").raw, CAROL, 1)


async def test_a_mail_is_not_claimed_before_it_is_due(database: Database) -> None:
    def later(connection: Connection) -> None:
        outbox.enqueue(connection, [mail("one")], appointment_id=None, now=NOW, due_at=NOW + 60, expires_at=NOW + DAY)

    await database.write(later)
    assert (await claim(database, "a", now=NOW + 59)).mails == ()
    assert await database.read(outbox.next_due) == NOW + 60
    assert len((await claim(database, "a", now=NOW + 60)).mails) == 1


async def test_a_mail_that_is_too_old_is_marked_and_not_sent(database: Database) -> None:
    await put(database, mail("old"), expires_at=NOW + 10)
    await put(database, mail("fresh"))
    batch = await claim(database, "a", now=NOW + 10)
    assert (len(batch.mails), batch.expired) == (1, 1)
    assert await states(database) == {"old": "expired", "fresh": "attempting"}


async def test_a_lost_lease_is_claimed_again_and_fences_out_the_one_who_lost_it(database: Database) -> None:
    await put(database, mail("one"))
    (paused,) = (await claim(database, "paused")).mails
    assert (await claim(database, "other", now=NOW + 89)).mails == ()
    (taken,) = (await claim(database, "other", now=NOW + 90)).mails
    assert taken.attempts == 2
    assert await record(database, (paused, Verdict("failed", error="550"))) == set()
    assert await states(database) == {"one": "attempting"}
    assert await record(database, (taken, Verdict("sent"))) == {taken.id}
    assert await record(database, (paused, Verdict("queued", NOW + 60))) == set()
    assert await states(database) == {"one": "sent"}


async def test_outcomes_are_recorded_together(database: Database) -> None:
    await put(database, *[mail(name) for name in ("sent", "too", "later", "never")])
    sent, too, later, never = (await claim(database, "a")).mails
    recorded = await record(
        database,
        (sent, Verdict("sent")),
        (later, Verdict("queued", NOW + 60, "451 later")),
        (never, Verdict("failed", error="550 no")),
        (too, Verdict("sent")),
    )
    assert recorded == {sent.id, too.id, later.id, never.id}
    found = await rows(database)
    assert [found[name].state for name in ("sent", "too", "later", "never")] == ["sent", "sent", "queued", "failed"]
    assert (found["later"].due_at, found["later"].last_error) == (NOW + 60, "451 later")
    assert (found["sent"].sent_at, found["never"].sent_at) == (NOW, None)


async def test_a_renewed_lease_is_not_lost(database: Database) -> None:
    await put(database, mail("one"), mail("two"))
    one, two = (await claim(database, "a")).mails
    await record(database, (two, Verdict("sent")))
    kept = await database.write(lambda connection: outbox.renew(connection, {"a"}, NOW + 150))
    assert kept == {one.id}
    assert (await claim(database, "b", now=NOW + 149)).mails == ()


async def test_what_is_handed_back_was_not_tried(database: Database) -> None:
    await put(database, mail("one"), mail("two"))
    held = (await claim(database, "a")).mails
    await database.write(lambda connection: outbox.hand_back(connection, held[:1], "421 closed"))
    await database.write(lambda connection: outbox.hand_back(connection, held[1:]))
    found = await rows(database)
    assert [(row.state, row.attempts, row.due_at) for row in found.values()] == [("queued", 0, NOW)] * 2
    assert [row.last_error for row in found.values()] == ["421 closed", ""]


async def test_a_stale_hand_back_does_not_take_a_mail_from_its_new_holder(database: Database) -> None:
    await put(database, mail("one"))
    stale = (await claim(database, "a")).mails
    await claim(database, "b", now=NOW + 90)
    await database.write(lambda connection: outbox.hand_back(connection, stale))
    assert (await rows(database))["one"].lease == "b"


async def test_a_withdrawn_reminder_is_not_sent_even_when_a_worker_has_it(database: Database) -> None:
    appointment = await an_appointment(database)

    def enqueue(connection: Connection) -> None:
        mails = [mail("reminder", kind="reminder"), mail("confirmation")]
        outbox.enqueue(connection, mails, appointment_id=appointment, now=NOW, expires_at=NOW + DAY)

    await database.write(enqueue)
    held = (await claim(database, "a")).mails
    await database.write(lambda connection: outbox.withdraw(connection, appointment, kind="reminder"))
    assert await database.write(lambda connection: outbox.renew(connection, {"a"}, NOW + 90)) == {held[1].id}
    await database.write(lambda connection: outbox.hand_back(connection, held))
    assert await states(database) == {"reminder": "withdrawn", "confirmation": "queued"}


async def test_the_adviser_is_told_of_mails_that_will_not_arrive_and_only_of_them(database: Database) -> None:
    appointment = await an_appointment(database)

    def enqueue(connection: Connection) -> None:
        mails = [mail("a"), mail("b", recipient=DAVE), mail("c"), mail("d", kind="reminder")]
        outbox.enqueue(connection, mails, appointment_id=appointment, now=NOW, expires_at=NOW + DAY)
        outbox.withdraw(connection, appointment, kind="reminder")

    await database.write(enqueue)
    a, b, c = (await claim(database, "a")).mails
    await record(
        database,
        (a, Verdict("sent")),
        (b, Verdict("failed", error="550 5.1.1 no such user")),
        (c, Verdict("queued", NOW + 60, "451 later")),
    )
    failures = await database.read(lambda connection: outbox.failures_of(connection, appointment))
    assert failures == [(DAVE, "550 5.1.1 no such user")]


async def test_the_backlog_is_what_waits_and_since_when(database: Database) -> None:
    assert await database.read(outbox.backlog) == Backlog(0, None)
    await put(database, mail("one"), mail("two"))
    await put(database, mail("three"), now=NOW - 100)
    batch = await claim(database, "a", count=2)
    await record(database, (batch.mails[1], Verdict("sent")))
    assert await database.read(outbox.backlog) == Backlog(2, NOW - 100)
    assert await database.read(outbox.waiting) == 2
    assert await database.read(outbox.next_due) == NOW
