"""A small application of the tests' own: the web floor with nothing above it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from presence.config import Config, OrganisationConfig, ServerConfig
from presence.web.assets import Assets
from presence.web.forms import form_of
from presence.web.guard import Guard
from presence.web.limits import Limits
from presence.web.problems import handlers
from presence.web.request import Web
from presence.web.templates import Templates
from tests.support import FrozenClock

HERE = "http://localhost:8000"


def small_app(routes: Sequence[BaseRoute], *, base_url: str = HERE, **guard: Any) -> Starlette:
    """An application of these routes behind the guard."""
    config = Config(
        server=ServerConfig(base_url=base_url, secret_key="s" * 40),
        organisation=OrganisationConfig(name="Banque Lumière", zone="Europe/Paris"),
    )
    app = Starlette(
        routes=list(routes),
        middleware=[Middleware(Guard, base_url=base_url, **{"body_bytes": 1000, **guard})],
        exception_handlers=handlers(),
    )
    assets = Assets()
    app.router.routes.append(Mount(assets.prefix, assets, name="static"))
    app.state.presence = Web(config, FrozenClock(), Templates(assets.url), assets)
    app.state.limits = Limits({"sign_in": 2, "none": 0})
    return app


@asynccontextmanager
async def visiting(app: Starlette, *, base_url: str = HERE) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=base_url) as client:
        yield client


def raising(error: Exception) -> Route:
    """A route /raise that fails, and the same below /api/."""

    async def endpoint(_request: Request) -> Response:
        raise error

    return Route("/{where:path}", endpoint, methods=["GET", "POST"])


async def echo(request: Request) -> Response:
    """Answers the field `text` of a form."""
    return PlainTextResponse((await form_of(request)).text("text"))


def echoing() -> Route:
    return Route("/echo", echo, methods=["POST"])
