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
