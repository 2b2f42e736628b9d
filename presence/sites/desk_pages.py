"""Supervisors' pages of sites: which there are, what each chooses, its keys, and what its pages will look like."""

import datetime as dt
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from html import escape
from urllib.parse import quote

import msgspec
import structlog
from babel.numbers import format_decimal
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from presence.errors import FieldError, Invalid, NotFound
from presence.i18n import LANGUAGES, N_, Translator, translator
from presence.roster.model import WEEKDAYS, Adviser
from presence.roster.pages import for_advisers
from presence.sites import checks, colours, form, widget
from presence.sites.editing import Changed, Editing, Logo, Texts, version_of
from presence.sites.form import Written
from presence.sites.logo import kind_of
from presence.sites.model import Site
from presence.sites.service import Sites
from presence.sites.settings import CAPABILITIES, Settings, Theme
from presence.sites.signers import Signers
from presence.sites.theming import Shades, shades
from presence.web.forms import Form
from presence.web.request import language_of, page, web_of

log = structlog.get_logger(__name__)

MAX_FIELDS = 1_000  # an organisation may have hundreds of services to tick
MAX_NAME = 100
_MONDAY = dt.date(2024, 1, 1)

Endpoint = Callable[[Request, Adviser], Awaitable[Response]]
Secret = tuple[str, str, str]  # what it is, itself, and what to do with it: shown once


class Apart(msgspec.Struct, frozen=True):
    """What somebody else changed meanwhile: fields taken over from them, and those that both changed, with theirs."""

    taken: list[str]
    differing: list[tuple[str, str, str]]  # field, its name, what they have there


def routes() -> list[BaseRoute]:
    """The pages."""
    return [
        Route("/desk/sites", for_supervisors(listed), methods=["GET"]),
        Route("/desk/sites", for_supervisors(add), methods=["POST"]),
        Route("/desk/sites/new", for_supervisors(new), methods=["GET"]),
        Route("/desk/sites/{slug}", for_supervisors(one), methods=["GET"]),
        Route("/desk/sites/{slug}", for_supervisors(act), methods=["POST"]),
        Route("/desk/sites/{slug}/look", for_supervisors(look), methods=["GET"]),
        Route("/desk/sites/{slug}/preview", for_supervisors(preview), methods=["GET"]),
    ]


