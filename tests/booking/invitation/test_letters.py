"""Which mail says what to whom."""

import re
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest

from presence.booking import wording
from presence.booking.letters import KINDS, Absence, Kind, Outgoing, absence_letters, letters_for, reminder_for
from presence.booking.model import Appointment, AppointmentState, Person
from presence.booking.rehearsal import rehearse
from presence.errors import ConfigError
from presence.mail.templates import MailTemplates
from presence.roster.model import Adviser
from tests.booking.invitation.cast import (
    ALICE,
    BOB,
    CAROL,
    DAVE,
    HOUSE,
    LINKS,
    NOW,
    SECRET,
    START,
    TEMPLATES,
    ReadMail,
    appointment,
    letters,
    line,
    lines,
)
from tests.oracles import icaljs, libical

ABSENCES: tuple[Absence, ...] = ("missed", "let_down")
LATER = {"starts_at": START + 86_400, "ends_at": START + 88_200, "sequence": 1}


def every_letter() -> list[tuple[Kind, str, ReadMail]]:
    """Kind, role and mail of every letter there is, in both languages for the customer."""
    found: list[tuple[Kind, str, ReadMail]] = []
    for language in ("fr", "en"):
        customer = msgspec.structs.replace(CAROL, language=language)
        before = appointment(customer=customer, guests=(DAVE,), phone="+33 1 23 45", answers={"sum": "240 000 €"})
        for kind in KINDS:
            if kind in ("reminder", "handed_over", "missed", "let_down"):
                continue
            changes: dict[str, object] = {"reason": "A train\nthat is late"} if kind not in ("requested",) else {}
            states: dict[str, AppointmentState] = {
                "requested": "requested",
                "declined": "declined",
                "cancelled": "cancelled",
            }
            changes["state"] = states.get(kind, "confirmed")
            if kind == "moved":
                changes |= {**LATER, "advisers": (BOB,)}
            elif kind in ("declined", "cancelled"):
                changes["sequence"] = 1
            after = msgspec.structs.replace(before, **changes)
            needs = before if kind in ("moved", "declined", "cancelled") else None
            found += [(mail.kind, mail.role, ReadMail(mail.raw)) for mail in letters(kind, after, needs).values()]
        found += [("reminder", who.role, ReadMail(reminder(before, who))) for who in wording.recipients(before)]
        for absence in ABSENCES:
            found += [(mail.kind, mail.role, ReadMail(mail.raw)) for mail in absent(absence, before).values()]
    return found


def absent(kind: Absence, of: Appointment, supervisors: tuple[Adviser, ...] = (BOB,)) -> dict[str, Outgoing]:
    """The mails about an appointment to which one side came alone, by their recipient."""
    sent = absence_letters(
        kind, of, supervisors=supervisors, links=LINKS, organisation=HOUSE, templates=TEMPLATES, now=START + 900
    )
    return {mail.recipient: mail for mail in sent}


def reminder(of: Appointment, who: wording.Recipient, minutes: int = 60) -> bytes:
    return reminder_for(of, who, minutes=minutes, links=LINKS, organisation=HOUSE, templates=TEMPLATES, now=NOW).raw


