"""A site as the rest of the house knows it."""

import msgspec

from presence.sites.settings import Settings


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """A site that is not revoked."""

    id: int
    slug: str
    name: str
    embed_key: str  # public
    settings: Settings = Settings()
    logo: str = ""  # fingerprint of its logo; empty without one


class Key(msgspec.Struct, frozen=True):
    """A key that a site signs with who its customers are; from `ends_at` on it signs nothing any more."""

    kid: str
    algorithm: str
    public_key: str  # PEM, of EdDSA
    created_at: int
    ends_at: int | None
