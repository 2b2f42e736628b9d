"""The commands for sites: what they choose, their keys, and the line for their pages."""

import os
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec
import typer

from presence.clock import SystemClock, utc
from presence.config import Config, load, read_text
from presence.errors import ConfigError, Invalid, NotFound
from presence.offline import ConfigFile, change, instant_of, look
from presence.roster.model import WEEKDAYS, WeeklyHours
from presence.roster.service import hours_of
from presence.sites import signers as signing
from presence.sites.checks import wrong_with
from presence.sites.desk_pages import snippet
from presence.sites.editing import Editing, Logo, version_of
from presence.sites.logo import kind_of
from presence.sites.model import Site
from presence.sites.service import Sites
from presence.sites.settings import CAPABILITIES, Capability, Scheme, Settings, Side, Vouching
from presence.sites.signers import Signers
from presence.storage.database import Database

site_commands = typer.Typer(help="Sites that embed us: what they choose, and their keys.", no_args_is_help=True)
signer_commands = typer.Typer(help="The keys that a site signs with who its customers are.", no_args_is_help=True)
site_commands.add_typer(signer_commands, name="signer")

Origins = Annotated[
    list[str] | None, typer.Option("--origin", help="of pages that embed it; may be given several times")
]
File = Annotated[Path | None, typer.Option("--settings", help="a TOML file with all of them, as `site show` prints it")]


@site_commands.command("add")
def add(slug: str, name: str, config: ConfigFile = None, origin: Origins = None, settings: File = None) -> None:
    """Add a site and print its API key, once."""

    async def work(database: Database) -> None:
        chosen = _in_file(settings) if settings else Settings()
        if origin is not None:
            chosen = msgspec.structs.replace(chosen, origins=tuple(origin))
        await _check(database, chosen, load(config, os.environ))
        print(await _sites(database).add(slug, name, settings=chosen))

    change(config, work)


@site_commands.command("list")
def listed(config: ConfigFile = None) -> None:
    """List the sites: short name, name, public key, origins."""
    for one in look(config, lambda database: _sites(database).all()):
        print(f"{one.slug:<20} {one.name:<30} {one.embed_key:<24} {' '.join(one.settings.origins)}".rstrip())


@site_commands.command("show")
def show(slug: str, config: ConfigFile = None) -> None:
    """Print what a site chooses, as TOML that `site set --settings` takes."""
    site = look(config, lambda database: _named(database, slug))
    print(f"# {site.name}\n# public key: {site.embed_key}\n\n{as_toml(site.settings)}", end="")


@site_commands.command("set")
def change_settings(
    slug: str,
    config: ConfigFile = None,
    settings: File = None,
    name: Annotated[str | None, typer.Option(help="as customers and colleagues know it")] = None,
    origin: Origins = None,
    capability: Annotated[list[str] | None, typer.Option(help=f"what it offers: {', '.join(CAPABILITIES)}")] = None,
    team: Annotated[str | None, typer.Option(help="who answers; everybody when empty")] = None,
    service: Annotated[list[str] | None, typer.Option(help="what can be booked; one by one")] = None,
    hours: Annotated[list[str] | None, typer.Option(help='such as "mon=09:00-12:00, 14:00-18:00"; or always')] = None,
    zone: Annotated[str | None, typer.Option(help="of these hours")] = None,
    vouching: Annotated[Vouching | None, typer.Option(help="whether it signs who its customers are")] = None,
    accent: Annotated[str | None, typer.Option(help="a colour, such as #1d4ed8")] = None,
    accent_dark: Annotated[str | None, typer.Option(help="on dark ground; made from the accent when empty")] = None,
    scheme: Annotated[Scheme | None, typer.Option()] = None,
    side: Annotated[Side | None, typer.Option(help="of the line")] = None,
    offset_x: Annotated[int | None, typer.Option(help="pixels from the side")] = None,
    offset_y: Annotated[int | None, typer.Option(help="pixels from below")] = None,
    logo: Annotated[Path | None, typer.Option(help="PNG, WebP or JPEG, 64 KB at most")] = None,
) -> None:
    """Change what a site chooses. What is not named stays; with --settings, everything else becomes what the file says."""
    theme: dict[str, Any] = {"accent": accent, "accent_dark": accent_dark, "scheme": scheme, "side": side}
    theme |= {"offset_x": offset_x, "offset_y": offset_y}
    named: dict[str, Any] = {
        "origins": origin and tuple(origin),
        "capabilities": capability and _capabilities(capability),
        "team": team,
        "services": service and tuple(one for one in service if one),
        "zone": zone,
        "vouching": vouching,
    }
    if hours:
        named["hours"] = _hours(hours)

    async def work(database: Database) -> None:
        site = await _named(database, slug)
        chosen = _in_file(settings) if settings else site.settings
        given = {key: value for key, value in named.items() if value is not None or key == "hours"}
        looks = {key: value for key, value in theme.items() if value is not None}
        chosen = msgspec.structs.replace(chosen, theme=msgspec.structs.replace(chosen.theme, **looks), **given)
        await _check(database, chosen, load(config, os.environ))
        editing = Editing(database, _sites(database))
        await editing.save(slug, name or site.name, chosen, _logo(logo), version_of(site))

    change(config, work)
    print(f"{slug} is changed")


