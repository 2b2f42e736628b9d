"""Sites' queries."""

import hashlib
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, delete, insert, or_, select, text, update

from presence.sites.model import Key, Site
from presence.sites.settings import Settings
from presence.storage.tables import site, site_signer, used_assertion


def add(
    connection: Connection, slug: str, name: str, key_fingerprint: str, embed_key: str, settings: Settings, now: int
) -> int:
    """Store a site; returns its id."""
    values = {
        "slug": slug,
        "name": name,
        "key_fingerprint": key_fingerprint,
        "embed_key": embed_key,
        "settings": _json(settings),
        "created_at": now,
    }
    return int(connection.execute(insert(site).values(values).returning(site.c.id)).scalar_one())


def by_key(connection: Connection, key_fingerprint: str) -> Site | None:
    """The site whose secret key this is, unless it was revoked."""
    return _one(connection, _there().where(site.c.key_fingerprint == key_fingerprint))


def by_embed_key(connection: Connection, embed_key: str) -> Site | None:
    """The site whose pages hold this key, unless it was revoked."""
    return _one(connection, _there().where(site.c.embed_key == embed_key))


def by_slug(connection: Connection, slug: str) -> Site | None:
    """The site of this short name, unless it was revoked."""
    return _one(connection, _there().where(site.c.slug == slug))


def all_there(connection: Connection) -> list[Site]:
    """Every site that was not revoked, by name."""
    return [_site(row) for row in connection.execute(_there().order_by(site.c.name))]


def slugs(connection: Connection) -> set[str]:
    """Every site's slug."""
    return set(connection.execute(select(site.c.slug)).scalars())


def key_fingerprints(connection: Connection) -> set[str]:
    """The fingerprint of every key there ever was."""
    return set(connection.execute(select(site.c.key_fingerprint)).scalars())


def embed_keys(connection: Connection) -> set[str]:
    """Every key that ever stood in pages."""
    return set(connection.execute(select(site.c.embed_key)).scalars())


def change(connection: Connection, site_id: int, name: str, settings: Settings) -> None:
    """Store what a site chooses."""
    connection.execute(update(site).where(site.c.id == site_id).values(name=name, settings=_json(settings)))


def logo(connection: Connection, site_id: int) -> tuple[bytes, str] | None:
    """A site's logo and its type; None without one."""
    row = connection.execute(select(site.c.logo, site.c.logo_type).where(site.c.id == site_id)).one_or_none()
    return (row.logo, row.logo_type) if row and row.logo else None


def change_logo(connection: Connection, site_id: int, content: bytes, kind: str) -> None:
    """Store a logo, which `presence.sites.logo` has looked at; without content there is none any more."""
    values = {"logo": content or None, "logo_type": kind if content else ""}
    connection.execute(update(site).where(site.c.id == site_id).values(values))


def revoke(connection: Connection, slug: str, now: int) -> bool:
    """End a site's keys; False when there is no such site."""
    return connection.execute(update(site).where(site.c.slug == slug).values(revoked_at=now)).rowcount == 1


def _there() -> Select[Any]:
    columns = (site.c.id, site.c.slug, site.c.name, site.c.embed_key, site.c.settings, site.c.logo)
    return select(*columns).where(site.c.revoked_at.is_(None))


def _one(connection: Connection, query: Select[Any]) -> Site | None:
    row = connection.execute(query).one_or_none()
    return _site(row) if row else None


def _site(row: Any) -> Site:
    id_, slug, name, embed_key, settings, logo = row
    return Site(
        id=id_,
        slug=slug,
        name=name,
        embed_key=embed_key,
        settings=msgspec.json.decode(settings, type=Settings),
        logo=hashlib.blake2b(logo, digest_size=8).hexdigest() if logo else "",
    )


def _json(settings: Settings) -> str:
    return msgspec.json.encode(settings).decode()


# -- what sites sign with -------------------------------------------------------------------------------------------------


def add_key(connection: Connection, site_id: int, kid: str, algorithm: str, public_key: str, now: int) -> None:
    """Let a site sign with a key."""
    values = {"kid": kid, "site_id": site_id, "algorithm": algorithm, "public_key": public_key, "created_at": now}
    connection.execute(insert(site_signer).values(values))


def keys_of(connection: Connection, site_id: int) -> list[Key]:
    """Every key of a site, the latest first."""
    columns = [site_signer.c[name] for name in Key.__struct_fields__]
    mine = select(*columns).where(site_signer.c.site_id == site_id)
    rows = connection.execute(mine.order_by(site_signer.c.created_at.desc(), site_signer.c.kid))
    return [Key(*row) for row in rows]


def key_owners(connection: Connection) -> dict[str, int]:
    """The site of every key there ever was, by kid."""
    rows = connection.execute(select(site_signer.c.kid, site_signer.c.site_id))
    return {row.kid: row.site_id for row in rows}


def end_key(connection: Connection, site_id: int, kid: str, at: int) -> bool:
    """Let a key sign nothing from an instant on; one that ends before stays so. False when the site has no such key."""
    mine = (site_signer.c.site_id == site_id, site_signer.c.kid == kid)
    later = or_(site_signer.c.ends_at.is_(None), site_signer.c.ends_at > at)
    connection.execute(update(site_signer).where(*mine, later).values(ends_at=at))
    return connection.execute(select(site_signer.c.kid).where(*mine)).first() is not None


_SPEND = text(
    "INSERT INTO used_assertion (site_id, jti_fingerprint, expires_at) VALUES (:s, :j, :e)"
    " ON CONFLICT DO NOTHING RETURNING expires_at"
)


def spend(connection: Connection, site_id: int, jti_fingerprint: str, expires_at: int) -> bool:
    """Use up what was vouched for; False when it had been."""
    values = {"s": site_id, "j": jti_fingerprint, "e": expires_at}
    return connection.execute(_SPEND, values).first() is not None


def forget_spent(connection: Connection, before: int) -> None:
    """Forget what was used up and expired before an instant."""
    connection.execute(delete(used_assertion).where(used_assertion.c.expires_at < before))
