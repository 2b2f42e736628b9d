"""Sites' queries."""

from typing import NamedTuple

from sqlalchemy import Connection, insert, select, update

from presence.storage.tables import site


class SiteRow(NamedTuple):
    """A site that has a key."""

    id: int
    slug: str
    name: str


def add(connection: Connection, slug: str, name: str, key_fingerprint: str, now: int) -> int:
    """Store a site; returns its id."""
    values = {"slug": slug, "name": name, "key_fingerprint": key_fingerprint, "created_at": now}
    return int(connection.execute(insert(site).values(values).returning(site.c.id)).scalar_one())


def by_key(connection: Connection, key_fingerprint: str) -> SiteRow | None:
    """The site a key opens, unless it was revoked."""
    row = connection.execute(
        select(site.c.id, site.c.slug, site.c.name).where(
            site.c.key_fingerprint == key_fingerprint, site.c.revoked_at.is_(None)
        )
    ).one_or_none()
    return SiteRow(*row) if row else None


def slugs(connection: Connection) -> set[str]:
    """Every site's slug."""
    return set(connection.execute(select(site.c.slug)).scalars())


def key_fingerprints(connection: Connection) -> set[str]:
    """The fingerprint of every key there ever was."""
    return set(connection.execute(select(site.c.key_fingerprint)).scalars())


def revoke(connection: Connection, slug: str, now: int) -> bool:
    """End a site's key; False when there is no such site."""
    return connection.execute(update(site).where(site.c.slug == slug).values(revoked_at=now)).rowcount == 1
