"""Our pages inside of a site's pages: under /at/KEY/LANGUAGE are the customers' pages again, to be framed by that site alone.

The address says which site and language it is, so that nothing depends on cookies, which browsers keep away from frames.
"""

import re

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from presence.errors import NotFound
from presence.sites.model import Site
from presence.sites.service import Sites
from presence.web import problems

_ADDRESS = re.compile(r"(/at/([^/]+)/([a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*))(/.*)")
_CUSTOMERS = re.compile(
    r"/(?:a|book|calls|chat|experts|join|room)(?:/|$)|/theme\.css$"
)  # nobody frames what advisers do


class Framing:
    """Pure ASGI, inside of the guard. Sets `state.site`, `state.at` and `state.framed_by`, and leads redirects back here."""

    def __init__(self, app: ASGIApp, *, sites: Sites) -> None:
        self._app = app
        self._sites = sites

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/at/"):
            await self._app(scope, receive, send)
            return
        found = _ADDRESS.fullmatch(scope["path"])
        site = await self._sites.by_embed_key(found[2]) if found and _CUSTOMERS.match(found[4]) else None
        if found is None or site is None:
            await problems.answer(Request(scope, receive), NotFound())(scope, receive, send)
            return
        at = found[1]
        scope["state"].update(
            site=site, at=at, framed_by=" ".join((*site.settings.origins, "'self'"))
        )  # the desk's preview
        scope["root_path"] = scope.get("root_path", "") + at

        async def led_back(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                there = headers.get("location", "")
                if there.startswith("/") and not there.startswith(("//", f"{at}/")):
                    headers["location"] = at + there
            await send(message)

        await self._app(scope, receive, led_back)


def site_of(request: Request) -> Site | None:
    """The site whose page this request comes from; None on our own pages."""
    site: Site | None = getattr(request.state, "site", None)
    return site
