"""Sites that vouch for their customers."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "site_signer",
        sa.Column("kid", sa.Text(), nullable=False),
        sa.Column("site_id", BIG_ID, nullable=False),
        sa.Column("algorithm", sa.Text(), nullable=False),
        sa.Column("public_key", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_site_signer_site_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("kid", name=op.f("pk_site_signer")),
    )
    op.create_index("ix_site_signer_site_id", "site_signer", ["site_id"], unique=False)
    op.create_table(
        "used_assertion",
        sa.Column("site_id", BIG_ID, nullable=False),
        sa.Column("jti_fingerprint", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_used_assertion_site_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("site_id", "jti_fingerprint", name=op.f("pk_used_assertion")),
    )
    op.create_index("ix_used_assertion_expires_at", "used_assertion", ["expires_at"], unique=False)
    op.create_table(
        "site_customer",
        sa.Column("site_id", BIG_ID, nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("customer_id", BIG_ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_site_customer_customer_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_site_customer_site_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("site_id", "subject", name=op.f("pk_site_customer")),
        sa.UniqueConstraint("site_id", "customer_id", name=op.f("uq_site_customer_site_id_customer_id")),
    )