class TestWhoIsWrittenTo:
    def test_a_booking_tells_customer_adviser_and_guests(self) -> None:
        assert set(letters("confirmation", appointment(guests=(DAVE,)))) == {
            CAROL.email,
            ALICE.email,
            DAVE.email,
        }

    def test_a_request_tells_no_guest_before_it_is_certain(self) -> None:
        asked = appointment(state="requested", guests=(DAVE,))
        assert set(letters("requested", asked)) == {CAROL.email, ALICE.email}
        settled = letters("confirmed", appointment(sequence=1, guests=(DAVE,)), asked)
        assert ReadMail(settled[DAVE.email].raw).subject.startswith("Invitation: Mortgage advice")

    def test_the_end_of_a_request_tells_no_guest_who_never_heard_of_it(self) -> None:
        asked = appointment(state="requested", guests=(DAVE,))
        gone = appointment(state="cancelled", guests=(DAVE,), sequence=1)
        assert DAVE.email not in letters("cancelled", gone, asked)
        assert DAVE.email not in letters("declined", appointment(state="declined", sequence=1), asked)
        assert DAVE.email in letters("cancelled", gone, appointment(guests=(DAVE,)))

    def test_all_advisers_of_a_collective_appointment_are_told(self) -> None:
        assert {ALICE.email, BOB.email} <= set(letters("confirmation", appointment(advisers=(ALICE, BOB))))

    def test_a_move_to_another_adviser_cancels_the_formers_and_invites_the_new_one(self) -> None:
        sent = letters("moved", appointment(advisers=(BOB,), **LATER), appointment())
        former, new = sent[ALICE.email], sent[BOB.email]
        assert (former.kind, new.kind, sent[CAROL.email].kind) == ("handed_over", "confirmation", "moved")
        cancel, invite = ReadMail(former.raw).calendar, ReadMail(new.raw).calendar
        assert line(cancel, "METHOD") == "METHOD:CANCEL"
        assert line(invite, "METHOD") == "METHOD:REQUEST"
        assert line(cancel, "UID") == line(invite, "UID")
        assert line(cancel, "SEQUENCE") == line(invite, "SEQUENCE") == "SEQUENCE:1"
        assert line(cancel, "DTSTART") == "DTSTART:20261126T133000Z"

    def test_a_move_that_keeps_the_adviser_updates_everybodys_entry(self) -> None:
        before = appointment(guests=(DAVE,))
        for mail in letters("moved", appointment(guests=(DAVE,), **LATER), before).values():
            calendar = ReadMail(mail.raw).calendar
            assert mail.kind == "moved"
            assert line(calendar, "METHOD") == "METHOD:REQUEST"
            assert line(calendar, "DTSTART") == "DTSTART:20261127T133000Z"

    def test_a_change_whose_sequence_was_not_raised_is_refused(self) -> None:
        with pytest.raises(ValueError, match="SEQUENCE"):
            letters("moved", appointment(starts_at=START + 900), appointment())
        with pytest.raises(ValueError, match="as it was"):
            letters("moved", appointment(**LATER))


