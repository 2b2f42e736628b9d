"""The demo's sample appointments: one of them can be joined now, whatever the hour."""

import datetime as dt
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection, select

from presence.app import create_app
from presence.booking.model import Appointment
from presence.booking.rules import ROOM_OPENS
from presence.clock import instant, utc
from presence.config import Config
from presence.demo import configuration, lay_out
from presence.storage.migrate import migrate
from presence.storage.tables import outbox
from tests.booking.conftest import running
from tests.support import FrozenClock

PARIS = ZoneInfo("Europe/Paris")
MINUTE = 60


def at(when: str) -> FrozenClock:
    """A clock in Paris."""
    return FrozenClock(instant(dt.datetime.fromisoformat(when).replace(tzinfo=PARIS)))


@pytest.fixture
def config(tmp_path: Path) -> Config:
    found = configuration(8000, tmp_path, 25)
    migrate(found.database.url)
    return found


async def carols(config: Config, clock: FrozenClock) -> dict[str, list[Appointment]]:
    """Her appointments, by adviser."""
    async with running(create_app(config, clock, workers=False)) as app:
        advisers = await app.state.roster.advisers()
        now = clock.now()
        return {
            one.slug: list(await app.state.desk.appointments(one.id, now - 86_400, now + 30 * 86_400))
            for one in advisers
        }


@pytest.mark.parametrize(
    "clock",
    [
        at("2026-06-10 10:02"),
        at("2026-06-14 03:30"),  # a Sunday night
        at("2026-12-24 23:59"),  # a holiday comes next
        at("2026-03-29 01:58"),  # the clocks change
    ],
)
async def test_carol_can_join_mona_now_and_has_two_more_to_look_at(config: Config, clock: FrozenClock) -> None:
    token = await lay_out(config, clock)
    now = clock.now()
    async with running(create_app(config, clock, workers=False)) as app:
        shown = await app.state.booking.show(token)
        assert shown.appointment.state == "confirmed"
        assert shown.opens_at <= now < shown.appointment.starts_at <= now + ROOM_OPENS
        assert await app.state.calls.rooms.door(shown.appointment.id) == "open"

        def recipients(connection: Connection) -> list[str]:
            return sorted(connection.execute(select(outbox.c.recipient)).scalars())

        mails = await app.state.database.read(recipients)
    found = await carols(config, clock)
    assert found["mona"] == [shown.appointment]
    (alices,), (bobs,) = found["alice"], found["bob"]
    today = utc(now).astimezone(PARIS).date()
    assert utc(alices.starts_at).astimezone(PARIS).date() > today
    assert utc(bobs.starts_at).astimezone(PARIS).date() >= today + dt.timedelta(days=7)
    assert (alices.state, bobs.state) == ("confirmed", "requested")
    assert mails == sorted(["carol@demo.example"] * 3 + [f"{who}@demo.example" for who in ("alice", "mona", "bob")])


async def test_a_later_start_finds_what_is_there_and_adds_what_can_be_joined(config: Config) -> None:
    clock = at("2026-06-10 10:02")
    first = await lay_out(config, clock)
    clock.advance(40 * MINUTE)
    assert await lay_out(config, clock) == first  # it is not over yet
    clock.advance(5 * MINUTE)
    second = await lay_out(config, clock)
    assert second not in {"", first}
    found = await carols(config, clock)
    assert {slug: len(some) for slug, some in found.items()} == {"alice": 1, "mona": 2, "bob": 1}
