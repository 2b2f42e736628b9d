"""Carol waits, is let in, held or turned away, and talks; whatever breaks, they find each other again."""

import pytest
from sqlalchemy import Connection, delete, select, update

from presence.booking.requests import Booked
from presence.config import Config
from presence.live.frames import Close
from presence.roster import board
from presence.storage.tables import call_place, lease
from presence.web.csrf import token_for
from tests.calls.cast import (
    CANDIDATE,
    OFFER,
    STARTS,
    Host,
    Visitor,
    admitted,
    adviser_id,
    booked,
    calls_of,
    in_time,
    seen,
    session_of,
    visitor_in,
)
from tests.chat.cast import Adviser, Bank, Browser, Frame, bank_at
from tests.support import HOUR, MONDAY, FrozenClock


async def test_carol_knocks_by_coming_is_let_in_and_they_hear_each_other(carol: Visitor, alice: Host) -> None:
    room = await carol.enter()
    assert room["role"] == "customer"
    assert room["state"] == "waiting"
    assert room["polite"] is True
    assert room["gen"] == 1
    assert room["peer"] == {"name": "Alice Martin", "here": False, "ready": False, "since": None}
    assert room["presence"] == "offline"
    room = await alice.enter()
    assert room["role"] == "adviser"
    assert room["polite"] is False
    assert room["peer"]["name"] == "Carol Petit"
    assert room["peer"]["here"] is True
    assert room["c"]
    await carol.sees(peer__here=True)
    assert carol.heard("turn") == []
    gen = await admitted(carol, alice)
    assert gen == 1
    for one in (carol, alice):
        await one.until(lambda frame: frame["t"] == "turn")
    await alice.offer(gen)
    assert (await carol.until(lambda f: f["t"] == "sdp")) == {"t": "sdp", "gen": 1, "description": OFFER}
    await carol.send({"t": "ice", "gen": 1, "candidate": CANDIDATE}, {"t": "ice", "gen": 1, "candidate": None})
    await carol.send({"t": "media", "mic": True, "cam": False})
    media = await alice.until(lambda f: f["t"] == "media")
    assert media == {"t": "media", "mic": True, "cam": False, "screen": False, "audio_only": False}
    assert [frame["candidate"] for frame in alice.heard("ice")] == [CANDIDATE, None]


async def test_carol_may_come_first_or_alice(carol: Visitor, alice: Host) -> None:
    room = await alice.enter()
    assert room["peer"] == {"name": "Carol Petit", "here": False, "ready": False, "since": None}
    assert room["c"] == ""
    await carol.enter()
    room = await alice.sees(peer__here=True)
    assert room["peer"]["since"] == room["now"]
    assert room["c"]
    assert carol.room["presence"] == "available"


async def test_nobody_is_let_in_before_they_come(alice: Host) -> None:
    await alice.enter()
    await alice.send({"t": "admit"}, {"t": "hold", "text": "One moment"}, {"t": "reject"})
    await alice.beat()
    assert alice.room["state"] == "waiting"


async def test_carol_is_asked_to_wait_and_told_why(carol: Visitor, alice: Host) -> None:
    await carol.enter()
    await alice.enter()
    await alice.send({"t": "hold", "text": "Two minutes, please.\u0000" + "!" * 1000})
    room = await carol.sees(state="held")
    assert room["note"].startswith("Two minutes, please.!")
    assert len(room["note"]) == 500
    await alice.send({"t": "admit"})
    assert (await carol.sees(state="admitted"))["note"] == ""


async def test_carol_is_turned_away_in_words_and_cannot_come_back(carol: Visitor, alice: Host) -> None:
    await carol.enter()
    await alice.enter()
    await alice.send({"t": "reject", "text": "Please bring your passport next time."})
    room = await carol.sees(state="ended")
    assert room["outcome"] == "rejected"
    assert room["note"] == "Please bring your passport next time."
    assert (await carol.come())["outcome"] == "rejected"
    await alice.send({"t": "admit"})
    await alice.beat()
    assert alice.room["state"] == "ended"
    assert (await carol.use_link()).status_code == 409


