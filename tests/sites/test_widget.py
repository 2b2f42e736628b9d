"""What pages of other origins are told: the same for everybody, kept by caches, refused to whom it is not for, never stale."""

import gzip
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from presence.config import Config
from presence.sites import badges, store
from presence.sites.service import BELIEVED, Sites
from presence.sites.settings import Settings
from presence.sites.widget import MOST
from tests.chat.cast import Adviser, Bank, bank_at, configuration
from tests.chat.stage import copied_sqlite
from tests.sites.test_logo import png
from tests.support import HOUR, MONDAY, FrozenClock, service

SHOP, LOANS, CLOSED = "embed-key-of-the-shop", "embed-key-of-loans", "embed-key-of-closed"
PAGE = "https://www.shop.example"
SITES: tuple[dict[str, Any], ...] = (
    {
        "slug": "shop",
        "name": "The shop",
        "key": "pk_the-shops-secret-key",
        "embed_key": SHOP,
        "settings": {
            "origins": [PAGE, "https://shop.example:8443"],
            "capabilities": ["chat", "audio", "book"],
            "theme": {"accent": "#0d5c56", "accent_dark": "#7fcdbf", "scheme": "light", "side": "start", "offset_x": 8},
            "words": {"fr": {"title": "Une question ?", "chat": "Écrire au magasin"}},
            "greetings": [
                {"text": {"en": "Hello!", "fr": "Bonjour !"}, "page": "/basket*", "after": 5, "scroll": 50},
                {"text": {"fr": "Toujours là ?"}},
            ],
        },
    },
    {
        "slug": "loans",
        "key": "pk_the-loans-secret-key",
        "embed_key": LOANS,
        "settings": {"origins": ["https://loans.example"], "team": "loans", "services": ["loan"]},
    },
    {
        "slug": "closed",
        "key": "pk_the-closed-secret-key",
        "embed_key": CLOSED,
        "settings": {"hours": {"mon": ["10:00-12:00"]}, "zone": "Europe/Paris"},
    },
)


@pytest.fixture
def config(settled_sqlite: Path, tmp_path: Path) -> Config:
    """What is answered is the same on every database."""
    config = configuration(copied_sqlite(settled_sqlite, tmp_path), tmp_path)
    loan = service("loan", pool={"team": "loans"})
    return msgspec.structs.replace(config, sites=SITES, services=(*config.services, loan))


@pytest.fixture
async def bank(config: Config, clock: FrozenClock) -> AsyncIterator[Bank]:
    async with bank_at(config, clock) as served:
        yield served


@pytest.fixture
async def alice(bank: Bank) -> AsyncIterator[Adviser]:
    async with Adviser(bank, "alice") as there:
        yield there


@pytest.fixture
async def page(bank: Bank) -> AsyncIterator[httpx.AsyncClient]:
    """A browser on a page of the shop's."""
    async with httpx.AsyncClient(base_url=bank.url, headers={"Origin": PAGE}) as client:
        yield client


def sites_of(bank: Bank) -> Sites:
    found: Sites = bank.app.state.sites
    return found


def from_memory(answer: httpx.Response) -> bool:
    """What is answered before the guard sees it carries no number for the log."""
    return "x-request-id" not in answer.headers


async def test_one_answer_says_everything(page: httpx.AsyncClient, alice: Adviser) -> None:
    answer = await page.get(f"/widget/{SHOP}/en", params={"for": "service:talk,adviser:bob,adviser:nobody"})
    told = answer.json()
    words = told.pop("words")
    modules = told.pop("modules")
    assert told == {
        "site": "shop",
        "name": "The shop",
        "capabilities": ["chat", "audio", "book"],
        "theme": {
            "accent": "#0d5c56",
            "on_accent": "#ffffff",
            "accent_dark": "#7fcdbf",
            "on_accent_dark": "#000000",
            "scheme": "light",
            "side": "start",
            "x": 8,
            "y": 20,
        },
        "logo": "",
        "greetings": [{"text": "Hello!", "page": "/basket*", "after": 5, "scroll": 50}],
        "vouching": "optional",
        "poll": 15,
        "presence": {
            "site": {"state": "available", "until": None, "name": ""},
            "adviser:bob": {"state": "offline", "until": MONDAY + HOUR, "name": "Bob Martin"},
            "adviser:nobody": None,
            "service:talk": {"state": "available", "until": None, "name": ""},
        },
    }
    assert list(told["presence"]) == ["site", "adviser:bob", "adviser:nobody", "service:talk"]
    assert words["title"] == "Talk to us"
    assert "{when}" in words["back"]
    assert "{count}" in words["unread"]
    assert (await page.get(f"{modules}panel.js")).headers["access-control-allow-origin"] == "*"
    assert not {"pk_the-shops-secret-key", "loans.example"} & {*answer.text.split('"')}


