"""Calls."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "call",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("request_key", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("appointment_id", BIG_ID, nullable=True),
        sa.Column("conversation_id", BIG_ID, nullable=True),
        sa.Column("site_id", BIG_ID, nullable=True),
        sa.Column("visitor_id", BIG_ID, nullable=True),
        sa.Column("customer_id", BIG_ID, nullable=True),
        sa.Column("team_id", BIG_ID, nullable=True),
        sa.Column("adviser_id", BIG_ID, nullable=True),
        sa.Column("rung", sa.Text(), server_default="[]", nullable=False),
        sa.Column("declined", sa.Text(), server_default="[]", nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), server_default="", nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("medium", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("page", sa.Text(), server_default="", nullable=False),
        sa.Column("gen", sa.Integer(), nullable=False),
        sa.Column("rings_until", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("knocked_at", sa.BigInteger(), nullable=True),
        sa.Column("admitted_at", sa.BigInteger(), nullable=True),
        sa.Column("connected_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("closes_at", sa.BigInteger(), nullable=False),
        sa.Column("called_back", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("rating", sa.Integer(), nullable=True),
        sa.Column("comment", sa.Text(), server_default="", nullable=False),
        sa.Column("first_frame", sa.Integer(), nullable=True),
        sa.Column("relayed", sa.Boolean(), nullable=True),
        sa.Column("failure", sa.Text(), server_default="", nullable=False),
        sa.Column("missed_for", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["adviser_id"], ["adviser.id"], name=op.f("fk_call_adviser_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(
            ["appointment_id"], ["appointment.id"], name=op.f("fk_call_appointment_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name=op.f("fk_call_conversation_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_call_customer_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_call_site_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_call_team_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["visitor_id"], ["visitor.id"], name=op.f("fk_call_visitor_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call")),
        sa.UniqueConstraint("appointment_id", name=op.f("uq_call_appointment_id")),
        sa.UniqueConstraint("request_key", name=op.f("uq_call_request_key")),
        sa.UniqueConstraint("uid", name=op.f("uq_call_uid")),
    )
    op.create_index("ix_call_adviser_id_state", "call", ["adviser_id", "state"], unique=False)
    op.create_index("ix_call_conversation_id", "call", ["conversation_id"], unique=False)
    op.create_index("ix_call_customer_id", "call", ["customer_id"], unique=False)
    op.create_index(
        "ix_call_rated",
        "call",
        ["adviser_id", "rating"],
        unique=False,
        sqlite_where=sa.text("rating IS NOT NULL"),
        postgresql_where=sa.text("rating IS NOT NULL"),
    )
    op.create_index("ix_call_state_closes_at", "call", ["state", "closes_at"], unique=False)
    op.create_index("ix_call_visitor_id", "call", ["visitor_id"], unique=False)
    op.create_table(
        "call_key",
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("call_id", BIG_ID, nullable=False),
        sa.Column("visitor_id", BIG_ID, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_call_key_call_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["visitor_id"], ["visitor.id"], name=op.f("fk_call_key_visitor_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("fingerprint", name=op.f("pk_call_key")),
    )
    op.create_index("ix_call_key_call_id", "call_key", ["call_id"], unique=False)
    op.create_index("ix_call_key_visitor_id", "call_key", ["visitor_id"], unique=False)
    op.create_table(
        "call_place",
        sa.Column("call_id", BIG_ID, nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("connection", sa.Text(), server_default="", nullable=False),
        sa.Column("inst", sa.Text(), server_default="", nullable=False),
        sa.Column("ready", sa.Boolean(), nullable=False),
        sa.Column("arrived_at", sa.BigInteger(), nullable=False),
        sa.Column("left_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_call_place_call_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("call_id", "role", name=op.f("pk_call_place")),
    )