async def test_only_alice_lets_in_holds_and_turns_away(carol: Visitor, alice: Host) -> None:
    await carol.enter()
    await alice.enter()
    await carol.send({"t": "admit"}, {"t": "hold", "text": "?"}, {"t": "reject"})
    await carol.beat()
    assert carol.room["state"] == "waiting"


async def test_alice_ends_it_for_both_and_it_is_told_in_the_conversation(
    bank: Bank, carol: Visitor, alice: Host, clock: FrozenClock
) -> None:
    await carol.enter()
    await alice.enter()
    await admitted(carol, alice)
    clock.advance(65)
    await alice.send({"t": "finish"})
    for one in (carol, alice):
        assert (await one.sees(state="ended"))["outcome"] == "held"
    c = carol.room["c"]
    async with Adviser(bank, "alice") as desk:
        await desk.send({"t": "join", "c": c, "after": 0})
        started = await desk.event("call", what="started")
        ended = await desk.event("call", what="ended")
    assert started["body"]["by"] == "system"
    assert ended["body"]["name"] == "Alice Martin"
    assert ended["body"]["seconds"] == 65
    assert [f["kind"] for f in desk.events(c)] == ["opened", "joined", "call", "call"]


async def test_carol_ends_only_her_part_and_may_come_back(carol: Visitor, alice: Host) -> None:
    await carol.enter()
    await alice.enter()
    await admitted(carol, alice)
    await carol.send({"t": "finish"})
    await alice.sees(peer__here=False, state="admitted")
    await carol.hang_up()
    assert (await carol.come())["state"] == "admitted"
    await alice.sees(peer__here=True, gen=2)


# -- generations ----------------------------------------------------------------------------------------------------


async def test_a_lost_socket_raises_no_generation_and_a_page_loaded_anew_does(carol: Visitor, alice: Host) -> None:
    await carol.enter()
    await alice.enter()
    await admitted(carol, alice)
    carol.vanish()
    await alice.sees(peer__here=False)
    since = len(alice.frames)
    room = await carol.come_back()
    assert (room["gen"], room["state"]) == (1, "admitted")
    back = await alice.sees(since, peer__here=True)
    assert (back["gen"], back["peer"]["ready"]) == (1, True)
    await carol.hang_up()
    assert (await carol.come())["gen"] == 2
    again = await alice.sees(gen=2, peer__here=True)
    assert again["peer"]["ready"] is False


async def test_what_belongs_to_an_old_generation_is_dropped(carol: Visitor, alice: Host) -> None:
    await carol.enter()
    await alice.enter()
    gen = await admitted(carol, alice)
    await alice.send({"t": "rebuild", "gen": gen})
    for one in (carol, alice):
        await one.sees(gen=gen + 1)
    await alice.offer(gen, {"old": True})
    await alice.offer(gen + 1, {"new": True})
    await alice.offer(gen + 7, {"never": True})
    assert (await carol.until(lambda f: f["t"] == "sdp"))["description"] == {"new": True}
    await alice.beat()
    assert len(carol.heard("sdp")) == 1


async def test_both_give_up_the_same_connection_and_begin_anew_once(carol: Visitor, alice: Host) -> None:
    await carol.enter()
    await alice.enter()
    gen = await admitted(carol, alice)
    await carol.send({"t": "rebuild", "gen": gen})
    await alice.send({"t": "rebuild", "gen": gen})
    for one in (carol, alice):
        await one.beat()
        await one.sees(gen=gen + 1)
    await carol.send({"t": "rebuild", "gen": gen}, {"t": "rebuild", "gen": gen + 9})
    await carol.beat()
    assert carol.room["gen"] == gen + 1


