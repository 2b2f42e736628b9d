"""What supervisors do to sites: changing what one chooses, so that of two who do it at once the second is told; new keys."""

import hashlib

import msgspec
from sqlalchemy import Connection, select, update

from presence.errors import NotFound, PresenceError
from presence.i18n import N_
from presence.sites import store
from presence.sites.model import Site
from presence.sites.service import Sites
from presence.sites.settings import Settings
from presence.storage.database import Database
from presence.storage.tables import service, site, team
from presence.tokens import fingerprint, random_token

Texts = dict[str, str]  # by language


class Changed(PresenceError):
    """Somebody else has changed the site since it was shown."""

    code = "changed"
    status = 409
    title = N_("Somebody else has changed this site while you did")


class Choices(msgspec.Struct, frozen=True):
    """What a site can choose among, by short name."""

    teams: dict[str, Texts]
    services: dict[str, Texts]


class Logo(msgspec.Struct, frozen=True):
    """A picture and its type; both empty: none."""

    content: bytes = b""
    type: str = ""


class _Named(msgspec.Struct):
    """Of a service's definition."""

    name: Texts


class Editing:
    """The use cases of the pages of sites."""

    def __init__(self, database: Database, sites: Sites) -> None:
        self._database = database
        self._sites = sites

    async def listed(self) -> list[tuple[Site, int]]:
        """Every site by name, and when it was made."""

        def work(connection: Connection) -> list[tuple[Site, int]]:
            made = {row.id: row.created_at for row in connection.execute(select(site.c.id, site.c.created_at))}
            return [(one, made[one.id]) for one in store.all_there(connection)]

        return await self._database.read(work)

    async def choices(self) -> Choices:
        """The teams and services there are."""
        return await self._database.read(_choices)

    async def save(self, slug: str, name: str, settings: Settings, logo: Logo | None, version: str) -> None:
        """Store what a site chooses; `logo` None: it stays. `Changed` when the site is of another version by now."""

        def work(connection: Connection) -> None:
            found = store.by_slug(connection, slug)
            if found is None:
                raise NotFound()
            if version_of(found) != version:
                raise Changed()
            store.change(connection, found.id, name, settings)
            if logo is not None:
                store.change_logo(connection, found.id, logo.content, logo.type)

        await self._database.write(work)
        self._sites.forget()

    async def new_key(self, slug: str) -> str:
        """Another secret key for the API; the former opens nothing any more. `NotFound`."""
        key = f"pk_{random_token()}"

        def work(connection: Connection) -> None:
            found = store.by_slug(connection, slug)
            if found is None:
                raise NotFound()
            connection.execute(update(site).where(site.c.id == found.id).values(key_fingerprint=fingerprint(key)))

        await self._database.write(work)
        self._sites.forget()
        return key


def version_of(one: Site) -> str:
    """A name for what a site chooses, another one after each change."""
    said = msgspec.json.encode((one.name, one.settings, one.logo), order="deterministic")
    return hashlib.blake2b(said, digest_size=12).hexdigest()


def _choices(connection: Connection) -> Choices:
    teams = connection.execute(select(team.c.slug, team.c.name).order_by(team.c.slug))
    services = connection.execute(
        select(service.c.slug, service.c.definition).where(service.c.active).order_by(service.c.position)
    )
    return Choices(
        {slug: msgspec.json.decode(name, type=Texts) for slug, name in teams},
        {slug: msgspec.json.decode(definition, type=_Named).name for slug, definition in services},
    )
