"""The first people, from the configuration: added when their slug is not there yet, never changed afterwards."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from argon2 import PasswordHasher
from sqlalchemy import Connection

from presence.errors import ConfigError
from presence.roster import store
from presence.roster.model import MEDIA, Absence, DayException, Medium, WeeklyHours

T = TypeVar("T")


class TeamEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A team of the configuration."""

    slug: str
    name: dict[str, str] = {}


class Membership(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An adviser's place in a team."""

    team: str
    priority: int = 0
    weight: int = 100


class AdviserEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An adviser of the configuration."""

    slug: str
    name: str
    email: str
    zone: str = "Europe/Paris"
    languages: tuple[str, ...] = ("en",)
    media: tuple[Medium, ...] = MEDIA
    hours: WeeklyHours = WeeklyHours()
    holidays: str = ""
    daily_limit: int | None = None
    weekly_limit: int | None = None
    teams: tuple[Membership, ...] = ()
    password: str = ""
    password_file: str = ""
    exceptions: tuple[DayException, ...] = ()
    absences: tuple[Absence, ...] = ()


def entries(table: str, raw: Sequence[dict[str, Any]], shape: type[T]) -> tuple[T, ...]:
    """Tables of the configuration as structs; `ConfigError` names the key, such as advisers[2].zone."""
    read = []
    for number, one in enumerate(raw):
        try:
            read.append(msgspec.convert(one, shape))
        except msgspec.ValidationError as error:
            text, _, path = str(error).partition(" - at `$")
            raise ConfigError(f"{table}[{number}]{path.rstrip('`')}: {text}") from None
    return tuple(read)


def adviser_entries(raw: Sequence[dict[str, Any]]) -> tuple[AdviserEntry, ...]:
    """The advisers of the configuration; a team may be named by its slug alone."""
    tidy = [{**one, "teams": [{"team": t} if isinstance(t, str) else t for t in one.get("teams", ())]} for one in raw]
    return entries("advisers", tidy, AdviserEntry)


def sow(connection: Connection, teams: Sequence[TeamEntry], advisers: Sequence[AdviserEntry], now: int) -> int:
    """Add the teams and advisers that are not there yet; returns how many advisers were added."""
    known = store.slugs(connection)
    team_ids = {one.slug: store.add_team(connection, one.slug, one.name) for one in teams}
    new = [one for one in advisers if one.slug not in known]
    if not new:
        return 0
    version = store.raise_clock(connection)
    for one in new:
        adviser_id = store.add_adviser(connection, _values(one, version, now))
        for place in one.teams:
            if place.team not in team_ids:
                team_ids[place.team] = store.add_team(connection, place.team, {})
            store.join_team(connection, team_ids[place.team], adviser_id, place.priority, place.weight)
        for exception in one.exceptions:
            store.set_exception(connection, adviser_id, exception)
        for away in one.absences:
            store.add_absence(connection, adviser_id, away)
    return len(new)


def _values(one: AdviserEntry, version: int, now: int) -> dict[str, Any]:
    password = Path(one.password_file).read_text().strip() if one.password_file else one.password
    return {
        "slug": one.slug,
        "name": one.name,
        "email": one.email.strip().lower(),
        "zone": one.zone,
        "languages": msgspec.json.encode(one.languages).decode(),
        "media": msgspec.json.encode(one.media).decode(),
        "hours": msgspec.json.encode(one.hours).decode(),
        "holidays": one.holidays,
        "daily_limit": one.daily_limit,
        "weekly_limit": one.weekly_limit,
        "password_hash": PasswordHasher().hash(password) if password else "",
        "active": True,
        "agenda_version": version,
        "created_at": now,
    }
