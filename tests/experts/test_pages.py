"""The pages without JavaScript, and inside of a site's page."""

import re

from starlette.applications import Starlette

from presence.experts import rules
from presence.roster.model import WeeklyHours
from presence.sites.settings import Settings
from tests.experts.conftest import AddSite, Ask, Come
from tests.support import FrozenClock


def shown(html: str) -> list[str]:
    return re.findall(r'data-expert="([^"]+)"', html)


def offered(html: str, slug: str) -> dict[str, str]:
    """What can be done about somebody, by name: its address. What is hidden is not offered."""
    card = next(part for part in html.split('<li class="expert"') if f'data-expert="{slug}"' in part)
    seen = re.sub(r"<p [^>]*\bhidden\b.*?</p>", "", card, flags=re.DOTALL)
    return {kind: there.replace("&amp;", "&") for kind, there in re.findall(r'data-go="(\w+)" href="([^"]+)"', seen)}


async def test_teams_can_be_chosen_from(ask: Ask) -> None:
    html = await ask("/experts", lang="fr")
    assert re.findall(r'<h2><a href="([^"]+)">([^<]+)', html) == [
        ("/experts/advice", "Conseil"),
        ("/experts/wealth", "Patrimoine"),
    ]
    assert shown(html) == []


async def test_a_team_shows_its_people(ask: Ask, come: Come) -> None:
    await come("bob")
    html = await ask("/experts/advice")
    assert shown(html) == ["bob", "alice"]  # whoever is here comes first
    assert "<h1>Advice</h1>" in html
    assert "Here now" in html
    assert "Mortgages" in html


async def test_who_is_here_can_be_talked_to_at_once_and_who_is_not_be_booked(ask: Ask, come: Come) -> None:
    await come("bob")
    html = await ask("/experts/advice")
    assert offered(html, "bob") == {
        "chat": "/chat?adviser=bob",
        "audio": "/chat?adviser=bob&call=audio",  # he has no camera
        "book": "/book?adviser=bob",
    }
    assert offered(html, "alice") == {"message": "/chat?adviser=alice", "book": "/book?adviser=alice"}


async def test_who_has_no_free_hour_is_not_offered_for_one(ask: Ask) -> None:
    html = await ask("/experts/wealth")
    assert "book" not in offered(html, "zoe")
    assert "No free hour at the moment" in html


async def test_filters_work_by_their_address(ask: Ask, come: Come) -> None:
    await come("alice")
    assert shown(await ask("/experts", q="helene")) == ["helene"]
    assert shown(await ask("/experts", topic="savings-investing")) == ["bob"]
    assert shown(await ask("/experts", spoken="de")) == ["helene"]
    assert shown(await ask("/experts", here="1")) == ["alice"]
    assert sorted(shown(await ask("/experts", everybody="1"))) == ["alice", "bob", "helene", "zoe"]
    chosen = await ask("/experts/advice", topic="mortgages", lang="fr", q='"><b>')
    assert '<option value="mortgages" selected>Prêt immobilier' in chosen
    assert "&#34;&gt;&lt;b&gt;" in chosen


async def test_an_empty_page_says_what_to_do(ask: Ask) -> None:
    nobody = await ask("/experts/advice", here="1", topic="mortgages")
    assert "None of them is here just now" in nobody
    assert 'href="/experts/advice?topic=mortgages"' in nobody
    assert 'href="/experts/advice"' in await ask("/experts/advice", q="zzz")
    assert "Nobody is listed here yet" in await ask("/experts/nobody")


async def test_after_the_last_one_the_beginning_is_led_to(ask: Ask) -> None:
    first = await ask("/experts", everybody="1")
    place = rules.cursor(rules.Place(9, 0, "", ""))
    assert "That was everybody" in await ask("/experts", everybody="1", after=place)
    assert 'id="more"' not in first


async def test_ratings_are_told_from_five_on(app: Starlette, ask: Ask) -> None:
    directory, members = app.state.directory, app.state.assembly.board.by_slug
    directory._ratings = (1 << 40, {members["alice"].id: rules.Rating(5, 23), members["bob"].id: rules.Rating(4, 20)})
    html = await ask("/experts/advice", lang="fr")
    assert "Note de 4,6 sur 5, d’après 5 clients" in html
    assert html.count('class="rating"') == 1


async def test_there_is_no_other_team(ask: Ask) -> None:
    await ask("/experts/loans", status=404)


async def test_a_site_shows_its_team_with_what_it_offers(ask: Ask, come: Come, add_site: AddSite) -> None:
    await come("bob")
    at = await add_site(Settings(team="advice", capabilities=("chat", "experts"), services=("talk",)))
    html = await ask(f"{at}/experts", embed="1")
    assert shown(html) == ["bob", "alice"]
    assert offered(html, "bob") == {"chat": f"{at}/chat?adviser=bob&embed=1"}
    assert "Next free hour" not in html
    assert await ask(f"{at}/experts/advice") != ""
    await ask(f"{at}/experts/wealth", status=404)


async def test_a_site_whose_team_is_gone_lists_nobody(ask: Ask, add_site: AddSite) -> None:
    at = await add_site(Settings(team="gone"))
    assert "Nobody is listed here yet" in await ask(f"{at}/experts")
    await ask(f"{at}/experts/advice", status=404)


async def test_a_site_without_experts_shows_none(ask: Ask, add_site: AddSite) -> None:
    at = await add_site(Settings(capabilities=("chat", "book")))
    await ask(f"{at}/experts", status=404)
    await ask(f"{at}/experts/advice", status=404)


async def test_a_site_whose_hours_are_over_offers_no_talk(
    ask: Ask, come: Come, add_site: AddSite, clock: FrozenClock
) -> None:
    at = await add_site(Settings(team="advice", hours=WeeklyHours(sun=("10:00-12:00",))))  # it is Monday
    await come("bob")
    html = await ask(f"{at}/experts")
    assert "Chat and calls are closed just now. They open again: Sun 14 Jun, 10:00." in html
    assert offered(html, "bob").keys() == {"message", "book"}
