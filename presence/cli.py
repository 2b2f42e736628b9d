"""The commands."""

import asyncio
import os
import secrets
import signal
import sys
import tomllib
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from sqlalchemy.engine import make_url

from presence import __version__
from presence.app import create_app
from presence.booking import seed as booking_seed
from presence.booking.service import Booking
from presence.calls.probe import probe as probe_calls
from presence.clock import SystemClock, utc
from presence.config import Config, load, read_text
from presence.errors import ConfigError, Invalid, NotFound
from presence.first import first_of
from presence.i18n import translator
from presence.mail.smtp import probe
from presence.observe import configure_logging
from presence.offline import ConfigFile, change, instant_of
from presence.parts import correspondence_of
from presence.roster import seed as roster_seed
from presence.roster.service import Roster, hours_of
from presence.roster.sign_in import SignIn
from presence.serving import server
from presence.site_commands import site_commands
from presence.storage import backup as backups
from presence.storage.checks import check_clock, check_integrity
from presence.storage.database import Database
from presence.storage.migrate import behind, migrate
from presence.storage.tenancy import alone, tenancy

cli = typer.Typer(help="Self-hosted presence marketing.", no_args_is_help=True, add_completion=False)
adviser_commands = typer.Typer(help="The people who answer.", no_args_is_help=True)
service_commands = typer.Typer(help="What can be booked.", no_args_is_help=True)
cli.add_typer(adviser_commands, name="adviser")
cli.add_typer(service_commands, name="service")
cli.add_typer(site_commands, name="site")


def main() -> None:
    """Run a command; a configuration that cannot be used ends it with its reason, not with a traceback."""
    try:
        cli()
    except ConfigError as error:
        print(f"The configuration cannot be used:\n{error}", file=sys.stderr)
        sys.exit(2)
    except Invalid as error:
        t = translator("en")
        for field, one in error.fields.items():
            print(f"{field}: {t.gettext(one.message, **one.values)}", file=sys.stderr)
        sys.exit(2)


@cli.command()
def serve(
    config: ConfigFile = None,
    workers: Annotated[bool, typer.Option(help="send and fetch mail here too, not only in `presence worker`")] = True,
) -> None:
    """Run the service."""
    settings = _ready(config)
    server(
        create_app(settings, workers=workers),
        host=settings.server.host,
        port=settings.server.port,
        proxy_headers=bool(settings.server.trusted_proxies),
        forwarded_allow_ips=list(settings.server.trusted_proxies),
    ).run()


@cli.command()
def worker(config: ConfigFile = None) -> None:
    """Send mails and reminders and take mail in, in a process of its own; needs PostgreSQL and Redis."""
    settings = _ready(config)

    async def run() -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        for sign in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(sign, stop.set)
        app = create_app(settings)
        async with app.router.lifespan_context(app):
            await stop.wait()

    asyncio.run(run())


def _ready(config: Path | None) -> Config:
    """The configuration of a process that stays, with its database at this release's schema."""
    settings = load(config, os.environ)
    configure_logging(settings.log)
    asyncio.run(_claim(settings))
    migrate(settings.database.url)
    return settings


async def _claim(settings: Config) -> None:
    """Say at once, and plainly, that another process is in the way."""
    async with tenancy(make_url(settings.database.url), shared=bool(settings.chat.redis_url)):
        pass


@cli.command()
def demo(
    port: Annotated[int, typer.Option(help="where to listen")] = 8000,
    directory: Annotated[Path, typer.Option(help="where the demo keeps its data")] = Path("var/demo"),
    samples: Annotated[bool, typer.Option(help="with appointments to look at, one of which can be joined now")] = True,
    site_port: Annotated[
        int, typer.Option(help="where a bank's own site listens that embeds it; the next one when 0")
    ] = 0,
    origin: Annotated[list[str] | None, typer.Option(help="the origin of another site that may embed it")] = None,
) -> None:
    """Run a complete example: three advisers, services, appointments, every mail that was sent, and a site that embeds it."""
    from presence.demo import run

    run(port, directory, site_port=site_port or port + 1, origins=origin or (), samples=samples)


@cli.command("migrate")
def migrate_command(config: ConfigFile = None) -> None:
    """Bring the database to this release's schema."""
    migrate(load(config, os.environ).database.url)


@cli.command()
def check(config: ConfigFile = None) -> None:
    """Look at the configuration, the database, the clock, the way to the mail server, and the STUN and TURN servers."""
    settings = load(config, os.environ)
    first_of(settings)
    print("configuration  ok")

    async def look() -> list[tuple[str, str | None]]:
        database = Database(settings.database.url)
        try:
            schema = await database.read(behind)
            if schema:
                return [("database", schema)]
            return [
                ("database", await database.read(check_integrity)),
                ("clock", await database.read(check_clock)),
                ("mail", await probe(settings.mail)),
                *await probe_calls(settings.calls, SystemClock().now()),
            ]
        finally:
            await database.close()

    found = asyncio.run(look())
    for what, trouble in found:
        print(f"{what:<14} {trouble or 'ok'}")
    if any(trouble for _, trouble in found):
        raise typer.Exit(1)


