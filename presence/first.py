"""What the configuration brings along: opening hours, and the first people, services and sites."""

from collections.abc import Callable
from typing import Any, NamedTuple

from sqlalchemy import Connection

from presence.booking import seed as booking_seed
from presence.booking.model import Opening, Service
from presence.config import Config
from presence.errors import ConfigError
from presence.roster import seed as roster_seed
from presence.roster.model import WeeklyHours
from presence.roster.seed import AdviserEntry, TeamEntry
from presence.sites import seed as sites_seed
from presence.sites.seed import SiteEntry
from presence.storage.database import Database


class First(NamedTuple):
    """Read and found good, before anything is started."""

    opening: Opening
    teams: tuple[TeamEntry, ...]
    advisers: tuple[AdviserEntry, ...]
    services: tuple[Service, ...]
    sites: tuple[SiteEntry, ...]


def first_of(config: Config) -> First:
    """What a configuration brings along; `ConfigError` tells everything that is wrong."""
    wrong: list[str] = []

    def read(part: Callable[..., Any], *raw: Any) -> Any:
        try:
            return part(*raw)
        except ConfigError as error:
            wrong.append(str(error))
            return None

    first = First(
        read(_opening_of, config),
        read(roster_seed.team_entries, config.teams),
        read(roster_seed.adviser_entries, config.advisers),
        read(booking_seed.service_entries, config.services),
        read(sites_seed.site_entries, config.sites, config.organisation.languages),
    )
    if wrong:
        raise ConfigError("\n".join(wrong))
    return first


def _opening_of(config: Config) -> Opening:
    organisation = config.organisation
    try:
        hours = WeeklyHours(**organisation.hours)
    except ValueError as error:
        raise ConfigError(f"organisation.hours: {error}") from None
    return Opening(zone=organisation.zone, hours=hours, holidays=organisation.holidays)


async def sow(database: Database, first: First, now: int) -> None:
    """Add the people, services and sites that are not there yet."""

    def work(connection: Connection) -> None:
        roster_seed.sow(connection, first.teams, first.advisers, now)
        booking_seed.sow(connection, first.services)
        sites_seed.sow(connection, first.sites, now)

    if first.teams or first.advisers or first.services or first.sites:
        await database.write(work)
