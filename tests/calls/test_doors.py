"""Who comes uninvited, too early, too late, or by somebody else's link learns nothing; guests are told whom to join."""

from collections.abc import AsyncIterator

import msgspec
import pytest

from presence.booking.requests import Booked
from presence.config import Config
from presence.live.frames import Close
from presence.web.guard import FOR_ROOMS
from tests.calls.cast import Host, Visitor, adviser_id, booked, calls_of, in_time, seen
from tests.chat.cast import Adviser, Bank, Customer, bank_at
from tests.support import HOUR, MONDAY, FrozenClock

NOTHING = "There is nothing here"


@pytest.fixture
async def dave(bank: Bank, one: Booked) -> AsyncIterator[Visitor]:
    """Dave, who has an appointment with Bob at the same hour."""
    bank.clock.set(MONDAY)  # type: ignore[attr-defined]
    his = await booked(bank, "Dave", adviser="bob")
    in_time(bank, his)
    async with Visitor(bank, his) as there:
        yield there


async def nothing(browser: Visitor | Host, path: str) -> None:
    """Every way to ask says the same."""
    got = await browser.http.get(path, headers={"Accept": "text/html"})
    assert (got.status_code, NOTHING in got.text) == (404, True), got.text
    unknown = await browser.http.get(path[:-5] + "0" * 5, headers={"Accept": "text/html"})
    assert unknown.text == got.text.replace(path, path[:-5] + "0" * 5)


# -- the customer's link --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "said", "status"),
    [
        (15 * 60 + 1, "The room opens in", 409),
        (15 * 60, "Enter the room", 303),
        (-30 * 60, "Enter the room", 303),
        (-60 * 60 + 1, "Enter the room", 303),
        (-60 * 60, "This appointment is over.", 409),
    ],
)
async def test_the_link_shows_when_it_opens_and_lets_in_only_then(
    bank: Bank, carol: Visitor, before: int, said: str, status: int
) -> None:
    in_time(bank, carol.one, before)
    got = await carol.http.get(carol.link)
    assert (got.status_code, said in got.text) == (200, True)
    posted = await carol.http.post(carol.link, follow_redirects=False)
    assert posted.status_code == status
    if status == 303:
        key = posted.headers["set-cookie"]
        assert f"Path={posted.headers['location']}" in key
        assert {"HttpOnly", "SameSite=lax"} <= set(key.split("; "))
    else:
        assert said in posted.text
        assert "set-cookie" not in posted.headers


async def test_looking_at_the_link_makes_nothing(bank: Bank, carol: Visitor, alice: Host) -> None:
    await carol.http.get(carol.link)
    await alice.http.get(alice.door)
    assert await calls_of(bank).rooms.door(carol.one.appointment.id) == "open"
    with pytest.raises(Exception, match="No row"):
        await seen(bank)


async def test_a_link_that_is_unknown_opens_nothing(carol: Visitor) -> None:
    for token in ("", "x" * 22, carol.one.token[:-1], carol.one.token + "0"):
        for method in ("GET", "POST"):
            answer = await carol.http.request(method, f"/a/{token}/room")
            assert answer.status_code == 404


async def test_a_cancelled_appointment_has_no_room(bank: Bank, carol: Visitor, alice: Host) -> None:
    await carol.use_link()
    await alice.use_door()
    await bank.app.state.desk.cancel(await adviser_id(bank, "alice"), carol.one.appointment.id, "")
    assert "This appointment was cancelled." in (await carol.http.get(carol.link)).text
    assert (await carol.http.post(carol.link)).status_code == 409
    await nothing(carol, f"/room/{carol.uid}")
    assert (await carol.post(f"/room/{carol.uid}/pass")).status_code == 404
    await nothing(alice, f"/desk/room/{alice.uid}")


async def test_the_room_of_a_moved_appointment_is_closed_until_its_new_hour(
    bank: Bank, carol: Visitor, alice: Host
) -> None:
    await carol.use_link()
    later = carol.one.appointment.starts_at + 5 * HOUR
    await bank.app.state.desk.move(await adviser_id(bank, "alice"), carol.one.appointment.id, later, "")
    assert "The room opens in" in (await carol.http.get(carol.link)).text
    await nothing(carol, f"/room/{carol.uid}")


async def test_a_room_is_closed_when_its_time_is_over(bank: Bank, carol: Visitor, alice: Host) -> None:
    await carol.use_link()
    await alice.use_door()
    in_time(bank, carol.one, -60 * 60 + 60)
    token = await carol.token()
    in_time(bank, carol.one, -60 * 60)
    await nothing(carol, f"/room/{carol.uid}")
    await nothing(alice, f"/desk/room/{alice.uid}")
    await goes_away(carol, token)


async def test_both_sides_may_open_the_room_at_once_and_meet(carol: Visitor, alice: Host) -> None:
    await alice.use_door()
    await carol.use_link()
    assert carol.uid == alice.uid
    assert (await carol.use_link()).status_code == 200
    assert carol.uid == alice.uid


# -- somebody else's ------------------------------------------------------------------------------------------------


