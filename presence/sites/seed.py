"""The first sites, from the configuration: added when their slug is not there yet, never changed afterwards."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection

from presence.config import read_text, tables
from presence.errors import ConfigError
from presence.sites import store
from presence.sites.settings import Settings
from presence.tokens import fingerprint, random_token

SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
EMBED = re.compile(r"[0-9A-Za-z_-]{16,64}")  # the public key, in pages and addresses
KEY = re.compile(r"[!-~]{16,128}")  # what an Authorization header carries, and nobody guesses


class SiteEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A site of the configuration."""

    slug: str
    name: str = ""  # the slug when empty
    key: str = ""
    key_file: str = ""
    embed_key: str = ""  # made when empty
    settings: Settings = Settings()


def site_entries(raw: Sequence[dict[str, Any]]) -> tuple[SiteEntry, ...]:
    """The sites of the configuration, their keys read; `ConfigError` tells everything that is wrong."""
    sites = tuple(_with_key(number, one) for number, one in enumerate(tables("sites", raw, SiteEntry)))
    wrong = []
    for number, one in enumerate(sites):
        if not SLUG.fullmatch(one.slug):
            wrong.append(f"sites[{number}].slug: found {one.slug!r}; lower-case letters, digits and dashes")
        if one.slug in {other.slug for other in sites[:number]}:
            wrong.append(f"sites[{number}].slug: {one.slug!r} is there already")
        if not KEY.fullmatch(one.key):
            wrong.append(f"sites[{number}].key: 16 to 128 characters without spaces are needed")
        if one.embed_key and not EMBED.fullmatch(one.embed_key):
            wrong.append(f"sites[{number}].embed_key: 16 to 64 letters, digits, dashes and underscores are needed")
        if one.embed_key and one.embed_key in {other.embed_key for other in sites[:number]}:
            wrong.append(f"sites[{number}].embed_key: another site has this key")
        if one.key in {other.key for other in sites[:number]}:
            wrong.append(f"sites[{number}].key: another site has this key")
    if wrong:
        raise ConfigError("\n".join(wrong))
    return sites


def _with_key(number: int, entry: SiteEntry) -> SiteEntry:
    if not entry.key_file:
        return entry
    try:
        return msgspec.structs.replace(entry, key=read_text(Path(entry.key_file)).strip(), key_file="")
    except ConfigError as error:
        raise ConfigError(f"sites[{number}].key_file: {error}") from None


def sow(connection: Connection, sites: Sequence[SiteEntry], now: int) -> int:
    """Add the sites that are not there yet; returns how many. `ConfigError` when a new one's key is another's."""
    known = store.slugs(connection)
    new = [one for one in sites if one.slug not in known]
    for one in new:
        if fingerprint(one.key) in store.key_fingerprints(connection):
            raise ConfigError(f"site {one.slug!r}: another site has this key")
        if one.embed_key in store.embed_keys(connection):
            raise ConfigError(f"site {one.slug!r}: another site has this embed_key")
        embed_key = one.embed_key or random_token()
        store.add(connection, one.slug, one.name or one.slug, fingerprint(one.key), embed_key, one.settings, now)
    return len(new)
