"""Carol comes when she has already been missed: the door is open, and all is well."""

from presence.booking.desk import Desk
from presence.booking.requests import Booked
from tests.calls.cast import Host, Visitor, admitted
from tests.chat.cast import Bank

MINUTE = 60


async def settle(bank: Bank) -> int:
    settled: int = await bank.app.state.attending.settle()
    return settled


async def test_carol_comes_after_the_mail_that_missed_her_and_they_talk(
    bank: Bank, carol: Visitor, alice: Host, one: Booked
) -> None:
    desk: Desk = bank.app.state.desk
    (adviser,) = one.appointment.advisers

    async def told() -> tuple[str, list[str]]:
        found = await desk.appointment(adviser.id, one.appointment.id)
        return found.appointment.state, [kind for _, _, kind, _ in found.history]

    await alice.enter()
    await bank.later(10 * MINUTE + 15 * MINUTE - 1)
    assert await settle(bank) == 0
    await bank.later(1)
    assert await settle(bank) == 1
    assert await told() == ("missed", ["booked", "adviser_arrived", "missed"])
    await bank.app.state.calls.look()
    since = len(alice.frames)
    await carol.enter()
    await alice.sees(since, peer__here=True, state="waiting")
    gen = await admitted(carol, alice)
    await carol.send({"t": "quality", "gen": gen, "first_frame": 400})
    await carol.beat()
    await bank.later(15 * MINUTE)
    assert await settle(bank) == 1
    state, history = await told()
    assert state == "held"
    assert history == ["booked", "adviser_arrived", "missed", "arrived", "admitted", "held"]


async def test_the_agenda_says_who_is_late_who_waits_and_what_happened(
    bank: Bank, carol: Visitor, alice: Host, one: Booked
) -> None:
    async def page(path: str) -> str:
        answer = await alice.http.get(path, params={"lang": "en"})
        assert answer.status_code == 200
        return answer.text

    own = f"/agenda/appointments/{one.appointment.id}"
    assert "badge warn" not in await page("/agenda")
    await bank.later(14 * MINUTE)
    assert "Late: 4 minutes" in await page("/agenda")
    assert "Carol Petit has not come yet." in await page(own)
    assert "If you are in the room, we write to them at 10:15" in await page(own)
    await carol.enter()
    await bank.later(3 * MINUTE)
    assert "Waits: 3 minutes" in await page("/agenda")
    assert "Carol Petit has been waiting for 3 minutes." in await page(own)
    await alice.enter()
    await admitted(carol, alice)
    shown = await page(own)
    assert "badge warn" not in shown
    for happened in ("Booked", "The customer came", "The adviser came", "Let in, after 3 minutes"):
        assert f"<li>{happened}<" in shown
    longer = {"minutes": 10, "ends_at": alice.room["ends_at"]}
    assert (await alice.post(f"/desk/room/{alice.uid}/extend", **longer)).status_code == 200
    assert "<li>Extended by 10 minutes<" in await page(own)
