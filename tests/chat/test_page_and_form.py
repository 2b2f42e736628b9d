"""The chat page and the form of browsers that run no scripts: who may ask how often, and that a message is taken once."""

import re
from pathlib import Path

import httpx
import msgspec
import pytest

from presence.chat.proof import LASTS
from presence.config import Config
from tests.chat.cast import Adviser, Bank, Customer, bank_at, configuration
from tests.chat.stage import copied_sqlite
from tests.support import FrozenClock

WORDS = {"name": "Carol Jones", "email": "carol@customers.example", "text": "Please call me back"}


@pytest.fixture
def config(settled_sqlite: Path, tmp_path: Path) -> Config:
    """Pages are the same on every database."""
    return configuration(copied_sqlite(settled_sqlite, tmp_path), tmp_path)


def browsing(bank: Bank) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=bank.url, headers={"Accept": "text/html"}, follow_redirects=True)


async def challenge_of(client: httpx.AsyncClient) -> str:
    found = re.search(r'name="challenge" value="([^"]+)"', (await client.get("/chat/message")).text)
    assert found
    return found[1]


async def test_a_message_is_kept_and_reaches_an_adviser(bank: Bank) -> None:
    async with browsing(bank) as carol:
        answer = await carol.post("/chat/message", data={**WORDS, "challenge": await challenge_of(carol)})
        assert answer.status_code == 200
        assert answer.url.path == "/chat/message"
        assert "Your message is kept" in answer.text
    async with Adviser(bank, "alice") as alice:
        rows = (await alice.http.get("/desk/inbox?view=waiting")).json()["rows"]
        assert [(row["customer"]["name"], row["preview"]) for row in rows] == [("Carol Jones", "Please call me back")]


async def test_a_second_click_is_not_a_second_message(bank: Bank) -> None:
    async with browsing(bank) as carol, browsing(bank) as again:
        challenge = await challenge_of(carol)
        for client in (carol, again):
            answer = await client.post("/chat/message", data={**WORDS, "challenge": challenge})
            assert "Your message is kept" in answer.text
    async with Adviser(bank, "alice") as alice:
        assert len((await alice.http.get("/desk/inbox?view=waiting")).json()["rows"]) == 1


async def test_what_is_wrong_is_said_and_what_was_typed_is_kept(bank: Bank, clock: FrozenClock) -> None:
    async with browsing(bank) as carol:
        challenge = await challenge_of(carol)
        answer = await carol.post("/chat/message", data={**WORDS, "email": "carol", "challenge": challenge})
        assert answer.status_code == 422
        assert "This is not an email address" in answer.text
        assert "Please call me back</textarea>" in answer.text
        challenge = await challenge_of(carol)
        clock.advance(LASTS + 1)
        answer = await carol.post("/chat/message", data={**WORDS, "challenge": challenge})
        assert answer.status_code == 422
        assert "This page had become old" in answer.text
        for forged in ("", "1.2.3", "nothing"):
            assert (await carol.post("/chat/message", data={**WORDS, "challenge": forged})).status_code == 422


async def test_who_fills_in_what_nobody_sees_is_a_robot(bank: Bank) -> None:
    async with browsing(bank) as robot:
        challenge = await challenge_of(robot)
        data = {**WORDS, "challenge": challenge, "website": "https://casino.example"}
        assert (await robot.post("/chat/message", data=data)).status_code == 403


async def test_another_site_cannot_send_the_form(bank: Bank) -> None:
    async with browsing(bank) as carol:
        challenge = await challenge_of(carol)
        headers = {"Sec-Fetch-Site": "cross-site"}
        answer = await carol.post("/chat/message", data={**WORDS, "challenge": challenge}, headers=headers)
        assert answer.status_code == 403


async def test_whoever_is_known_does_not_pay_for_the_others_behind_their_address(
    config: Config, clock: FrozenClock
) -> None:
    few = msgspec.structs.replace(config, limits=msgspec.structs.replace(config.limits, holds_per_minute=2))
    async with bank_at(few, clock) as bank, Customer(bank, "Carol") as carol, Customer(bank, "Dave") as dave:
        await carol.session()
        await dave.session()
        async with Customer(bank, "Mallory") as mallory:
            answer = await mallory.post("/chat/session")
            assert answer.status_code == 429
            assert int(answer.headers["retry-after"]) > 0
        await carol.session()


async def test_the_page_holds_nothing_of_anybody_and_says_who_is_there(bank: Bank) -> None:
    async with Customer(bank, "Carol") as carol:
        await carol.begin(email="carol@customers.example")
        page = await carol.http.get("/chat?adviser=alice&team=nonsense&embed=1", headers={"Accept": "text/html"})
        assert "carol@customers.example" not in page.text
        assert "You are writing to Alice" in page.text
        assert 'data-what="site:"' in page.text
        assert 'class="top"' not in page.text
        assert 'data-state="offline"' in page.text


async def test_a_conversation_belongs_to_the_customer_who_says_later_who_they_are(bank: Bank, alice: Adviser) -> None:
    async with Customer(bank, "Carol") as carol:
        c = await carol.begin(email="")
        known = await carol.post("/chat/me", name="Carol Jones", email="carol@customers.example")
        assert known.json() == {"name": "Carol Jones", "email": "carol@customers.example"}
        shown = (await alice.http.get(f"/desk/conversations/{c}")).json()["customer"]
        assert (shown["name"], shown["email"]) == ("Carol Jones", "carol@customers.example")
        assert shown["since"] is not None
