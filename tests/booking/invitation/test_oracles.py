"""Every invitation, as libical, ical.js and icalendar read it: three readers, one instant."""

import datetime as dt

import icalendar
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from presence.booking import invitation, wording
from presence.booking.model import Appointment, AppointmentState, Person, Service
from tests.booking.invitation.cast import (
    ALICE,
    BANK,
    BOB,
    CAROL,
    DAVE,
    END,
    LINKS,
    MORTGAGE,
    NOW,
    START,
    appointment,
)
from tests.oracles import icaljs, libical

HOSTILE = (
    'Mallory";CN=x:mailto:a@b\r\nATTENDEE:mailto:m@evil.example',
    "Jean-François d'Arc, dit « l'Été »; \\n \\",
    "👩‍👩‍👧‍👦 " * 30,
    "名前" * 60,
    "x" * 200,
    "a^nb^^c^'d",
    "\x00\x07\x1b[31m\x7f\x85\u2028\u2029",
    "\u202eexe.knab",
    ":;,=\"'",
    "",
    " ",
)
STATES: tuple[AppointmentState, ...] = (
    "requested",
    "confirmed",
    "declined",
    "cancelled",
    "held",
    "missed",
)


def every_invitation() -> list[bytes]:
    """Each state, medium and recipient, and each hostile name in each place, in each of the forms."""
    cases = [appointment(state=state, guests=(DAVE,), sequence=3) for state in STATES]
    cases += [appointment(medium=medium, advisers=(ALICE, BOB)) for medium in ("video", "audio", "text")]
    cases += [
        appointment(
            customer=Person(name=name, email=CAROL.email, language="en", zone="Asia/Kolkata"),
            guests=(Person(name=name, email=DAVE.email),),
            service=Service(slug="s", name={"en": name + " advice"}, pool=MORTGAGE.pool),
        )
        for name in HOSTILE
    ]
    return [calendar for case in cases for calendar in forms(case)]


def forms(of: Appointment) -> list[bytes]:
    """All iCalendar objects that an appointment can become."""
    made = []
    for recipient in wording.recipients(of):
        if of.state not in ("cancelled", "declined"):
            made.append(invitation.request(of, recipient, LINKS, organizer=BANK, now=NOW))
        made += [
            invitation.cancellation(of, recipient, organizer=BANK, now=NOW),
            invitation.download(of, recipient, LINKS, organizer=BANK, now=NOW),
        ]
    return [*made, invitation.withdrawal(of, ALICE, organizer=BANK, now=NOW)]


def instant_of(moment: dt.date) -> float:
    """An event's start or end, which must be a time and not a day."""
    assert isinstance(moment, dt.datetime)
    assert moment.utcoffset() == dt.timedelta()
    return moment.timestamp()


def well_formed(calendar: bytes) -> None:
    """RFC 5545 3.1: CRLF, 75 octets, whole characters; nothing that a reader would have to forgive."""
    assert calendar.endswith(b"END:VCALENDAR\r\n")
    for octets in calendar.split(b"\r\n"):
        assert len(octets) <= 75
        text = octets.decode()
        assert not any(ord(character) < 32 or 0x7F <= ord(character) <= 0x9F for character in text)


def test_libical_finds_no_error_in_any_invitation() -> None:
    for calendar in every_invitation():
        read = libical.read(calendar)
        assert read.errors == 0, calendar.decode()
        assert read.keeps_the_rules, calendar.decode()
        assert (read.components, read.start, read.end, read.in_utc) == (1, START, END, True)
        assert read.uid == appointment().uid


def test_libical_does_find_what_is_missing() -> None:
    good = invitation.request(appointment(), wording.recipients(appointment())[0], LINKS, organizer=BANK, now=NOW)
    without = b"\r\n".join(
        octets for octets in good.split(b"\r\n") if not octets.startswith((b"ORGANIZER", b"DTSTAMP"))
    )
    assert not libical.read(without).keeps_the_rules


def test_icaljs_reads_the_same_instant_uid_and_people() -> None:
    calendars = every_invitation()
    for calendar, read in zip(calendars, icaljs.read(calendars), strict=True):
        (event,) = read["events"]
        assert (event["uid"], event["start"], event["end"]) == (appointment().uid, START, END)
        assert event["zone"] == "UTC"
        assert event["organizer"] == "mailto:rdv@bank.example"
        assert calendar.count(b"\r\nATTENDEE;") == len(event["attendees"])
        assert {one["address"] for one in event["attendees"]} <= {
            f"mailto:{address}" for address in (CAROL.email, DAVE.email, ALICE.email, BOB.email)
        }
        assert read["method"] in ("REQUEST", "CANCEL", "")


def test_icalendar_reads_the_same_instant_uid_and_sequence() -> None:
    for calendar in every_invitation():
        well_formed(calendar)
        (event,) = icalendar.Calendar.from_ical(calendar).events
        assert not event.errors
        assert instant_of(event.start) == START
        assert instant_of(event.end) == END
        assert event.uid == appointment().uid
        assert event.sequence in (0, 3)


def test_an_empty_feed_and_a_full_one_are_valid() -> None:
    for count in (0, 1, 50):
        feed = invitation.feed(
            [appointment(uid=f"{number}@x", updated_at=0) for number in range(count)],
            "Mes rendez-vous; 📅, et plus",
            adviser=ALICE,
            links=lambda _: LINKS,
            organizer=BANK,
        )
        well_formed(feed)
        read = libical.read(feed)
        assert (read.errors, read.keeps_the_rules, read.components) == (0, True, count)
        assert len(icalendar.Calendar.from_ical(feed).events) == count
        assert len(icaljs.read([feed])[0]["events"]) == count


@settings(max_examples=150, deadline=None)
@given(
    name=st.text(max_size=300),
    service=st.text(max_size=300),
    answer=st.sampled_from(("video", "audio", "text")),
    start=st.integers(0, 4_000_000_000),
)
def test_whatever_is_typed_two_readers_agree_on_title_and_text(
    name: str, service: str, answer: str, start: int
) -> None:
    of = appointment(
        customer=Person(name=name, email=CAROL.email, language="en", zone="UTC"),
        guests=(Person(name=name, email=DAVE.email),),
        service=Service(slug="s", name={"en": service}, pool=MORTGAGE.pool),
        medium=answer,
        starts_at=start,
        ends_at=start + 1800,
    )
    for recipient in wording.recipients(of):
        calendar = invitation.request(of, recipient, LINKS, organizer=BANK, now=NOW)
        well_formed(calendar)
        by_c = libical.read(calendar)
        assert by_c.errors == 0
        assert by_c.keeps_the_rules
        (event,) = icalendar.Calendar.from_ical(calendar).events
        assert instant_of(event.start) == by_c.start == start
        title, said = wording.summary(of, recipient), wording.description(of, recipient, LINKS)
        assert str(event["SUMMARY"]) == title
        assert str(event["DESCRIPTION"]) == said
        # libical leaves out space before a value
        assert (by_c.summary, by_c.description) == (title.lstrip(" "), said.lstrip(" "))
        assert len(event.attendees) == 3


@pytest.mark.parametrize("length", range(60, 90))
def test_lines_fold_at_75_octets_wherever_a_character_ends(length: int) -> None:
    for letter in ("x", "é", "€", "👋"):
        of = appointment(customer=Person(name=letter * length, email=CAROL.email))
        calendar = invitation.request(of, wording.recipients(of)[1], LINKS, organizer=BANK, now=NOW)
        well_formed(calendar)
        assert libical.read(calendar).summary.endswith(letter * length)
