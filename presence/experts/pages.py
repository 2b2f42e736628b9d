"""The page of experts: complete without JavaScript, each choice in its address; and the same inside of another site's page."""

from typing import Any, NamedTuple
from urllib.parse import urlencode

import msgspec
from babel.numbers import format_decimal
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from presence.chat.visiting import assembly_of
from presence.clock import utc
from presence.errors import NotFound
from presence.experts import rules
from presence.experts.rules import Asked, Expert
from presence.experts.service import Directory
from presence.i18n import translator
from presence.roster.model import Medium, Texts
from presence.sites.framing import site_of
from presence.sites.settings import CAPABILITIES, Capability
from presence.web.request import language_of, page, web_of, zone_of

_CARRIED = ("embed", "inline", "zone", "everybody")  # from address to address, whatever is looked for
_CALLS: tuple[Medium, ...] = ("audio", "video")
_LONGEST = 80  # characters of a name that is looked for


class Choice(NamedTuple):
    """Something that can be chosen in a list."""

    value: str
    label: str


class Face(NamedTuple):
    """An expert with what can be done about them: calls by medium, when they are there."""

    expert: Expert
    chat: str  # addresses; empty: not offered
    calls: dict[Medium, str]
    book: str
    average: str  # of their ratings; empty: not shown


def routes() -> list[BaseRoute]:
    """Teams to choose from, and a team's people."""
    return [
        Route("/experts", everybody, methods=["GET"]),
        Route("/experts/{team:str}", team_page, methods=["GET"]),
    ]


async def everybody(request: Request) -> Response:
    """The teams to choose from; everybody when there is nothing to choose, or when somebody looks for somebody."""
    offered, theirs = _offered(request), _team_of_site(request)
    teams = directory_of(request).teams()
    if theirs or len(teams) < 2 or request.query_params.get("everybody") or _asked(request).anything:
        return await _people(request, theirs, offered)
    watching = assembly_of(request).watching
    shown = {slug: await watching.shown(f"team:{slug}") for slug in teams}
    return _page(request, "experts/teams.html", teams=teams, shown=shown)


async def team_page(request: Request) -> Response:
    """One team's people; `NotFound` when there is no such team, or another one answers at the site around us."""
    offered, theirs, team = _offered(request), _team_of_site(request), request.path_params["team"]
    if team not in assembly_of(request).board.teams or (theirs and team != theirs):
        raise NotFound()
    return await _people(request, team, offered)


def _offered(request: Request) -> frozenset[Capability]:
    """What can be done here; `NotFound` at a site that shows no experts."""
    site = site_of(request)
    offered = frozenset(site.settings.capabilities if site else CAPABILITIES)
    if "experts" not in offered:
        raise NotFound()
    return offered


def _team_of_site(request: Request) -> str:
    site = site_of(request)
    return site.settings.team if site else ""


def _asked(request: Request) -> Asked:
    query = request.query_params
    return Asked(
        topic=query.get("topic", ""),
        spoken=query.get("spoken", ""),
        name=query.get("q", "")[:_LONGEST].strip(),
        here=query.get("here") == "1",
    )


async def _people(request: Request, team: str, offered: frozenset[Capability]) -> Response:
    site, asked, t = site_of(request), _asked(request), translator(language_of(request))
    chat, text, now = assembly_of(request), _text(request), web_of(request).clock.now()
    experts = await directory_of(request).experts(team, site.settings.services if site else ())
    opens = await chat.watching.closed_until(site.slug) if site else None
    if opens is not None:  # chat and calls are, whoever is there
        experts = tuple(msgspec.structs.replace(one, state="offline") for one in experts)
    found = rules.page(experts, asked, request.query_params.get("after", ""))
    topics = [Choice(key, text(texts)) for key, texts in rules.topics_of(experts).items()]
    spoken = [Choice(code, t.language_name(code)) for code in rules.languages_of(experts)]
    return _page(
        request,
        "experts/people.html",
        team=team,
        faces=[_face(request, one, offered) for one in found.experts],
        found=found,
        all=len(experts),
        asked=asked,
        topics=sorted(topics, key=lambda one: rules.folded(one.label)),
        spoken=sorted(spoken, key=lambda one: rules.folded(one.label)),
        offered=offered,
        seen_from=f"@{site.slug}" if site else "",
        opens=opens,
        begins=not request.query_params.get("after"),
        seen_by=chat.passes.issue("onlooker:", now)[0],
    )


def _face(request: Request, one: Expert, offered: frozenset[Capability]) -> Face:
    carried = {name: value for name in ("embed", "inline") if (value := request.query_params.get(name))}

    def to(path: str, **more: str) -> str:
        return f"{path}?{urlencode({'adviser': one.slug, **more, **carried})}"

    average = one.rating.average
    return Face(
        expert=one,
        chat=to("/chat") if "chat" in offered else "",
        calls={medium: to("/chat", call=medium) for medium in _CALLS if medium in offered and medium in one.media},
        book=to("/book") if "book" in offered and one.next_free is not None else "",
        average="" if average is None else format_decimal(average, "0.0", locale=language_of(request)),
    )


def _page(request: Request, template: str, **context: Any) -> Response:
    query, zone = request.query_params, zone_of(request)
    carried = {name: query[name] for name in _CARRIED if query.get(name)}
    here = request.url.path

    def link(**changes: str) -> str:
        """This page's address with another choice, or without one when it is empty; from the first page on."""
        chosen = {name: query[name] for name in ("q", "topic", "spoken", "here") if query.get(name)}
        left = {name: value for name, value in {**carried, **chosen, **changes}.items() if value}
        return f"{here}?{urlencode(left)}" if left else here

    def to(path: str, **more: str) -> str:
        """Another page of experts', with what goes on there."""
        asked = {**{name: value for name, value in carried.items() if name != "everybody"}, **more}
        return f"{path}?{urlencode(asked)}" if asked else path

    board = assembly_of(request).board
    return page(
        request,
        template,
        modules=web_of(request).assets.modules("experts/experts.js"),
        now=web_of(request).clock.now(),
        zone=zone,
        carried=carried,
        link=link,
        to=to,
        text=_text(request),
        iso=_iso,
        team_names=board.team_names,
        embed=query.get("embed") == "1",
        **context,
    )


def _iso(instant: int) -> str:
    return utc(instant).isoformat()


def _text(request: Request) -> Any:
    language = language_of(request)

    def text(texts: Texts) -> str:
        return texts.get(language) or texts.get("en") or next(iter(texts.values()), "")

    return text


def directory_of(request: Request) -> Directory:
    """The use cases."""
    found: Directory = request.app.state.directory
    return found