async def test_nothing_is_passed_on_before_carol_is_let_in_nor_to_who_is_not_there(carol: Visitor, alice: Host) -> None:
    await carol.enter()
    await alice.enter()
    await alice.sees(peer__here=True)
    await carol.offer(1)
    await carol.send({"t": "media", "mic": True, "cam": True}, {"t": "turn"}, {"t": "rebuild", "gen": 1})
    await carol.beat()
    gen = await admitted(carol, alice)
    assert gen == 1
    await alice.hang_up()
    await carol.sees(state="admitted", peer__here=False)
    await carol.offer(1)
    await carol.beat()
    await alice.come_back()
    await alice.beat()
    assert alice.heard("sdp") == []
    assert alice.heard("media") == []


# -- places ---------------------------------------------------------------------------------------------------------


async def test_the_newest_page_has_the_place_and_the_former_is_told(carol: Visitor, alice: Host) -> None:
    await carol.enter()
    await alice.enter()
    await admitted(carol, alice)
    async with Visitor(carol.bank, carol.one) as phone:
        await phone.enter()
        assert (await carol.until(lambda f: f["t"] == "bye"))["why"] == "taken-over"
        assert await carol.closed() == Close.TAKEN_OVER
        room = await alice.sees(gen=2)
        assert room["peer"]["here"] is True
        await alice.offer(2)
        await phone.until(lambda f: f["t"] == "sdp")
        assert phone.room["peer"]["here"] is True


async def test_who_was_taken_over_says_nothing_any_more(carol: Visitor, alice: Host) -> None:
    await carol.enter()
    await alice.enter()
    async with Host(alice.bank, "alice", alice.one) as tab:
        await tab.enter()
        await alice.closed()
        await carol.sees(gen=2)
        assert (await carol.come_back())["peer"]["here"] is True


async def test_a_page_that_comes_back_is_as_ready_as_it_was(carol: Visitor, alice: Host) -> None:
    await carol.enter()
    await alice.enter()
    await carol.ready()
    await alice.sees(peer__ready=True)
    await carol.ready(False)
    await alice.sees(len(alice.frames), peer__ready=False)
    await carol.ready()
    await carol.beat()
    carol.vanish()
    await carol.come_back()
    await alice.sees(len(alice.frames) - 1, peer__ready=True)


async def test_a_node_that_died_is_not_waited_for(bank: Bank, carol: Visitor, alice: Host, clock: FrozenClock) -> None:
    """Its connections' leases end by themselves, and the others find that out."""
    await carol.enter()
    await alice.enter()
    await admitted(carol, alice)

    def forgotten(connection: Connection) -> None:
        place = select(call_place.c.connection).where(call_place.c.role == "customer").scalar_subquery()
        connection.execute(update(lease).where(lease.c.id == place).values(expires_at=clock.now()))

    bank.chat.leases.forget(f"visitor:{await visitor_in(bank)}")
    calls_of(bank).relay.remove(session_of(bank, "customer"))  # nobody here knows of it
    await bank.database.write(forgotten)
    await calls_of(bank).look()
    room = await alice.sees(peer__here=False)
    assert (room["state"], room["gen"]) == ("admitted", 1)
    place = (await seen(bank)).places["customer"]
    assert (place.connection, place.left_at) == ("", clock.now())


async def test_a_process_that_slept_takes_its_places_again(bank: Bank, carol: Visitor, alice: Host) -> None:
    await carol.enter()
    await alice.enter()
    await admitted(carol, alice)

    def lost(connection: Connection) -> None:
        connection.execute(delete(lease))

    await bank.database.write(lost)
    await calls_of(bank).look()
    await calls_of(bank).settled()
    found = await seen(bank)
    assert all(place.here and place.ready for place in found.places.values())
    assert (found.call.gen, found.call.state) == (1, "admitted")
    await alice.offer(1)
    await carol.until(lambda f: f["t"] == "sdp")