@site_commands.command("revoke")
def revoke(
    slug: str,
    config: ConfigFile = None,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
) -> None:
    """End a site: its pages show nothing of us any more, and its keys open nothing. It cannot be taken back."""
    if not yes:
        typer.confirm(f"End {slug} for good?", abort=True)

    async def work(database: Database) -> None:
        await _named(database, slug)
        await _sites(database).revoke(slug)

    change(config, work)
    print(f"{slug} is revoked")


@site_commands.command("rotate")
def rotate(slug: str, config: ConfigFile = None) -> None:
    """Make another API key and print it, once; the former opens nothing any more."""

    async def work(database: Database) -> None:
        await _named(database, slug)
        print(await Editing(database, _sites(database)).new_key(slug))

    change(config, work)


@site_commands.command("snippet")
def print_snippet(slug: str, config: ConfigFile = None) -> None:
    """Print the line for a site's pages."""
    site = look(config, lambda database: _named(database, slug))
    print(snippet(load(config, os.environ).server.base_url, site.embed_key))


# -- what they sign with ------------------------------------------------------------------------------------------------


@signer_commands.command("add")
def add_signer(
    slug: str,
    config: ConfigFile = None,
    public_key: Annotated[Path | None, typer.Option(help="a PEM file with the public key, for EdDSA")] = None,
) -> None:
    """Make a shared secret (HS256) and print it, once; or take a public key (EdDSA). Keys that are there stay good."""
    settings, pem = load(config, os.environ), read_text(public_key) if public_key else ""

    async def work(database: Database) -> None:
        site, signers = await _named(database, slug), _signers(database, settings)
        if public_key:
            print(f"kid       {await signers.take(slug, pem)}")
        else:
            kid, secret = await signers.share(slug)
            print(f"kid       {kid}\nsecret    {secret}")
        vouching = signing.Vouching(database, SystemClock(), signers, settings.server.base_url)
        print(f"audience  {vouching.audience(site)}")

    change(config, work)


@signer_commands.command("list")
def list_signers(slug: str, config: ConfigFile = None) -> None:
    """List the keys of a site, the latest first."""
    settings = load(config, os.environ)

    async def work(database: Database) -> None:
        await _named(database, slug)
        zone, now = ZoneInfo(settings.organisation.zone), SystemClock().now()
        for one in await _signers(database, settings).listed(slug):
            since, until = (
                f"{utc(at).astimezone(zone):%Y-%m-%d %H:%M}" if at else "" for at in (one.created_at, one.ends_at)
            )
            state = "in use" if one.ends_at is None else f"ends {until}" if one.ends_at > now else f"ended {until}"
            print(f"{one.kid:<24} {one.algorithm:<6} since {since}  {state}")

    look(config, work)


@signer_commands.command("secret")
def print_secret(slug: str, kid: str, config: ConfigFile = None) -> None:
    """Print the secret of a key that the configuration brought along (HS256)."""
    settings = load(config, os.environ)

    async def work(database: Database) -> None:
        await _named(database, slug)
        signers = _signers(database, settings)
        if (kid, "HS256") not in [(one.kid, one.algorithm) for one in await signers.listed(slug)]:
            raise ConfigError(f"the site {slug!r} has no shared secret {kid!r}")
        print(signers.secret(slug, kid))

    look(config, work)


