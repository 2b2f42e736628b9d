"""What an invitation says: the traps that real calendars set, each by name."""

import re

import pytest

from presence.booking import invitation
from presence.booking.model import Appointment, AppointmentState, Person
from presence.booking.wording import Recipient, recipients
from tests.booking.invitation.cast import (
    ALICE,
    BANK,
    BOB,
    CAROL,
    DAVE,
    LINKS,
    NOW,
    SECRET,
    START,
    appointment,
    line,
    lines,
    unfolded,
)

OURS = appointment(guests=(DAVE,))
TO_CAROL, TO_ALICE, TO_DAVE = recipients(OURS)


def request(to: Recipient = TO_CAROL) -> bytes:
    return invitation.request(appointment(guests=(DAVE,)), to, LINKS, organizer=BANK, now=NOW)


def test_a_request_names_uid_sequence_stamp_and_times_in_utc() -> None:
    calendar = request()
    assert line(calendar, "METHOD") == "METHOD:REQUEST"
    assert line(calendar, "UID") == f"UID:{OURS.uid}"
    assert line(calendar, "SEQUENCE") == "SEQUENCE:0"
    assert line(calendar, "DTSTAMP") == "DTSTAMP:20261125T094640Z"
    assert line(calendar, "DTSTART") == "DTSTART:20261126T133000Z"
    assert line(calendar, "DTEND") == "DTEND:20261126T140000Z"
    assert line(calendar, "TRANSP") == "TRANSP:OPAQUE"


def test_no_time_has_a_zone_that_outlook_could_read_an_hour_off() -> None:
    assert b"TZID" not in request()
    assert b"VTIMEZONE" not in request()


def test_the_organizer_is_our_own_address_and_never_the_advisers() -> None:
    calendar = request()
    assert line(calendar, "ORGANIZER") == 'ORGANIZER;CN="Banque Exemple":mailto:rdv@bank.example'
    assert b"SENT-BY" not in calendar


def test_customer_guest_and_adviser_are_attendees_and_only_the_adviser_has_accepted() -> None:
    assert lines(request(), "ATTENDEE") == [
        "ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=TRUE"
        ';CN="Carol Durand":mailto:carol@example.org',
        'ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=ACCEPTED;CN="Alice Martin":mailto:alice@bank.example',
        "ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=OPT-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=TRUE"
        ';CN="Dave Jones":mailto:dave@example.org',
    ]


def test_what_waits_for_the_adviser_is_tentative_and_the_adviser_has_still_to_answer() -> None:
    calendar = invitation.request(appointment(state="requested"), TO_CAROL, LINKS, organizer=BANK, now=NOW)
    assert line(calendar, "STATUS") == "STATUS:TENTATIVE"
    assert "PARTSTAT=ACCEPTED" not in unfolded(calendar)
    assert "Pas encore certain" in line(calendar, "DESCRIPTION")


@pytest.mark.parametrize("state", ["confirmed", "held", "missed"])
def test_what_is_certain_is_confirmed(state: AppointmentState) -> None:
    calendar = invitation.request(appointment(state=state), TO_CAROL, LINKS, organizer=BANK, now=NOW)
    assert line(calendar, "STATUS") == "STATUS:CONFIRMED"


def test_the_link_to_join_stands_where_each_calendar_looks_for_it() -> None:
    calendar = request()
    assert line(calendar, "LOCATION") == f"LOCATION:{LINKS.join}"
    assert line(calendar, "URL") == f"URL:{LINKS.join}"
    assert line(calendar, "CONFERENCE") == f"CONFERENCE;VALUE=URI;FEATURE=VIDEO:{LINKS.join}"
    assert LINKS.join in line(calendar, "DESCRIPTION")


def test_audio_and_text_appointments_name_their_one_feature() -> None:
    for medium, feature in (("audio", "AUDIO"), ("text", "CHAT")):
        calendar = invitation.request(appointment(medium=medium), TO_CAROL, LINKS, organizer=BANK, now=NOW)
        assert line(calendar, "CONFERENCE").startswith(f"CONFERENCE;VALUE=URI;FEATURE={feature}:")


def test_without_a_link_to_join_there_is_no_place() -> None:
    calendar = invitation.request(appointment(), TO_CAROL, type(LINKS)(page=LINKS.page), organizer=BANK, now=NOW)
    assert not lines(calendar, "LOCATION")
    assert not lines(calendar, "CONFERENCE")


def test_the_customer_reads_it_in_french_with_how_to_change_it() -> None:
    calendar = request()
    assert line(calendar, "SUMMARY") == "SUMMARY:Conseil en crédit immobilier avec Alice Martin"
    assert LINKS.page in line(calendar, "DESCRIPTION")
    assert "Appel vidéo avec Alice Martin" in line(calendar, "DESCRIPTION")


def test_the_guest_reads_it_in_english_and_never_sees_the_customers_secret() -> None:
    calendar = request(TO_DAVE)
    assert line(calendar, "SUMMARY") == "SUMMARY:Mortgage advice with Alice Martin"
    assert line(calendar, "LOCATION") == f"LOCATION:{LINKS.guest_join}"
    assert SECRET not in unfolded(calendar)


def test_the_adviser_reads_who_comes_and_never_sees_the_customers_secret() -> None:
    calendar = request(TO_ALICE)
    assert line(calendar, "SUMMARY") == "SUMMARY:Conseil en crédit immobilier – Carol Durand"
    assert line(calendar, "LOCATION") == f"LOCATION:{LINKS.adviser_join}"
    assert SECRET not in unfolded(calendar)