async def test_words_are_the_sites_own_in_the_readers_language_else_ours(page: httpx.AsyncClient) -> None:
    answer = await page.get(f"/widget/{SHOP}/fr-CA")
    assert answer.headers["content-language"] == "fr"
    words = answer.json()["words"]
    assert (words["title"], words["chat"], words["book"]) == (
        "Une question ?",
        "Écrire au magasin",
        "Prendre rendez-vous",
    )
    assert [one["text"] for one in answer.json()["greetings"]] == ["Bonjour !", "Toujours là ?"]
    english = (await page.get(f"/widget/{SHOP}/en")).json()["words"]
    assert {name: bool(text) for name, text in english.items()} == dict.fromkeys(words, True)
    for unknown in ("de", "x", "%00", "fr;q=0"):
        assert (await page.get(f"/widget/{SHOP}/{unknown}")).headers["content-language"] == "en"


async def test_pages_of_the_site_may_read_it_and_so_may_ours(page: httpx.AsyncClient) -> None:
    for origin in (PAGE, "https://shop.example:8443", "http://presence.test"):
        for _ in range(2):  # also from memory
            answer = await page.get(f"/widget/{SHOP}/en", headers={"Origin": origin})
            assert answer.status_code == 200
            assert answer.headers["access-control-allow-origin"] == origin
            assert answer.headers["vary"] == "Origin, Accept-Encoding"
            assert "access-control-allow-credentials" not in answer.headers
            assert "set-cookie" not in answer.headers
    del page.headers["Origin"]
    answer = await page.get(f"/widget/{SHOP}/en")
    assert answer.status_code == 200
    assert "access-control-allow-origin" not in answer.headers


async def test_no_other_page_may_and_its_console_says_why(page: httpx.AsyncClient) -> None:
    for origin in (
        "https://evil.example",
        "http://www.shop.example",
        "https://www.shop.example.evil.example",
        "https://www.shop.example:443",
        "https://www.shop.example/",
        "https://WWW.shop.example",
        "https://shop.example",
        "https://loans.example",
        "null",
        "",
        "*",
    ):
        for _ in range(2):  # the second time others' answer is in memory
            answer = await page.get(f"/widget/{SHOP}/en", headers={"Origin": origin, "Accept": "text/html"})
            assert answer.status_code == 403, origin
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.headers["access-control-allow-origin"] == "*"
            assert answer.headers["cache-control"] == "no-store"
            assert answer.json()["type"] == "/problems/origin"
            assert answer.json()["detail"] == f"{origin} is not among the origins of this site"
            assert "capabilities" not in answer.json()
            assert (await page.get(f"/widget/{SHOP}/en")).status_code == 200


async def test_a_key_that_is_none_or_was_revoked_opens_nothing(bank: Bank, page: httpx.AsyncClient) -> None:
    for key in ("embed-key-of-nobody", "x", "pk_the-shops-secret-key", "%00", "..", "shop"):
        answer = await page.get(f"/widget/{key}/en")
        assert answer.status_code == 404, key
    for _ in range(2):
        assert (await page.get(f"/widget/{SHOP}/en")).status_code == 200
    await sites_of(bank).revoke("shop")
    for path in (f"/widget/{SHOP}/en", f"/widget/{SHOP}/logo"):
        answer = await page.get(path)
        assert answer.status_code == 404
        assert answer.json()["type"] == "/problems/unknown-site"
        assert answer.headers["access-control-allow-origin"] == "*"
    assert (await page.get(f"/at/{SHOP}/en/theme.css")).status_code == 404


async def test_what_has_not_changed_is_not_sent_again(page: httpx.AsyncClient) -> None:
    address = f"/widget/{SHOP}/en?for=adviser:alice"
    first = await page.get(address)
    tag = first.headers["etag"]
    assert first.headers["cache-control"] == "public, max-age=5, stale-while-revalidate=5"
    assert first.headers["cross-origin-resource-policy"] == "cross-origin"
    assert first.headers["x-content-type-options"] == "nosniff"
    for sent in (tag, tag.removeprefix("W/"), f'"other", {tag}', "*"):
        for _ in range(2):
            again = await page.get(address, headers={"If-None-Match": sent})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag), sent
            assert again.headers["access-control-allow-origin"] == PAGE
            assert again.headers["cache-control"] == first.headers["cache-control"]
            assert again.headers["vary"] == first.headers["vary"]
    for sent in ('"other"', tag.strip('W/"'), ""):
        assert (await page.get(address, headers={"If-None-Match": sent})).status_code == 200, sent


