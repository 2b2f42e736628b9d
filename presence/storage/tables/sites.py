"""Embedding sites: what they may do, and how they are known."""

from sqlalchemy import Column, ForeignKey, Index, LargeBinary, Table, Text, UniqueConstraint

from presence.storage.tables.base import id_column, instant_column, metadata

site = Table(
    "site",
    metadata,
    id_column(),
    Column("slug", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("key_fingerprint", Text, nullable=False, unique=True),  # of the secret key for the API
    Column("embed_key", Text, nullable=False, unique=True),  # public: it stands in the pages of the site
    Column("settings", Text, nullable=False, server_default="{}"),  # JSON sites.settings.Settings
    Column("logo", LargeBinary),
    Column("logo_type", Text, nullable=False, server_default=""),
    instant_column("created_at"),
    instant_column("revoked_at", nullable=True),
)

# What a site signs with who its customers are. A shared secret is derived from the server's own; nothing to steal is kept.
site_signer = Table(
    "site_signer",
    metadata,
    Column("kid", Text, primary_key=True),
    Column("site_id", ForeignKey("site.id", ondelete="CASCADE"), nullable=False),
    Column("algorithm", Text, nullable=False),  # EdDSA, HS256
    Column("public_key", Text, nullable=False, server_default=""),  # PEM, of EdDSA
    instant_column("created_at"),
    instant_column("ends_at", nullable=True),  # from then on it signs nothing any more
    Index("ix_site_signer_site_id", "site_id"),
)

# What was vouched for once is not believed a second time.
used_assertion = Table(
    "used_assertion",
    metadata,
    Column("site_id", ForeignKey("site.id", ondelete="CASCADE"), primary_key=True),
    Column("jti_fingerprint", Text, primary_key=True),
    instant_column("expires_at"),
    Index("ix_used_assertion_expires_at", "expires_at"),
)

# Which customer a site's own name stands for, also once their mail address is another.
site_customer = Table(
    "site_customer",
    metadata,
    Column("site_id", ForeignKey("site.id", ondelete="CASCADE"), primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("customer_id", ForeignKey("customer.id", ondelete="CASCADE"), nullable=False),
    UniqueConstraint("site_id", "customer_id"),  # two who share an address stay two
)
