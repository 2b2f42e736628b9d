"""Who asks inside of a site's pages: by what it shows, never by a cookie; and whom the site vouches for."""

from collections.abc import AsyncIterator

import httpx
import jwt
import msgspec
import pytest
from sqlalchemy import select

from presence.chat import store
from presence.chat.handover import LASTS
from presence.chat.model import Visitor
from presence.chat.visiting import VOUCHED
from presence.chat.vouched import RECENT
from presence.config import Config
from presence.live.frames import Close
from presence.roster.model import WeeklyHours
from presence.sites.identity import Assertion
from presence.sites.settings import Settings
from presence.sites.signers import KEPT
from presence.storage.tables import customer, site, used_assertion
from tests.chat.cast import Adviser, Bank, Customer, Frame, bank_at
from tests.support import FrozenClock

SHOP, SCHOOL = "the-key-of-the-shop-0001", "the-key-of-the-school-01"


CAROL = Assertion("c-1", "Carol Jones", "carol@customers.example", "0123456789", 0)


@pytest.fixture
def settings() -> dict[str, Settings]:
    return {SHOP: Settings(origins=("https://shop.example",)), SCHOOL: Settings()}


@pytest.fixture
async def bank(config: Config, clock: FrozenClock, settings: dict[str, Settings]) -> AsyncIterator[Bank]:
    sites = tuple(
        {"slug": key.split("-")[4], "name": key, "key": f"{key} of the API".replace(" ", "-"), "embed_key": key}
        | {"settings": msgspec.to_builtins(chosen)}
        for key, chosen in settings.items()
    )
    async with bank_at(msgspec.structs.replace(config, sites=sites), clock) as served:
        yield served


class Guest(Customer):
    """Somebody on a page that a site's page frames."""

    def __init__(self, bank: Bank, key: str = SHOP, name: str = "Carol") -> None:
        super().__init__(bank, name)
        self.at = f"/at/{key}/en"
        self.http.base_url = httpx.URL(bank.url + self.at)

    @property
    def shows(self) -> str:
        """The token of its visitor; "" for who is new."""
        return str(self.http.headers.get("X-Visitor", ""))

    @shows.setter
    def shows(self, token: str) -> None:
        self.http.headers["X-Visitor"] = token

    async def session(self, **more: str) -> Frame:
        answer = await self.post("/chat/session", zone="Europe/Paris", language="en", **more)
        assert answer.status_code == 200, answer.text
        session: Frame = answer.json()
        self.shows = session["visitor"] or self.shows
        return session


async def site_id(bank: Bank, key: str = SHOP) -> int:
    return await bank.database.read(
        lambda sql: int(sql.execute(select(site.c.id).where(site.c.embed_key == key)).scalar_one())
    )


async def one_of(bank: Bank, token: str) -> Visitor:
    found = await bank.chat.chat.visitor(token)
    assert found is not None
    return found


async def vouch(bank: Bank, guest: Guest, who: Assertion) -> Visitor:
    """The site says who sits there, and the page keeps what it is told."""
    before = await bank.chat.chat.visitor(guest.shows) if guest.shows else None
    found, token = await bank.chat.chat.recognise(await site_id(bank), before, who, "en", "Europe/Paris")
    guest.shows = token or guest.shows
    return found


async def test_a_token_opens_what_a_cookie_does_elsewhere(bank: Bank) -> None:
    async with Guest(bank) as carol:
        session = await carol.session()
        assert session["visitor"]
        assert (session["verified"], session["site"]) == (False, SHOP)
        assert session["capabilities"] == ["chat", "audio", "video", "book", "experts"]
        assert not carol.http.cookies
        c = await carol.begin()
        again = await carol.session()
        assert (again["visitor"], again["open"]) == ("", c)
        found = await bank.database.read(lambda sql: store.by_uid(sql, c))
        assert found is not None
        assert found.site_id == await site_id(bank)


async def test_a_cookie_opens_nothing_in_a_frame_and_a_token_nothing_elsewhere(bank: Bank) -> None:
    async with Customer(bank, "Carol") as carol, Guest(bank) as framed, Guest(bank, SCHOOL) as school:
        c = await carol.begin()
        framed.http.cookies = carol.http.cookies
        assert (await framed.session())["open"] is None
        await framed.begin()
        school.shows = framed.shows
        assert (await school.post("/chat/me", name="C")).status_code == 404
        assert (await school.session())["open"] is None
        assert school.shows != framed.shows
        carol.http.headers["X-Visitor"] = framed.shows  # our own pages do not read it
        assert (await carol.session())["open"] == c
        carol.http.cookies.clear()
        carol.http.cookies.set("visitor", framed.shows)
        assert (await carol.post("/chat/me", name="C")).status_code == 404


