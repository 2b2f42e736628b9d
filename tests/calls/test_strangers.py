"""Mallory has a link of her own, a pass of her own, and sends what no page of ours sends."""

import asyncio
import json

import structlog
from sqlalchemy import select, update

from presence.booking.requests import Booked
from presence.live.frames import Close
from presence.storage.tables import appointment, lease
from tests.calls.cast import OFFER, Host, Visitor, admitted, adviser_id, seen, visitor_in
from tests.chat.cast import SOON, Bank, Customer
from tests.support import FrozenClock

SCRIPT = "</script><img src=x onerror=alert(1)>"
LONG = 10**30


async def test_who_waits_alone_cannot_say_that_they_have_met(
    bank: Bank, carol: Visitor, clock: FrozenClock, one: Booked
) -> None:
    await carol.enter()
    await carol.send({"t": "quality", "gen": 1, "first_frame": 100, "relayed": True}, {"t": "ready"}, {"t": "admit"})
    await carol.send({"t": "quality", "gen": 1, "failure": "permission"})
    await carol.beat()
    call = (await seen(bank)).call
    assert (call.connected_at, call.first_frame, call.relayed, call.state) == (None, None, None, "waiting")
    assert call.failure == "permission"  # of her own camera, before anybody lets her in
    clock.set(one.appointment.ends_at + 1)
    await bank.app.state.attending.settle()
    shown = await bank.app.state.desk.appointment(await adviser_id(bank, "alice"), one.appointment.id)
    assert shown.appointment.state == "confirmed"


async def test_servers_that_relay_are_for_who_was_let_in(carol: Visitor, alice: Host) -> None:
    await carol.enter()
    await carol.send({"t": "turn"}, {"t": "ready"}, {"t": "turn"})
    await carol.beat()
    await alice.enter()
    await alice.send({"t": "hold", "text": "One moment"}, {"t": "turn"})
    await carol.sees(state="held")
    await carol.send({"t": "turn"})
    await carol.beat()
    assert carol.heard("turn") == alice.heard("turn") == []
    await alice.send({"t": "reject"})
    await carol.sees(state="ended")
    await carol.send({"t": "turn"})
    await carol.beat()
    assert carol.heard("turn") == []


async def test_numbers_without_end_and_words_of_no_language_change_nothing(
    bank: Bank, carol: Visitor, alice: Host
) -> None:
    await carol.enter()
    await alice.enter()
    gen = await admitted(carol, alice)
    await carol.send(
        {"t": "rebuild", "gen": LONG},
        {"t": "rebuild", "gen": -1},
        {"t": "sdp", "gen": LONG, "description": OFFER},
        {"t": "ice", "gen": -LONG, "candidate": None},
        {"t": "quality", "gen": LONG, "first_frame": 1},
        {"t": "hold", "text": "\u0000" * 1000},
        {"t": "reject", "text": "x" * 5000},
        {"t": "admit"},
        {"t": "ready", "on": True},
    )
    await carol.beat()
    await alice.beat()
    found = (await seen(bank)).call
    assert (found.gen, found.state, found.note, found.connected_at) == (gen, "admitted", "", None)
    assert alice.heard("sdp") == alice.heard("ice") == []


async def test_what_is_no_frame_ends_the_connection_and_nothing_else(carol: Visitor, alice: Host) -> None:
    await carol.enter()
    await alice.enter()
    await admitted(carol, alice)
    deep = "[" * 30_000 + "]" * 30_000
    for sent in (
        '[{"t":"media","mic":1,"cam":true}]',
        '[{"t":"quality","gen":1,"first_frame":-1}]',
        '[{"t":"quality","gen":1,"failure":"https://mallory.example"}]',
        '[{"t":"sdp","gen":1}]',
        '[{"t":"room","call":"x"}]',
        f'[{{"t":"sdp","gen":1,"description":{deep}}}]',
        '[{"t":"ice","gen":1,"candidate":nul}]',
    ):
        assert carol._socket is not None
        await carol._socket.send(sent)
        assert await carol.closed() == Close.BAD_FRAME, sent
        await alice.sees(len(alice.frames) - 1, peer__here=False)
        await carol.come_back()
        await alice.sees(len(alice.frames) - 1, peer__here=True)
    await alice.beat()
    assert alice.close_code is None
    assert alice.heard("sdp") == alice.heard("ice") == []


