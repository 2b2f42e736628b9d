"""Signing in and out."""

from collections.abc import Awaitable, Callable
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from presence.errors import Invalid, Unauthorised
from presence.roster.model import Adviser
from presence.roster.sign_in import LASTS, SignIn
from presence.web.csrf import protect
from presence.web.forms import form_of
from presence.web.limits import limited
from presence.web.request import page, web_of


def routes() -> list[BaseRoute]:
    """The pages."""
    return [
        Route("/sign-in", sign_in_form, methods=["GET"]),
        Route("/sign-in", sign_in, methods=["POST"]),
        Route("/sign-out", for_advisers(sign_out), methods=["POST"]),
    ]


def cookie_name(request: Request) -> str:
    """Bound to the host and to https, where there is https."""
    secure = web_of(request).config.server.base_url.startswith("https://")
    return "__Host-presence" if secure else "presence"


async def adviser_of(request: Request) -> Adviser | None:
    """Who is signed in."""
    service: SignIn = request.app.state.sign_in
    return await service.adviser_of(request.cookies.get(cookie_name(request), ""))


def for_advisers(
    endpoint: Callable[[Request, Adviser], Awaitable[Response]],
) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint that only a signed-in adviser reaches; others are asked to sign in first."""

    async def guarded(request: Request) -> Response:
        adviser = await adviser_of(request)
        if adviser is None and "application/json" in request.headers.get("accept", ""):  # a script of a page of ours
            raise Unauthorised()
        if adviser is None:
            return RedirectResponse(f"/sign-in?next={quote(request.url.path)}", 303)
        await protect(request, request.cookies[cookie_name(request)])
        return await endpoint(request, adviser)

    return guarded


async def sign_in_form(request: Request) -> Response:
    return page(request, "sign_in.html", email="", wrong={}, next=safe_next(request.query_params.get("next", "")))


async def sign_in(request: Request) -> Response:
    limited(request, "sign_in")
    form = await form_of(request)
    email, service = form.text("email").strip().lower(), request.app.state.sign_in
    limited(request, "sign_in", f"account:{email[:254]}")
    onward = safe_next(form.text("next"))
    try:
        former = request.cookies.get(cookie_name(request), "")
        token = await service.sign_in(email, form.text("password"), former)
    except Invalid as error:
        return page(request, "sign_in.html", 422, email=email, wrong=error.fields, next=onward)
    response = RedirectResponse(onward, 303)
    response.set_cookie(
        cookie_name(request),
        token,
        max_age=LASTS,
        httponly=True,
        samesite="lax",
        secure=cookie_name(request).startswith("__Host-"),
    )
    return response


async def sign_out(request: Request, adviser: Adviser) -> Response:
    await request.app.state.sign_in.sign_out(request.cookies.get(cookie_name(request), ""))
    await request.app.state.signed_out(f"adviser:{adviser.id}")
    response = RedirectResponse("/sign-in", 303)
    response.delete_cookie(cookie_name(request), secure=cookie_name(request).startswith("__Host-"))
    return response


def safe_next(wish: str) -> str:
    """Where to go on to: a place of ours, never another's."""
    inside = wish.startswith("/") and not wish.startswith(("//", "/\\")) and wish.isprintable()
    return wish if inside else "/agenda"
