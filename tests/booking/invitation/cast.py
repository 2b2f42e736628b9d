"""Carol's appointment with Alice, to be varied; and mails read back with the standard library."""

import email
import email.message
import email.policy
from typing import Any, cast

import msgspec

from presence.booking.letters import Kind, Organisation, Outgoing, letters_for
from presence.booking.model import Appointment, Person, Pool, Question, Service
from presence.booking.wording import Links
from presence.mail.compose import Mailbox
from presence.mail.templates import MailTemplates
from presence.roster.model import Adviser, WeeklyHours

NOW = 1_795_600_000
START = 1_795_699_800  # 2026-11-26 13:30 UTC, 14:30 in Paris
END = START + 1800

BANK = Mailbox("Banque Exemple", "rdv@bank.example")
HOUSE = Organisation(name="Banque Exemple", mailbox=BANK, phone="01 23 45 67 89")
TEMPLATES = MailTemplates()

SECRET = "4JqT0zW7mKc2Vb9XyL1pQs"
LINKS = Links(
    page=f"https://rdv.bank.example/a/{SECRET}",
    move=f"https://rdv.bank.example/a/{SECRET}/move",
    cancel=f"https://rdv.bank.example/a/{SECRET}/cancel",
    join=f"https://rdv.bank.example/a/{SECRET}/room",
    guest_join="https://rdv.bank.example/join/8HsW2xR5nDf7Tc3ZvM6kBa",
    adviser_join="https://rdv.bank.example/agenda/appointments/7/room",
    desk="https://rdv.bank.example/agenda/appointments/7",
    book="https://rdv.bank.example/book/mortgage",
)


def adviser(id: int, name: str, *languages: str) -> Adviser:
    """An adviser at the bank, in Paris."""
    slug = name.partition(" ")[0].lower()
    return Adviser(
        id=id,
        slug=slug,
        name=name,
        email=f"{slug}@bank.example",
        zone="Europe/Paris",
        languages=languages or ("fr",),
        media=("video", "audio", "text"),
        hours=WeeklyHours(),
    )


ALICE = adviser(1, "Alice Martin")
BOB = adviser(2, "Bob Petit", "de", "en")
CAROL = Person(name="Carol Durand", email="carol@example.org", language="fr", zone="Europe/Paris")
DAVE = Person(name="Dave Jones", email="dave@example.org", language="en", zone="America/New_York")

MORTGAGE = Service(
    slug="mortgage",
    name={"en": "Mortgage advice", "fr": "Conseil en crédit immobilier"},
    pool=Pool(team="paris"),
    questions=(
        Question(key="sum", label={"en": "How much?", "fr": "Quel montant ?"}),
        Question(key="first", kind="yes_no", label={"en": "First home?", "fr": "Premier achat ?"}),
    ),
)


def appointment(**changes: Any) -> Appointment:
    """Carol's video appointment with Alice, 26 November 2026 at 14:30 in Paris, with changes."""
    plain = Appointment(
        id=7,
        uid="3kTMd0zVx1@rdv.bank.example",
        state="confirmed",
        sequence=0,
        service=MORTGAGE,
        starts_at=START,
        ends_at=END,
        medium="video",
        customer=CAROL,
        advisers=(ALICE,),
        created_at=NOW - 60,
        updated_at=NOW - 30,
    )
    return msgspec.structs.replace(plain, **changes)


def letters(kind: Kind, of: Appointment, before: Appointment | None = None) -> dict[str, Outgoing]:
    """The mails of a change, by their recipient."""
    sent = letters_for(kind, of, before=before, links=LINKS, organisation=HOUSE, templates=TEMPLATES, now=NOW)
    assert len({mail.recipient for mail in sent}) == len(sent)
    return {mail.recipient: mail for mail in sent}


class ReadMail:
    """A mail as the standard library reads it."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.message = email.message_from_bytes(raw, policy=email.policy.default)
        assert not self.message.defects
        self.parts = cast(list[email.message.EmailMessage], list(self.message.iter_parts()))
        for part in self.parts:
            assert not part.defects

    @property
    def subject(self) -> str:
        return str(self.message["subject"])

    @property
    def text(self) -> str:
        return str(self.parts[0].get_content())

    @property
    def html(self) -> str:
        return str(self.parts[1].get_content())

    @property
    def calendar(self) -> bytes:
        """The calendar part's bytes; empty when there is none."""
        return cast(bytes, self.parts[2].get_payload(decode=True)) if len(self.parts) > 2 else b""

    @property
    def everything(self) -> str:
        """All that the recipient can see."""
        return "\n".join((str(self.message), self.text, self.html, unfolded(self.calendar)))


def unfolded(calendar: bytes) -> str:
    """A calendar with its content lines made whole again."""
    return calendar.decode().replace("\r\n ", "")


def line(calendar: bytes, name: str) -> str:
    """The one content line of this name."""
    (found,) = lines(calendar, name)
    return found


def lines(calendar: bytes, name: str) -> list[str]:
    """The content lines of this name."""
    return [one for one in unfolded(calendar).split("\r\n") if one.partition(":")[0].partition(";")[0] == name]