async def test_another_customers_key_opens_nothing(carol: Visitor, dave: Visitor) -> None:
    await carol.enter()
    await dave.enter()
    await nothing(dave, f"/room/{carol.uid}")
    key = next(cookie.value for cookie in dave.http.cookies.jar if cookie.name == "presence_room")
    forged = {"Cookie": f"presence_room={key}"}
    for path in ("", "/files/x"):
        assert (await dave.http.get(f"/room/{carol.uid}{path}", headers=forged)).status_code == 404
    for path in ("pass", "check", "rating", "files"):
        answer = await dave.http.post(f"/room/{carol.uid}/{path}", json={"rating": 1}, headers=forged)
        assert answer.status_code == 404, path


async def test_a_pass_of_another_room_enters_nothing(carol: Visitor, dave: Visitor) -> None:
    await carol.enter()
    await dave.use_link()
    dave_uid, dave.uid = dave.uid, carol.uid
    token = (await dave.post(f"/room/{dave_uid}/pass")).json()["token"]
    await goes_away(dave, token)
    await carol.beat()
    assert carol.close_code is None


async def goes_away(browser: Visitor | Host, token: str) -> None:
    """Ask for the room with a pass, and be told that there is none."""
    await Customer.connect(_With(browser, token), call=browser.uid, inst="x")
    assert (await browser.until(lambda f: f["t"] == "bye"))["why"] == "gone"
    assert await browser.closed() == Close.SIGNED_OUT
    assert browser.heard("room") == []


async def test_a_stranger_with_the_chats_cookie_enters_no_appointment(bank: Bank, carol: Visitor) -> None:
    await carol.enter()
    async with Visitor(bank, carol.one) as mallory:
        mallory.uid = carol.uid
        await nothing(mallory, f"/room/{carol.uid}")
        token = (await mallory.post("/chat/session")).json()["token"]
        await nothing(mallory, f"/room/{carol.uid}")
        await goes_away(mallory, token)


async def test_another_adviser_finds_no_room(bank: Bank, carol: Visitor) -> None:
    await carol.enter()
    async with Host(bank, "bob", carol.one) as bob:
        assert (await bob.http.get(bob.door)).status_code == 404
        assert (await bob.http.post(bob.door)).status_code == 404
        await nothing(bob, f"/desk/room/{carol.uid}")
        assert (await bob.post(f"/desk/room/{carol.uid}/check")).status_code == 404
        bob.uid = carol.uid
        await goes_away(bob, await bob.token())
        await nothing(bob, f"/room/{carol.uid}")


async def test_signed_out_advisers_are_asked_to_sign_in(bank: Bank, carol: Visitor) -> None:
    await carol.enter()
    answer = await carol.http.get(f"/desk/room/{carol.uid}", headers={"Accept": "text/html"}, follow_redirects=False)
    assert answer.headers["location"] == f"/sign-in?next=/desk/room/{carol.uid}"


async def test_a_request_from_another_site_enters_nothing(carol: Visitor, alice: Host) -> None:
    for browser, path in ((carol, carol.link), (alice, alice.door)):
        answer = await browser.http.post(path, headers={"Origin": "https://elsewhere.example"})
        assert answer.status_code == 403
    answer = await alice.http.post(alice.door, headers={"X-CSRF-Token": "0" * 64})
    assert answer.status_code == 403


async def test_a_link_is_used_so_often_a_minute_and_no_more(config: Config, clock: FrozenClock) -> None:
    limits = msgspec.structs.replace(config.limits, calls_per_minute=2)
    async with bank_at(msgspec.structs.replace(config, limits=limits), clock) as bank:
        one = await booked(bank)
        in_time(bank, one)
        async with Visitor(bank, one) as carol:
            assert [(await carol.use_link()).status_code for _ in range(3)] == [200, 200, 429]


# -- the pass -------------------------------------------------------------------------------------------------------


async def test_the_rooms_pass_opens_its_conversation_and_no_other(bank: Bank, carol: Visitor, dave: Visitor) -> None:
    await carol.enter()
    await dave.enter()
    other = (await dave.passed())["c"]
    found = await carol.passed()
    assert found["by"] == "customer"
    async with Visitor(bank, carol.one) as beside:
        await Customer.connect(_With(beside, found["token"]))
        await beside.send({"t": "join", "c": other}, {"t": "join", "c": found["c"]})
        await beside.until(lambda f: f["t"] == "caught" and f["c"] == found["c"])
        assert (await beside.until(lambda f: f["t"] == "refused"))["c"] == other
        assert (await beside.say(found["c"], "Hello?"))["t"] == "ack"
        assert (await beside.say(other, "Hello?"))["code"] == "unknown"


async def test_the_conversation_is_the_advisers_and_is_not_given_to_others(
    bank: Bank, carol: Visitor, alice: Host
) -> None:
    """Alice is late, and Bob is there and idle."""
    c = (await carol.enter())["c"]
    async with Adviser(bank, "bob") as bob:
        await bank.look()
        row = (await bob.http.get(f"/desk/conversations/{c}")).json()["row"]
        assert (row["state"], row["adviser"]["name"]) == ("active", "Alice Martin")
        assert row["offered"] is None
    mine = (await alice.http.get("/desk/inbox?view=mine")).json()["rows"]
    assert [row["c"] for row in mine] == [c]
    assert mine[0]["customer"] == {
        "name": "Carol Petit",
        "email": "carol@customers.example",
        "verified": False,
        "here": True,
    }