async def test_it_is_sent_compressed_to_whom_that_suits(page: httpx.AsyncClient) -> None:
    async def raw(path: str, encoding: str) -> tuple[httpx.Response, bytes]:
        async with page.stream("GET", path, headers={"Accept-Encoding": encoding}) as answer:
            return answer, b"".join([chunk async for chunk in answer.aiter_raw()])

    for path in (f"/widget/{SHOP}/en", f"/widget/{SHOP}/en", "/widget.js"):
        answer, small = await raw(path, "br, gzip")
        other, plain = await raw(path, "identity")
        assert answer.headers["content-encoding"] == "gzip"
        assert "content-encoding" not in other.headers
        assert gzip.decompress(small) == plain
        assert len(small) < len(plain) * 0.7
        assert answer.headers["etag"] == other.headers["etag"]
        assert "Accept-Encoding" in answer.headers["vary"]


async def test_head_and_options_are_answered(page: httpx.AsyncClient) -> None:
    for path in (f"/widget/{SHOP}/en", "/widget.js"):
        got, head = await page.get(path), await page.head(path)
        assert (head.status_code, head.content) == (200, b"")
        for name in ("etag", "content-length", "cache-control", "access-control-allow-origin", "vary"):
            assert head.headers[name] == got.headers[name], name
        asked = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "if-none-match"}
        leave = await page.options(path, headers=asked)
        assert leave.status_code == 204
        assert leave.headers["access-control-allow-origin"] == "*"
        assert leave.headers["access-control-allow-methods"] == "GET, HEAD"
        assert "If-None-Match" in leave.headers["access-control-allow-headers"]
        assert (await page.post(path)).status_code in {403, 405}


async def test_it_is_from_memory_and_yet_never_of_before(
    bank: Bank, page: httpx.AsyncClient, alice: Adviser, clock: FrozenClock
) -> None:
    address = f"/widget/{SHOP}/en?for=adviser:alice"

    async def states() -> tuple[str, str]:
        presence = (await page.get(address)).json()["presence"]
        return presence["site"]["state"], presence["adviser:alice"]["state"]

    assert await states() == ("available", "available")
    assert from_memory(await page.get(address))
    for wish in ("busy", "available", "away", "offline", "available"):
        await alice.post("/desk/presence", wish=wish)
        await alice.seen_as(wish)
        assert await states() == (wish, wish)
        assert from_memory(await page.get(address))
    clock.advance(1)
    assert not from_memory(await page.get(address))  # looked at anew
    assert from_memory(await page.get(address))
    sites = sites_of(bank)
    await sites.change("shop", "The shop", Settings(origins=(PAGE,), capabilities=("chat",)))
    assert (await page.get(address)).json()["capabilities"] == ["chat"]
    await Sites(bank.database, clock).change("shop", "The shop", Settings(origins=(PAGE,), capabilities=("book",)))
    clock.advance(BELIEVED)  # by another process
    assert (await page.get(address)).json()["capabilities"] == ["book"]