async def test_a_restarted_server_knows_the_room(config: Config, clock: FrozenClock) -> None:
    async with bank_at(config, clock) as bank:
        one = await booked(bank)
        in_time(bank, one)
        async with Visitor(bank, one) as carol, Host(bank, "alice", one) as alice:
            await carol.enter()
            await alice.enter()
            gen = await admitted(carol, alice)
            cookies = carol.http.cookies, alice.http.cookies
            kept = carol.uid, carol.inst, alice.inst
    async with bank_at(config, clock) as bank, Visitor(bank, one) as carol, Host(bank, "alice", one) as alice:
        carol.http.cookies, alice.http.cookies = cookies
        alice.http.headers["X-CSRF-Token"] = token_for(alice.http.cookies["presence"])
        carol.uid = alice.uid = kept[0]
        assert (await carol.come(inst=kept[1]))["state"] == "admitted"
        assert (await alice.come(inst=kept[2]))["gen"] == gen
        room = await carol.sees(peer__here=True, peer__ready=True)
        assert room["gen"] == gen


# -- what happens by itself -----------------------------------------------------------------------------------------


async def test_a_room_closes_after_its_grace(bank: Bank, carol: Visitor, alice: Host, clock: FrozenClock) -> None:
    await carol.enter()
    await alice.enter()
    await admitted(carol, alice)
    clock.set(carol.one.appointment.ends_at + 30 * 60 - 1)
    await bank.chat.leases.renew()
    await calls_of(bank).look()
    await carol.beat()
    assert carol.room["state"] == "admitted"
    clock.advance(1)
    await calls_of(bank).look()
    assert (await carol.sees(state="ended"))["outcome"] == "held"


async def test_a_room_in_which_nobody_met_expires(bank: Bank, carol: Visitor, clock: FrozenClock) -> None:
    await carol.enter()
    clock.set(carol.one.appointment.ends_at + 30 * 60)
    await calls_of(bank).look()
    assert (await carol.sees(state="ended"))["outcome"] == "expired"


async def test_a_cancelled_appointment_ends_its_room(bank: Bank, carol: Visitor, alice: Host) -> None:
    await carol.enter()
    await alice.enter()
    await bank.app.state.desk.cancel(alice.id, carol.one.appointment.id, "Ill")
    await calls_of(bank).look()
    for one in (carol, alice):
        assert (await one.sees(state="ended"))["outcome"] == "cancelled"


async def test_a_moved_appointment_tells_who_waits_and_opens_again_at_its_new_hour(
    bank: Bank, carol: Visitor, alice: Host, clock: FrozenClock
) -> None:
    await carol.enter()
    later = carol.one.appointment.starts_at + 5 * HOUR
    await alice.use_door()
    await bank.app.state.desk.move(await adviser_id(bank, "alice"), carol.one.appointment.id, later, "")
    await calls_of(bank).look()
    assert (await carol.sees(starts_at=later * 1000))["state"] == "waiting"
    await carol.hang_up()
    assert (await carol.http.get(f"/room/{carol.uid}")).status_code == 404
    clock.set(later - 60)
    assert (await carol.come())["state"] == "waiting"


async def test_an_appointment_that_moved_after_it_was_turned_away_has_a_room_again(
    bank: Bank, carol: Visitor, alice: Host, clock: FrozenClock
) -> None:
    await carol.enter()
    await alice.enter()
    await alice.send({"t": "reject"})
    await carol.sees(state="ended")
    for one in (carol, alice):  # else either may still be seen there
        await one.hang_up()
    later = carol.one.appointment.starts_at + 5 * HOUR
    await bank.app.state.desk.move(alice.id, carol.one.appointment.id, later, "")
    clock.set(later)
    before = len(carol.frames)
    await carol.enter()
    await carol.sees(before, state="waiting", peer__since=None)


