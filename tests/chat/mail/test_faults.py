"""A mail is answered for only when it is durable: whatever breaks before, the other server keeps it and comes again."""

import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from presence.storage.database import Database
from tests.chat.cast import Adviser, Bank, Customer
from tests.chat.mail.post import Post, answer, mailed, reply_to, until
from tests.mail.inbound.cast import CORPUS

ALL = sorted(CORPUS.rglob("*.eml"))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_full_disk_is_told_and_the_mail_comes_again(
    post: Post, bank: Bank, carol: Customer, alice: Adviser
) -> None:
    c = await mailed(post, carol, alice)
    mail = await post.mail()
    raw = answer(mail, "word " * 1500)

    def pages(connection: Connection) -> int:
        return int(connection.exec_driver_sql("PRAGMA page_count").scalar() or 0)

    def most(count: int) -> object:
        return lambda connection: connection.exec_driver_sql(f"PRAGMA max_page_count={count}").scalar()

    full = await bank.database.read(pages)
    await bank.database.write(most(full))  # type: ignore[arg-type]
    while (said := await post.brings(raw, reply_to(mail))).startswith("250"):  # there was some room left
        raw = answer(mail, "word " * 1500, name=f"m{random.random()}")
    assert said.startswith("451")
    stored = len(await post.bodies(c, "text", "customer"))
    await bank.database.write(most(1_000_000))  # type: ignore[arg-type]
    for _ in range(2):
        assert (await post.brings(raw, reply_to(mail))).startswith("250")
    assert len(await post.bodies(c, "text", "customer")) + len(await post.bodies(c, "note")) == stored + 1


@pytest.mark.postgres
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_database_that_is_gone_is_told_and_the_mail_comes_again(
    post: Post, bank: Bank, carol: Customer, alice: Adviser
) -> None:
    c = await mailed(post, carol, alice)
    mail = await post.mail()
    raw = answer(mail, "Yes.")
    other = Database(bank.database.url.render_as_string(hide_password=False))
    await other.open()

    def end_all(connection: Connection) -> None:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )

    answers = []
    for _ in range(3):
        await other.write(end_all)
        answers.append(await post.brings(raw, reply_to(mail)))
    await other.close()
    assert any(one.startswith("451") for one in answers)

    async def taken() -> bool:
        return (await post.brings(raw, reply_to(mail))).startswith("250")

    await until(taken)
    assert [one["text"] for one in await post.bodies(c, "text", "customer")] == ["Good morning!", "Yes."]


async def test_a_disk_that_takes_no_files_is_told_and_the_mail_comes_again(
    post: Post, carol: Customer, alice: Adviser, tmp_path: Path
) -> None:
    c = await mailed(post, carol, alice)
    mail = await post.mail()
    raw = answer(mail, "Papers").replace(b"Content-Type: text/plain", b"Content-Type: text/csv")
    (tmp_path / "files").write_bytes(b"")  # where the directory would be
    assert (await post.brings(raw, reply_to(mail))).startswith("451")
    assert await post.bodies(c, "file") == []
    (tmp_path / "files").unlink()
    assert (await post.brings(raw, reply_to(mail))).startswith("250")
    assert len(await post.bodies(c, "file")) == 1


def some_bytes(count: int) -> list[bytes]:
    """Bytes of every kind: none that are a mail, and mails of the corpus that were damaged."""
    found: list[bytes] = []

    @settings(max_examples=count, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def collect(data: st.DataObject) -> None:
        if data.draw(st.booleans()):
            found.append(data.draw(st.binary(max_size=600)))
            return
        raw = bytearray(data.draw(st.sampled_from(ALL)).read_bytes())
        for _ in range(data.draw(st.integers(1, 6))):
            at = data.draw(st.integers(0, len(raw)))
            raw[at : at + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=20))
        found.append(bytes(raw))

    collect()
    return found


async def test_no_bytes_are_too_much_for_it(
    post: Post, carol: Customer, alice: Adviser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("presence.chat.mail.by_mail.PER_DAY", 10_000)
    c = await mailed(post, carol, alice)
    address = reply_to(await post.mail())
    before = len(await post.events(c))
    mails = some_bytes(80)
    async with post.door() as other:
        for raw in [*mails, *mails[:10]]:
            assert (await other.brings(b"X-First: line\r\n" + raw + b"\r\n", address))[-1] == "250 2.0.0 kept"
    assert len(await post.events(c)) > before + len(set(mails)) // 2  # reports of no failure alone leave nothing