@cli.command()
def backup(file: Path, config: ConfigFile = None) -> None:
    """Write a consistent copy of the database to a file, while the service runs."""
    backups.backup(load(config, os.environ).database.url, file)
    print(f"{file}  {file.stat().st_size} bytes")


@cli.command()
def restore(
    file: Path,
    config: ConfigFile = None,
    force: Annotated[bool, typer.Option(help="replace a database that is not empty")] = False,
) -> None:
    """Put a backup in the place of the database; stop the service first."""
    url = load(config, os.environ).database.url
    with alone(make_url(url)):
        backups.restore(url, file, force=force)
    print("restored")


@cli.command()
def secret() -> None:
    """Make a secret key."""
    print(secrets.token_urlsafe(48))


@cli.command()
def version() -> None:
    """What this is."""
    print(__version__)


@cli.command()
def why(
    service: Annotated[str, typer.Option(help="the service's short name")],
    at: Annotated[str, typer.Option(help="when, such as 2026-11-26T14:30, in the organisation's zone")],
    config: ConfigFile = None,
) -> None:
    """Say for each adviser why a start is not offered."""
    settings = load(config, os.environ)
    zone = ZoneInfo(settings.organisation.zone)
    start = instant_of(at, settings.organisation.zone)

    async def ask() -> None:
        database = Database(settings.database.url)
        letters = correspondence_of(settings, settings.server.secret_key)
        booking = Booking(database, SystemClock(), first_of(settings).opening, letters)
        try:
            reasons = await booking.why(service, start)
        except NotFound:
            raise ConfigError(f"--service: there is no service {service!r}") from None
        finally:
            await database.close()
        if not reasons:
            print("This start is offered.")
        for reason in reasons:
            values = {
                key: utc(value).astimezone(zone).strftime("%Y-%m-%d %H:%M") if _is_instant(key) else value
                for key, value in reason.values.items()
            }
            detail = ", ".join(f"{key} {value}" for key, value in values.items())
            print(f"{reason.adviser or 'service':<16} {reason.code:<22} {detail}".rstrip())

    asyncio.run(ask())


def _is_instant(key: str) -> bool:
    return key in {"from", "until", "expires", "earliest", "end"}


@adviser_commands.command("add")
def adviser_add(
    slug: str,
    name: str,
    email: str,
    config: ConfigFile = None,
    team: Annotated[list[str] | None, typer.Option(help="a team; may be given several times")] = None,
    zone: str = "Europe/Paris",
    language: Annotated[list[str] | None, typer.Option(help="a language they speak")] = None,
    hours: Annotated[str, typer.Option(help="Monday to Friday")] = "09:00-12:00, 14:00-18:00",
    supervisor: Annotated[bool, typer.Option(help="may see, join and take over every conversation")] = False,
    room: Annotated[str, typer.Option(help="their own address, for services that meet elsewhere")] = "",
    password: Annotated[str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True)] = "",
) -> None:
    """Add an adviser."""
    texts = dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), hours)
    entry = roster_seed.AdviserEntry(
        slug=slug,
        name=name,
        email=email,
        zone=zone,
        languages=tuple(language or ("en", "fr")),
        hours=hours_of(texts),
        teams=tuple(roster_seed.Membership(team=one) for one in team or ()),
        supervisor=supervisor,
        room=room,
        password=password,
    )
    change(config, lambda database: Roster(database, SystemClock()).add(entry))
    print(f"{slug} is there")


@adviser_commands.command("password")
def adviser_password(
    email: str,
    config: ConfigFile = None,
    password: Annotated[str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True)] = "",
) -> None:
    """Set an adviser's password."""

    async def work(database: Database) -> None:
        for adviser in await Roster(database, SystemClock()).advisers():
            if adviser.email == email.lower():
                await SignIn(database, SystemClock()).set_password(adviser.id, password)
                return
        raise ConfigError(f"no adviser has the address {email}")

    change(config, work)


@service_commands.command("add")
def service_add(file: Path, config: ConfigFile = None) -> None:
    """Add the services of a TOML file with [[services]] tables, written as in config.example.toml."""
    try:
        raw = tomllib.loads(read_text(file))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file}: {error}") from None
    services = booking_seed.service_entries(raw.get("services", []))
    change(config, lambda database: database.write(lambda connection: booking_seed.sow(connection, services)))
    print(f"{len(services)} read")