@pytest.mark.parametrize("said_so", [True, False])
async def test_an_appointment_that_moved_while_they_talked_begins_at_the_door_again(
    bank: Bank, carol: Visitor, alice: Host, clock: FrozenClock, said_so: bool
) -> None:
    await carol.enter()
    await alice.enter()
    gen = await admitted(carol, alice)
    await carol.send({"t": "quality", "gen": gen, "first_frame": 400})
    await carol.beat()
    later = carol.one.appointment.starts_at + 5 * HOUR
    await bank.app.state.desk.move(alice.id, carol.one.appointment.id, later, "")
    await calls_of(bank).look()
    assert (await carol.sees(starts_at=later * 1000))["state"] == "admitted"  # they talk on
    if said_so:
        await alice.send({"t": "finish"})
        await carol.sees(state="ended")
    await carol.hang_up()
    await alice.sees(peer__here=False)
    await bank.database.write(lambda connection: connection.execute(delete(lease)))  # Alice has gone, too
    await calls_of(bank).look()
    assert (await seen(bank)).call.outcome == "held"
    assert (await carol.http.get(f"/room/{carol.uid}")).status_code == 404
    clock.set(later + HOUR)  # nobody has come
    assert await bank.app.state.attending.settle() == 0
    clock.set(later - 60)
    assert alice.id in await bank.database.read(lambda connection: board._appointments(connection, later - 60))
    room = await carol.enter()
    assert (room["state"], room["peer"]["since"]) == ("waiting", None)


# -- bounds ---------------------------------------------------------------------------------------------------------


async def test_a_description_may_be_so_long_and_no_longer(carol: Visitor, alice: Host) -> None:
    await carol.enter()
    await alice.enter()
    gen = await admitted(carol, alice)
    most = {"type": "offer", "sdp": "x" * (32 * 1024 - len('{"type": "offer", "sdp": ""}'))}
    await alice.offer(gen, {**most, "sdp": most["sdp"] + "x"})
    await alice.send({"t": "ice", "gen": gen, "candidate": "x" * 4096})
    await alice.offer(gen, most)
    assert (await carol.until(lambda f: f["t"] == "sdp"))["description"] == most
    assert carol.heard("ice") == []


async def test_frames_of_conversations_mean_nothing_in_a_room(carol: Visitor, alice: Host) -> None:
    await carol.enter()
    await alice.enter()
    c = alice.room["c"] or (await alice.sees(peer__here=True))["c"]
    await carol.send(
        {"t": "join", "c": c},
        {"t": "send", "c": c, "id": "1", "kind": "text", "body": {"text": "?"}},
        {"t": "watch", "what": ["site:"]},
        {"t": "hello", "v": 1, "token": ""},
    )
    await carol.beat()
    assert {frame["t"] for frame in carol.frames} <= {"welcome", "room", "beat"}


async def test_how_it_went_is_kept(bank: Bank, carol: Visitor, alice: Host, clock: FrozenClock) -> None:
    await carol.enter()
    await alice.enter()
    gen = await admitted(carol, alice)
    await carol.send({"t": "quality", "gen": gen, "failure": "network"})
    await carol.send({"t": "quality", "gen": gen + 1, "failure": "timeout"})
    await carol.beat()
    assert (await seen(bank)).call.failure == "network"
    await carol.send({"t": "quality", "gen": gen, "first_frame": 412, "relayed": True})
    await carol.beat()
    found = (await seen(bank)).call
    assert (found.first_frame, found.relayed, found.connected_at, found.failure) == (412, True, clock.now(), "")


async def test_a_page_that_names_itself_badly_is_another_each_time(carol: Visitor) -> None:
    await carol.enter()
    await carol.hang_up()
    assert (await carol.come(inst="\u0000"))["gen"] == 2
    await carol.hang_up()
    assert (await carol.come_back())["gen"] == 3


async def test_a_room_hears_nothing_of_the_advisers_lists(bank: Bank, carol: Visitor, alice: Host) -> None:
    await alice.enter()
    async with Adviser(bank, "alice") as desk:
        await carol.enter()
        c = (await alice.sees(peer__here=True))["c"]
        await desk.until(lambda f: f["t"] == "card" and f["c"] == c)
        await alice.beat()
    assert alice.heard("card") == []


