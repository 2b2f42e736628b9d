"""The worker against a real server, with time moved by hand."""

import asyncio
from typing import Any

from sqlalchemy import update

from presence.mail import outbox
from presence.mail.smtp import Timeouts
from presence.mail.worker import LEASE, RENEW, MailWorker
from presence.storage import tables
from presence.storage.database import Database
from tests.mail.cast import (
    CAROL,
    DAVE,
    NOW,
    FakeTime,
    MailServer,
    config_for,
    disconnect,
    eventually,
    greeting,
    mail,
    put,
    rows,
    running,
    stall,
    states,
)


def worker_for(database: Database, time: FakeTime, port: int, **changes: Any) -> MailWorker:
    return MailWorker(database, time, config_for(port, **changes), timeouts=Timeouts(final_dot=30), rest=time.rest)


async def test_what_is_due_is_sent_and_marked(database: Database, time: FakeTime, server: MailServer) -> None:
    await put(database, mail("one"), mail("two", recipient=DAVE))
    async with running(worker_for(database, time, server.port)) as worker:
        await worker.idle()
    assert await states(database) == {"one": "sent", "two": "sent"}
    assert sorted(recipient for _, recipient, _ in server.received) == [CAROL, DAVE]


async def test_a_worker_is_woken_by_a_commit(database: Database, time: FakeTime, server: MailServer) -> None:
    async with running(worker_for(database, time, server.port)) as worker:
        await worker.idle()
        await put(database, mail("one"))
        worker.wake()
        await worker.idle()
        assert await states(database) == {"one": "sent"}


async def test_what_another_process_wrote_is_found_by_itself(
    database: Database, time: FakeTime, server: MailServer
) -> None:
    async with running(worker_for(database, time, server.port)) as worker:
        await worker.idle()
        await put(database, mail("one"))
        time.advance(5)
        await server.arrived.wait()
        worker.wake()
        await worker.idle()
        assert await states(database) == {"one": "sent"}


async def test_many_mails_share_few_connections(database: Database, time: FakeTime, server: MailServer) -> None:
    await put(database, *[mail(f"m{number}") for number in range(100)])
    async with running(worker_for(database, time, server.port, connections=4)) as worker:
        await worker.idle()
    assert set((await states(database)).values()) == {"sent"}
    assert len(server.received) == len(set(server.bodies)) == 100
    assert server.connections <= 4


async def test_451_and_then_ok(database: Database, time: FakeTime, server: MailServer) -> None:
    server.at_recipient.append("451 4.7.1 greylisted, come back later")
    await put(database, mail("one"))
    async with running(worker_for(database, time, server.port)) as worker:
        await worker.idle()
        row = (await rows(database))["one"]
        assert (row.state, row.attempts) == ("queued", 1)
        assert row.last_error == "451 4.7.1 greylisted, come back later"
        assert NOW + 48 <= row.due_at <= NOW + 72
        time.advance(72)
        worker.wake()
        await worker.idle()
    assert await states(database) == {"one": "sent"}
    assert (await rows(database))["one"].last_error == ""
    assert server.bodies == [mail("one").raw]


async def test_550_fails_for_good_and_is_not_tried_again(
    database: Database, time: FakeTime, server: MailServer
) -> None:
    server.at_recipient.append(f"550 5.1.1 <{CAROL}> no such user")
    await put(database, mail("one"))
    async with running(worker_for(database, time, server.port)) as worker:
        await worker.idle()
        time.advance(100_000)
        worker.wake()
        await worker.idle()
    row = (await rows(database))["one"]
    assert (row.state, row.attempts, row.last_error) == ("failed", 1, "550 5.1.1 <address> no such user")


async def test_a_bad_recipient_does_not_hold_up_the_others(
    database: Database, time: FakeTime, server: MailServer
) -> None:
    server.at_recipient.append("550 no such user")
    await put(database, mail("bad"), mail("good"), mail("fine"))
    async with running(worker_for(database, time, server.port, connections=1)) as worker:
        await worker.idle()
    assert await states(database) == {"bad": "failed", "good": "sent", "fine": "sent"}
    assert server.connections == 1


async def test_a_server_that_ends_a_connection_costs_the_next_mail_no_try(
    database: Database, time: FakeTime, server: MailServer
) -> None:
    server.at_sender.extend(["250 OK", "421 one mail a connection"])
    await put(database, mail("one"), mail("two"))
    async with running(worker_for(database, time, server.port, connections=1)) as worker:
        await worker.idle()
    assert {name: row.attempts for name, row in (await rows(database)).items()} == {"one": 1, "two": 1}
    assert await states(database) == {"one": "sent", "two": "sent"}
    assert server.connections == 2


