"""Sites and the keys by which they use the API."""

from collections.abc import Callable

import msgspec
from sqlalchemy import Connection

from presence.clock import Clock
from presence.errors import FieldError, Invalid, NotFound, Unauthorised
from presence.sites import store
from presence.sites.model import Site
from presence.sites.seed import EMBED, SLUG
from presence.sites.settings import Settings
from presence.storage.database import Database
from presence.tokens import fingerprint, random_token

REMEMBERED = 30  # seconds for which a key that was good is believed to be
BELIEVED = 5  # seconds for which a site's settings are
_KEPT = 10_000

__all__ = ["Site", "Sites"]


class Sites:
    """Secret keys are shown once and stored as fingerprints; the key for embedding is public."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._known: dict[str, tuple[int, Site]] = {}  # by fingerprint of the secret key
        self._embedding: dict[str, tuple[int, Site | None]] = {}  # by the public one
        self._named: dict[str, tuple[int, Site | None]] = {}  # by slug
        self._forgotten = 0  # times

    async def add(self, slug: str, name: str, key: str = "", settings: Settings | None = None) -> str:
        """Add a site; returns its secret key. `Invalid` names what is wrong or taken."""
        key = key or f"pk_{random_token()}"
        now, wrong = self._clock.now(), {}
        if not SLUG.fullmatch(slug):
            wrong["slug"] = FieldError("Lower-case letters, digits and dashes")

        def work(connection: Connection) -> None:
            if slug in store.slugs(connection):
                wrong["slug"] = FieldError("This short name is taken")
            if wrong:
                raise Invalid(wrong)
            store.add(connection, slug, name, fingerprint(key), random_token(), settings or Settings(), now)

        await self._database.write(work)
        return key

    async def revoke(self, slug: str) -> bool:
        """End a site's key; False when there is no such site."""
        now = self._clock.now()
        revoked = await self._database.write(lambda connection: store.revoke(connection, slug, now))
        self.forget()
        return revoked

    async def by_authorization(self, header: str) -> Site:
        """The site of an Authorization header; `Unauthorised`."""
        scheme, _, key = header.partition(" ")
        if scheme.lower() != "bearer" or not 8 <= len(key) <= 128:
            raise Unauthorised("A site's key is needed: Authorization: Bearer KEY")
        return await self.by_key(key)

    async def by_key(self, key: str) -> Site:
        """The site a key opens; `Unauthorised`."""
        print_, now = fingerprint(key), self._clock.now()
        known = self._known.get(print_)
        if known is not None and known[0] > now:
            return known[1]
        site = await self._database.read(lambda connection: store.by_key(connection, print_))
        if site is None:
            self._known.pop(print_, None)
            raise Unauthorised("This key is not known")
        if len(self._known) >= _KEPT:
            self._known.clear()
        self._known[print_] = (now + REMEMBERED, site)
        return site

    async def by_embed_key(self, key: str) -> Site | None:
        """The site whose pages hold this key; None when there is none, or not any more."""
        return await self._believed(self._embedding, key, store.by_embed_key) if EMBED.fullmatch(key) else None

    async def by_slug(self, slug: str) -> Site | None:
        """The site of a short name, as it was within `BELIEVED` seconds; None when there is none, or not any more."""
        return await self._believed(self._named, slug, store.by_slug) if SLUG.fullmatch(slug) else None

    async def _believed(
        self, known: dict[str, tuple[int, Site | None]], name: str, look: Callable[[Connection, str], Site | None]
    ) -> Site | None:
        until, site = known.get(name, (0, None))
        if until > self._clock.now():
            return site
        since = self._forgotten
        site = await self._database.read(lambda connection: look(connection, name))
        if since == self._forgotten:  # else it may be what was so before
            if len(known) >= _KEPT:
                known.clear()
            known[name] = (self._clock.now() + BELIEVED, site)
        return site

    async def named(self, slug: str) -> Site:
        """The site of a short name; `NotFound`."""
        site = await self._database.read(lambda connection: store.by_slug(connection, slug))
        if site is None:
            raise NotFound()
        return site

    async def all(self) -> list[Site]:
        """Every site, by name."""
        return await self._database.read(store.all_there)

    async def change(self, slug: str, name: str, settings: Settings) -> Site:
        """Store what a site chooses; other processes know it within `BELIEVED` seconds. `NotFound`."""
        site = await self.named(slug)
        await self._database.write(lambda connection: store.change(connection, site.id, name, settings))
        self.forget()
        return msgspec.structs.replace(site, name=name, settings=settings)

    def forget(self) -> None:
        """Ask the database again: something was changed."""
        self._forgotten += 1
        self._known.clear()
        self._embedding.clear()
        self._named.clear()
