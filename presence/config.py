"""The configuration: one TOML file read into typed structs; a wrong or unknown key stops the start with its name.

Every key can be set by an environment variable (`PRESENCE_MAIL__HOST` is `mail.host`), every secret by a file
(`PRESENCE_MAIL__PASSWORD_FILE`, or `password_file` beside where `password` would stand).
"""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from pathlib import Path
from typing import Any, Literal, TypeGuard, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import msgspec

from presence.addresses import addressable
from presence.errors import ConfigError
from presence.public_holidays import knows_holidays

T = TypeVar("T")

HoursTable = dict[str, tuple[str, ...]]  # weekday -> ranges such as "08:00-12:30"


class _Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file."""


class ServerConfig(_Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where it listens and how the world reaches it."""

    host: str = "127.0.0.1"
    port: int = 8000
    base_url: str = "http://localhost:8000"  # what customers see; https outside of loopback
    trusted_proxies: tuple[str, ...] = ()  # addresses whose X-Forwarded-For and -Proto are believed
    secret_key: str = ""  # >= 32 characters; links and sessions are derived from it
    demo: bool = False  # mail goes to a catcher with a page; sample people


class DatabaseConfig(_Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the data is."""

    url: str = "sqlite:///var/presence.db"  # or postgresql://user:password@host/name
    readers: int = 4  # connections that read


class OrganisationConfig(_Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who runs this and when it is open."""

    name: str = "Presence"
    zone: str = "Europe/Paris"
    languages: tuple[Literal["en", "fr"], ...] = ("en", "fr")
    hours: HoursTable = msgspec.field(
        default_factory=lambda: dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), ("08:00-22:00",))
    )
    holidays: str = ""  # "FR", "FR-57": closed on these days
    phone: str = ""  # shown when a page cannot help
    privacy_url: str = ""