async def test_a_mail_that_stalls_holds_up_nobody_else(database: Database, time: FakeTime, server: MailServer) -> None:
    server.at_dot.append(stall)
    await put(database, mail("stalls"))
    async with running(worker_for(database, time, server.port, connections=2)) as worker:
        await server.stalled.wait()
        await put(database, *[mail(f"m{number}") for number in range(20)])
        worker.wake()
        async with asyncio.timeout(10):
            while len(server.received) < 21:
                server.arrived.clear()
                await server.arrived.wait()
        server.go_on.set()
        await worker.idle()
    assert set((await states(database)).values()) == {"sent"}


async def test_a_mail_is_given_up_after_three_days(database: Database, time: FakeTime, server: MailServer) -> None:
    server.at_recipient.extend(["451 never"] * 100)
    await put(database, mail("one"), expires_at=NOW + 1_000_000)
    async with running(worker_for(database, time, server.port)) as worker:
        for _ in range(100):
            await worker.idle()
            time.advance(3600)
            worker.wake()
        await worker.idle()
    row = (await rows(database))["one"]
    assert (row.state, row.last_error) == ("expired", "451 never")
    assert 15 < row.attempts < 40


async def test_nothing_is_sent_past_its_time(database: Database, time: FakeTime, server: MailServer) -> None:
    await put(database, mail("late"), expires_at=NOW + 300)
    time.advance(300)
    async with running(worker_for(database, time, server.port)) as worker:
        await worker.idle()
    assert await states(database) == {"late": "expired"}
    assert server.received == []


# -- a server that cannot be used -----------------------------------------------------------------------------------


async def test_a_refusing_greeting_costs_no_mail_a_try(database: Database, time: FakeTime, server: MailServer) -> None:
    await put(database, mail("one"), mail("two"))
    async with greeting(b"554 no service for you\r\n") as port, running(worker_for(database, time, port)) as worker:
        await worker.idle()
        assert worker.trouble == "554 no service for you"
    assert [(row.state, row.attempts, row.last_error) for row in (await rows(database)).values()] == [
        ("queued", 0, "554 no service for you")
    ] * 2
    async with running(worker_for(database, time, server.port)) as worker:
        await worker.idle()
        assert worker.trouble == ""
    assert await states(database) == {"one": "sent", "two": "sent"}


async def test_a_wrong_password_fails_no_mail_and_is_told(database: Database, time: FakeTime) -> None:
    await put(database, mail("one"))
    async with MailServer(login=("bank", "right")) as server:
        wrong = worker_for(database, time, server.port, username="bank", password="wrong")
        async with running(wrong):
            await wrong.idle()
            assert "535" in wrong.trouble
        assert await states(database) == {"one": "queued"}
        right = worker_for(database, time, server.port, username="bank", password="right")
        async with running(right):
            await right.idle()
    assert await states(database) == {"one": "sent"}


async def test_a_server_in_trouble_is_tried_with_one_mail_and_less_often(database: Database, time: FakeTime) -> None:
    await put(database, *[mail(f"m{number}") for number in range(50)])
    async with MailServer(login=("bank", "right")) as server:
        worker = worker_for(database, time, server.port, username="bank", password="wrong", connections=4)
        async with running(worker):
            await worker.idle()
            first = server.connections
            assert first <= 4
            for _ in range(60):
                time.advance(60)
                worker.wake()
                await worker.idle()
        assert server.connections - first <= 20


async def test_six_hours_without_a_server_lose_nothing_that_is_still_of_use(
    database: Database, time: FakeTime, server: MailServer
) -> None:
    await server.__aexit__()
    await put(database, *[mail(f"m{number}") for number in range(30)])
    await put(database, mail("reminder", kind="reminder"), expires_at=NOW + 3600)
    async with running(worker_for(database, time, server.port)) as worker:
        for minute in range(360):
            await worker.idle()
            time.advance(60)
            if minute % 60 == 0:
                await put(database, mail(f"later{minute}"), now=time.now())
            worker.wake()
        await worker.idle()
        async with MailServer(port=server.port) as again:
            time.advance(360)  # the longest that a server in trouble is left alone
            worker.wake()
            await worker.idle()
            assert len(again.bodies) == len(set(again.bodies)) == 36
    found = await states(database)
    assert found.pop("reminder") == "expired"
    assert set(found.values()) == {"sent"}


# -- leases -------------------------------------------------------------------------------------------------------


async def test_two_workers_on_one_outbox_never_send_the_same_mail(
    database: Database, time: FakeTime, server: MailServer
) -> None:
    await put(database, *[mail(f"m{number}") for number in range(200)])
    one, two = (worker_for(database, time, server.port) for _ in range(2))
    async with running(one), running(two):
        await asyncio.gather(one.idle(), two.idle())
        while "queued" in (found := set((await states(database)).values())) or "attempting" in found:
            one.wake()
            two.wake()
            await asyncio.gather(one.idle(), two.idle())
    assert len(server.received) == len(set(server.bodies)) == 200