async def test_the_conversation_is_put_away_when_the_room_has_closed(
    bank: Bank, carol: Visitor, alice: Host, clock: FrozenClock
) -> None:
    """Else those of every day would count as work that an adviser has."""
    await carol.enter()
    await alice.enter()
    await admitted(carol, alice)
    c = carol.room["c"]
    await alice.send({"t": "finish"})
    await carol.sees(state="ended")
    await alice.hang_up()
    await bank.later(60)  # Alice has gone, and Carol still looks at the page
    await calls_of(bank).look()
    assert (await alice.http.get(f"/desk/conversations/{c}")).json()["row"]["state"] == "active"
    clock.set(carol.one.appointment.ends_at + 30 * 60)
    await calls_of(bank).look()
    assert (await alice.http.get(f"/desk/conversations/{c}")).json()["row"]["state"] == "closed"


async def test_what_carol_wrote_to_alice_who_never_came_is_not_put_away(
    bank: Bank, carol: Visitor, alice: Host, clock: FrozenClock
) -> None:
    c = (await carol.enter())["c"]
    async with Visitor(bank, carol.one) as beside:
        beside.uid = carol.uid
        beside.http.cookies = carol.http.cookies
        await Browser.connect(beside)
        await beside.say(c, "Are you coming?")
        clock.set(carol.one.appointment.ends_at + 30 * 60)
        for _ in range(2):  # the room closes, then what is left is looked for
            await calls_of(bank).look()
        assert (await alice.http.get(f"/desk/conversations/{c}")).json()["row"]["unread"] is True
    async with Adviser(bank, "alice") as desk:
        await desk.send({"t": "join", "c": c, "after": 0})
        said = await desk.event("text")
        await desk.send({"t": "send", "c": c, "id": "seen", "kind": "seen", "body": {"seq": said["seq"]}})
        await desk.until(lambda f: f["t"] == "ack")
    await calls_of(bank).look()
    assert (await alice.http.get(f"/desk/conversations/{c}")).json()["row"]["state"] == "closed"


async def test_who_waits_sees_that_alice_comes_to_her_desk_and_that_she_talks_to_somebody_else(
    bank: Bank, carol: Visitor, clock: FrozenClock
) -> None:
    clock.set(MONDAY)
    before = await booked(bank, "Dave", start=STARTS - HOUR // 2)
    in_time(bank, carol.one)
    assert (await carol.enter())["presence"] == "offline"
    async with Visitor(bank, before) as dave, Host(bank, "alice", before) as alice:
        await dave.enter()
        await alice.enter()
        await carol.sees(presence="available")
        await admitted(dave, alice)
        await calls_of(bank).look()
        await carol.sees(presence="call")
        await alice.send({"t": "finish"})
        await alice.sees(state="ended")
        since = len(carol.frames)
        await calls_of(bank).look()
        assert (await carol.sees(since, presence="available"))["state"] == "waiting"


class Hasty(Visitor):
    """A page that says everything at once."""

    async def send(self, *frames: Frame) -> None:
        await super().send(*frames, *([{"t": "ready"}] if frames[0]["t"] == "hello" else []))


async def test_what_is_said_together_with_hello_counts(bank: Bank, one: Booked, alice: Host) -> None:
    await alice.enter()
    async with Hasty(bank, one) as carol:
        await carol.enter()
        await alice.sees(peer__ready=True)


async def test_the_last_word_on_being_ready_counts(carol: Visitor, alice: Host) -> None:
    await carol.enter()
    await alice.enter()
    await carol.send({"t": "ready"}, {"t": "ready", "on": False}, {"t": "ready"}, {"t": "ready", "on": False})
    await carol.beat()
    await calls_of(carol.bank).settled()
    await alice.beat()
    assert alice.room["peer"]["ready"] is False