class InboundConfig(_Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How mail comes in: by the company's mail server (LMTP), directly (SMTP), or out of a mailbox (IMAP)."""

    reply_address: str = ""  # where answers go: "reply+{token}@bank.example"; needed by all of the below
    bounce_address: str = ""  # where mails that did not arrive go: "bounce+{token}@bank.example"
    lmtp_listen: str = ""  # "127.0.0.1:2424", or "unix:/run/presence/lmtp"
    smtp_listen: str = ""  # "0.0.0.0:25"
    tls_certificate: str = ""  # files (PEM) with which the two offer STARTTLS
    tls_key: str = ""
    imap_host: str = ""
    imap_port: int = 993
    imap_tls: Literal["none", "starttls", "implicit"] = "implicit"
    imap_username: str = ""
    imap_password: str = ""
    imap_folder: str = "INBOX"
    trusted_authserv: str = ""  # your mail server's name in Authentication-Results; advisers' answers by mail need it
    max_bytes: int = 26_214_400  # of one mail

    @property
    def open(self) -> bool:
        """Whether mail comes in at all."""
        return bool(self.lmtp_listen or self.smtp_listen or self.imap_host)


class MailConfig(_Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
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
    inbound: InboundConfig = InboundConfig()


class BookingConfig(_Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How booking behaves."""

    hold_minutes: int = 5


class ChatConfig(_Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How conversations behave."""

    files: str = "var/files"  # the directory that what people send is kept in
    file_bytes: int = 10_485_760
    ask: tuple[Literal["name", "email"], ...] = ("name",)  # before a conversation begins
    proof_bits: int = 15  # of work that a browser does before its first message, against robots; 0: none
    redis_url: str = ""  # redis://host:port/0; needed as soon as there is more than one process


class CallsConfig(_Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Calls by video and audio, and the servers that help them through networks."""

    stun_urls: tuple[str, ...] = ()  # "stun:stun.bank.example:3478"; a TURN server answers STUN too
    turn_urls: tuple[
        str, ...
    ] = ()  # "turn:turn.bank.example:3478?transport=udp", "turns:turn.bank.example:443?transport=tcp"
    turn_secret: str = ""  # the same as coturn's static-auth-secret
    turn_lifetime: int = 3600  # seconds for which credentials open it
    relay_only: bool = False  # all media goes through TURN: neither side learns the other's address
    ring_seconds: int = 30
    grace_minutes: int = 30  # after an appointment's end in which its room stays open
    missed_minutes: int = 15  # after the start, when who came alone is mailed a link to a new hour; 0: never


class LimitsConfig(_Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one address, key or form may do; 0 is no limit."""

    sign_in_per_minute: int = 10
    holds_per_minute: int = 30
    bookings_per_minute: int = 20
    api_per_minute: int = 600  # a site key
    chats_per_minute: int = 10  # conversations begun
    calls_per_minute: int = 10  # rung for, and rooms entered
    body_bytes: int = 262_144


class LogConfig(_Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is logged."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["json", "console"] = "json"


class Config(_Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file. `teams`, `advisers`, `services` and `sites` make the first ones: added when their slug is not there yet."""

    server: ServerConfig = ServerConfig()
    database: DatabaseConfig = DatabaseConfig()
    organisation: OrganisationConfig = OrganisationConfig()
    mail: MailConfig = MailConfig()
    booking: BookingConfig = BookingConfig()
    chat: ChatConfig = ChatConfig()
    calls: CallsConfig = CallsConfig()
    limits: LimitsConfig = LimitsConfig()
    log: LogConfig = LogConfig()
    teams: tuple[dict[str, Any], ...] = ()  # read by presence.roster.seed
    advisers: tuple[dict[str, Any], ...] = ()
    services: tuple[dict[str, Any], ...] = ()  # read by presence.booking.seed
    sites: tuple[dict[str, Any], ...] = ()


HOLIDAYS = "a country or region whose holidays are known, such as FR, FR-57 or DE-BY"

# -- reading ------------------------------------------------------------------------------------------------------

SECRETS = (
    "secret_key",
    "password",
    "imap_password",
    "turn_secret",
)  # may stand in a file of their own: `password_file`
_PREFIX = "PRESENCE_"
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def load(path: Path | None, environ: Mapping[str, str]) -> Config:
    """The configuration of a file and the environment, which wins. `ConfigError` tells everything that is wrong."""
    raw: dict[str, Any] = {}
    if path is not None:
        try:
            raw = tomllib.loads(read_text(path))
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(f"{path}: {error}") from None
    wrong: list[str] = []
    _take_environment(raw, environ, wrong)
    _take_secret_files(raw, wrong)
    sections = _converted(raw, wrong)
    if wrong:
        raise ConfigError("\n".join(wrong))
    config = Config(**sections)
    wrong = _checked(config)
    if wrong:
        raise ConfigError("\n".join(wrong))
    return config


def tables(name: str, raw: Sequence[dict[str, Any]], shape: type[T]) -> tuple[T, ...]:
    """A list of tables as structs; `ConfigError` names the key, such as advisers[2].zone."""
    read = []
    for number, one in enumerate(raw):
        try:
            read.append(msgspec.convert(one, shape))
        except msgspec.ValidationError as error:
            text, _, path = str(error).partition(" - at `$")
            raise ConfigError(f"{name}[{number}]{path.rstrip('`')}: {text}") from None
    return tuple(read)


def read_text(path: Path) -> str:
    """A file's text; `ConfigError` when there is none."""
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: not a text in UTF-8") from None


def keys() -> dict[str, tuple[Any, Any]]:
    """Every key, such as "mail.host" or "mail.inbound.imap_host", with its type and default."""
    return dict(_keys_of(Config, ""))


def _keys_of(shape: type[msgspec.Struct], path: str) -> Iterator[tuple[str, tuple[Any, Any]]]:
    for field in msgspec.structs.fields(shape):
        if _is_section(field.type):
            yield from _keys_of(field.type, f"{path}{field.name}.")
        elif path:
            default = field.default
            if default is msgspec.NODEFAULT and callable(field.default_factory):
                default = field.default_factory()
            yield f"{path}{field.name}", (field.type, default)


def _is_section(shape: Any) -> TypeGuard[type[_Section]]:
    return isinstance(shape, type) and issubclass(shape, _Section)


def _take_environment(raw: dict[str, Any], environ: Mapping[str, str], wrong: list[str]) -> None:
    """PRESENCE_MAIL__HOST is mail.host; numbers, lists and tables are written as JSON."""
    known = keys()
    for variable, text in environ.items():
        if not variable.startswith(_PREFIX) or "__" not in variable:
            continue
        *sections, name = variable.removeprefix(_PREFIX).lower().split("__")
        section = ".".join(sections)
        key = f"{section}.{name}"
        if key not in known and not (name.endswith("_file") and f"{section}.{name[:-5]}" in known):
            wrong.append(f"{variable} names no key; {_allowed(section)}")
            continue
        values: Any = raw
        for one in sections:
            values = values.setdefault(one, {}) if isinstance(values, dict) else None
        if isinstance(values, dict):  # what else it may be is told when the section is read
            values[name] = text if known.get(key, (str, ""))[0] is str else _parsed(text)


def _parsed(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return [part.strip() for part in text.split(",")] if "," in text else text


def _take_secret_files(raw: dict[str, Any], wrong: list[str], path: str = "") -> None:
    for section, values in raw.items():
        if not isinstance(values, dict):
            continue
        for secret in SECRETS:
            file = values.pop(f"{secret}_file", None)
            if file is None:
                continue
            try:
                values[secret] = read_text(Path(str(file))).strip()
            except ConfigError as error:
                wrong.append(f"{path}{section}.{secret}_file: {error}")
        _take_secret_files(values, wrong, f"{path}{section}.")


def _converted(raw: dict[str, Any], wrong: list[str]) -> dict[str, Any]:
    """Sections as structs, key by key, so that everything wrong is told at once."""
    sections: dict[str, Any] = {}
    shapes = {field.name: field.type for field in msgspec.structs.fields(Config)}
    for name, values in raw.items():
        shape = shapes.get(name)
        if shape is None:
            wrong.append(f"{name}: no such section; allowed are {', '.join(sorted(shapes))}")
        elif _is_section(shape):
            sections[name] = _section(shape, name, values, wrong)
        elif isinstance(values, list) and all(isinstance(one, dict) for one in values):
            sections[name] = tuple(values)
        else:
            wrong.append(f"{name}: found {_found(name, values)}; it is a list of tables, written [[{name}]]")
    return sections


def _section(shape: type[_Section], name: str, values: Any, wrong: list[str]) -> _Section:
    """One section, and those in it."""
    if not isinstance(values, dict):
        wrong.append(f"{name}: found {_found(name.rpartition('.')[2], values)}; it is a section, written [{name}]")
        return shape()
    fields = {field.name: field for field in msgspec.structs.fields(shape)}
    read: dict[str, Any] = {}
    for key, value in values.items():
        if key not in fields:
            wrong.append(f"{name}.{key}: no such key; {_allowed(name)}")
        elif _is_section(fields[key].type):
            read[key] = _section(fields[key].type, f"{name}.{key}", value, wrong)
        else:
            try:
                read[key] = msgspec.convert(value, fields[key].type)
            except msgspec.ValidationError as error:
                wrong.append(f"{name}.{key}: found {_found(key, value)}; {error}")
    return shape(**read)


def _allowed(section: str) -> str:
    names = sorted(
        {key.removeprefix(f"{section}.").partition(".")[0] for key in keys() if key.startswith(f"{section}.")}
    )
    return f"allowed are {', '.join(names)}" if names else "no such section"


def _found(key: str, value: Any) -> str:
    return "a secret" if key in SECRETS else repr(value)[:80]


def _checked(config: Config) -> list[str]:
    """What is wrong between keys."""
    wrong = []
    server, organisation = config.server, config.organisation
    address = urlsplit(server.base_url)
    if address.scheme not in {"http", "https"} or not address.hostname:
        wrong.append(f"server.base_url: found {server.base_url!r}; an address such as https://presence.example")
    elif address.scheme == "http" and address.hostname not in _LOOPBACK:
        wrong.append(f"server.base_url: found {server.base_url!r}; https is needed outside of this machine")
    if not server.demo and len(server.secret_key) < 32:
        wrong.append("server.secret_key: at least 32 characters are needed (`presence secret` makes one)")
    try:
        ZoneInfo(organisation.zone)
    except (ValueError, OSError, LookupError):
        wrong.append(f"organisation.zone: found {organisation.zone!r}; an IANA zone such as Europe/Paris")
    for day, ranges in organisation.hours.items():
        if day not in _WEEKDAYS:
            wrong.append(f"organisation.hours.{day}: no such day; allowed are {', '.join(_WEEKDAYS)}")
        wrong += [
            f"organisation.hours.{day}: found {one!r}; a range such as 08:00-22:00"
            for one in ranges
            if not _RANGE.fullmatch(one)
        ]
    if not knows_holidays(organisation.holidays):
        wrong.append(f"organisation.holidays: found {organisation.holidays!r}; {HOLIDAYS}")
    if not addressable(config.mail.sender):
        wrong.append(f"mail.sender: found {config.mail.sender!r}; an address alone, such as appointments@bank.example")
    if not organisation.languages:
        wrong.append("organisation.languages: found none; allowed are en, fr")
    return wrong + _numbers_checked(config) + _inbound_checked(config.mail.inbound) + _calls_checked(config.calls)


_RANGES = {
    "server.port": (1, 65_535),
    "database.readers": (1, 64),
    "mail.port": (1, 65_535),
    "mail.connections": (1, 64),
    "mail.give_up_after": (1, 24 * 14),
    "mail.inbound.imap_port": (1, 65_535),
    "mail.inbound.max_bytes": (65_536, 104_857_600),
    "booking.hold_minutes": (1, 60),
    "chat.file_bytes": (1_024, 1_073_741_824),
    "chat.proof_bits": (0, 24),
    "calls.turn_lifetime": (60, 3600),
    "calls.ring_seconds": (10, 120),
    "calls.grace_minutes": (0, 240),
    "calls.missed_minutes": (0, 240),
    "limits.body_bytes": (16_384, 16_777_216),
}
_ANY_LIMIT = (0, 1_000_000)


def _numbers_checked(config: Config) -> list[str]:
    """Every number that is out of its range."""
    wrong = []
    for key, (shape, _) in keys().items():
        if shape is int:
            least, most = _RANGES.get(key, _ANY_LIMIT)
            value: Any = reduce(getattr, key.split("."), config)
            if not least <= value <= most:
                wrong.append(f"{key}: found {value}; {least} to {most}")
    return wrong


def _inbound_checked(inbound: InboundConfig) -> list[str]:
    """What keeps mail from coming in. The addresses' own form is checked by who makes them."""
    wrong = []
    if inbound.open and not (inbound.reply_address and inbound.bounce_address):
        wrong.append("mail.inbound: reply_address and bounce_address are needed for mail to come in")
    for name in ("lmtp_listen", "smtp_listen"):
        address = getattr(inbound, name)
        if address and not (address.startswith("unix:/") or _LISTEN.fullmatch(address)):
            wrong.append(f"mail.inbound.{name}: found {address!r}; such as 127.0.0.1:2424, or unix:/run/presence/lmtp")
    if inbound.imap_host and inbound.imap_tls == "none" and inbound.imap_host not in _LOOPBACK:
        wrong.append("mail.inbound.imap_tls: found 'none'; the password would be sent for everybody to read")
    return wrong


def _calls_checked(calls: CallsConfig) -> list[str]:
    """What keeps a browser from using the TURN server; a wrong address is an error in every call (RFC 7064, RFC 7065)."""
    wrong = [
        f"calls.{name}: found {url!r}; such as {example}"
        for name, urls, form, example in (
            ("stun_urls", calls.stun_urls, _STUN, "stun:stun.bank.example:3478"),
            ("turn_urls", calls.turn_urls, _TURN, "turn:turn.bank.example:3478?transport=udp"),
        )
        for url in urls
        if not form.fullmatch(url)
    ]
    if calls.turn_urls and not calls.turn_secret:
        wrong.append("calls.turn_secret: needed with turn_urls; the same as coturn's static-auth-secret")
    if calls.relay_only and not calls.turn_urls:
        wrong.append("calls.relay_only: turn_urls are needed, or no call would connect")
    return wrong


_STUN = re.compile(r"stuns?:(?:[A-Za-z0-9.-]+|\[[0-9a-fA-F:.]+\])(?::\d{1,5})?")
_TURN = re.compile(r"turns?:(?:[A-Za-z0-9.-]+|\[[0-9a-fA-F:.]+\])(?::\d{1,5})?(?:\?transport=(?:udp|tcp))?")
_LISTEN = re.compile(r"(?:\[[0-9a-fA-F:.]+\]|[^\s:]*):\d{1,5}")
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_RANGE = re.compile(r"\s*([01]?\d|2[0-4]):[0-5]\d\s*-\s*([01]?\d|2[0-4]):[0-5]\d\s*")
