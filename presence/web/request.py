"""What a request says of its reader: language and zone; and the page that answers it."""

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse

from presence.clock import Clock
from presence.config import Config
from presence.i18n import is_zone, negotiate
from presence.web.assets import Assets
from presence.web.templates import Templates

YEAR = 31_536_000


class Web(msgspec.Struct, frozen=True):
    """What pages need of the application; at `app.state.presence`."""

    config: Config
    clock: Clock
    templates: Templates
    assets: Assets


def web_of(request: Request) -> Web:
    """The application's `Web`."""
    web: Web = request.app.state.presence
    return web


def at_of(request: Request) -> str:
    """What stands before the addresses of our pages inside of a site's: "/at/KEY/LANGUAGE"; empty for our own."""
    at: str = getattr(request.state, "at", "")
    return at


def language_of(request: Request) -> str:
    """The reader's language: where another site frames us, that of the frame; else asked for, chosen before, or the browser's."""
    allowed = web_of(request).config.organisation.languages
    if at_of(request):
        return negotiate(at_of(request).rpartition("/")[2], allowed)
    for wish in (request.query_params.get("lang"), request.cookies.get("lang")):
        if wish in allowed:
            return wish
    return negotiate(request.headers.get("accept-language", ""), allowed)


def zone_of(request: Request) -> str:
    """The reader's zone: asked for in the address, else chosen before, else the organisation's."""
    for wish in (request.query_params.get("zone"), request.cookies.get("zone")):
        if wish and is_zone(wish):
            return wish
    return web_of(request).config.organisation.zone


def visitor_cookie(request: Request) -> str:
    """The name of the cookie by which a browser in conversation is known: bound to the host and to https, where there is."""
    secure = web_of(request).config.server.base_url.startswith("https://")
    return "__Host-visitor" if secure else "visitor"


def page(request: Request, template: str, status: int = 200, **context: Any) -> HTMLResponse:
    """A page in the reader's language. A choice in the address is remembered."""
    web, language = web_of(request), language_of(request)
    html = web.templates.render(
        template,
        language,
        request=request,
        organisation=web.config.organisation,
        demo=web.config.server.demo,
        here=request.url,
        at=at_of(request),
        framed=getattr(request.state, "site", None),  # the site inside of whose pages this one is
        csrf=getattr(request.state, "csrf", ""),
        **context,
    )
    response = HTMLResponse(html, status, headers={"Cache-Control": "no-store", "Content-Language": language})
    secure = web.config.server.base_url.startswith("https://")
    for name, chosen in () if at_of(request) else (("lang", language), ("zone", request.query_params.get("zone", ""))):
        if request.query_params.get(name) and (name != "zone" or is_zone(chosen)):
            response.set_cookie(name, chosen, max_age=YEAR, secure=secure, httponly=False, samesite="lax")
    return response