async def test_where_the_browser_keeps_nothing_else_a_cookie_of_this_site_alone_tells(bank: Bank) -> None:
    async with Guest(bank) as carol:
        await carol.http.post("/chat/session", json={})
        assert not carol.http.cookies
    async with Guest(bank) as carol:
        first = await carol.http.post("/chat/session", json={"unkept": True})
        said = first.headers["Set-Cookie"]
        for part in ("HttpOnly", "Secure", "SameSite=None", "Partitioned"):
            assert f"; {part}" in said
        named = dict([said.split(";")[0].split("=", 1)])
        carol.shows = first.json()["visitor"]
        c = await carol.begin("My secret")
        del carol.http.headers["X-Visitor"]
        carol.http.cookies.clear()
        shown = [(at, forget) for at in (SHOP, SCHOOL, "") for forget in (False, True)]
        opened = []
        for key, forget in shown:
            address = f"{bank.url}/at/{key}/en/chat/session" if key else f"{bank.url}/chat/session"
            cookie = "; ".join(f"{name}={value}" for name, value in named.items())
            answer = await carol.http.post(address, json={"forget": forget}, headers={"Cookie": cookie})
            opened.append(answer.json()["open"])
        assert opened == [c, None, None, None, None, None]


async def test_a_file_opens_to_who_shows_the_token(bank: Bank) -> None:
    async with Guest(bank) as carol, Guest(bank) as stranger:
        c = await carol.begin()
        sent = await carol.http.post(f"/chat/conversations/{c}/files", files={"file": ("a.txt", b"hello")})
        address = f"/chat/files/{sent.json()['file']}"
        assert (await carol.http.get(address)).content == b"hello"
        await stranger.session()
        assert (await stranger.http.get(address)).status_code == 404


@pytest.mark.parametrize("settings", [{SHOP: Settings(capabilities=("audio", "book"))}])
async def test_a_site_offers_what_it_has_chosen(bank: Bank, settings: dict[str, Settings]) -> None:
    async with Guest(bank) as carol:
        assert (await carol.session())["capabilities"] == ["audio", "book"]
        begun = await carol.post("/chat/conversations", id="1", text="Hello?", name="Carol", email=carol.email)
        assert (begun.status_code, begun.json()["detail"]) == (403, "This site does not offer this")
        for medium, status in (("video", 403), ("text", 403), ("audio", 409)):  # it would ring, but nobody is there
            answer = await carol.post("/calls", id="1", medium=medium, name="Carol")
            assert (medium, answer.status_code) == (medium, status)


@pytest.mark.parametrize("settings", [{SHOP: Settings(team="loans")}])
async def test_what_is_begun_at_a_site_goes_to_its_team(bank: Bank, settings: dict[str, Settings]) -> None:
    async with Adviser(bank, "mona") as mona, Guest(bank) as carol, Guest(bank, name="Dave") as dave:
        c = await carol.begin()
        row = (await mona.until(lambda frame: frame["t"] == "card" and frame["c"] == c))["row"]
        assert (row["team"], row["site"], row["customer"]["verified"]) == ("loans", SHOP, False)
        theirs = await dave.begin(adviser="alice", team="advice")  # whoever answers elsewhere is not asked from here
        found = await bank.database.read(lambda sql: store.by_uid(sql, theirs))
        assert found is not None
        assert (found.team_id, found.wanted_adviser_id) == (bank.chat.board.teams["loans"], None)
        async with Adviser(bank, "alice"):
            rung = await dave.post("/calls", id="1", medium="audio", name="Dave", adviser="alice", team="advice")
            assert rung.status_code == 201
            (call,) = (await mona.until(lambda frame: frame["t"] == "calls" and frame["calls"]))["calls"]
            assert call["call"] == rung.json()["call"]


@pytest.mark.parametrize("settings", [{SHOP: Settings(hours=WeeklyHours())}])
async def test_outside_of_its_hours_a_message_is_left_and_nothing_rings(
    bank: Bank, settings: dict[str, Settings]
) -> None:
    async with Adviser(bank, "alice"), Guest(bank) as carol:
        c = await carol.begin()
        await carol.event("message")
        found = await bank.database.read(lambda sql: store.by_uid(sql, c))
        assert found is not None
        assert found.state == "message"
        answer = await carol.post("/calls", id="1", medium="video", name="Carol")
        assert (answer.status_code, answer.json()["type"], answer.json()["until"]) == (409, "/problems/nobody", None)


