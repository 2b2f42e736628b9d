"""The first people, from the configuration: added when their slug is not there yet, never changed afterwards."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection

from presence.addresses import addressable, leads_to_a_room
from presence.config import read_text, tables
from presence.errors import ConfigError, FieldError
from presence.i18n import is_zone
from presence.public_holidays import knows_holidays
from presence.roster import passwords, store
from presence.roster.model import MEDIA, Absence, DayException, Medium, Texts, WeeklyHours

SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
MOST = 1000  # appointments that a limit may allow
TOPICS = 20  # of one adviser
TOPIC_LENGTH = 60  # characters


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
    topics: tuple[Texts, ...] = ()  # what they know best
    hours: WeeklyHours = WeeklyHours()
    holidays: str = ""
    daily_limit: int | None = None
    weekly_limit: int | None = None
    teams: tuple[Membership, ...] = ()
    password: str = ""  # empty: cannot sign in
    password_file: str = ""
    supervisor: bool = False
    room: str = ""
    exceptions: tuple[DayException, ...] = ()
    absences: tuple[Absence, ...] = ()


# -- reading ------------------------------------------------------------------------------------------------------


def team_entries(raw: Sequence[dict[str, Any]]) -> tuple[TeamEntry, ...]:
    """The teams of the configuration; `ConfigError` tells everything that is wrong."""
    entries = tables("teams", raw, TeamEntry)
    wrong = [f"teams[{n}].slug: {_SLUGS}" for n, one in enumerate(entries) if not SLUG.fullmatch(one.slug)]
    wrong += _repeated("teams", "slug", [one.slug for one in entries])
    if wrong:
        raise ConfigError("\n".join(wrong))
    return entries


def adviser_entries(raw: Sequence[dict[str, Any]]) -> tuple[AdviserEntry, ...]:
    """The advisers of the configuration, their passwords read; a team may be named by its slug alone, a topic by one text.

    `ConfigError` tells everything that is wrong.
    """
    entries = tuple(_with_password(n, one) for n, one in enumerate(tables("advisers", _tidy(raw), AdviserEntry)))
    wrong = [
        f"advisers[{n}].{key}: {error.message % error.values}"
        for n, one in enumerate(entries)
        for key, error in wrong_with(one).items()
    ]
    wrong += _repeated("advisers", "slug", [one.slug for one in entries])
    wrong += _repeated("advisers", "email", [normal(one.email) for one in entries])
    if wrong:
        raise ConfigError("\n".join(wrong))
    return entries


def wrong_with(entry: AdviserEntry) -> dict[str, FieldError]:
    """What is wrong with an adviser, by field; the types have told the rest."""
    wrong: dict[str, FieldError] = {}
    if not SLUG.fullmatch(entry.slug):
        wrong["slug"] = FieldError(_SLUGS)
    if not entry.name.strip():
        wrong["name"] = FieldError("This is needed")
    if not addressable(normal(entry.email)):
        wrong["email"] = FieldError("This is not an email address, such as name@example.com")
    if not is_zone(entry.zone):
        wrong["zone"] = FieldError("This time zone is not known")
    if not knows_holidays(entry.holidays):
        wrong["holidays"] = FieldError("No holidays are known of this place; known are such as FR, FR-57 and DE-BY")
    for name in ("languages", "media"):
        if not all(getattr(entry, name)) or not getattr(entry, name):
            wrong[name] = FieldError("This is needed")
    for name, limit in (("daily_limit", entry.daily_limit), ("weekly_limit", entry.weekly_limit)):
        if limit is not None and not 0 <= limit <= MOST:
            wrong[name] = FieldError("A number up to %(most)s is needed", most=MOST)
    if len(entry.topics) > TOPICS:
        wrong["topics"] = FieldError("At most %(most)s topics", most=TOPICS)
    elif not all(_is_topic(texts) for texts in entry.topics):
        wrong["topics"] = FieldError("Each topic needs a text of at most %(most)s characters", most=TOPIC_LENGTH)
    if not all(SLUG.fullmatch(place.team) for place in entry.teams):
        wrong["teams"] = FieldError(_SLUGS)
    elif len({place.team for place in entry.teams}) < len(entry.teams):
        wrong["teams"] = FieldError("Name each one once")
    if entry.room and not leads_to_a_room(entry.room):
        wrong["room"] = FieldError(ROOM)
    password = passwords.wrong_with(entry.password) if entry.password else None
    if password is not None:
        wrong["password"] = password
    return wrong


def _is_topic(texts: Texts) -> bool:
    return bool(texts) and all(text.strip() and len(text) <= TOPIC_LENGTH for text in texts.values())


def normal(email: str) -> str:
    """An adviser's address as it is compared and stored."""
    return email.strip().lower()


ROOM = "An address such as https://meet.example/{room}; it may also hold {language}"
_SLUGS = "Lower-case letters, digits and dashes"


def _tidy(raw: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Teams named by their slug alone, and topics that are the same in every language, made whole."""
    tidy = []
    for one in raw:
        for name, key in (("teams", "team"), ("topics", "en")):
            some = one.get(name)
            if isinstance(some, list | tuple):
                one = {**one, name: [{key: entry} if isinstance(entry, str) else entry for entry in some]}
        tidy.append(one)
    return tidy


def _with_password(number: int, entry: AdviserEntry) -> AdviserEntry:
    if not entry.password_file:
        return entry
    try:
        return msgspec.structs.replace(entry, password=read_text(Path(entry.password_file)).strip(), password_file="")
    except ConfigError as error:
        raise ConfigError(f"advisers[{number}].password_file: {error}") from None


def _repeated(table: str, key: str, values: Iterable[str]) -> list[str]:
    first: dict[str, int] = {}
    return [
        f"{table}[{number}].{key}: {value!r} is {table}[{first[value]}]'s already"
        for number, value in enumerate(values)
        if first.setdefault(value, number) != number
    ]


# -- storing ------------------------------------------------------------------------------------------------------


def sow(connection: Connection, teams: Sequence[TeamEntry], advisers: Sequence[AdviserEntry], now: int) -> int:
    """Add the teams and advisers that are not there yet; returns how many advisers were added.

    `ConfigError` when a new one's address is another's.
    """
    known, taken = store.slugs(connection), store.mails(connection)
    team_ids = {one.slug: store.add_team(connection, one.slug, one.name) for one in teams}
    new = [one for one in advisers if one.slug not in known]
    if not new:
        return 0
    for one in new:
        if normal(one.email) in taken:
            raise ConfigError(f"adviser {one.slug!r}: another adviser has the address {one.email}")
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
    return {
        "slug": one.slug,
        "name": one.name.strip(),
        "email": normal(one.email),
        "zone": one.zone,
        "languages": msgspec.json.encode(one.languages).decode(),
        "media": msgspec.json.encode(one.media).decode(),
        "topics": msgspec.json.encode(one.topics).decode(),
        "hours": msgspec.json.encode(one.hours).decode(),
        "holidays": one.holidays,
        "daily_limit": one.daily_limit,
        "weekly_limit": one.weekly_limit,
        "password_hash": passwords.hashed(one.password) if one.password else "",
        "supervisor": one.supervisor,
        "room": one.room,
        "active": True,
        "agenda_version": version,
        "created_at": now,
    }
