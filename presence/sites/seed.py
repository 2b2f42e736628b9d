"""The first sites, from the configuration: added when their slug is not there yet, never changed afterwards.

Keys that they sign with are added when their kid is not there yet, so that a site can change them in the configuration, too.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from presence.config import read_text, tables
from presence.errors import ConfigError, FieldError, Invalid
from presence.i18n import translator
from presence.sites import store
from presence.sites.checks import wrong_with
from presence.sites.identity import Algorithm
from presence.sites.settings import Settings
from presence.sites.signers import public_key_of
from presence.storage.tables import service, team
from presence.tokens import fingerprint, random_token

SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
EMBED = re.compile(r"[0-9A-Za-z_-]{16,64}")  # the public key, in pages and addresses
KEY = re.compile(r"[!-~]{16,128}")  # what an Authorization header carries, and nobody guesses
KID = re.compile(r"[0-9A-Za-z._-]{1,64}")
_NUMBER = re.compile(r"\.([0-9]+)")


class SignerEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key that a site signs with. The secret of HS256 is derived: `presence site signer secret` prints it."""

    kid: str
    algorithm: Algorithm = "EdDSA"
    public_key: str = ""  # PEM, of EdDSA
    public_key_file: str = ""


class SiteEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A site of the configuration."""

    slug: str
    name: str = ""  # the slug when empty
    key: str = ""
    key_file: str = ""
    embed_key: str = ""  # made when empty
    settings: Settings = Settings()
    signers: tuple[SignerEntry, ...] = ()


def site_entries(raw: Sequence[dict[str, Any]], languages: Sequence[str]) -> tuple[SiteEntry, ...]:
    """The sites of the configuration, their files read; `ConfigError` tells everything that is wrong.

    Which teams and services there are is not known yet: they are looked for when a site is added.
    """
    sites, wrong = [], []
    for number, one in enumerate(tables("sites", raw, SiteEntry)):
        try:
            sites.append(_read(one))
        except ConfigError as error:
            wrong += [f"sites[{number}].{line}" for line in str(error).splitlines()]
    if wrong:
        raise ConfigError("\n".join(wrong))
    for number, one in enumerate(sites):
        wrong += [f"sites[{number}].{line}" for line in _checked(one, sites[:number], languages)]
    if wrong:
        raise ConfigError("\n".join(wrong))
    return tuple(sites)


def _read(entry: SiteEntry) -> SiteEntry:
    """An entry with what its files hold, and its public keys as they are stored."""
    wrong, signers, key = list[str](), list[SignerEntry](), entry.key
    if entry.key_file:
        try:
            key = read_text(Path(entry.key_file)).strip()
        except ConfigError as error:
            wrong.append(f"key_file: {error}")
    for number, one in enumerate(entry.signers):
        try:
            signers.append(_with_public_key(one))
        except ConfigError as error:
            wrong.append(f"signers[{number}].{error}")
    if wrong:
        raise ConfigError("\n".join(wrong))
    return msgspec.structs.replace(entry, key=key, key_file="", signers=tuple(signers))


def _with_public_key(one: SignerEntry) -> SignerEntry:
    pem, where = one.public_key, "public_key"
    if one.public_key_file:
        where = "public_key_file"
        try:
            pem = read_text(Path(one.public_key_file))
        except ConfigError as error:
            raise ConfigError(f"public_key_file: {error}") from None
    if one.algorithm == "HS256":
        if pem:
            raise ConfigError(f"{where}: HS256 has none; its secret is made here")
        return one
    try:
        return msgspec.structs.replace(one, public_key=public_key_of(pem), public_key_file="")
    except Invalid as error:
        raise ConfigError(f"{where}: {_text(error.fields['public_key'])}") from None


def _checked(one: SiteEntry, before: Sequence[SiteEntry], languages: Sequence[str]) -> list[str]:
    """What is wrong with a site, also beside those before it."""
    wrong = []
    if not SLUG.fullmatch(one.slug):
        wrong.append(f"slug: found {one.slug!r}; lower-case letters, digits and dashes")
    if one.slug in {other.slug for other in before}:
        wrong.append(f"slug: {one.slug!r} is there already")
    if not KEY.fullmatch(one.key):
        wrong.append("key: 16 to 128 characters without spaces are needed")
    if one.embed_key and not EMBED.fullmatch(one.embed_key):
        wrong.append("embed_key: 16 to 64 letters, digits, dashes and underscores are needed")
    if one.embed_key and one.embed_key in {other.embed_key for other in before}:
        wrong.append("embed_key: another site has this key")
    if one.key in {other.key for other in before}:
        wrong.append("key: another site has this key")
    kids = {signer.kid for other in before for signer in other.signers}
    for number, signer in enumerate(one.signers):
        if not KID.fullmatch(signer.kid):
            wrong.append(f"signers[{number}].kid: 1 to 64 letters, digits, dots, dashes and underscores are needed")
        elif signer.kid in kids:
            wrong.append(f"signers[{number}].kid: {signer.kid!r} is there already")
        kids.add(signer.kid)
    return wrong + told(wrong_with(one.settings, languages), "settings.")


def told(wrong: dict[str, FieldError], path: str = "") -> list[str]:
    """What is wrong, a line a field, as configurations name them: "settings.origins[0]: ..."."""
    named = {_NUMBER.sub(r"[\1]", field): error for field, error in wrong.items()}
    return [f"{path}{field}: {_text(error)}" for field, error in named.items()]


def _text(error: FieldError) -> str:
    return translator("en").gettext(error.message, **error.values)


def sow(connection: Connection, sites: Sequence[SiteEntry], now: int) -> int:
    """Add the sites that are not there yet, and the keys that they sign with; returns how many sites.

    `ConfigError` when a new one's key is another's, or its team or one of its services does not exist.
    """
    known = store.slugs(connection)
    new = [one for one in sites if one.slug not in known]
    for one in new:
        if fingerprint(one.key) in store.key_fingerprints(connection):
            raise ConfigError(f"site {one.slug!r}: another site has this key")
        if one.embed_key in store.embed_keys(connection):
            raise ConfigError(f"site {one.slug!r}: another site has this embed_key")
        _look_for_parts(connection, one)
        embed_key = one.embed_key or random_token()
        store.add(connection, one.slug, one.name or one.slug, fingerprint(one.key), embed_key, one.settings, now)
    _sow_signers(connection, sites, now)
    return len(new)


def _look_for_parts(connection: Connection, one: SiteEntry) -> None:
    teams, services = (set(connection.execute(select(table.c.slug)).scalars()) for table in (team, service))
    settings = Settings(team=one.settings.team, services=one.settings.services)
    wrong = told(wrong_with(settings, (), teams, services))
    if wrong:
        raise ConfigError("\n".join(f"site {one.slug!r}: {line}" for line in wrong))


def _sow_signers(connection: Connection, sites: Sequence[SiteEntry], now: int) -> None:
    owners = store.key_owners(connection) if any(one.signers for one in sites) else {}
    for one in sites:
        site = store.by_slug(connection, one.slug) if one.signers else None
        if site is None:  # or revoked
            continue
        for signer in one.signers:
            if signer.kid not in owners:
                store.add_key(connection, site.id, signer.kid, signer.algorithm, signer.public_key, now)
            elif owners[signer.kid] != site.id:
                raise ConfigError(f"site {one.slug!r}: another site has the kid {signer.kid!r}")