async def test_who_knocks_at_rooms_that_are_not_theirs_writes_nothing(bank: Bank, carol: Visitor) -> None:
    await carol.enter()
    async with Customer(bank, "Mallory") as mallory:
        for uid in (carol.uid, "0" * 22, "\u0000", "x" * 60_000):
            since = len(mallory.frames)
            await mallory.connect(call=uid, inst=carol.inst)
            assert (await mallory.until(lambda frame: frame["t"] == "bye", since))["why"] == "gone"
            assert await mallory.closed() == Close.SIGNED_OUT
    people = await bank.database.read(lambda connection: connection.execute(select(lease.c.person)).scalars().all())
    assert set(people) == {f"visitor:{await visitor_in(bank)}"}


async def test_a_flood_ends_who_floods(carol: Visitor, alice: Host) -> None:
    await carol.enter()
    await alice.enter()
    gen = await admitted(carol, alice)
    for _ in range(4):
        await carol.send(*[{"t": "media", "mic": True, "cam": True}] * 60)
    assert await carol.closed() == Close.TOO_MUCH
    await alice.sees(peer__here=False)
    assert (await alice.sees(state="admitted"))["gen"] == gen


async def test_names_are_text_wherever_they_are_shown(bank: Bank, one: Booked) -> None:
    named = update(appointment).where(appointment.c.id == one.appointment.id).values(name=SCRIPT)
    await bank.database.write(lambda connection: connection.execute(named))
    async with Visitor(bank, one) as mallory, Host(bank, "alice", one) as alice:
        await mallory.enter()
        door = await alice.http.get(alice.door)
        room = await alice.use_door()
        mine = await mallory.http.get(f"/room/{mallory.uid}")
        for page in (door, room, mine):
            assert page.status_code == 200
            assert "<img src=x" not in page.text
        await alice.come()
        await alice.send({"t": "hold", "text": SCRIPT})
        assert (await mallory.sees(state="held"))["note"] == SCRIPT  # text, to be shown as text
        assert "<img src=x" not in (await mallory.http.get(f"/room/{mallory.uid}")).text


async def test_the_rooms_pass_is_for_no_conversation_of_the_chat(bank: Bank, carol: Visitor, alice: Host) -> None:
    await carol.enter()
    await alice.enter()
    passed = await carol.passed()
    async with Customer(bank, "Dave") as dave:
        other = await dave.begin("My account is empty")
    async with _Bearing(bank, str(passed["token"])) as mallory:
        await mallory.connect({other: 0})
        await mallory.until(lambda frame: frame["t"] == "refused" and frame["c"] == other)
        assert (await mallory.say(other, "?"))["code"] == "unknown"
        assert "empty" not in json.dumps(mallory.frames)
        bearing = {"Authorization": f"Bearer {passed['token']}", "Cookie": f"visitor={passed['token']}"}
        for path in ("/chat/history", f"/chat/conversations/{passed['c']}/transcript.txt"):
            assert (await mallory.http.get(path, headers=bearing)).status_code == 404
        for path in ("/chat/me", "/calls", f"/chat/conversations/{passed['c']}/end"):
            body = {"id": "1", "medium": "video", "name": "Mallory"}
            assert (await mallory.http.post(path, json=body, headers=bearing)).status_code == 404


async def test_a_database_that_fails_while_somebody_leaves_repeats_nothing_into_the_log(
    bank: Bank, carol: Visitor, alice: Host
) -> None:
    await carol.enter()
    await alice.enter()
    rename = "ALTER TABLE call_place RENAME TO call_place_away"
    await bank.database.write(lambda connection: connection.exec_driver_sql(rename))
    with structlog.testing.capture_logs(processors=[structlog.processors.format_exc_info]) as lines:
        await carol.hang_up()
        async with asyncio.timeout(SOON):
            while "a place is emptied by itself" not in {line["event"] for line in lines}:
                await asyncio.sleep(0.01)
    assert "UPDATE call_place" not in str(lines)
    assert all("exception" not in line for line in lines)


async def test_nobody_takes_the_other_sides_place(bank: Bank, carol: Visitor, alice: Host) -> None:
    await carol.enter()
    await alice.enter()
    token = await alice.token()
    async with _Bearing(bank, token) as second:
        await second.connect(call=carol.uid, inst=carol.inst)  # with her page's own name
        assert (await second.until(lambda frame: frame["t"] == "room"))["role"] == "adviser"
        assert (await alice.until(lambda frame: frame["t"] == "bye"))["why"] == "taken-over"
    await carol.beat()
    assert carol.close_code is None
    assert (await seen(bank)).places["customer"].here


class _Bearing(Customer):
    """Whoever has got hold of a pass, and of no cookie."""

    def __init__(self, bank: Bank, pass_: str) -> None:
        super().__init__(bank, "Mallory")
        self._pass = pass_

    async def token(self) -> str:
        return self._pass
