"""A robot pays for each conversation; a person pays once, also when they correct what they wrote or send it again."""

import asyncio
import hashlib
import uuid
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import func, select

from presence.chat.proof import LASTS, Proofs, spent
from presence.config import Config
from presence.storage.database import Database
from presence.storage.tables import used_proof
from tests.chat.cast import Adviser, Bank, Customer, Frame, bank_at, configuration
from tests.chat.stage import copied_bank, copied_sqlite
from tests.live.redis import Redis
from tests.support import FrozenClock

BITS = 8


def solved(challenge: str, bits: int = BITS) -> str:
    """A nonce that answers it, as the page's worker finds it."""
    for number in count():
        digest = hashlib.sha256(f"{challenge}:{number}".encode()).digest()
        if int.from_bytes(digest, "big") >> (256 - bits) == 0:
            return str(number)
    raise AssertionError


def unsolved(challenge: str) -> str:
    return next(f"x{n}" for n in count() if hashlib.sha256(f"{challenge}:x{n}".encode()).digest()[0])


def test_work_is_seen_by_its_hash() -> None:
    proofs = Proofs("key", BITS)
    challenge = proofs.challenge(1000)
    assert not proofs.accepts(challenge, unsolved(challenge), 1000)
    assert proofs.accepts(challenge, solved(challenge), 1000)


async def test_a_challenge_is_spent_once_and_forgotten_when_it_is_old(database: Database) -> None:
    async def spend(challenge: str, now: int) -> bool:
        return await database.write(lambda connection: spent(connection, challenge, now))

    assert await spend("a", 1000)
    assert not await spend("a", 1000 + LASTS - 1)
    assert await spend("b", 1000 + LASTS)
    count = select(func.count()).select_from(used_proof)
    assert await database.read(lambda connection: connection.execute(count).scalar_one()) == 1


def test_an_old_a_foreign_and_a_forged_challenge_are_none() -> None:
    proofs, others = Proofs("key", BITS), Proofs("another key", BITS)
    challenge = proofs.challenge(1000)
    assert not proofs.accepts(challenge, solved(challenge), 1000 + LASTS)
    foreign = others.challenge(1000)
    assert not proofs.accepts(foreign, solved(foreign), 1000)
    until, rest = challenge.split(".", 1)
    forged = f"{int(until) + 1000}.{rest}"
    assert not proofs.accepts(forged, solved(forged), 1000)
    for nonsense in ("", ".", "..", "é.é.é", "1.2.3"):
        assert not proofs.accepts(nonsense, solved(nonsense), 1000)
    assert not proofs.accepts(challenge, "0" * 33, 1000)


def test_where_nothing_is_asked_everything_is_good() -> None:
    assert Proofs("key", 0).accepts("", "", 1000)


@pytest.fixture
def config(settled_sqlite: Path, tmp_path: Path) -> Config:
    return configuration(copied_sqlite(settled_sqlite, tmp_path), tmp_path, proof_bits=BITS)


@pytest.fixture
async def bank(config: Config, clock: FrozenClock) -> AsyncIterator[Bank]:
    async with bank_at(config, clock) as served:
        yield served


async def worked(carol: Customer) -> Frame:
    challenge = (await carol.session())["proof"]["challenge"]
    return {"challenge": challenge, "nonce": solved(challenge)}


async def test_no_conversation_begins_without_work_and_none_twice_by_the_same(bank: Bank, alice: Adviser) -> None:
    async with Customer(bank, "Carol") as carol, Customer(bank, "Mallory") as mallory:
        proof = await worked(carol)
        body = {"text": "Hello?", "name": "Carol", "email": carol.email, "id": uuid.uuid4().hex}
        assert (await carol.post("/chat/conversations", **body)).status_code == 403
        begun = await carol.post("/chat/conversations", **body, proof=proof)
        assert begun.status_code == 201
        again = await carol.post("/chat/conversations", **body, proof=proof)  # the answer had been lost
        assert (again.status_code, again.json()["c"]) == (200, begun.json()["c"])
        await mallory.session()
        assert (await mallory.post("/chat/conversations", **body, proof=proof)).status_code == 403
        await carol.connect({begun.json()["c"]: 0})
        await carol.until(lambda f: f["t"] == "caught")
        assert [f["kind"] for f in carol.events(begun.json()["c"]) if f["by"] == "customer"] == ["text"]


@pytest.fixture
def shared(settled_postgres: str, tmp_path: Path, redis: Redis) -> Iterator[Config]:
    with copied_bank(settled_postgres) as address:
        yield configuration(address, tmp_path, proof_bits=BITS, redis_url=redis.url)


@pytest.mark.postgres
async def test_two_processes_take_the_same_work_once(shared: Config, clock: FrozenClock) -> None:
    async with (
        bank_at(shared, clock) as here,
        bank_at(shared, clock) as there,
        Customer(here, "Carol") as carol,
        Customer(there, "Mallory") as mallory,
    ):
        body = {"text": "Hello?", "name": "Carol", "email": carol.email, "proof": await worked(carol)}
        await mallory.session()
        both = (one.post("/chat/conversations", id=uuid.uuid4().hex, **body) for one in (carol, mallory))
        assert sorted([answer.status_code for answer in await asyncio.gather(*both)]) == [201, 403]


async def test_who_corrects_what_they_wrote_need_not_work_again(bank: Bank, carol: Customer) -> None:
    proof = await worked(carol)
    body = {"id": uuid.uuid4().hex, "name": "Carol", "text": "Hello?", "proof": proof}
    wrong = await carol.post("/chat/conversations", **body)  # nobody is there: an address is needed
    assert wrong.status_code == 422
    assert "email" in wrong.text
    assert (await carol.post("/chat/conversations", **body, email="not an address")).status_code == 422
    right = await carol.post("/chat/conversations", **body, email=carol.email)
    assert (right.status_code, right.json()["state"]) == (201, "message")


async def test_what_is_no_json_is_told_so(bank: Bank, carol: Customer) -> None:
    await carol.session()
    for body in (b"\xff", b"[" * 50_000, b'{"id": 1}', b'"'):
        answer = await carol.http.post("/chat/conversations", content=body)
        assert answer.status_code == 400, body[:20]