def for_supervisors(endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint that only a signed-in supervisor reaches; for other advisers there is nothing here."""

    async def only(request: Request, adviser: Adviser) -> Response:
        if not adviser.supervisor:
            raise NotFound()
        return await endpoint(request, adviser)

    guarded = for_advisers(only)

    async def read(request: Request) -> Response:
        if request.method != "POST":
            return await guarded(request)
        async with request.form(max_files=1, max_fields=MAX_FIELDS):  # which is kept, for all who look into it later
            return await guarded(request)

    return read


# -- all of them --------------------------------------------------------------------------------------------------


async def listed(request: Request, adviser: Adviser) -> Response:
    return page(
        request,
        "desk/sites.html",
        adviser=adviser,
        sites=await _editing(request).listed(),
        revoked=request.query_params.get("revoked", "")[:MAX_NAME],
    )


async def new(request: Request, adviser: Adviser) -> Response:
    return _new(request, adviser, form.written("", Settings(), ()), {})


def _new(request: Request, adviser: Adviser, typed: Written, wrong: Mapping[str, FieldError]) -> Response:
    return page(request, "desk/site_new.html", 422 if wrong else 200, adviser=adviser, typed=typed, wrong=wrong)


async def add(request: Request, adviser: Adviser) -> Response:
    """A new site; its page shows the API key, this once."""
    typed = form.typed(Form(await request.form()))
    slug, name = typed.text("slug").strip(), typed.text("name").strip()
    settings = Settings(origins=form.origins_of(typed.text("origins")))
    wrong = _wrong_name(name) | _at_fields(checks.wrong_with(settings, LANGUAGES))
    if slug == "new":  # whose page would be the one on which sites are made
        wrong["slug"] = FieldError("This short name is taken")
    try:
        if wrong:
            raise Invalid(wrong)
        key = await _sites(request).add(slug, name, settings=settings)
    except Invalid as error:
        return _new(request, adviser, typed, wrong | error.fields)
    log.info("site added", site=slug, by=adviser.slug)
    return await _one(request, adviser, await _sites(request).named(slug), secrets=[_api_key(request, key)])


# -- one of them --------------------------------------------------------------------------------------------------


async def one(request: Request, adviser: Adviser) -> Response:
    return await _one(request, adviser, await _sites(request).named(request.path_params["slug"]))


async def _one(
    request: Request,
    adviser: Adviser,
    site: Site,
    typed: Written | None = None,
    *,
    wrong: Mapping[str, FieldError] | None = None,
    apart: Apart | None = None,
    logo_lost: bool = False,
    secrets: Sequence[Secret] = (),
) -> Response:
    """The page of a site with what was typed, else with what is stored."""
    web, language, languages = web_of(request), language_of(request), _languages(request, site)
    t, stored = translator(language), form.written(site.name, site.settings, languages)
    shown = typed or stored
    as_stored = typed is None or apart is not None
    choices = await _editing(request).choices()
    return page(
        request,
        "desk/site.html",
        422 if wrong else 409 if apart else 200,
        adviser=adviser,
        site=site,
        version=version_of(site) if as_stored else shown.text("version"),
        base=msgspec.json.encode(stored).decode() if as_stored else shown.text("base"),
        typed=shown,
        fresh=form.FRESH,
        wrong=wrong or {},
        apart=apart,
        logo_lost=logo_lost,
        secrets=secrets,
        saved="saved" in request.query_params,
        most={**checks.LENGTHS, "greeting": checks.MAX_GREETING},  # characters
        capabilities=CAPABILITIES,
        teams=[(slug, _text(texts, language, slug)) for slug, texts in choices.teams.items()],
        services=[(slug, _text(texts, language, slug)) for slug, texts in choices.services.items()],
        days=[(day, _MONDAY + dt.timedelta(days=n)) for n, day in enumerate(WEEKDAYS)],
        languages=languages,
        spoken=language if language in languages else languages[0],
        ours={code: widget.words(Settings(), translator(code)) for code in languages},
        look=msgspec.to_builtins(
            _look(shown.text("theme.accent"), shown.text("theme.accent_dark"), site.settings.theme, t)
        ),
        signers=await _signers(request).listed(site.slug),
        now=web.clock.now(),
        snippet=snippet(web.config.server.base_url, site.embed_key),
    )


def snippet(base_url: str, embed_key: str) -> str:
    """The line for a site's pages."""
    return f'<script async src="{escape(base_url)}/widget.js" data-site="{embed_key}"></script>'


async def act(request: Request, adviser: Adviser) -> Response:
    """What a button of the page does. All of them send everything, so that nothing that was typed is lost by any."""
    site = await _sites(request).named(request.path_params["slug"])
    sent = Form(await request.form())
    action, _, what = sent.text("act", "save").partition(":")
    typed = form.typed(sent)
    match action:
        case "greeting-add":
            return await _one(request, adviser, site, form.with_greeting(typed))
        case "greeting-remove":
            number = int(what) if what.isascii() and what.isdigit() else -1
            return await _one(request, adviser, site, form.without_greeting(typed, number))
        case "signer-hs256" | "signer-eddsa" | "signer-end":
            return await _sign(request, adviser, site, typed, action, what)
        case "key-new":
            key = await _editing(request).new_key(site.slug)
            log.info("site key changed", site=site.slug, by=adviser.slug)
            return await _one(request, adviser, site, typed, secrets=[_api_key(request, key)])
        case "revoke":
            return await _revoke(request, adviser, site, typed)
        case _:
            return await _save(request, adviser, site, typed)


async def _save(request: Request, adviser: Adviser, site: Site, typed: Written) -> Response:
    apart = None
    if typed.text("version") != version_of(site):
        typed, apart = _brought_together(request, site, typed)
    languages = _languages(request, site)
    settings, unread = form.read(typed, site.settings, languages)
    name = typed.text("name").strip()
    choices = await _editing(request).choices()
    found = checks.wrong_with(settings, languages, choices.teams.keys(), choices.services.keys())
    wrong = _wrong_name(name) | _at_fields(found) | unread
    logo = await _logo(request, wrong)
    if not wrong and apart is None:
        try:
            await _editing(request).save(site.slug, name, settings, logo, typed.text("version"))
        except Changed:  # in this very moment
            site = await _sites(request).named(site.slug)
            typed, apart = _brought_together(request, site, typed)
        else:
            log.info("site changed", site=site.slug, by=adviser.slug, fields=_changed(request, site, typed, logo))
            return RedirectResponse(f"/desk/sites/{site.slug}?saved=1", 303)
    lost = logo is not None and logo.content != b""
    return await _one(request, adviser, site, typed, wrong=wrong, apart=apart, logo_lost=lost)


def _brought_together(request: Request, site: Site, typed: Written) -> tuple[Written, Apart]:
    """What was typed with what somebody else stored meanwhile, and where the two are apart."""
    theirs = form.written(site.name, site.settings, _languages(request, site))
    base = form.base_of(typed.text("base")) or theirs
    both = form.merged(typed, base, theirs)
    names = {name: _label(name, translator(language_of(request))) for name in form.differing(base, theirs)}
    apart = form.differing(both, theirs)
    return both, Apart(
        taken=list(dict.fromkeys(label for name, label in names.items() if name not in apart)),
        differing=[(name, label, theirs.told(name)) for name, label in names.items() if name in apart],
    )


def _changed(request: Request, site: Site, typed: Written, logo: Logo | None) -> list[str]:
    """The fields that somebody changed; what they wrote there is nobody's business who reads logs."""
    before = form.written(site.name, site.settings, _languages(request, site))
    return [*form.differing(typed, before), *(["logo"] if logo else [])]


async def _logo(request: Request, wrong: dict[str, FieldError]) -> Logo | None:
    """The picture that was sent; None: it stays as it is."""
    data = await request.form()
    file = data.get("logo")
    if not isinstance(file, UploadFile) or not file.size:
        return Logo() if data.get("logo_remove") else None
    content = await file.read()
    try:
        return Logo(content, kind_of(content))
    except Invalid as error:
        wrong |= error.fields
        return Logo(content)


async def _revoke(request: Request, adviser: Adviser, site: Site, typed: Written) -> Response:
    if typed.text("confirm").strip() != site.slug:
        wrong = {"confirm": FieldError("Please write %(slug)s here", slug=site.slug)}
        return await _one(request, adviser, site, typed, wrong=wrong)
    await _sites(request).revoke(site.slug)
    log.info("site revoked", site=site.slug, by=adviser.slug)
    return RedirectResponse(f"/desk/sites?revoked={quote(site.name)}", 303)


async def _sign(request: Request, adviser: Adviser, site: Site, typed: Written, action: str, what: str) -> Response:
    """Make or end a key that the site signs with."""
    signers, t, secrets = _signers(request), translator(language_of(request)), list[Secret]()
    if action == "signer-end":
        await signers.end(site.slug, what)
    elif action == "signer-hs256":
        what, secret = await signers.share(site.slug)
        secrets.append((t.gettext("The shared secret of key %(kid)s", kid=what), secret, _once(t)))
    else:
        try:
            what = await signers.take(site.slug, typed.text("public_key"))
        except Invalid as error:
            return await _one(request, adviser, site, typed, wrong=error.fields)
        hint = t.gettext("The site’s server names it in the header of each token.")
        secrets.append((t.gettext("The name (kid) of the key"), what, hint))
        typed = form.without(typed, "public_key")
    log.info(action, site=site.slug, kid=what, by=adviser.slug)
    return await _one(request, adviser, site, typed, secrets=secrets)


async def look(request: Request, adviser: Adviser) -> Response:
    """What becomes of colours that are being typed, for the page's script."""
    site = await _sites(request).named(request.path_params["slug"])
    accent, dark = (request.query_params.get(name, "") for name in ("accent", "accent_dark"))
    told = _look(accent, dark, site.settings.theme, translator(language_of(request)))
    return JSONResponse(msgspec.to_builtins(told), headers={"Cache-Control": "no-store"})


async def preview(request: Request, adviser: Adviser) -> Response:
    """A page that stands for one of the site's, for the frame beside its settings: it alone may be framed, by us."""
    site = await _sites(request).named(request.path_params["slug"])
    wish = request.query_params.get("in", "")
    language = wish if wish in LANGUAGES else language_of(request)
    request.state.framed_by = "'self'"
    html = web_of(request).templates.render("desk/site_preview.html", language, site=site)
    return HTMLResponse(html, headers={"Cache-Control": "no-store", "Content-Language": language})


# -- what is shown ------------------------------------------------------------------------------------------------


class Figure(msgspec.Struct, frozen=True):
    """A colour, what is written on it, and how well that can be read, or what is wrong with it (`standing` poor)."""

    colour: str
    on: str
    said: str
    standing: str


class Look(msgspec.Struct, frozen=True):
    """The colours that follow from those that are typed, as the widget takes them."""

    colours: dict[str, str]
    figures: dict[str, Figure]


def _look(accent: str, dark: str, stored: Theme, t: Translator) -> Look:
    """What is no colour is as it is stored."""
    theme = Theme(accent=_colour(accent, stored.accent), accent_dark=_colour(dark, ""))
    wrong = checks.wrong_with(
        Settings(theme=Theme(accent=accent.strip().lower(), accent_dark=dark.strip().lower())), ()
    )
    on_light, on_dark = shades(theme)
    return Look(
        {
            "accent": on_light.accent,
            "on_accent": on_light.on_accent,
            "accent_dark": on_dark.accent,
            "on_accent_dark": on_dark.on_accent,
        },
        {
            name: _figure(one, wrong.get(name), t)
            for name, one in (("theme.accent", on_light), ("theme.accent_dark", on_dark))
        },
    )


def _colour(written: str, otherwise: str) -> str:
    lower = written.strip().lower()
    return lower if colours.COLOUR.fullmatch(lower) else otherwise


def _figure(one: Shades, wrong: FieldError | None, t: Translator) -> Figure:
    if wrong is not None:
        return Figure(one.accent, one.on_accent, t.gettext(wrong.message, **wrong.values), "poor")
    ratio = math.floor(colours.contrast(one.accent, one.on_accent) * 10) / 10  # 4.49 is not 4.5
    said = t.gettext("Text on it: %(ratio)s : 1", ratio=format_decimal(ratio, "0.0", locale=t.language))
    return Figure(one.accent, one.on_accent, said, "good")


_LABELS = {
    "name": N_("Name"),
    "origins": N_("Origins of its pages, one a line"),
    "capabilities": N_("What it offers"),
    "team": N_("Who answers"),
    "services": N_("What can be booked"),
    "hours": N_("Opening hours"),
    "zone": N_("Time zone"),
    "theme.accent": N_("Accent"),
    "theme.accent_dark": N_("Accent on dark ground"),
    "theme.scheme": N_("Light or dark"),
    "theme.side": N_("Corner of the page"),
    "theme.offset_x": N_("From the side, in pixels"),
    "theme.offset_y": N_("From below, in pixels"),
    "words": N_("Words"),
    "greetings": N_("Greetings"),
    "vouching": N_("Who its customers are"),
}


def _label(name: str, t: Translator) -> str:
    return t.gettext(_LABELS.get(name) or _LABELS[name.partition(".")[0]])


def _text(texts: Texts, language: str, otherwise: str) -> str:
    return texts.get(language) or texts.get("en") or next(iter(texts.values()), otherwise)


def _languages(request: Request, site: Site) -> tuple[str, ...]:
    """The organisation's, and those in which the site says something already."""
    said = [*site.settings.words, *(language for one in site.settings.greetings for language in one.text)]
    return tuple(dict.fromkeys([*web_of(request).config.organisation.languages, *said]))


def _wrong_name(name: str) -> dict[str, FieldError]:
    if name and len(name) <= MAX_NAME:
        return {}
    return {"name": FieldError("A name is needed, of 100 characters at most")}


def _at_fields(wrong: Mapping[str, FieldError]) -> dict[str, FieldError]:
    """By the fields of the page: origins are lines of one."""
    fields: dict[str, FieldError] = {}
    for name, one in wrong.items():
        fields.setdefault("origins" if name.startswith("origins") else name, one)
    return fields


def _api_key(request: Request, key: str) -> Secret:
    t = translator(language_of(request))
    return t.gettext("The API key of this site"), key, _once(t)


def _once(t: Translator) -> str:
    return t.gettext("It is shown only this once.")


def _sites(request: Request) -> Sites:
    sites: Sites = request.app.state.sites
    return sites


def _editing(request: Request) -> Editing:
    editing: Editing = request.app.state.editing
    return editing


def _signers(request: Request) -> Signers:
    signers: Signers = request.app.state.signers
    return signers
