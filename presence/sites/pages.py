"""What other sites' pages load: the widget's script, and how it stands. The same for everybody, so that all may cache it."""

import gzip
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from functools import cache

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from presence.errors import NotFound, PresenceError
from presence.i18n import N_
from presence.sites import store
from presence.sites.badges import Badges
from presence.sites.framing import site_of
from presence.sites.theming import style
from presence.web import problems
from presence.web.assets import lean, static_directory

_LOADER = "widget/widget.js"
_METHODS = ["GET", "OPTIONS"]  # and HEAD
_FRESH = "public, max-age=5, stale-while-revalidate=5"
_DAY = "public, max-age=300, stale-while-revalidate=86400"
_FOR_EVER = "public, max-age=31536000, immutable"
_ANYWHERE = {
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}

ROUTE = "/widget/{key:str}/{language:str}"

Handler = Callable[[Request], Awaitable[Response]]


class WrongOrigin(PresenceError):
    """A page that is none of the site's."""

    code = "origin"
    status = 403
    title = N_("This page may not show this site's widget")


def routes() -> list[BaseRoute]:
    """What the pages of sites load."""
    return [
        Route("/widget.js", public(loader), methods=_METHODS),
        Route("/widget/{key:str}/logo", public(logo), methods=_METHODS),
        Route(ROUTE, public(badge), methods=_METHODS),
        Route("/theme.css", theme, methods=["GET"]),
    ]


def badges_of(request: Request) -> Badges:
    """The answers in memory."""
    found: Badges = request.app.state.badges
    return found


def public(handler: Handler) -> Handler:
    """With what lets pages of other origins read an answer, be it a refusal: their console tells why."""

    async def answered(request: Request) -> Response:
        if request.method == "OPTIONS":
            return _leave()
        try:
            response = await handler(request)
        except PresenceError as error:
            response = problems.answer(request, error)
            response.headers["Access-Control-Allow-Origin"] = "*"
        for name, value in _ANYWHERE.items():
            response.headers.setdefault(name, value)
        return response

    return answered


def _leave() -> Response:
    """Nothing of this needs to be asked for; who asks all the same may."""
    headers = {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Allow-Methods": "GET, HEAD",
        "Access-Control-Allow-Headers": "Accept, Accept-Language, Content-Language, If-None-Match",
        "Access-Control-Max-Age": "86400",
        "Allow": "GET, HEAD, OPTIONS",
    }
    return Response(status_code=204, headers={**_ANYWHERE, **headers})


async def loader(request: Request) -> Response:
    """The one script that pages name."""
    plain, small, tag = _loader()
    headers = {"Access-Control-Allow-Origin": "*", "Cache-Control": _DAY, "Vary": "Accept-Encoding"}
    return _answer(request, plain, small, tag, "text/javascript", headers)


@cache
def _loader() -> tuple[bytes, bytes, str]:
    plain = lean(_LOADER, (static_directory() / _LOADER).read_text()).encode()
    return plain, gzip.compress(plain, 9, mtime=0), _tag(plain)


async def badge(request: Request) -> Response:
    """A site's widget, and who is there, in one answer."""
    badges = badges_of(request)
    site = await badges.site(request.path_params["key"])
    changes = badges.changes
    answer = await badges.answer(site, request.path_params["language"], request.query_params.get("for", ""))
    replied = answer.reply(request.headers.raw)
    if replied is None:
        origin = request.headers["origin"][:200]
        raise WrongOrigin(N_("%(origin)s is not among the origins of this site"), origin=origin)
    badges.keep(request.scope["path"], request.scope["query_string"], answer, changes)
    status, headers, body = replied
    response = Response(body, status)
    response.raw_headers = headers
    return response


async def logo(request: Request) -> Response:
    """A site's logo; under the address with its fingerprint for ever."""
    site = await badges_of(request).site(request.path_params["key"])
    found = await request.app.state.database.read(lambda connection: store.logo(connection, site.id))
    if found is None:
        raise NotFound()
    content, kind = found
    fixed = request.query_params.get("v") == site.logo
    headers = {"Access-Control-Allow-Origin": "*", "Cache-Control": _FOR_EVER if fixed else _FRESH}
    return _answer(request, content, b"", _tag(content), kind, headers)


async def theme(request: Request) -> Response:
    """A site's colours, for our pages inside of its own."""
    site = site_of(request)
    if site is None:
        raise NotFound()
    body = style(site.settings.theme, _tokens()).encode()
    return _answer(request, body, b"", _tag(body), "text/css", {"Cache-Control": _FRESH})


@cache
def _tokens() -> str:
    return (static_directory() / "styles/tokens.css").read_text()


def _tag(body: bytes) -> str:
    return f'W/"{hashlib.blake2b(body, digest_size=8).hexdigest()}"'


def _answer(request: Request, body: bytes, small: bytes, tag: str, kind: str, headers: Mapping[str, str]) -> Response:
    """A body that is kept by who asked, in the form that they take; nothing when they have it. `small`: by gzip, if any."""
    told = {**headers, "ETag": tag}
    if _has(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=304, headers=told)
    if small and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(small, media_type=kind, headers={**told, "Content-Encoding": "gzip"})
    return Response(body, media_type=kind, headers=told)


def _has(sent: str, tag: str) -> bool:
    """Whether a body is had already: tags are compared weakly (RFC 9110 13.1.2), for proxies compress and mark them so."""
    opaque = tag.removeprefix("W/")
    return sent.strip() == "*" or any(one.strip().removeprefix("W/") == opaque for one in sent.split(","))
