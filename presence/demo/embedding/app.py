"""The embedding site's pages: plain, with elements, signed in, with a strict policy, with hostile styles, from right to left."""

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from presence.i18n import negotiate

LANGUAGES = ("en", "fr")
_HERE = Path(__file__).parent
_POLICY = (
    "default-src 'none'; script-src 'nonce-{nonce}' {presence}; connect-src {presence}; frame-src {presence}; "
    "img-src 'self' data: {presence}; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)


class Page(NamedTuple):
    """A page in the navigation, or in the foot among those for developers. Its name in English and in French."""

    slug: str
    name: tuple[str, str]
    main: bool = True


PAGES = (
    Page("adviser", ("Your adviser", "Votre conseillère")),
    Page("appointment", ("Appointment", "Rendez-vous")),
    Page("experts", ("Our advisers", "Nos conseillers")),
    Page("account", ("My account", "Mon compte")),
    Page("app", ("Single-page application", "Application monopage"), main=False),
    Page("strict", ("Strict policy", "Politique stricte"), main=False),
    Page("hostile", ("Hostile styles", "Styles hostiles"), main=False),
    Page("rtl", ("Right to left", "De droite à gauche"), main=False),
)


def site(presence: str, key: str, identity: Callable[[], str]) -> Starlette:
    """The site. `presence` is where presence runs, `key` the site's public one; `identity` signs for Carol, anew each time."""
    pages = Environment(
        loader=FileSystemLoader(_HERE / "pages"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )

    async def page(request: Request) -> Response:
        """A page in its language."""
        lang, slug = request.path_params["lang"], request.path_params.get("page") or "home"
        if lang not in LANGUAGES or slug not in {"home", *(one.slug for one in PAGES)}:
            raise HTTPException(404)
        nonce = secrets.token_urlsafe(16)
        policy = _POLICY.format(presence=presence, nonce=nonce)
        html = pages.get_template(f"{slug}.html").render(
            presence=presence,
            key=key,
            lang=lang,
            other=next(one for one in LANGUAGES if one != lang),
            page=slug,
            pages=PAGES,
            nonce=nonce,
            policy=policy,
            say=lambda english, french: french if lang == "fr" else english,
            script=lambda name: (_HERE / "files" / name).read_text(),
        )
        return HTMLResponse(html, headers={"Content-Security-Policy": policy} if slug == "strict" else {})

    async def home(request: Request) -> Response:
        return RedirectResponse(f"/{negotiate(request.headers.get('accept-language', ''), LANGUAGES)}/", 307)

    async def vouch(request: Request) -> Response:
        """Who is signed in, as the bank's server says it: to the bank's own pages alone."""
        if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
            raise HTTPException(403)
        return JSONResponse({"token": identity()}, headers={"Cache-Control": "no-store"})

    return Starlette(
        routes=[
            Route("/", home),
            Route("/identity", vouch, methods=["POST"]),
            Mount("/files", StaticFiles(directory=_HERE / "files")),
            Route("/{lang}/", page),
            Route("/{lang}/{page}", page),
            Route("/{lang}/{page:str}/{view:str}", page),
        ]
    )