async def test_a_lease_is_renewed_while_the_server_takes_its_time(
    database: Database, time: FakeTime, server: MailServer
) -> None:
    server.at_dot.append(stall)
    await put(database, mail("one"))
    patient = Timeouts(final_dot=600)  # of real time: a busy machine is no silent server
    async with running(MailWorker(database, time, config_for(server.port), timeouts=patient, rest=time.rest)) as worker:
        await server.stalled.wait()

        async def renewed() -> bool:
            # Its next rest has begun, too: the clock would else be moved past the beginning, and the rest never end.
            return time.waits_for(RENEW) and (await rows(database))["one"].leased_until == time.now() + LEASE

        for _ in range(20):  # 400 s: several leases long
            time.advance(int(RENEW))
            await eventually(renewed)
        server.go_on.set()
        await worker.idle()
    assert await states(database) == {"one": "sent"}
    assert len(server.received) == 1


async def test_a_paused_worker_whose_lease_ran_out_cannot_mark(
    database: Database, time: FakeTime, server: MailServer
) -> None:
    server.at_dot.append(stall)
    await put(database, mail("one"))
    async with running(worker_for(database, time, server.port)) as paused:
        await server.stalled.wait()
        # Another process takes the mail over: for it the lease ran out while this one was stopped.
        batch = await database.write(
            lambda connection: outbox.claim(connection, lease="other", now=NOW + LEASE, until=NOW + 2 * LEASE, count=1)
        )
        assert len(batch.mails) == 1
        server.go_on.set()
        await paused.idle()
        row = (await rows(database))["one"]
    assert (row.state, row.lease) == ("attempting", "other")


async def test_a_worker_that_wakes_up_after_its_lease_begins_no_mail(
    database: Database, time: FakeTime, server: MailServer
) -> None:
    server.at_sender.append(stall)
    await put(database, mail("one"), mail("two"))
    async with running(worker_for(database, time, server.port, connections=1)) as worker:
        await server.stalled.wait()
        steal = update(tables.outbox).values(lease="other", leased_until=NOW + 10 * LEASE)
        await database.write(lambda connection: connection.execute(steal).rowcount)
        time._now += LEASE  # without a word to its rests: the whole process stood still
        server.go_on.set()
        worker.wake()
        await worker.idle()
        assert server.bodies == [mail("one").raw]  # which was under way
    assert {row.lease for row in (await rows(database)).values()} == {"other"}


async def test_a_clock_that_jumps_ahead_makes_no_worker_send_twice(
    database: Database, time: FakeTime, server: MailServer
) -> None:
    server.at_dot.append(stall)
    await put(database, mail("one"))
    async with running(worker_for(database, time, server.port)) as worker:
        await server.stalled.wait()
        time._now += 3600
        worker.wake()
        await put(database, mail("two"), now=time.now())

        async def two_is_sent() -> bool:
            return (await states(database))["two"] == "sent"

        await eventually(two_is_sent)
        server.go_on.set()
        await worker.idle()
    assert await states(database) == {"one": "sent", "two": "sent"}
    assert sorted(server.bodies) == [mail("one").raw, mail("two").raw]


# -- stopping -----------------------------------------------------------------------------------------------------


async def test_a_stop_finishes_what_is_under_way_and_hands_back_the_rest(
    database: Database, time: FakeTime, server: MailServer
) -> None:
    server.at_dot.append(stall)
    await put(database, *[mail(f"m{number}") for number in range(5)])
    async with running(worker_for(database, time, server.port, connections=1)) as worker:
        await server.stalled.wait()
        worker.stop()
        server.go_on.set()
    found = (await rows(database)).values()
    assert [(row.state, row.attempts) for row in found] == [("sent", 1)] + [("queued", 0)] * 4
    assert len(server.received) == 1


async def test_a_stop_does_not_wait_for_ever(database: Database, time: FakeTime, server: MailServer) -> None:
    server.at_dot.append(stall)
    await put(database, mail("one"), mail("two"))
    worker = MailWorker(database, time, config_for(server.port, connections=1), rest=time.rest, grace=7)
    task = asyncio.create_task(worker.run())
    await server.stalled.wait()
    worker.stop()

    async def grace_began() -> bool:
        return time.waits_for(7)

    await eventually(grace_began)
    time.advance(7)
    await task
    found = await rows(database)
    assert (found["two"].state, found["two"].attempts) == ("queued", 0)
    assert (found["one"].state, found["one"].attempts) == ("queued", 1)  # the server may have it: later, once more
    assert found["one"].due_at > time.now()


async def test_a_cut_line_is_not_sent_twice_by_the_stop(database: Database, time: FakeTime, server: MailServer) -> None:
    server.at_recipient.append(disconnect)
    await put(database, mail("one"))
    async with running(worker_for(database, time, server.port)) as worker:
        await worker.idle()
    assert server.received == []
    assert (await rows(database))["one"].attempts == 1
