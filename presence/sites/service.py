"""Sites and the keys by which they use the API."""

from sqlalchemy import Connection

from presence.clock import Clock
from presence.errors import FieldError, Invalid, Unauthorised
from presence.sites import store
from presence.sites.seed import SLUG
from presence.sites.store import SiteRow as Site
from presence.storage.database import Database
from presence.tokens import fingerprint, random_token

REMEMBERED = 30  # seconds for which a key that was good is believed to be
_KEPT = 10_000

__all__ = ["Site", "Sites"]


class Sites:
    """Keys are shown once and stored as fingerprints."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._known: dict[str, tuple[int, Site]] = {}

    async def add(self, slug: str, name: str, key: str = "") -> str:
        """Add a site; returns its key. `Invalid` names what is wrong or taken."""
        key = key or f"pk_{random_token()}"
        now, wrong = self._clock.now(), {}
        if not SLUG.fullmatch(slug):
            wrong["slug"] = FieldError("Lower-case letters, digits and dashes")

        def work(connection: Connection) -> None:
            if slug in store.slugs(connection):
                wrong["slug"] = FieldError("This short name is taken")
            if wrong:
                raise Invalid(wrong)
            store.add(connection, slug, name, fingerprint(key), now)

        await self._database.write(work)
        return key

    async def revoke(self, slug: str) -> bool:
        """End a site's key; False when there is no such site."""
        now = self._clock.now()
        self._known.clear()
        return await self._database.write(lambda connection: store.revoke(connection, slug, now))

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