async def test_a_ticket_lets_the_same_visitor_in_once_and_soon(bank: Bank) -> None:
    assert isinstance(bank.clock, FrozenClock)
    async with Guest(bank) as carol, Guest(bank) as window, Guest(bank) as thief, Guest(bank, SCHOOL) as school:
        c = await carol.begin()
        ticket = (await carol.post("/chat/handover")).json()["ticket"]
        assert carol.shows not in ticket
        assert (await school.session(ticket=ticket))["open"] is None
        session = await window.session(ticket=ticket)
        assert (session["visitor"], session["open"]) == (carol.shows, c)
        assert (await thief.session(ticket=ticket))["open"] is None
        late = (await carol.post("/chat/handover")).json()["ticket"]
        bank.clock.advance(LASTS + 1)
        assert (await thief.session(ticket=late))["open"] is None
        assert (await thief.session(ticket="anything"))["open"] is None
        bank.clock.advance(KEPT + 1)
        assert (await window.session(ticket=(await carol.post("/chat/handover")).json()["ticket"]))["open"] == c
        used = await bank.database.read(lambda sql: sql.execute(select(used_assertion.c.expires_at)).scalars().all())
        assert used == [bank.clock.now() + LASTS]  # what is too old anyway is not kept


async def test_nobody_hands_over_who_they_are_not(bank: Bank) -> None:
    async with Guest(bank) as stranger, Customer(bank, "Carol") as carol:
        assert (await stranger.post("/chat/handover")).status_code == 404
        await carol.session()
        assert (await carol.post("/chat/handover")).status_code == 404


async def test_who_is_forgotten_is_nobody_wherever_the_token_is_kept(bank: Bank) -> None:
    async with Guest(bank) as carol, Guest(bank) as window, Customer(bank, "Dave") as elsewhere:
        await vouch(bank, carol, CAROL)
        await carol.begin()
        await window.session(ticket=(await carol.post("/chat/handover")).json()["ticket"])
        hers = window.shows
        await window.connect()
        assert (await carol.post("/chat/forget")).status_code == 204
        assert await window.closed() == Close.UNAUTHORISED
        assert (await carol.post("/chat/forget")).status_code == 404
        assert (await window.http.get("/chat/history")).status_code == 404
        session = await window.session()
        assert (session["open"], session["verified"], window.shows == hers) == (None, False, False)
        await elsewhere.session()
        assert (await elsewhere.post("/chat/forget")).status_code == 404  # on our own pages nobody logs out of a site


async def test_whoever_listened_to_what_became_somebodys_hears_no_more_of_it(bank: Bank) -> None:
    slug, now = SHOP.split("-")[4], bank.clock.now()
    made = await bank.app.state.signers.share(slug)
    claims = {"sub": "c-1", "name": "Carol Jones", "email": CAROL.email, "iat": now, "exp": now + 60, "jti": CAROL.jti}
    claims["aud"] = bank.app.state.vouching.audience(await bank.app.state.sites.named(slug))
    signed = jwt.encode(claims, made.secret, "HS256", {"kid": made.kid})
    async with Guest(bank) as carol, Guest(bank) as thief:
        c = await carol.begin()
        thief.shows = carol.shows
        await thief.connect({c: 0})
        await thief.event("text")
        assert (await carol.session(identity=signed))["open"] == c
        assert await thief.closed() == Close.UNAUTHORISED
        await thief.connect({c: 0})
        await thief.until(lambda frame: frame["t"] == "refused" and frame["c"] == c)


# -- whom a site vouches for ----------------------------------------------------------------------------------------


async def test_what_goes_on_becomes_theirs_when_they_sign_in(bank: Bank) -> None:
    async with Guest(bank) as carol, Guest(bank) as phone, Adviser(bank, "alice") as alice:
        c = await carol.begin()
        await vouch(bank, carol, CAROL)
        session = await carol.session()
        assert (session["verified"], session["open"], session["you"]["name"]) == (True, c, "Carol Jones")
        await vouch(bank, phone, CAROL)  # their other device
        assert (await phone.session())["open"] == c
        row = (await alice.until(lambda f: f["t"] == "card" and f["row"] and f["row"]["customer"]["verified"]))["row"]
        assert (row["c"], row["customer"]["name"], row["site"]) == (c, "Carol Jones", SHOP)


@pytest.mark.parametrize("talking", [False, True])
async def test_whoever_knew_the_token_before_knows_nothing_of_them(bank: Bank, talking: bool) -> None:
    """It may have been read at the same computer, or brought there."""
    async with Guest(bank) as carol, Guest(bank) as thief:
        await thief.session()
        carol.shows = stolen = thief.shows
        c = await carol.begin() if talking else ""
        await vouch(bank, carol, CAROL)
        c = c or await carol.begin()
        assert (await carol.session())["open"] == c
        assert (await thief.session())["open"] is None
        assert thief.shows == stolen != carol.shows
        assert (await thief.http.get("/chat/history")).json() == {"conversations": []}
        assert (await thief.post(f"/chat/conversations/{c}/end")).status_code == 404