def test_a_cancellation_is_a_cancel_with_the_same_people_and_the_raised_sequence() -> None:
    first = request()
    off = appointment(guests=(DAVE,), state="cancelled", sequence=1)
    calendar = invitation.cancellation(off, TO_CAROL, organizer=BANK, now=NOW)
    assert line(calendar, "METHOD") == "METHOD:CANCEL"
    assert line(calendar, "STATUS") == "STATUS:CANCELLED"
    assert line(calendar, "SEQUENCE") == "SEQUENCE:1"
    for same in ("UID", "ORGANIZER", "DTSTART", "DTEND"):
        assert line(calendar, same) == line(first, same)
    assert lines(calendar, "ATTENDEE") == lines(first, "ATTENDEE")
    assert SECRET not in unfolded(calendar)


@pytest.mark.parametrize("state", ["cancelled", "declined"])
def test_nobody_is_invited_to_what_is_off(state: AppointmentState) -> None:
    with pytest.raises(ValueError, match=state):
        invitation.request(appointment(state=state), TO_CAROL, LINKS, organizer=BANK, now=NOW)


def test_an_adviser_taken_off_gets_a_cancel_that_leaves_it_standing_for_the_others() -> None:
    calendar = invitation.withdrawal(appointment(sequence=1), ALICE, organizer=BANK, now=NOW)
    assert line(calendar, "METHOD") == "METHOD:CANCEL"
    assert not lines(calendar, "STATUS")
    assert [one.rpartition(":")[2] for one in lines(calendar, "ATTENDEE")] == ["alice@bank.example"]


def test_the_file_to_download_asks_nobody_for_an_answer() -> None:
    calendar = invitation.download(OURS, TO_CAROL, LINKS, organizer=BANK, now=NOW)
    assert not lines(calendar, "METHOD")
    assert not lines(calendar, "ATTENDEE")
    assert line(calendar, "UID") == line(request(), "UID")
    assert line(calendar, "ORGANIZER") == line(request(), "ORGANIZER")


def test_nothing_is_ever_published() -> None:
    for calendar in (request(), invitation.download(OURS, TO_CAROL, LINKS, organizer=BANK, now=NOW)):
        assert b"PUBLISH" not in calendar


def test_somebody_named_twice_is_invited_once() -> None:
    twice = appointment(guests=(Person(name="Carol again", email=CAROL.email), DAVE, DAVE))
    assert [one.email for one in recipients(twice)] == [CAROL.email, ALICE.email, DAVE.email]
    calendar = invitation.request(twice, TO_CAROL, LINKS, organizer=BANK, now=NOW)
    assert len(lines(calendar, "ATTENDEE")) == 3


def test_a_name_can_add_neither_a_property_nor_a_parameter() -> None:
    mallory = Person(
        name='Mallory";PARTSTAT=ACCEPTED:mailto:x@y\r\nATTENDEE:mailto:mallory@evil.example\nMETHOD:PUBLISH',
        email="mallory@evil.example",
    )
    calendar = invitation.request(appointment(customer=mallory), TO_ALICE, LINKS, organizer=BANK, now=NOW)
    assert len(lines(calendar, "ATTENDEE")) == 2
    assert lines(calendar, "METHOD") == ["METHOD:REQUEST"]
    customer = lines(calendar, "ATTENDEE")[0]
    assert re.fullmatch(r'[^"]*;CN="[^"]*":mailto:mallory@evil\.example', customer)


def test_a_name_cannot_advertise_an_address_to_the_guests() -> None:
    spam = Person(name="You won! https://evil.example/x now www.evil.example", email="mallory@evil.example")
    calendar = invitation.request(appointment(customer=spam, guests=(DAVE,)), TO_DAVE, LINKS, organizer=BANK, now=NOW)
    assert "https://evil" not in unfolded(calendar)
    assert "www." not in unfolded(calendar)


def test_odd_addresses_become_valid_uris() -> None:
    odd = Person(name="Odd", email="a%b?c#d&e@example.org")
    calendar = invitation.request(appointment(customer=odd), TO_ALICE, LINKS, organizer=BANK, now=NOW)
    assert lines(calendar, "ATTENDEE")[0].endswith(":mailto:a%25b%3Fc%23d%26e@example.org")


class TestFeed:
    def feed(self, *appointments: Appointment) -> bytes:
        return invitation.feed(
            appointments,
            "Banque Exemple – Alice Martin",
            adviser=ALICE,
            links=lambda _: LINKS,
            organizer=BANK,
        )

    def test_is_named_and_says_how_often_to_come_back(self) -> None:
        calendar = self.feed(appointment())
        assert line(calendar, "NAME") == "NAME:Banque Exemple – Alice Martin"
        assert line(calendar, "X-WR-CALNAME") == "X-WR-CALNAME:Banque Exemple – Alice Martin"
        assert line(calendar, "REFRESH-INTERVAL") == "REFRESH-INTERVAL;VALUE=DURATION:PT15M"
        assert not lines(calendar, "METHOD")

    def test_is_the_same_bytes_whatever_the_order_and_hour_it_is_asked_in(self) -> None:
        one, two = appointment(), appointment(uid="other@x", starts_at=START - 3600, ends_at=START)
        assert self.feed(one, two) == self.feed(two, one)
        assert line(self.feed(one), "DTSTAMP") == f"DTSTAMP:{invitation.utc_form(one.updated_at)}"

    def test_leaves_out_what_is_cancelled_or_declined(self) -> None:
        calendar = self.feed(appointment(state="cancelled"), appointment(state="declined"), appointment(uid="kept@x"))
        assert lines(calendar, "UID") == ["UID:kept@x"]

    def test_never_holds_the_customers_secret(self) -> None:
        calendar = self.feed(appointment(advisers=(ALICE, BOB), guests=(DAVE,)))
        assert SECRET not in unfolded(calendar)
        assert not lines(calendar, "ATTENDEE")
