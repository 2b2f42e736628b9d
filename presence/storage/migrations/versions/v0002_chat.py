"""Presence, conversations, and the mail behind them."""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "canned_reply",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("shortcut", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_canned_reply")),
        sa.UniqueConstraint("shortcut", "language", name=op.f("uq_canned_reply_shortcut_language")),
    )
    op.create_table(
        "lease",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("engaged", sa.Boolean(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lease")),
    )
    op.create_index("ix_lease_expires_at", "lease", ["expires_at"], unique=False)
    op.create_index("ix_lease_node", "lease", ["node"], unique=False)
    op.create_index("ix_lease_person", "lease", ["person"], unique=False)
    op.create_table(
        "presence_wish",
        sa.Column("adviser_id", BIG_ID, nullable=False),
        sa.Column("wish", sa.Text(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("set_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["adviser_id"], ["adviser.id"], name=op.f("fk_presence_wish_adviser_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("adviser_id", name=op.f("pk_presence_wish")),
    )
    op.create_table(
        "visitor",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("site_id", BIG_ID, nullable=True),
        sa.Column("customer_id", BIG_ID, nullable=True),
        sa.Column("verified", sa.Boolean(), nullable=False),
        sa.Column("subject", sa.Text(), server_default="", nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("email", sa.Text(), server_default="", nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_visitor_customer_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_visitor_site_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visitor")),
        sa.UniqueConstraint("fingerprint", name=op.f("uq_visitor_fingerprint")),
    )
    op.create_index("ix_visitor_customer_id", "visitor", ["customer_id"], unique=False)
    op.create_index("ix_visitor_site_id_subject", "visitor", ["site_id", "subject"], unique=False)
    op.create_table(
        "conversation",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("site_id", BIG_ID, nullable=True),
        sa.Column("visitor_id", BIG_ID, nullable=True),
        sa.Column("customer_id", BIG_ID, nullable=True),
        sa.Column("person_key", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), server_default="", nullable=False),
        sa.Column("team_id", BIG_ID, nullable=True),
        sa.Column("wanted_adviser_id", BIG_ID, nullable=True),
        sa.Column("adviser_id", BIG_ID, nullable=True),
        sa.Column("offered_to", BIG_ID, nullable=True),
        sa.Column("offered_until", sa.BigInteger(), nullable=True),
        sa.Column("passed_by", sa.Text(), server_default="[]", nullable=False),
        sa.Column("queued_at", sa.BigInteger(), nullable=True),
        sa.Column("page", sa.Text(), server_default="", nullable=False),
        sa.Column("tags", sa.Text(), server_default="[]", nullable=False),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.Column("indexed_seq", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("customer_seen", sa.BigInteger(), nullable=False),
        sa.Column("adviser_seen", sa.BigInteger(), nullable=False),
        sa.Column("preview", sa.Text(), server_default="", nullable=False),
        sa.Column("mail_due_at", sa.BigInteger(), nullable=True),
        sa.Column("mailed_seq", sa.BigInteger(), nullable=False),
        sa.Column("told_seq", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("rating", sa.Integer(), nullable=True),
        sa.Column("comment", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("given_at", sa.BigInteger(), nullable=True),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["adviser_id"], ["adviser.id"], name=op.f("fk_conversation_adviser_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_conversation_customer_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["offered_to"], ["adviser.id"], name=op.f("fk_conversation_offered_to"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_conversation_site_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_conversation_team_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(
            ["visitor_id"], ["visitor.id"], name=op.f("fk_conversation_visitor_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["wanted_adviser_id"], ["adviser.id"], name=op.f("fk_conversation_wanted_adviser_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversation")),
        sa.UniqueConstraint("uid", name=op.f("uq_conversation_uid")),
    )
    op.create_index("ix_conversation_adviser_id_updated_at", "conversation", ["adviser_id", "updated_at"], unique=False)
    op.create_index("ix_conversation_adviser_id_given_at", "conversation", ["adviser_id", "given_at"], unique=False)
    op.create_index("ix_conversation_customer_id", "conversation", ["customer_id"], unique=False)
    op.create_index("ix_conversation_mail_due_at", "conversation", ["mail_due_at"], unique=False)
    op.create_index(
        "ix_conversation_rated",
        "conversation",
        ["adviser_id", "rating"],
        unique=False,
        sqlite_where=sa.text("rating IS NOT NULL"),
        postgresql_where=sa.text("rating IS NOT NULL"),
    )
    op.create_index("ix_conversation_state_queued_at", "conversation", ["state", "queued_at"], unique=False)
    op.create_index("ix_conversation_updated_at", "conversation", ["updated_at"], unique=False)
    op.create_index("ix_conversation_visitor_id", "conversation", ["visitor_id"], unique=False)
    op.create_index(
        "uq_conversation_person_key_open",
        "conversation",
        ["person_key"],
        unique=True,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_table(
        "attachment",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("conversation_id", BIG_ID, nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name=op.f("fk_attachment_conversation_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachment")),
        sa.UniqueConstraint("uid", name=op.f("uq_attachment_uid")),
    )
    op.create_index("ix_attachment_conversation_id", "attachment", ["conversation_id"], unique=False)
    op.create_table(
        "event",
        sa.Column("conversation_id", BIG_ID, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name=op.f("fk_event_conversation_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("conversation_id", "seq", name=op.f("pk_event")),
        sa.UniqueConstraint(
            "conversation_id", "sender", "client_id", name=op.f("uq_event_conversation_id_sender_client_id")
        ),
    )
    op.create_table(
        "used_proof",
        sa.Column("challenge", sa.Text(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("challenge", name=op.f("pk_used_proof")),
    )
    op.create_index("ix_used_proof_used_at", "used_proof", ["used_at"], unique=False)
    op.create_table(
        "received_mail",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("message_key", sa.Text(), nullable=False),
        sa.Column("conversation_id", BIG_ID, nullable=True),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), server_default="", nullable=False),
        sa.Column("message_id", sa.Text(), server_default="", nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name=op.f("fk_received_mail_conversation_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_received_mail")),
        sa.UniqueConstraint("message_key", name=op.f("uq_received_mail_message_key")),
    )
    op.create_index("ix_received_mail_conversation_id", "received_mail", ["conversation_id"], unique=False)
    op.create_table(
        "conversation_mail",
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("conversation_id", BIG_ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("told_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversation.id"],
            name=op.f("fk_conversation_mail_conversation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["message_id"], ["outbox.message_id"], name=op.f("fk_conversation_mail_message_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_conversation_mail")),
        sa.UniqueConstraint(
            "conversation_id",
            "kind",
            "recipient",
            "seq",
            name=op.f("uq_conversation_mail_conversation_id_kind_recipient_seq"),
        ),
    )
    op.create_table(
        "reply_address",
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("conversation_id", BIG_ID, nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name=op.f("fk_reply_address_conversation_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("fingerprint", name=op.f("pk_reply_address")),
    )
    op.create_index("ix_reply_address_conversation_id", "reply_address", ["conversation_id"], unique=False)
    installation = op.create_table(
        "installation",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_installation")),
    )
    op.bulk_insert(installation, [{"id": 1, "epoch": secrets.token_hex(8)}])
    op.create_index(
        "ix_conversation_unindexed",
        "conversation",
        ["id"],
        sqlite_where=sa.text("last_seq > indexed_seq"),
        postgresql_where=sa.text("last_seq > indexed_seq"),
    )
    if op.get_bind().dialect.name == "sqlite":
        # A row's number is made of conversation and seq: see `presence.chat.searching`.
        op.execute("CREATE VIRTUAL TABLE event_text USING fts5(text)")
    else:
        op.execute(
            "CREATE TABLE event_text (conversation_id bigint NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,"
            " seq bigint NOT NULL, text text NOT NULL, PRIMARY KEY (conversation_id, seq))"
        )
        op.execute("CREATE INDEX ix_event_text_text ON event_text USING gin (to_tsvector('simple', text))")