async def test_what_was_said_longer_ago_may_be_somebody_elses(bank: Bank) -> None:
    assert isinstance(bank.clock, FrozenClock)
    async with Guest(bank) as browser:
        c, anonymous = await browser.begin(), browser.shows
        bank.clock.advance(RECENT)
        await vouch(bank, browser, CAROL)
        assert browser.shows != anonymous
        assert (await browser.session())["open"] is None
        assert (await browser.http.get("/chat/history")).json() == {"conversations": []}
        browser.shows = anonymous
        assert (await browser.session())["open"] == c


async def test_a_browser_with_a_past_takes_along_only_what_goes_on(bank: Bank) -> None:
    async with Guest(bank) as browser:
        old = await browser.begin("Somebody was here before")
        await browser.post(f"/chat/conversations/{old}/end")
        c, anonymous = await browser.begin(), browser.shows
        await vouch(bank, browser, CAROL)
        assert browser.shows != anonymous
        assert (await browser.session())["open"] == c
        shown = (await browser.http.get("/chat/history")).json()["conversations"]
        assert [one["c"] for one in shown] == [c]


async def test_who_has_begun_in_two_browsers_goes_on_in_both(bank: Bank) -> None:
    assert isinstance(bank.clock, FrozenClock)
    async with Guest(bank) as phone, Guest(bank) as desktop:
        await vouch(bank, phone, CAROL)
        first = await phone.begin("From the train")
        bank.clock.advance(60)
        second = await desktop.begin("From my desk")
        await vouch(bank, desktop, CAROL)
        assert (await desktop.session())["open"] == second
        shown = (await desktop.http.get("/chat/history")).json()["conversations"]
        assert [(one["c"], one["state"]) for one in shown] == [(second, "message"), (first, "message")]
        await desktop.post(f"/chat/conversations/{second}/end")
        assert (await desktop.session())["open"] == first


async def test_two_names_are_never_one_person(bank: Bank) -> None:
    """Not in one browser after the other, and not by the mail address that they share."""
    async with Guest(bank) as browser, Guest(bank) as other:
        carol = await vouch(bank, browser, CAROL)
        c, hers = await browser.begin(), browser.shows
        namesake = await vouch(bank, browser, CAROL._replace(subject="c-2", name="Carla Jones"))
        assert browser.shows != hers
        assert (carol.customer_id is None, namesake.customer_id) == (False, None)
        assert (await browser.session())["open"] is None
        assert (await browser.http.get("/chat/history")).json() == {"conversations": []}
        again = await vouch(bank, other, CAROL._replace(email="carol@new.example"))
        assert (again.customer_id, again.email) == (carol.customer_id, "carol@new.example")
        assert (await other.session())["open"] == c


async def test_what_anybody_begins_in_their_name_is_not_shown_to_them(bank: Bank) -> None:
    async with Guest(bank) as stranger, Customer(bank, "Carol") as elsewhere, Guest(bank) as carol:
        await stranger.begin("I am Carol", email=CAROL.email)
        await elsewhere.begin("I am Carol, too", email=CAROL.email)
        await vouch(bank, carol, CAROL)
        assert (await carol.http.get("/chat/history")).json() == {"conversations": []}
        rows = await bank.database.read(lambda sql: sql.execute(select(customer)).all())
        assert len(rows) == 1  # advisers find all of it beside each other


async def test_the_site_says_once_more_who_it_is_after_half_a_day(bank: Bank) -> None:
    assert isinstance(bank.clock, FrozenClock)
    async with Guest(bank) as carol:
        await vouch(bank, carol, CAROL)
        await carol.begin()
        hers = carol.shows
        bank.clock.advance(VOUCHED)
        assert (await carol.session())["open"] is None
        assert carol.shows != hers


@pytest.mark.parametrize("settings", [{SHOP: Settings(vouching="required")}])
async def test_where_a_site_must_vouch_nobody_else_is_let_in(bank: Bank, settings: dict[str, Settings]) -> None:
    async with Guest(bank) as carol:
        refused = await carol.post("/chat/session")
        assert (refused.status_code, refused.json()["type"]) == (403, "/problems/identity-needed")
        token, _ = await bank.chat.chat.new_visitor(await site_id(bank), "en", "Europe/Paris")
        carol.shows = token  # from before it was so
        assert (await carol.post("/chat/session")).status_code == 403
        assert (await carol.post("/chat/conversations", id="1", text="Hello?")).status_code == 404
        await vouch(bank, carol, CAROL)
        assert (await carol.session())["verified"]
