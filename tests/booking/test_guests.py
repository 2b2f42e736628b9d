"""Dave was invited by Carol: his link opens the room's door, and nothing else."""

import re

import httpx
import pytest
from sqlalchemy import Connection, Table, select, update
from starlette.applications import Starlette

from presence.booking.model import Appointment
from presence.booking.requests import BookRequest, OfferRequest
from presence.booking.service import KEEP_LINKS, Booking
from presence.storage.tables import appointment as appointment_table
from presence.storage.tables import metadata, outbox
from tests.support import HOUR, FrozenClock

ROOM = 15 * 60
GRACE = 30 * 60  # after the end, in which the room stays open


async def carols(booking: Booking, service: str = "talk", **changes: object) -> Appointment:
    """Carol's appointment with Dave as a guest."""
    start = (await booking.offers(OfferRequest(service=service))).starts[40]
    values: dict[str, object] = {
        "request_key": "carol-1",
        "service": service,
        "start": start,
        "name": "Carol Jones",
        "email": "carol@example.org",
        "phone": "+33 6 12 34 56 78",
        "zone": "Europe/London",
        "guests": ("dave@example.org",),
        **changes,
    }
    return (await booking.book(BookRequest(**values))).appointment  # type: ignore[arg-type]


def link(app: Starlette, of: Appointment) -> str:
    """The path of a guest's link, as mails carry it."""
    address: str = app.state.letters.links(of).guest_join
    return address.removeprefix("http://localhost:8000")


async def test_the_link_in_daves_mail_opens_the_door(
    app: Starlette, booking: Booking, browser: httpx.AsyncClient
) -> None:
    one = await carols(booking)

    def mail_to_dave(connection: Connection) -> bytes:
        return bytes(
            connection.execute(select(outbox.c.raw).where(outbox.c.recipient == "dave@example.org")).scalar_one()
        )

    raw = await app.state.database.read(mail_to_dave)
    text = raw.decode().replace("=\r\n", "").replace("=3D", "=")
    (path,) = set(re.findall(r"http://localhost:8000(/join/\w+/\w+)", text))
    assert path == link(app, one)
    shown = await browser.get(path, params={"lang": "en"})
    assert shown.status_code == 200
    assert "Carol Jones invited you." in shown.text
    assert "A talk with Alice Martin" in shown.text
    assert "London" in shown.text
    assert f'data-away="{one.starts_at - ROOM}"' in shown.text


async def test_the_door_says_when_it_opens_that_it_is_time_and_that_it_is_over(
    app: Starlette, booking: Booking, browser: httpx.AsyncClient, clock: FrozenClock
) -> None:
    one = await carols(booking)
    path = link(app, one)
    for moment, said in (
        (one.starts_at - ROOM - 1, "La salle ouvre dans"),
        (one.starts_at - ROOM, "C’est l’heure"),
        (one.ends_at + GRACE - 1, "C’est l’heure"),
        (one.ends_at + GRACE, "Ce rendez-vous est terminé."),
    ):
        clock.set(moment)
        assert said in (await browser.get(path, params={"lang": "fr"})).text


async def test_a_guest_learns_nothing_but_what_the_invitation_says(
    app: Starlette, booking: Booking, browser: httpx.AsyncClient
) -> None:
    answers = {"topic": "my divorce", "known": "yes"}
    one = await carols(booking, "asked", guests=("dave@example.org", "erin@example.org"), answers=answers)
    (alice, *_) = one.advisers
    await app.state.desk.confirm(alice.id, one.id)
    shown = await browser.get(link(app, one))
    assert shown.status_code == 200
    for secret in (
        "carol@example.org",
        "+33 6",
        "divorce",
        "erin",
        "dave@",
        alice.email,
        app.state.letters.token(one.uid),
    ):
        assert secret not in shown.text
    assert "no-store" in shown.headers["cache-control"]


