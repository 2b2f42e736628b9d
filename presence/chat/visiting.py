"""Who asks: on our own pages a browser by its cookie, inside of a site's pages by the token that it shows.

Never one for the other: our own cookie opens nothing in a frame, and a token of one site's nothing at another. Where a
browser keeps nothing at all for frames, it may keep the token in a cookie of its own for that site's pages.
"""

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from presence.chat.assembly import Assembly
from presence.chat.model import Visitor
from presence.errors import Forbidden, IdentityNeeded, NotFound
from presence.i18n import N_, is_zone
from presence.live.frames import Shown
from presence.sites.framing import site_of
from presence.sites.model import Site
from presence.sites.settings import Capability
from presence.sites.signers import Vouching
from presence.web.limits import limited
from presence.web.request import language_of, visitor_cookie, web_of, zone_of

HEADER = "x-visitor"
COOKIE_LASTS = 365 * 86_400
VOUCHED = 12 * 3600  # seconds after which a site must say once more who its customer is


class SessionBody(msgspec.Struct, frozen=True):
    """What a page says of its reader. `identity`: what its site signs; `ticket`: from a page of the same visitor's.

    In a frame: `unkept` where the browser keeps nothing for us there, so that a cookie may; `forget` who it was.
    """

    zone: str = ""
    language: str = ""
    page: str = ""
    identity: str = ""
    ticket: str = ""
    unkept: bool = False
    forget: bool = False


def assembly_of(request: Request) -> Assembly:
    """Everything chat's pages use."""
    found: Assembly = request.app.state.assembly
    return found


# -- visitors -----------------------------------------------------------------------------------------------------------


def token_of(request: Request) -> str:
    """What the browser shows of who it is."""
    site = site_of(request)
    if site is None:
        return request.cookies.get(visitor_cookie(request), "")
    return request.headers.get(HEADER) or request.cookies.get(_cookie_of(request, site), "")


def _cookie_of(request: Request, site: Site) -> str:
    """The cookie's name in frames of a site: another than on our own pages."""
    return f"{visitor_cookie(request)}-at-{site.slug}"


async def known(request: Request, token: str) -> Visitor | None:
    """Whose token it is, as long as it is good here."""
    site = site_of(request)
    found = await assembly_of(request).chat.visitor(token)
    if found is None or found.site_id != (site.id if site else None):
        return None
    if site is not None and found.verified and found.seen_at <= web_of(request).clock.now() - VOUCHED:
        return None
    if site is not None and not found.verified and site.settings.vouching == "required":
        return None
    return found


async def visitor_of(request: Request) -> Visitor:
    """Who asks; `NotFound` when it is nobody we know."""
    found = await known(request, token_of(request))
    if found is None:
        raise NotFound()
    return found


async def known_or_new(request: Request, body: SessionBody) -> tuple[Visitor, str]:
    """Who asks, or a new visitor with the token that their browser is to keep.

    `IdentityNeeded` where a site must say who it is and has not; `IdentityRefused` when what it says is not believed.
    """
    chat, site = assembly_of(request).chat, site_of(request)
    visitor, token = None if body.forget else await known(request, token_of(request)), ""
    if site is not None and body.ticket:
        limited(request, "hold")
        handed = await chat.handed_over(site.id, body.ticket)
        visitor, token = (await known(request, handed), handed) if handed else (visitor, "")
    if site is not None and body.identity and site.settings.vouching != "off":
        limited(request, "hold")
        found, fresh = await _vouched(request, site, visitor, body)
        return found, fresh or token
    if visitor is not None:
        return visitor, token
    if site is not None and site.settings.vouching == "required":
        raise IdentityNeeded()
    limited(request, "hold")
    language, zone = _of_reader(request, body)
    token, visitor = await chat.new_visitor(site.id if site else None, language, zone)
    return visitor, token


async def _vouched(request: Request, site: Site, before: Visitor | None, body: SessionBody) -> tuple[Visitor, str]:
    vouching: Vouching = request.app.state.vouching
    who = await vouching.vouch(site, body.identity)
    language, zone = _of_reader(request, body)
    chat = assembly_of(request)
    found, token = await chat.chat.recognise(site.id, before, who, language, zone)
    if token and before is not None:  # what went on there is theirs alone now
        chat.ask_anew(f"visitor:{before.id}")
    return found, token


def _of_reader(request: Request, body: SessionBody) -> tuple[str, str]:
    """Their language and zone."""
    languages = web_of(request).config.organisation.languages
    return (
        body.language if body.language in languages else language_of(request),
        body.zone if is_zone(body.zone) else zone_of(request),
    )


def remember(request: Request, answer: Response, token: str, *, unkept: bool = False) -> None:
    """Let a new visitor's browser keep who it is: by a cookie, on our own pages, and in frames where it keeps nothing else.

    That one is partitioned (CHIPS): it is sent from frames in pages of this one site, and from nowhere else.
    """
    site = site_of(request)
    if not token or (site is not None and not unkept):
        return
    secure = web_of(request).config.server.base_url.startswith("https://")
    if site is None:
        answer.set_cookie(
            visitor_cookie(request), token, max_age=COOKIE_LASTS, httponly=True, samesite="lax", secure=secure
        )
        return
    kept = f"{_cookie_of(request, site)}={token}; Max-Age={COOKIE_LASTS}; Path=/; HttpOnly"
    answer.headers.append("Set-Cookie", f"{kept}; Secure; SameSite=None; Partitioned")


# -- sites --------------------------------------------------------------------------------------------------------------


def offered(request: Request, capability: Capability) -> None:
    """`Forbidden` when the site does not offer this."""
    site = site_of(request)
    if site is not None and capability not in site.settings.capabilities:
        raise Forbidden(N_("This site does not offer this"))


async def closed_until(request: Request) -> int | None:
    """When the site opens whose hours are over, in seconds; 0 when it never does, None when it is open."""
    site = site_of(request)
    return None if site is None else await assembly_of(request).watching.closed_until(site.slug)


def asked_of(request: Request, team: str = "", adviser: str = "") -> tuple[str, str]:
    """Which team is to answer, and who: as it is asked for, but nobody else than the team that a site has chosen."""
    site, board = site_of(request), assembly_of(request).board
    theirs = site.settings.team if site else ""
    if not theirs:
        return team, adviser
    member = board.by_slug.get(adviser)
    of_it = member is not None and board.teams.get(theirs) in member.team_ids
    return theirs, adviser if of_it else ""


async def shown_of(request: Request, team: str) -> tuple[str, Shown | None]:
    """Whose presence a page shows, and what it is: of the team that is asked for, else of the site."""
    chat, site = assembly_of(request), site_of(request)
    if team in chat.board.teams:
        what = f"team:{team}@{site.slug}" if site else f"team:{team}"
    else:
        what = f"site:{site.slug}" if site else "site:"
    return what, await chat.watching.shown(what)


def about(request: Request, visitor: Visitor, token: str) -> dict[str, Any]:
    """What a page inside of a site's is told besides."""
    site = site_of(request)
    if site is None:
        return {}
    return {
        "visitor": token,
        "verified": visitor.verified,
        "site": site.name,
        "capabilities": site.settings.capabilities,
    }
