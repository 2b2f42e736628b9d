"""The log: every event once, numbered without a gap, whatever is sent at once or again, by one process or by two."""

import asyncio
import uuid
from functools import partial

from presence.chat import log, store
from presence.chat.channels import Channels
from presence.chat.journal import Journal
from presence.chat.log import Outcome
from presence.chat.model import CUSTOMER, Entry, Refusal, Stored
from presence.storage.database import Database
from tests.support import MONDAY, FrozenClock


async def conversation(database: Database) -> int:
    """The id of a new one."""
    values = {
        "uid": uuid.uuid4().hex,
        "person_key": uuid.uuid4().hex,
        "state": "active",
        "language": "en",
        **dict.fromkeys(("last_seq", "customer_seen", "adviser_seen", "mailed_seq"), 0),
        **dict.fromkeys(("created_at", "updated_at"), MONDAY),
    }
    return await database.write(lambda sql: store.add(sql, values))


def journal(database: Database) -> Journal:
    async def nothing(*_: int) -> list[Stored]:
        return []

    return Journal(database, FrozenClock(), Channels(nothing))


def text(id_: int, name: str, sender: str = CUSTOMER) -> Entry:
    return Entry(id_, sender, name, "text", f'{{"text":"{name}"}}')


async def seqs(database: Database, id_: int) -> list[int]:
    return [one.seq for one in await database.read(lambda sql: log.read(sql, id_, 0, 10_000))]


async def test_seq_has_no_gap_however_many_speak_at_once(database: Database) -> None:
    ids = [await conversation(database) for _ in range(3)]
    one, other = Database(database.url.render_as_string(hide_password=False)), database
    if database.dialect == "postgresql":  # two processes; on SQLite there is one writer
        await one.open()
    writers = [journal(one if database.dialect == "postgresql" else other), journal(other)]
    outcomes: list[Outcome] = []
    for round_ in range(5):
        works = [
            writer.append(*(text(id_, f"{number} {round_} {n}") for n in range(4) for id_ in ids))
            for number, writer in enumerate(writers)
        ]
        for done in await asyncio.gather(*works):
            outcomes += done
    for id_ in ids:
        assert await seqs(database, id_) == list(range(1, 41))
    told = sorted((one.conversation_id, one.seq) for one in outcomes if isinstance(one, Stored))
    assert told == sorted((id_, seq) for id_ in ids for seq in range(1, 41))
    await one.close()


async def test_the_same_id_again_is_the_same_event_with_the_same_answer(database: Database) -> None:
    id_, writer = await conversation(database), journal(database)
    (first,) = await writer.append(text(id_, "a"))
    again, fresh, within = await writer.append(text(id_, "a"), text(id_, "b"), text(id_, "b"))
    assert isinstance(first, Stored)
    assert isinstance(again, Stored)
    assert (again.seq, again.at, again.repeated) == (first.seq, first.at, True)
    assert isinstance(fresh, Stored)
    assert isinstance(within, Stored)
    assert (fresh.seq, within.seq, within.repeated) == (2, 2, True)
    (others,) = await writer.append(text(id_, "a", "adviser:1"))
    assert isinstance(others, Stored)
    assert others.seq == 3
    assert await seqs(database, id_) == [1, 2, 3]


async def test_ten_at_once_with_one_id_are_one_event(database: Database) -> None:
    id_, writer = await conversation(database), journal(database)
    answers = await asyncio.gather(*(writer.append(text(id_, "a")) for _ in range(10)))
    assert {one.seq for (one,) in answers if isinstance(one, Stored)} == {1}
    assert await seqs(database, id_) == [1]


async def test_a_repeat_is_acknowledged_also_when_it_would_be_refused_by_now(database: Database) -> None:
    id_, writer = await conversation(database), journal(database)
    await writer.append(text(id_, "a"))
    await database.write(lambda sql: store.change(sql, id_, state="closed", closed_at=MONDAY))
    again, new = await writer.append(text(id_, "a"), text(id_, "b"))
    assert isinstance(again, Stored)
    assert new == Refusal("closed")


async def test_a_refusal_takes_no_number(database: Database) -> None:
    id_, writer = await conversation(database), journal(database)
    late = Entry(id_, CUSTOMER, "w", "withdraw", '{"seq":7,"text":""}')
    outcomes = await writer.append(text(id_, "a"), late, text(0, "nowhere"), text(id_, "b"))
    assert outcomes[1:3] == [Refusal("not-yours"), Refusal("unknown")]
    assert await seqs(database, id_) == [1, 2]


async def test_one_that_cannot_be_stored_does_not_take_the_others_with_it(database: Database) -> None:
    id_, writer, answers = await conversation(database), journal(database), dict[str, Outcome]()
    wrong = Entry(id_, CUSTOMER, "bad", "text", None)  # type: ignore[arg-type]
    for one in (text(id_, "a"), wrong, text(id_, "b")):
        assert writer.hand_in(one, None, partial(answers.__setitem__, one.client_id))
    await writer.close()
    assert answers["bad"] == Refusal("unavailable")
    assert [type(answers[name]) for name in ("a", "b")] == [Stored, Stored]
    assert await seqs(database, id_) == [1, 2]


async def test_when_nothing_can_be_stored_everybody_is_told_to_send_again(database: Database) -> None:
    id_, writer, answers = await conversation(database), journal(database), list[Outcome]()
    await database.close()
    assert writer.hand_in(text(id_, "a"), None, answers.append)
    await writer.close()
    assert answers == [Refusal("unavailable")]
    await database.open()
    (stored,) = await writer.append(text(id_, "a"))
    assert isinstance(stored, Stored)
    assert stored.seq == 1