async def test_a_cancelled_appointment_says_so_without_the_reason(
    app: Starlette, booking: Booking, browser: httpx.AsyncClient
) -> None:
    one = await carols(booking)
    await booking.cancel(app.state.letters.token(one.uid), "my divorce")
    shown = await browser.get(link(app, one), params={"lang": "en"})
    assert "This appointment was cancelled." in shown.text
    assert "divorce" not in shown.text


async def test_links_that_open_nothing_answer_alike(
    app: Starlette, booking: Booking, browser: httpx.AsyncClient, clock: FrozenClock
) -> None:
    one = await carols(booking)
    other = await carols(booking, request_key="carol-2")
    alone = await carols(booking, request_key="carol-3", guests=())
    request = await carols(booking, "asked", request_key="carol-4", answers={"known": "yes"})
    letters = app.state.letters
    local, token = one.uid.partition("@")[0], letters.guest_token(one.uid)
    unknown = "0" * 22
    paths = {
        "unknown": f"/join/{unknown}/{letters.guest_token(letters.uid_of_guest(unknown))}",
        "another token": f"/join/{local}/{unknown}",
        "another appointment's": f"/join/{local}/{letters.guest_token(other.uid)}",
        "the customer's": f"/join/{local}/{letters.token(one.uid)}",
        "no ASCII": f"/join/%C3%A9/{'%C3%A9' * 22}",
        "a NUL": f"/join/%00/{token}",
        "nobody invited": link(app, alone),
        "still to be confirmed": link(app, request),
    }
    answers = {name: await browser.get(path) for name, path in paths.items()}
    clock.set(one.ends_at + KEEP_LINKS + 1)
    answers["expired"] = await browser.get(f"/join/{local}/{token}")
    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(answers, 404)
    bodies = {re.sub(r'href="[^"]*"', "", answer.text) for answer in answers.values()}
    assert len(bodies) == 1


async def test_a_guests_link_opens_nothing_of_the_customers(
    app: Starlette, booking: Booking, browser: httpx.AsyncClient
) -> None:
    one = await carols(booking)
    for path in ("", "/room", "/move", "/cancel", "/invite.ics"):
        assert (await browser.get(f"/a/{app.state.letters.guest_token(one.uid)}{path}")).status_code == 404


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE"])
async def test_no_way_of_asking_changes_anything(
    app: Starlette, booking: Booking, browser: httpx.AsyncClient, clock: FrozenClock, method: str
) -> None:
    one = await carols(booking)

    def everything(connection: Connection) -> dict[str, list[tuple[object, ...]]]:
        def rows(table: Table) -> list[tuple[object, ...]]:
            return sorted((tuple(row) for row in connection.execute(select(table))), key=repr)

        return {table.name: rows(table) for table in metadata.sorted_tables}

    clock.set(one.starts_at + HOUR // 4)
    before = await app.state.database.read(everything)
    answer = await browser.request(method, link(app, one))
    assert answer.status_code == (200 if method in {"GET", "HEAD"} else 405)
    assert await app.state.database.read(everything) == before


async def test_the_page_follows_the_appointment_when_it_moves(
    app: Starlette, booking: Booking, browser: httpx.AsyncClient
) -> None:
    one = await carols(booking)
    later = (await booking.offers(OfferRequest(service="talk"))).starts[-1]
    await booking.move(app.state.letters.token(one.uid), later)
    assert f'data-away="{later - ROOM}"' in (await browser.get(link(app, one))).text


async def test_a_name_that_advertises_is_shown_without_its_address(
    app: Starlette, booking: Booking, browser: httpx.AsyncClient
) -> None:
    one = await carols(booking)

    def rename(connection: Connection) -> None:
        connection.execute(update(appointment_table).values(name="Mallory https://win.example <b>"))

    await app.state.database.write(rename)
    shown = await browser.get(link(app, one), params={"lang": "en"})
    assert "win.example" not in shown.text
    assert "Mallory" in shown.text
    assert "<b>" not in shown.text
