"""Machines that answer machines: it ends after two mails at the most."""

import shutil
from pathlib import Path

from presence.config import Config
from tests.chat.cast import Adviser, Customer, bank_at, configuration
from tests.chat.mail.post import CAROL, TRUSTED, Post, answer, mailed, reply_to, with_mail
from tests.mail.cast import MailServer
from tests.support import FrozenClock

ALICE = "alice@bank.example"
PASSED = f"Authentication-Results: {TRUSTED}; dmarc=pass header.from=bank.example\r\n"
AWAY = "I am away until Monday, and answer you when I am back. In urgent cases please telephone."


class Absent:
    """Answers every mail to an address at once, always the same; `headers` is what gives it away."""

    def __init__(self, post: Post, email: str, headers: str) -> None:
        self.post = post
        self.email = email
        self.headers = headers
        self.answered = 0

    async def answer_all(self) -> int:
        """Answer what is new; how many mails that were."""
        await self.post.settled()
        mine = self.post._sent(self.email)
        new = mine[self.answered :]
        for mail in new:
            self.answered += 1
            raw = answer(mail, AWAY, sender=self.email, headers=self.headers, name=f"away{self.answered}")
            await self.post.brings(raw, reply_to(mail), self.email)
        return len(new)


async def rounds(post: Post, *absent: Absent, hours: int = 12) -> None:
    """So many hours of it."""
    for _ in range(hours // 2):
        for one in absent:
            await one.answer_all()
        await post.time_passes(7200)


async def test_a_holiday_notice_is_answered_by_nobody(post: Post, carol: Customer, alice: Adviser) -> None:
    await mailed(post, carol, alice)
    await rounds(post, Absent(post, CAROL, "Auto-Submitted: auto-replied\r\n"), hours=4)
    await post.mails(1, CAROL)
    assert len(post.outside.received) == 1


async def test_notices_of_both_sides_from_which_everything_was_taken_off_end_by_themselves(
    post: Post, carol: Customer
) -> None:
    c = await carol.begin(adviser="alice")
    await carol.hang_up()
    carols, alices = Absent(post, CAROL, ""), Absent(post, ALICE, PASSED)
    await rounds(post, alices, carols)
    assert len(post._sent(CAROL)) <= 2
    assert len(post._sent(ALICE)) <= 2
    assert [note for note in await post.bodies(c, "note") if note.get("automatic") == "repeated"]


async def test_another_bank_with_the_same_software_is_a_machine_too(
    post: Post, carol: Customer, alice: Adviser, config: Config, clock: FrozenClock, tmp_path: Path, migrated: Path
) -> None:
    """The other bank's addresses are its customers' here, and the other way round: what one sends, the other is brought."""
    await mailed(post, carol, alice)
    ours = await post.mail()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.copyfile(migrated, elsewhere / "presence.db")
    async with MailServer() as server:
        theirs = with_mail(
            configuration(f"sqlite:///{elsewhere}/presence.db", elsewhere), elsewhere, server.port, trusted_authserv=""
        )
        async with bank_at(theirs, clock) as other_bank:
            other = Post(other_bank, server, elsewhere)
            async with Customer(other_bank, "Dave", email="advice@bank.example") as dave:
                c = await dave.begin(adviser="alice")
                first = await other.mail(ALICE)
            for _ in range(5):
                # Each is handed what the other has sent, as it is.
                for raw in [raw for _, _, raw in post.outside.received]:
                    await other.brings(raw, reply_to(first), "advice@bank.example")
                for raw in [raw for _, _, raw in server.received]:
                    await post.brings(raw, reply_to(ours), CAROL)
                await post.time_passes(3600)
                await other.look()
            assert len(server.received) == 1
            assert {note["automatic"] for note in await other.bodies(c, "note")} == {"auto-submitted: auto-generated"}
    assert len(post._sent(CAROL)) == 1