class TestWhatTheyRead:
    def test_each_in_their_language_and_zone_with_its_name(self) -> None:
        sent = letters("confirmation", appointment(guests=(DAVE,), advisers=(BOB,)))
        carol, dave, bob = (ReadMail(sent[who].raw) for who in (CAROL.email, DAVE.email, BOB.email))
        for body in (carol.text, carol.html):
            assert "14:30 – 15:00" in body
            assert "heure de Paris (UTC+1)" in body
            assert "26 novembre 2026" in body
        for body in (dave.text, dave.html):
            assert "08:30 – 09:00" in body
            assert "New York time (UTC−5)" in body
        assert carol.message["content-language"] == "fr"
        assert '<html lang="fr"' in carol.html
        assert bob.message["content-language"] == "en"  # his first, German, is no language of ours
        assert dave.subject == "Invitation: Mortgage advice, Thursday 26 November 2026 at 08:30"
        assert carol.subject == "Confirmé\u00a0: Conseil en crédit immobilier, jeudi 26 novembre 2026 à 14:30"

    def test_an_appointment_over_midnight_names_the_day_it_ends(self) -> None:
        late = appointment(starts_at=START + 9 * 3600, ends_at=START + 10 * 3600)
        assert (
            "23:30 – vendredi 27 novembre 2026, 00:30" in ReadMail(letters("confirmation", late)[CAROL.email].raw).text
        )

    def test_a_move_tells_the_new_time_and_the_old_one(self) -> None:
        mail = ReadMail(letters("moved", appointment(**LATER), appointment())[CAROL.email].raw)
        for body in (mail.text, mail.html):
            assert "endredi 27 novembre 2026" in body
            assert "jeudi 26 novembre 2026, 14:30 – 15:00" in body

    def test_a_request_says_that_it_is_not_certain_and_asks_the_adviser(self) -> None:
        sent = letters("requested", appointment(state="requested"))
        carol, alice = ReadMail(sent[CAROL.email].raw), ReadMail(sent[ALICE.email].raw)
        assert "n’est pas encore certain" in carol.text
        assert "STATUS:TENTATIVE" in carol.calendar.decode()
        assert "Confirmer ou refuser" in alice.html
        assert LINKS.desk in alice.html

    def test_the_adviser_reads_telephone_and_answers_which_nobody_else_does(self) -> None:
        ours = appointment(
            guests=(DAVE,), phone="+33 1 23 45", answers={"sum": "240 000 €\nsur 20 ans", "first": "yes"}
        )
        sent = letters("confirmation", ours)
        alice = ReadMail(sent[ALICE.email].raw)
        for body in (alice.text, alice.html):
            for told in ("+33 1 23 45", "240 000 €", "sur 20 ans", "Premier achat ?", "Oui", CAROL.email):
                assert told in body
        assert "240 000" not in alice.calendar.decode()
        assert "240 000" not in ReadMail(sent[DAVE.email].raw).everything
        assert "+33 1 23 45" not in ReadMail(sent[DAVE.email].raw).everything

    def test_a_guest_reads_no_reason(self) -> None:
        off = appointment(state="cancelled", sequence=1, guests=(DAVE,), reason="I am ill")
        sent = letters("cancelled", off, appointment(guests=(DAVE,)))
        assert "I am ill" in ReadMail(sent[ALICE.email].raw).text
        assert "I am ill" not in ReadMail(sent[DAVE.email].raw).everything

    def test_what_is_off_offers_neither_joining_nor_moving_but_another_time(self) -> None:
        off = appointment(state="cancelled", sequence=1)
        carol = ReadMail(letters("cancelled", off, appointment())[CAROL.email].raw)
        for body in (carol.text, carol.html):
            assert SECRET not in body
            assert LINKS.book in body

    def test_a_reminder_has_no_calendar_part_and_leads_to_the_room(self) -> None:
        ours = appointment()
        for who in wording.recipients(ours):
            mail = ReadMail(reminder(ours, who))
            assert [part.get_content_type() for part in mail.parts] == ["text/plain", "text/html"]
            assert LINKS.join_of(who.role) in mail.html

    def test_who_did_not_come_is_missed_and_offered_another_time(self) -> None:
        sent = absent("missed", appointment(guests=(DAVE,)))
        assert set(sent) == {CAROL.email}
        mail = ReadMail(sent[CAROL.email].raw)
        assert mail.subject.startswith("Nous vous avons attendu")
        assert len(mail.parts) == 2
        for body in (mail.text, mail.html):
            assert "Nous regrettons que votre rendez-vous avec Alice Martin" in body
            assert LINKS.book in body
            assert SECRET not in body

    def test_who_was_let_down_gets_an_apology_and_a_telephone_number_and_advisers_hear_of_it(self) -> None:
        sent = absent("let_down", appointment(guests=(DAVE,), phone="+33 1 23 45"), (ALICE, BOB))
        assert set(sent) == {CAROL.email, ALICE.email, BOB.email}
        carol, alice, bob = (ReadMail(sent[who].raw) for who in (CAROL.email, ALICE.email, BOB.email))
        for body in (carol.text, carol.html):
            assert "nous vous présentons nos excuses" in body
            assert LINKS.book in body
            assert HOUSE.phone in body
        for body in (alice.text, alice.html):
            assert "Carol Durand s’est présenté au rendez-vous avec Alice Martin" in body
            assert LINKS.desk in body
            assert "+33 1 23 45" in body
        assert "Carol Durand came to the appointment with Alice Martin" in bob.text
        assert "https://" not in bob.text  # nothing of another's desk opens for a supervisor

    def test_after_the_cut_off_no_mail_offers_to_move_or_cancel(self) -> None:
        ours = appointment()
        for start, offered in ((NOW + 7201, True), (NOW + 7200, False)):
            near = msgspec.structs.replace(ours, starts_at=start, ends_at=start + 1800)
            mail = ReadMail(reminder(near, wording.recipients(near)[0]))
            assert (LINKS.move in mail.text, LINKS.cancel in mail.html) == (offered, offered)

    def test_text_typed_by_a_stranger_stays_text(self) -> None:
        mallory = Person(name="<img src=x onerror=alert(1)>", email="mallory@evil.example", language="en", zone="UTC")
        sent = letters("confirmation", appointment(customer=mallory, answers={"sum": "</td><script>alert(1)</script>"}))
        for mail in sent.values():
            assert "<img" not in ReadMail(mail.raw).html
            assert "<script" not in ReadMail(mail.raw).html