@signer_commands.command("end")
def end_signer(
    slug: str,
    kid: str,
    config: ConfigFile = None,
    at: Annotated[str, typer.Option(help="when, such as 2026-11-26T14:30, in the organisation's zone; else now")] = "",
) -> None:
    """Let a key sign nothing any more, from now or from a time on."""
    settings = load(config, os.environ)
    ends_at = instant_of(at, settings.organisation.zone) if at else None

    async def work(database: Database) -> None:
        await _named(database, slug)
        try:
            await _signers(database, settings).end(slug, kid, ends_at)
        except NotFound:
            raise ConfigError(f"the site {slug!r} has no key {kid!r}") from None

    change(config, work)
    print(f"{kid} ends {at or 'now'}")


# -- what they share ------------------------------------------------------------------------------------------------------


def as_toml(settings: Settings) -> str:
    """Settings as they are written in a file."""
    values = {key: value for key, value in msgspec.to_builtins(settings).items() if value is not None}
    greetings = values.pop("greetings")
    plain = {key: value for key, value in values.items() if not isinstance(value, dict)}
    blocks = ["".join(_lines(plain))]
    blocks += [
        f"[{key}]\n{''.join(_lines(value))}" for key, value in values.items() if isinstance(value, dict) and value
    ]
    blocks += [f"[[greetings]]\n{''.join(_lines(one))}" for one in greetings]
    return "\n".join(blocks)


def _lines(values: dict[str, Any]) -> Iterator[str]:
    for key, value in values.items():
        yield f"{_name(key)} = {_value(value)}\n"


def _value(value: Any) -> str:
    if isinstance(value, dict):
        inner = ", ".join(f"{_name(key)} = {_value(one)}" for key, one in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_value, value))}]"
    return msgspec.json.encode(value).decode().replace("\x7f", "\\u007f")  # strings and numbers are written as in JSON


def _name(key: str) -> str:
    return key if key.replace("-", "_").isidentifier() and key.isascii() else _value(key)


def _in_file(file: Path) -> Settings:
    """The settings of a TOML file; `ConfigError`."""
    try:
        return msgspec.convert(tomllib.loads(read_text(file)), Settings)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ConfigError(f"{file}: {str(error).replace(' - at `$.', ' - at `')}") from None


async def _check(database: Database, settings: Settings, config: Config) -> None:
    """`Invalid` tells everything that is wrong with what a site chooses."""
    choices = await Editing(database, _sites(database)).choices()
    wrong = wrong_with(settings, config.organisation.languages, set(choices.teams), set(choices.services))
    if wrong:
        raise Invalid(wrong)


def _capabilities(named: list[str]) -> tuple[Capability, ...]:
    unknown = [one for one in named if one not in CAPABILITIES]
    if unknown:
        raise ConfigError(f"--capability: found {unknown[0]!r}; allowed are {', '.join(CAPABILITIES)}")
    return tuple(one for one in CAPABILITIES if one in named)


def _hours(lines: list[str]) -> WeeklyHours | None:
    """Weekly hours of lines such as "mon=09:00-12:00"; None for "always"."""
    if lines == ["always"]:
        return None
    week = {day.strip(): text for day, _, text in (line.partition("=") for line in lines)}
    unknown = [day for day in week if day not in WEEKDAYS]
    if unknown:
        raise ConfigError(f"--hours: found {unknown[0]!r}; a day such as mon, with =, or always")
    try:
        return hours_of(week)
    except Invalid as error:
        raise Invalid({f"hours.{day}": one for day, one in error.fields.items()}) from None


def _logo(file: Path | None) -> Logo | None:
    if file is None:
        return None
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}") from None
    return Logo(content, kind_of(content))


async def _named(database: Database, slug: str) -> Site:
    try:
        return await _sites(database).named(slug)
    except NotFound:
        raise ConfigError(f"there is no site {slug!r}") from None


def _sites(database: Database) -> Sites:
    return Sites(database, SystemClock())


def _signers(database: Database, settings: Config) -> Signers:
    return Signers(database, SystemClock(), settings.server.secret_key)
