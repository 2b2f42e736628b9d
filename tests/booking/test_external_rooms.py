"""An appointment that meets elsewhere: what its address may look like, and whom it is told."""

from typing import Any

import msgspec
import pytest

from presence.booking.external import external_room, host_of, is_external
from presence.booking.model import Appointment
from presence.booking.seed import service_entries
from presence.errors import ConfigError
from presence.roster.seed import adviser_entries
from tests.booking.invitation.cast import ALICE, MORTGAGE, appointment
from tests.support import adviser, service

KEY = b"k" * 40
JITSI = "https://meet.example/{room}#config.defaultLanguage={language}"


def elsewhere(room: str = JITSI, **changes: Any) -> Appointment:
    return appointment(service=msgspec.structs.replace(MORTGAGE, room=room), **changes)


def test_the_rooms_name_follows_from_the_key_and_the_appointment_and_is_nobodys_to_guess() -> None:
    address = external_room(elsewhere(), KEY, "fr")
    assert address.startswith("https://meet.example/")
    assert address.endswith("#config.defaultLanguage=fr")
    name = address.removeprefix("https://meet.example/").partition("#")[0]
    assert len(name) == 22
    assert external_room(elsewhere(), KEY, "fr") == address
    assert external_room(elsewhere(uid="another@rdv.bank.example"), KEY, "fr") != address
    assert external_room(elsewhere(), b"another key", "fr") != address


def test_without_an_address_it_meets_in_our_own_room() -> None:
    ours = appointment(advisers=(msgspec.structs.replace(ALICE, room="https://teams.example/alice"),))
    assert (external_room(ours, KEY, "fr"), is_external(ours), host_of(ours)) == ("", False, "")


def test_an_advisers_own_address_takes_the_place_of_the_services() -> None:
    alice = msgspec.structs.replace(ALICE, room="https://teams.example/l/meetup-join/19%3ameeting@thread.v2/0")
    theirs = elsewhere(advisers=(alice,))
    assert external_room(theirs, KEY, "fr") == alice.room
    assert (is_external(theirs), host_of(theirs)) == (True, "teams.example")


@pytest.mark.parametrize(
    "room",
    [
        "http://meet.example/{room}",
        "meet.example/{room}",
        "https://{room}.meet.example/",
        "https://meet.example/{appointment}",
        "https://meet.example/{room",
        "https://carol@meet.example/{room}",
        "https://meet.example/a room",
        "https://meet.example\\@evil.example/",
        "javascript:alert(1)",
        "https:///{room}",
    ],
)
def test_an_address_that_leads_to_no_room_stops_the_start(room: str) -> None:
    with pytest.raises(ConfigError, match=r"services\[0\]\.room: found .*https://meet\.example"):
        service_entries([service(room=room)])
    with pytest.raises(ConfigError, match=r"advisers\[0\]\.room: .*https://meet\.example"):
        adviser_entries([adviser("alice", room=room)])


def test_addresses_as_they_are_in_the_field_can_be_used() -> None:
    for room in (
        JITSI,
        "https://meet.example:8443/{room}?lang={language}",
        "https://bank.whereby.example/{room}",
        "https://teams.example/l/meetup-join/19%3ameeting_x@thread.v2/0?context=%7b%22Tid%22%3a%22x%22%7d",
    ):
        assert service_entries([service(room=room)])[0].room == room