class TestEveryLetter:
    def test_only_the_customer_ever_sees_the_customers_links(self) -> None:
        seen = set()
        for kind, role, mail in every_letter():
            seen.add((kind, role))
            assert role == "customer" or SECRET not in mail.everything, (kind, role)
        assert {kind for kind, _ in seen} == set(KINDS)

    def test_the_calendar_part_is_last_no_attachment_and_of_the_headers_method(self) -> None:
        for kind, _, mail in every_letter():
            if kind in ("reminder", *ABSENCES):
                continue
            part = mail.parts[-1]
            assert mail.message.get_content_type() == "multipart/alternative"
            assert [one.get_content_type() for one in mail.parts] == [
                "text/plain",
                "text/html",
                "text/calendar",
            ]
            assert part["content-disposition"] is None
            assert line(mail.calendar, "METHOD") == f"METHOD:{part.get_param('method')}"
            assert part.get_content_charset() == "utf-8"

    def test_one_uid_for_the_whole_life(self) -> None:
        calendars = [mail.calendar for kind, _, mail in every_letter() if kind not in ("reminder", *ABSENCES)]
        assert {line(calendar, "UID") for calendar in calendars} == {f"UID:{appointment().uid}"}
        assert {one for calendar in calendars for one in lines(calendar, "METHOD")} == {
            "METHOD:REQUEST",
            "METHOD:CANCEL",
        }

    def test_libical_and_icaljs_read_every_calendar_part(self) -> None:
        calendars = [mail.calendar for kind, _, mail in every_letter() if kind not in ("reminder", *ABSENCES)]
        for calendar in calendars:
            read = libical.read(calendar)
            assert (read.errors, read.keeps_the_rules) == (0, True), calendar.decode()
        assert all(len(read["events"]) == 1 for read in icaljs.read(calendars))

    def test_loads_nothing_from_anywhere_and_runs_nothing(self) -> None:
        for _, _, mail in every_letter():
            loads = _Loads()
            loads.feed(mail.html)
            assert loads.found == []
            assert not re.search(r"url\(|@import|javascript:", mail.html)

    def test_says_in_the_text_what_the_html_says(self) -> None:
        for kind, role, mail in every_letter():
            links = set(re.findall(r'href="([^"]+)"', mail.html))
            assert links <= set(mail.text.split()), (kind, role)

    def test_no_letter_has_an_english_line_in_a_french_mail(self) -> None:
        for _, _, mail in every_letter():
            if mail.message["content-language"] == "fr":
                assert not re.search(r"\b(the|your|appointment|with|you)\b", mail.text, re.IGNORECASE)

    def test_the_same_letter_has_the_same_message_id_and_another_has_another(self) -> None:
        ours = appointment(guests=(DAVE,))
        first, again = letters("confirmation", ours), letters("confirmation", ours)
        assert {mail.raw for mail in first.values()} == {mail.raw for mail in again.values()}
        ids = [mail.message_id for mail in first.values()]
        ids += [mail.message_id for mail in letters("moved", appointment(**LATER), ours).values()]
        who = wording.recipients(ours)[0]
        ids += [str(ReadMail(reminder(ours, who, minutes)).message["message-id"]) for minutes in (60, 1440)]
        assert len(set(ids)) == len(ids)
        assert all(one.endswith("@bank.example>") for one in ids)


class TestTemplates:
    def test_the_organisations_own_directory_replaces_any_by_name(self, tmp_path: Path) -> None:
        (tmp_path / "words").mkdir()
        (tmp_path / "words" / "confirmation.txt").write_text(
            "Subject: Our own\nBadge: b\nHeadline: h\nIntro: i {{ _('Hello,') }}\n"
        )
        sent = letters_for(
            "confirmation",
            appointment(),
            links=LINKS,
            organisation=HOUSE,
            templates=MailTemplates(str(tmp_path)),
            now=NOW,
        )
        assert ReadMail(sent[0].raw).subject == "Our own"
        assert "i Bonjour," in ReadMail(sent[0].raw).html

    def test_a_template_that_cannot_be_read_stops_the_start_with_its_name(self, tmp_path: Path) -> None:
        (tmp_path / "appointment.html").write_text("{% if %}")
        with pytest.raises(ConfigError, match=r"appointment\.html"):
            MailTemplates(str(tmp_path))
        with pytest.raises(ConfigError, match="not a directory"):
            MailTemplates(str(tmp_path / "missing"))

    def test_a_template_that_fails_when_used_stops_the_start_and_not_a_booking(self, tmp_path: Path) -> None:
        (tmp_path / "appointment.txt").write_text("{{ no_such_name }}")
        with pytest.raises(ConfigError, match=r"no_such_name"):
            rehearse(MailTemplates(str(tmp_path)), HOUSE)
        rehearse(TEMPLATES, HOUSE)


class _Loads(HTMLParser):
    """Whatever a mail reader would fetch or run."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("img", "script", "iframe", "object", "embed", "link", "video", "audio", "form"):
            self.found.append(tag)
        self.found += [name for name, _ in attrs if name in ("src", "srcset", "background") or name.startswith("on")]