async def test_memory_is_bounded(bank: Bank, page: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(badges, "_KEPT", 5)
    kept = bank.app.state.badges._kept
    for number in range(12):
        await page.get(f"/widget/{SHOP}/en?for=adviser:a{number}")
        assert 0 < len(kept) <= 5
    before = len(kept)
    for path in (f"/widget/{SHOP}/en?x={'y' * 2000}", f"/widget/{SHOP}/{'y' * 2000}"):
        assert (await page.get(path)).status_code == 200
        assert len(kept) == before
    for wrong in ("/widget/nobody/en", f"/widget/{SHOP}/en?for=x"):
        await page.get(wrong)
        assert len(kept) == before


async def test_so_many_names_and_nothing_but_names(page: httpx.AsyncClient) -> None:
    names = [f"adviser:a{number}" for number in range(MOST + 1)]

    async def asked(text: str) -> httpx.Response:
        return await page.get(f"/widget/{SHOP}/en", params={"for": text})

    assert len((await asked(",".join(names[:MOST]))).json()["presence"]) == MOST + 1
    assert len((await asked(",".join(names[:MOST] * 2))).json()["presence"]) == MOST + 1
    assert list((await asked(",")).json()["presence"]) == ["site"]
    for wrong in (
        ",".join(names),
        "site:loans",
        "site:",
        "alice",
        "adviser:",
        "adviser:alice@loans",
        f"adviser:{'a' * 65}",
        "mail:alice@bank.example",
        "adviser:é",
        "adviser:\n",
        "x" * 10_000,
    ):
        answer = await asked(wrong)
        assert answer.status_code == 422, wrong
        assert answer.headers["access-control-allow-origin"] == "*"
        assert list(answer.json()["errors"][0]) == ["field", "detail"]


async def test_a_site_hears_of_its_own_people_alone(page: httpx.AsyncClient, alice: Adviser) -> None:
    page.headers["Origin"] = "https://loans.example"
    names = "adviser:alice,adviser:mona,team:advice,team:loans,service:loan,service:talk"
    presence = (await page.get(f"/widget/{LOANS}/en", params={"for": names})).json()["presence"]
    assert {name: one["state"] if one else None for name, one in presence.items()} == {
        "site": "offline",
        "adviser:alice": None,
        "adviser:mona": "offline",
        "team:advice": None,
        "team:loans": "offline",
        "service:loan": "offline",
        "service:talk": None,
    }


async def test_a_closed_site_is_away_until_it_opens(bank: Bank, alice: Adviser, clock: FrozenClock) -> None:
    opens = MONDAY + 2 * HOUR  # 10:00 in Paris
    async with httpx.AsyncClient(base_url=bank.url) as client:

        async def there() -> list[dict[str, Any]]:
            answer = await client.get(f"/widget/{CLOSED}/en?for=adviser:alice")
            return list(answer.json()["presence"].values())

        site, adviser = await there()
        assert site == {"state": "offline", "until": opens, "name": ""}
        assert adviser == {"state": "offline", "until": opens, "name": "Alice Martin"}
        assert (await client.get("/presence/adviser:alice")).json()["state"] == "available"
        assert (await client.get("/presence/site:closed")).json()["state"] == "offline"
        await bank.later(2 * HOUR - 1)
        assert (await there())[0]["state"] == "offline"
        clock.set(opens)
        assert [one["state"] for one in await there()] == ["available", "available"]
        await bank.later(2 * HOUR)
        site, adviser = await there()
        next_week = opens + 7 * 24 * HOUR
        assert (site["state"], site["until"]) == ("offline", next_week)
        assert adviser["until"] == next_week


async def test_a_logo_is_shown_kept_and_taken_away(bank: Bank, page: httpx.AsyncClient) -> None:
    sites, picture = sites_of(bank), png()
    assert (await page.get(f"/widget/{SHOP}/logo")).status_code == 404
    shop = await sites.named("shop")
    await bank.database.write(lambda connection: store.change_logo(connection, shop.id, picture, "image/png"))
    sites.forget()
    address = (await page.get(f"/widget/{SHOP}/en")).json()["logo"]
    answer = await page.get(address)
    assert (answer.content, answer.headers["content-type"]) == (picture, "image/png")
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    again = await page.get(address, headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304
    for other in (f"/widget/{SHOP}/logo", f"/widget/{SHOP}/logo?v=former"):
        assert "immutable" not in (await page.get(other)).headers["cache-control"]
    await bank.database.write(lambda connection: store.change_logo(connection, shop.id, b"", ""))
    sites.forget()
    assert (await page.get(f"/widget/{SHOP}/en")).json()["logo"] == ""
    assert (await page.get(address)).status_code == 404


async def test_the_loader_is_small_and_may_stand_on_any_page(page: httpx.AsyncClient) -> None:
    answer = await page.get("/widget.js", headers={"Origin": "https://anywhere.example"})
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert answer.headers["cache-control"] == "public, max-age=300, stale-while-revalidate=86400"
    assert "set-cookie" not in answer.headers
    assert "//" not in answer.text.split("presence")[0]  # comments are for who reads the source
    again = await page.get("/widget.js", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_framed_pages_have_the_sites_colours(bank: Bank, page: httpx.AsyncClient) -> None:
    address = f"/at/{SHOP}/fr/theme.css"
    answer = await page.get(address)
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    assert answer.text.startswith(":root { color-scheme: light;")
    assert answer.headers["cache-control"] == "public, max-age=5, stale-while-revalidate=5"
    again = await page.get(address, headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304
    for nowhere in ("/theme.css", "/at/embed-key-of-nobody/fr/theme.css"):
        assert (await page.get(nowhere)).status_code == 404


async def test_answers_from_memory_are_counted_as_the_others_are(page: httpx.AsyncClient) -> None:
    async def counted() -> float:
        told = (await page.get("/metrics")).text
        lines = [line for line in told.splitlines() if line.startswith("presence_request_seconds_count")]
        return sum(float(line.rpartition(" ")[2]) for line in lines if 'route="/widget/{key' in line)

    before = await counted()
    for _ in range(3):
        answer = await page.get(f"/widget/{SHOP}/en")
        assert json.loads(answer.content)["site"] == "shop"
    assert from_memory(answer)
    assert await counted() == before + 3
