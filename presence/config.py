"""The configuration: one TOML file read into typed structs; a wrong or unknown key stops the start with its name.

Every key can be set by an environment variable (`PRESENCE_MAIL__HOST` is `mail.host`), every secret by a file
(`PRESENCE_MAIL__PASSWORD_FILE`, or `password_file` beside where `password` would stand).
"""

from typing import Any, Literal

import msgspec

HoursTable = dict[str, tuple[str, ...]]  # weekday -> ranges such as "08:00-12:30"


class _Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file."""


class ServerConfig(_Section):
    """Where it listens and how the world reaches it."""

    host: str = "127.0.0.1"
    port: int = 8000
    base_url: str = "http://localhost:8000"  # what customers see; https outside of loopback
    trusted_proxies: tuple[str, ...] = ()  # addresses whose X-Forwarded-For and -Proto are believed
    secret_key: str = ""  # >= 32 characters; links and sessions are derived from it
    demo: bool = False  # mail goes to a catcher with a page; sample people


class DatabaseConfig(_Section):
    """Where the data is."""

    url: str = "sqlite:///var/presence.db"  # or postgresql://user:password@host/name
    readers: int = 4  # connections that read


class OrganisationConfig(_Section):
    """Who runs this and when it is open."""

    name: str = "Presence"
    zone: str = "Europe/Paris"
    languages: tuple[Literal["en", "fr"], ...] = ("en", "fr")
    hours: HoursTable = msgspec.field(
        default_factory=lambda: {
            day: ("08:00-22:00",) for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
        }
    )
    holidays: str = ""  # "FR", "FR-57": closed on these days
    phone: str = ""  # shown when a page cannot help
    privacy_url: str = ""


class MailConfig(_Section):
    """How mail leaves."""

    host: str = "localhost"
    port: int = 25
    tls: Literal["none", "starttls", "implicit"] = "none"
    username: str = ""
    password: str = ""
    sender: str = "appointments@localhost"  # From and ORGANIZER of what is sent; must be able to receive
    sender_name: str = ""  # the organisation's name when empty
    templates: str = ""  # a directory whose files replace the built-in templates of the same name
    connections: int = 4  # SMTP connections at once
    give_up_after: int = 72  # hours


class BookingConfig(_Section):
    """How booking behaves."""

    hold_minutes: int = 5


class LimitsConfig(_Section):
    """What one address, key or form may do; 0 is no limit."""

    sign_in_per_minute: int = 10
    holds_per_minute: int = 30
    bookings_per_minute: int = 20
    api_per_minute: int = 600  # a site key
    body_bytes: int = 262_144


class LogConfig(_Section):
    """What is logged."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["json", "console"] = "json"


class Config(_Section):
    """The whole file. `teams`, `advisers`, `services` and `sites` make the first ones: added when their slug is not there yet."""

    server: ServerConfig = ServerConfig()
    database: DatabaseConfig = DatabaseConfig()
    organisation: OrganisationConfig = OrganisationConfig()
    mail: MailConfig = MailConfig()
    booking: BookingConfig = BookingConfig()
    limits: LimitsConfig = LimitsConfig()
    log: LogConfig = LogConfig()
    teams: tuple[dict[str, Any], ...] = ()  # read by presence.roster.seed
    advisers: tuple[dict[str, Any], ...] = ()
    services: tuple[dict[str, Any], ...] = ()  # read by presence.booking.seed
    sites: tuple[dict[str, Any], ...] = ()