async def test_whoever_books_with_carols_address_reads_nothing_of_hers(bank: Bank, carol: Visitor, alice: Host) -> None:
    await carol.enter()
    found = await carol.passed()
    bank.clock.set(MONDAY)  # type: ignore[attr-defined]
    forged = await booked(bank, "Carol", adviser="bob")
    in_time(bank, forged)
    async with Visitor(bank, forged) as mallory:
        room = await mallory.enter()
        assert room["c"] != found["c"]


async def test_files_go_through_the_room(carol: Visitor, alice: Host) -> None:
    await carol.enter()
    sent = await carol.http.post(f"/room/{carol.uid}/files", files={"file": ("slip.txt", b"1,234.56", "text/plain")})
    assert sent.status_code == 201, sent.text
    got = await carol.http.get(f"/room/{carol.uid}/files/{sent.json()['file']}")
    assert got.content == b"1,234.56"
    assert (await alice.http.get(f"/chat/files/{sent.json()['file']}")).content == b"1,234.56"
    assert (await carol.http.get(f"/chat/files/{sent.json()['file']}")).status_code == 404


async def test_files_of_other_rooms_are_not_found(carol: Visitor, dave: Visitor) -> None:
    await carol.enter()
    await dave.enter()
    sent = await dave.http.post(f"/room/{dave.uid}/files", files={"file": ("slip.txt", b"secret", "text/plain")})
    assert (await carol.http.get(f"/room/{carol.uid}/files/{sent.json()['file']}")).status_code == 404


# -- the page -------------------------------------------------------------------------------------------------------


async def test_the_rooms_pages_alone_may_use_the_camera(carol: Visitor, alice: Host) -> None:
    await carol.use_link()
    await alice.use_door()
    for browser, path in ((carol, f"/room/{carol.uid}"), (alice, f"/desk/room/{alice.uid}")):
        headers = (await browser.http.get(path)).headers
        assert headers["permissions-policy"] == FOR_ROOMS["Permissions-Policy"]
        assert "camera=(self)" in headers["permissions-policy"]
        assert "media-src 'self' blob:" in headers["content-security-policy"]
        assert headers["cache-control"] == "no-store"
    for path in (carol.link, "/book", "/chat", "/room/unknown"):
        headers = (await carol.http.get(path)).headers
        assert "camera=()" in headers["permissions-policy"]
        assert "media-src" not in headers["content-security-policy"]


async def test_the_network_is_looked_at_with_credentials_of_a_minute(carol: Visitor, alice: Host) -> None:
    await carol.use_link()
    await alice.use_door()
    for browser, path in ((carol, f"/room/{carol.uid}/check"), (alice, f"/desk/room/{alice.uid}/check")):
        answer = await browser.post(path)
        assert answer.json() == {"ice_servers": [], "until": (browser.bank.clock.now() + 60) * 1000}


async def test_carol_rates_the_call_once(bank: Bank, carol: Visitor, alice: Host) -> None:
    await carol.enter()
    path = f"/room/{carol.uid}/rating"
    assert (await carol.post(path, rating=5)).status_code == 409  # they have not talked
    await alice.enter()
    await alice.send({"t": "admit"})
    await carol.sees(state="admitted")
    await alice.send({"t": "finish"})
    await carol.sees(state="ended")
    assert (await carol.post(path, rating=6)).status_code == 422
    assert (await carol.post(path, rating=5, comment=" Very clear. ")).status_code == 204
    assert (await carol.post(path, rating=5)).status_code == 204
    assert (await carol.post(path, rating=1)).status_code == 409
    call = (await seen(bank)).call
    assert (call.rating, call.comment) == (5, "Very clear.")


# -- guests ---------------------------------------------------------------------------------------------------------


async def test_a_guest_is_told_whom_to_join_and_enters_nothing(bank: Bank, clock: FrozenClock) -> None:
    one = await booked(bank, guests=("dave@customers.example",))
    in_time(bank, one)
    letters = bank.app.state.letters
    path = f"/join/{one.appointment.uid.partition('@')[0]}/{letters.guest_token(one.appointment.uid)}"
    async with Visitor(bank, one) as dave:
        page = await dave.http.get(path)
        assert "Please join Carol Petit" in page.text
        assert "Enter the room" not in page.text
        assert (await dave.http.post(path)).status_code == 405
        token = path.rpartition("/")[2]
        assert (await dave.http.post(f"/a/{token}/room")).status_code == 404


class _With(Visitor):
    """A browser with a pass that it did not ask for."""

    def __init__(self, browser: Visitor | Host, token: str) -> None:
        self.__dict__ = browser.__dict__
        self._token = token

    async def token(self) -> str:
        return self._token
