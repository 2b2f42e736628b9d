"""Advisers, teams, customers: who takes part."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, Table, Text, UniqueConstraint, false

from presence.storage.tables.base import id_column, instant_column, metadata

team = Table(
    "team",
    metadata,
    id_column(),
    Column("slug", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),  # JSON: language -> text
)

adviser = Table(
    "adviser",
    metadata,
    id_column(),
    Column("slug", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("email", Text, nullable=False, unique=True),  # lower case
    Column("zone", Text, nullable=False),
    Column("languages", Text, nullable=False),  # JSON array
    Column("media", Text, nullable=False),  # JSON array
    Column("topics", Text, nullable=False, server_default="[]"),  # JSON array of texts by language: what they know best
    Column("hours", Text, nullable=False),  # JSON WeeklyHours
    Column("holidays", Text, nullable=False, server_default=""),
    Column("daily_limit", Integer),
    Column("weekly_limit", Integer),
    Column("password_hash", Text, nullable=False, server_default=""),  # argon2id; empty: cannot sign in
    Column("feed_fingerprint", Text, unique=True),
    Column("supervisor", Boolean, nullable=False, server_default=false()),  # sees every conversation, may join it
    Column("room", Text, nullable=False, server_default=""),  # in the place of a service's external room
    Column("active", Boolean, nullable=False),
    Column("agenda_version", BigInteger, nullable=False),  # the clock's value at the last change of their agenda
    instant_column("created_at"),
    Index("ix_adviser_agenda_version", "agenda_version"),
)

team_member = Table(
    "team_member",
    metadata,
    Column("team_id", ForeignKey("team.id", ondelete="CASCADE"), primary_key=True),
    Column("adviser_id", ForeignKey("adviser.id", ondelete="CASCADE"), primary_key=True),
    Column("priority", Integer, nullable=False),
    Column("weight", Integer, nullable=False),
    Index("ix_team_member_adviser_id", "adviser_id"),
)

day_exception = Table(
    "day_exception",
    metadata,
    id_column(),
    Column("adviser_id", ForeignKey("adviser.id", ondelete="CASCADE"), nullable=False),
    Column("day", Text, nullable=False),  # ISO date, in the adviser's zone
    Column("ranges", Text, nullable=False),  # JSON array; empty is closed
    Column("note", Text, nullable=False, server_default=""),
    UniqueConstraint("adviser_id", "day"),
)

absence = Table(
    "absence",
    metadata,
    id_column(),
    Column("adviser_id", ForeignKey("adviser.id", ondelete="CASCADE"), nullable=False),
    instant_column("starts_at"),
    instant_column("ends_at"),
    Column("note", Text, nullable=False, server_default=""),
    Index("ix_absence_adviser_id", "adviser_id"),
)

session = Table(
    "session",
    metadata,
    Column("fingerprint", Text, primary_key=True),
    Column("adviser_id", ForeignKey("adviser.id", ondelete="CASCADE"), nullable=False),
    instant_column("created_at"),
    instant_column("expires_at"),
    Index("ix_session_adviser_id", "adviser_id"),
    Index("ix_session_expires_at", "expires_at"),
)

customer = Table(
    "customer",
    metadata,
    id_column(),
    Column("email", Text, nullable=False, unique=True),  # lower case
    Column("name", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("zone", Text, nullable=False),
    Column("phone", Text, nullable=False, server_default=""),
    Column("personal_adviser_id", ForeignKey("adviser.id", ondelete="SET NULL")),
    instant_column("created_at"),
    Index("ix_customer_personal_adviser_id", "personal_adviser_id"),
)

# One row. Another epoch than before tells live clients that what they have may be of a past that is no more.
installation = Table(
    "installation",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("epoch", Text, nullable=False),
)
