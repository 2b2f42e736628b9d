"""Every table. Instants are seconds since the epoch (UTC); tokens that open something are stored as SHA-256.

The same definitions serve SQLite and PostgreSQL; `migrations/` builds them, and a test holds the two against each other.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_N_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Id = BigInteger().with_variant(Integer, "sqlite")  # SQLite gives a rowid only to INTEGER


def _id() -> "Column[int]":
    return Column("id", Id, primary_key=True, autoincrement=True)


def _instant(name: str, *, nullable: bool = False) -> "Column[int]":
    return Column(name, BigInteger, nullable=nullable)


# One row. A transaction that changes when somebody is free raises it first: on PostgreSQL its row lock lets such
# transactions through one at a time, so what is read under it is the last word, and versions commit in order.
agenda_clock = Table(
    "agenda_clock",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("version", BigInteger, nullable=False),
    Column("roster_version", BigInteger, nullable=False),  # the version at the last change of more than busy time
)

team = Table(
    "team",
    metadata,
    _id(),
    Column("slug", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),  # JSON: language -> text
)

adviser = Table(
    "adviser",
    metadata,
    _id(),
    Column("slug", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("email", Text, nullable=False, unique=True),  # lower case
    Column("zone", Text, nullable=False),
    Column("languages", Text, nullable=False),  # JSON array
    Column("media", Text, nullable=False),  # JSON array
    Column("hours", Text, nullable=False),  # JSON WeeklyHours
    Column("holidays", Text, nullable=False, server_default=""),
    Column("daily_limit", Integer),
    Column("weekly_limit", Integer),
    Column("password_hash", Text, nullable=False, server_default=""),  # argon2id; empty: cannot sign in
    Column("feed_fingerprint", Text, unique=True),
    Column("active", Boolean, nullable=False),
    Column("agenda_version", BigInteger, nullable=False),  # the clock's value at the last change of their agenda
    _instant("created_at"),
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
    _id(),
    Column("adviser_id", ForeignKey("adviser.id", ondelete="CASCADE"), nullable=False),
    Column("day", Text, nullable=False),  # ISO date, in the adviser's zone
    Column("ranges", Text, nullable=False),  # JSON array; empty is closed
    Column("note", Text, nullable=False, server_default=""),
    UniqueConstraint("adviser_id", "day"),
)

absence = Table(
    "absence",
    metadata,
    _id(),
    Column("adviser_id", ForeignKey("adviser.id", ondelete="CASCADE"), nullable=False),
    _instant("starts_at"),
    _instant("ends_at"),
    Column("note", Text, nullable=False, server_default=""),
    Index("ix_absence_adviser_id", "adviser_id"),
)

session = Table(
    "session",
    metadata,
    Column("fingerprint", Text, primary_key=True),
    Column("adviser_id", ForeignKey("adviser.id", ondelete="CASCADE"), nullable=False),
    _instant("created_at"),
    _instant("expires_at"),
    Index("ix_session_adviser_id", "adviser_id"),
    Index("ix_session_expires_at", "expires_at"),
)

site = Table(
    "site",
    metadata,
    _id(),
    Column("slug", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("key_fingerprint", Text, nullable=False, unique=True),
    _instant("created_at"),
    _instant("revoked_at", nullable=True),
)

service = Table(
    "service",
    metadata,
    _id(),
    Column("slug", Text, nullable=False, unique=True),
    Column("definition", Text, nullable=False),  # JSON booking.model.Service
    Column("position", Integer, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("version", BigInteger, nullable=False),  # the clock's value at its last change
)

customer = Table(
    "customer",
    metadata,
    _id(),
    Column("email", Text, nullable=False, unique=True),  # lower case
    Column("name", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("zone", Text, nullable=False),
    Column("phone", Text, nullable=False, server_default=""),
    Column("personal_adviser_id", ForeignKey("adviser.id", ondelete="SET NULL")),
    _instant("created_at"),
    Index("ix_customer_personal_adviser_id", "personal_adviser_id"),
)

hold = Table(
    "hold",
    metadata,
    _id(),
    Column("fingerprint", Text, nullable=False, unique=True),  # of the token in the form's address
    Column("service_id", ForeignKey("service.id", ondelete="CASCADE"), nullable=False),
    _instant("starts_at"),
    _instant("ends_at"),
    Column("medium", Text, nullable=False),
    Column("spoken", Text, nullable=False, server_default=""),  # the language the adviser must speak; empty: any
    _instant("expires_at"),
    Index("ix_hold_expires_at", "expires_at"),
)

appointment = Table(
    "appointment",
    metadata,
    _id(),
    Column("uid", Text, nullable=False, unique=True),  # iCalendar UID
    Column("fingerprint", Text, nullable=False, unique=True),  # of the customer's link
    Column("link_key", Text, nullable=False),  # which secret key the link is derived from
    Column("request_key", Text, nullable=False, unique=True),  # the form's or caller's; a repeat finds this row
    Column("service_id", ForeignKey("service.id"), nullable=False),
    Column("site_id", ForeignKey("site.id", ondelete="SET NULL")),
    Column("customer_id", ForeignKey("customer.id"), nullable=False),
    Column("state", Text, nullable=False),  # booking.model.AppointmentState
    Column("sequence", Integer, nullable=False),  # RFC 5546
    _instant("starts_at"),
    _instant("ends_at"),
    Column("medium", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("phone", Text, nullable=False, server_default=""),
    Column("language", Text, nullable=False),
    Column("zone", Text, nullable=False),
    Column("spoken", Text, nullable=False, server_default=""),  # the language the adviser must speak; empty: any
    Column("answers", Text, nullable=False),  # JSON: question key -> answer
    Column("reason", Text, nullable=False, server_default=""),
    _instant("created_at"),
    _instant("updated_at"),
    Index("ix_appointment_starts_at", "starts_at"),
    Index("ix_appointment_customer_id", "customer_id"),
)

appointment_adviser = Table(
    "appointment_adviser",
    metadata,
    Column("appointment_id", ForeignKey("appointment.id", ondelete="CASCADE"), primary_key=True),
    Column("adviser_id", ForeignKey("adviser.id"), primary_key=True),
    _instant("starts_at"),  # as the appointment's: an adviser's days are found here
    _instant("booked_at"),  # fairness counts by it
    Index("ix_appointment_adviser_adviser_id_starts_at", "adviser_id", "starts_at"),
    Index("ix_appointment_adviser_adviser_id_booked_at", "adviser_id", "booked_at"),
)

guest = Table(
    "guest",
    metadata,
    _id(),
    Column("appointment_id", ForeignKey("appointment.id", ondelete="CASCADE"), nullable=False),
    Column("email", Text, nullable=False),
    Column("name", Text, nullable=False, server_default=""),
    UniqueConstraint("appointment_id", "email"),
)

appointment_event = Table(
    "appointment_event",
    metadata,
    _id(),
    Column("appointment_id", ForeignKey("appointment.id", ondelete="CASCADE"), nullable=False),
    _instant("at"),
    Column("actor", Text, nullable=False),  # "customer", "adviser:<id>", "system"
    Column("kind", Text, nullable=False),  # booked, confirmed, declined, moved, cancelled, held, missed, ...
    Column("detail", Text, nullable=False, server_default=""),  # JSON
    Index("ix_appointment_event_appointment_id", "appointment_id"),
)

# What an appointment or a hold takes of one adviser's time, buffers included.
busy_interval = Table(
    "busy_interval",
    metadata,
    _id(),
    Column("adviser_id", ForeignKey("adviser.id", ondelete="CASCADE"), nullable=False),
    Column("first_cell", BigInteger, nullable=False),
    Column("end_cell", BigInteger, nullable=False),
    _instant("starts_at"),
    Column("appointment_id", ForeignKey("appointment.id", ondelete="CASCADE")),
    Column("hold_id", ForeignKey("hold.id", ondelete="CASCADE")),
    _instant("expires_at", nullable=True),  # a hold's
    Index("ix_busy_interval_adviser_id_end_cell", "adviser_id", "end_cell"),
    Index("ix_busy_interval_appointment_id", "appointment_id"),
    Index("ix_busy_interval_hold_id", "hold_id"),
)

# The guard against double booking that nothing can pass: an adviser's five minutes belong to one busy interval.
adviser_cell = Table(
    "adviser_cell",
    metadata,
    Column("adviser_id", ForeignKey("adviser.id", ondelete="CASCADE"), primary_key=True),
    Column("cell", BigInteger, primary_key=True),
    Column("busy_id", ForeignKey("busy_interval.id", ondelete="CASCADE"), nullable=False),
    Index("ix_adviser_cell_busy_id", "busy_id"),
    sqlite_with_rowid=False,
)

reminder = Table(
    "reminder",
    metadata,
    _id(),
    Column("appointment_id", ForeignKey("appointment.id", ondelete="CASCADE"), nullable=False),
    Column("minutes", Integer, nullable=False),  # before the start
    Column("sequence", Integer, nullable=False),  # the appointment's when it was planned
    Column("recipient", Text, nullable=False),
    Column("role", Text, nullable=False),  # customer, guest, adviser
    _instant("due_at"),
    _instant("expires_at"),
    Column("state", Text, nullable=False),  # pending, queued, cancelled, skipped_late
    UniqueConstraint("appointment_id", "minutes", "sequence", "recipient"),
    Index("ix_reminder_state_due_at", "state", "due_at"),
)

# Final bytes, written in the transaction of what caused them; a retry sends the same bytes.
outbox = Table(
    "outbox",
    metadata,
    _id(),
    Column("message_id", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),  # confirmation, change, cancellation, reminder, ...
    Column("appointment_id", ForeignKey("appointment.id", ondelete="CASCADE")),
    Column("sender", Text, nullable=False),  # envelope
    Column("recipient", Text, nullable=False),  # envelope
    Column("raw", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),  # queued, attempting, sent, failed, expired, withdrawn
    Column("attempts", Integer, nullable=False),
    _instant("due_at"),
    _instant("expires_at"),
    Column("lease", Text, nullable=False, server_default=""),  # fencing token of the worker that has it
    _instant("leased_until"),
    Column("last_error", Text, nullable=False, server_default=""),  # the server's reply, without addresses
    _instant("first_due_at"),  # giving up and the age of what waits count from it
    _instant("sent_at", nullable=True),
    Index("ix_outbox_state_due_at", "state", "due_at"),
    Index("ix_outbox_appointment_id", "appointment_id"),
)
