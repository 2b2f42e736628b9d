"""Microseconds a composed mail takes: words, template, invitation and MIME, of a booking for three people.

Run: python -m bench.compose
"""

import time

import msgspec

from presence.booking import letters, wording
from presence.booking.model import Appointment, Person, Pool, Service
from presence.booking.wording import Links
from presence.mail.compose import Mailbox
from presence.mail.templates import MailTemplates
from presence.roster.model import Adviser, WeeklyHours

ROUNDS = 2000
START = 1_795_699_800

ALICE = Adviser(
    id=1,
    slug="alice",
    name="Alice Martin",
    email="alice@bank.example",
    zone="Europe/Paris",
    languages=("fr", "en"),
    media=("video", "audio", "text"),
    hours=WeeklyHours(),
)
APPOINTMENT = Appointment(
    id=7,
    uid="3kTMd0zVx1@bank.example",
    state="confirmed",
    sequence=0,
    service=Service(
        slug="mortgage",
        name={"en": "Mortgage advice", "fr": "Conseil en crédit immobilier"},
        pool=Pool(team="paris"),
    ),
    starts_at=START,
    ends_at=START + 1800,
    medium="video",
    customer=Person(name="Hélène Carol", email="carol@example.org", language="fr", zone="Europe/Paris"),
    advisers=(ALICE,),
    guests=(Person(name="Dave", email="dave@example.org", language="en", zone="Europe/London"),),
    phone="+33 1 23 45 67 89",
)
LINKS = Links(
    page="https://rdv.bank.example/r/4JqT0zW7mKc2Vb9XyL1pQs",
    move="https://rdv.bank.example/r/4JqT0zW7mKc2Vb9XyL1pQs/move",
    cancel="https://rdv.bank.example/r/4JqT0zW7mKc2Vb9XyL1pQs/cancel",
    join="https://rdv.bank.example/r/4JqT0zW7mKc2Vb9XyL1pQs/join",
    guest_join="https://rdv.bank.example/g/8HsW2xR5nDf7Tc3ZvM6kBa",
    adviser_join="https://rdv.bank.example/desk/appointments/7/join",
    desk="https://rdv.bank.example/desk/appointments/7",
)


def main() -> None:
    """Print the mean for starts that repeat, as in a real day, and for starts that are all new."""
    templates = MailTemplates()
    organisation = letters.Organisation(name="Banque Exemple", mailbox=Mailbox("Banque Exemple", "rdv@bank.example"))

    def compose(start: int) -> int:
        appointment = msgspec.structs.replace(APPOINTMENT, starts_at=start, ends_at=start + 1800)
        mails = letters.letters_for(
            "confirmation",
            appointment,
            links=LINKS,
            organisation=organisation,
            templates=templates,
            now=START,
        )
        return sum(len(mail.raw) for mail in mails)

    compose(START)
    for name, step in (("starts that repeat", 0), ("every start new", 900)):
        wording.when.cache_clear()
        begun = time.perf_counter()
        size = sum(compose(START + step * number) for number in range(ROUNDS))
        taken = time.perf_counter() - begun
        print(f"{name:20} {taken / ROUNDS / 3 * 1e6:7.0f} us a mail, {size // ROUNDS // 3:6} bytes")


if __name__ == "__main__":
    main()
