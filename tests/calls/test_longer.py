"""From within the room: more time when Alice has it, and the way to the next appointment."""

import re
from typing import Any

import msgspec
from sqlalchemy import Connection

from presence.booking.requests import Booked
from presence.booking.service import Booking
from presence.chat import log, store
from tests.calls.cast import Host, Visitor, admitted, booked, in_time
from tests.chat.cast import Bank
from tests.support import HOUR, MONDAY, FrozenClock

MINUTE = 60


async def talk(bank: Bank, one: Booked, carol: Visitor, alice: Host) -> None:
    """They have been talking since the start."""
    await carol.enter()
    await alice.enter()
    await admitted(carol, alice)
    await bank.later(15 * MINUTE)


async def extend(alice: Host, minutes: Any) -> tuple[int, dict[str, Any]]:
    answer = await alice.post(f"/desk/room/{alice.uid}/extend", minutes=minutes, ends_at=alice.room["ends_at"])
    return answer.status_code, answer.json()


def texts(connection: Connection, c: str) -> list[str]:
    """What was said in a conversation."""
    found = store.by_uid(connection, c)
    assert found is not None
    events = log.recent(connection, found.id, 100)
    return [msgspec.json.decode(one.body)["text"] for one in events if one.kind == "text"]


async def test_alice_sees_what_comes_next_and_gives_carol_a_quarter_of_an_hour(
    bank: Bank, carol: Visitor, alice: Host, one: Booked
) -> None:
    assert isinstance(bank.clock, FrozenClock)
    bank.clock.set(MONDAY)
    after = await booked(bank, "Dave", start=one.appointment.ends_at + 15 * MINUTE, medium="video")
    in_time(bank, one)
    await talk(bank, one, carol, alice)
    await alice.ready()
    ends = one.appointment.ends_at
    told = await alice.sees(extend=15, next_at=after.appointment.starts_at * 1000)
    assert told["ends_at"] == ends * 1000
    assert (carol.room["extend"], carol.room["next_at"]) == (0, None)
    status, answer = await extend(alice, 15)
    assert (status, answer) == (200, {"ends_at": (ends + 15 * MINUTE) * 1000})
    for person in (carol, alice):
        told = await person.sees(ends_at=(ends + 15 * MINUTE) * 1000)
        assert told["closes_at"] == (ends + 45 * MINUTE) * 1000
    assert (await alice.sees(extend=0))["next_at"] == after.appointment.starts_at * 1000
    status, answer = await extend(alice, 5)
    assert (status, answer["type"]) == (409, "/problems/slot-taken")
    booking: Booking = bank.app.state.booking
    assert (await booking.show(one.token)).appointment.ends_at == ends + 15 * MINUTE


async def test_only_alice_extends_and_only_by_what_makes_sense(
    bank: Bank, carol: Visitor, alice: Host, one: Booked
) -> None:
    await talk(bank, one, carol, alice)
    for minutes, status in ((7, 422), (60, 422), ("x", 400)):
        assert (await extend(alice, minutes))[0] == status
    async with Host(bank, "bob", one) as bob:
        refused = await bob.post(f"/desk/room/{alice.uid}/extend", minutes=5, ends_at=alice.room["ends_at"])
        assert refused.status_code == 404
        assert (await bob.post(f"/desk/room/{alice.uid}/propose")).status_code == 404
    assert (await carol.post(f"/desk/room/{alice.uid}/extend", minutes=5, ends_at=0)).status_code == 401


async def test_alice_proposes_another_appointment_in_carols_language(
    bank: Bank, carol: Visitor, alice: Host, one: Booked
) -> None:
    await alice.enter()
    too_early = await alice.post(f"/desk/room/{alice.uid}/propose")
    assert too_early.status_code == 409
    await talk(bank, one, carol, alice)
    await carol.passed()
    answers = [await alice.post(f"/desk/room/{alice.uid}/propose") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    c = answers[0].json()["c"]
    (said,) = await bank.database.read(lambda connection: texts(connection, c))
    assert said.startswith("You can choose our next appointment here: ")
    (link,) = re.findall(r"http\S+", said)
    page = await carol.http.get("/book" + link.partition("/book")[2])
    assert page.status_code == 200
    assert link.endswith("/book/talk?adviser=alice")


async def test_before_the_start_nothing_is_there_to_extend(bank: Bank, alice: Host, one: Booked) -> None:
    room = await alice.enter()
    assert room["extend"] == 0
    assert (await extend(alice, 5))[0] == 409
    in_time(bank, one, -HOUR)
    assert (await extend(alice, 5))[0] == 404  # the room has closed
