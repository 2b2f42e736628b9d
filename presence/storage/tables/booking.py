"""Services, holds, appointments, and the time they take."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, Table, Text, UniqueConstraint

from presence.storage.tables.base import id_column, instant_column, metadata

# One row. A transaction that changes when somebody is free raises it first: on PostgreSQL its row lock lets such
# transactions through one at a time, so what is read under it is the last word, and versions commit in order.
agenda_clock = Table(
    "agenda_clock",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("version", BigInteger, nullable=False),
    Column("roster_version", BigInteger, nullable=False),  # the version at the last change of more than busy time
)

service = Table(
    "service",
    metadata,
    id_column(),
    Column("slug", Text, nullable=False, unique=True),
    Column("definition", Text, nullable=False),  # JSON booking.model.Service
    Column("position", Integer, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("version", BigInteger, nullable=False),  # the clock's value at its last change
)

hold = Table(
    "hold",
    metadata,
    id_column(),
    Column("fingerprint", Text, nullable=False, unique=True),  # of the token in the form's address
    Column("service_id", ForeignKey("service.id", ondelete="CASCADE"), nullable=False),
    instant_column("starts_at"),
    instant_column("ends_at"),
    Column("medium", Text, nullable=False),
    Column("spoken", Text, nullable=False, server_default=""),  # the language the adviser must speak; empty: any
    instant_column("expires_at"),
    Index("ix_hold_expires_at", "expires_at"),
)

appointment = Table(
    "appointment",
    metadata,
    id_column(),
    Column("uid", Text, nullable=False, unique=True),  # iCalendar UID
    Column("fingerprint", Text, nullable=False, unique=True),  # of the customer's link
    Column("link_key", Text, nullable=False),  # which secret key the link is derived from
    Column("request_key", Text, nullable=False, unique=True),  # the form's or caller's; a repeat finds this row
    Column("service_id", ForeignKey("service.id"), nullable=False),
    Column("site_id", ForeignKey("site.id", ondelete="SET NULL")),
    Column("customer_id", ForeignKey("customer.id"), nullable=False),
    Column("state", Text, nullable=False),  # booking.model.AppointmentState
    Column("sequence", Integer, nullable=False),  # RFC 5546
    instant_column("starts_at"),
    instant_column("ends_at"),
    Column("medium", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("phone", Text, nullable=False, server_default=""),
    Column("language", Text, nullable=False),
    Column("zone", Text, nullable=False),
    Column("spoken", Text, nullable=False, server_default=""),  # the language the adviser must speak; empty: any
    Column("answers", Text, nullable=False),  # JSON: question key -> answer
    Column("reason", Text, nullable=False, server_default=""),
    instant_column("created_at"),
    instant_column("updated_at"),
    Index("ix_appointment_starts_at", "starts_at"),
    Index("ix_appointment_customer_id", "customer_id"),
)

appointment_adviser = Table(
    "appointment_adviser",
    metadata,
    Column("appointment_id", ForeignKey("appointment.id", ondelete="CASCADE"), primary_key=True),
    Column("adviser_id", ForeignKey("adviser.id"), primary_key=True),
    instant_column("starts_at"),  # as the appointment's: an adviser's days are found here
    instant_column("booked_at"),  # fairness counts by it
    Index("ix_appointment_adviser_adviser_id_starts_at", "adviser_id", "starts_at"),
    Index("ix_appointment_adviser_adviser_id_booked_at", "adviser_id", "booked_at"),
)

guest = Table(
    "guest",
    metadata,
    id_column(),
    Column("appointment_id", ForeignKey("appointment.id", ondelete="CASCADE"), nullable=False),
    Column("email", Text, nullable=False),
    Column("name", Text, nullable=False, server_default=""),
    UniqueConstraint("appointment_id", "email"),
)

appointment_event = Table(
    "appointment_event",
    metadata,
    id_column(),
    Column("appointment_id", ForeignKey("appointment.id", ondelete="CASCADE"), nullable=False),
    instant_column("at"),
    Column("actor", Text, nullable=False),  # "customer", "adviser:<id>", "system"
    Column("kind", Text, nullable=False),  # booked, confirmed, declined, moved, cancelled, held, missed, ...
    Column("detail", Text, nullable=False, server_default=""),  # JSON
    Index("ix_appointment_event_appointment_id", "appointment_id"),
)

# What an appointment or a hold takes of one adviser's time, buffers included.
busy_interval = Table(
    "busy_interval",
    metadata,
    id_column(),
    Column("adviser_id", ForeignKey("adviser.id", ondelete="CASCADE"), nullable=False),
    Column("first_cell", BigInteger, nullable=False),
    Column("end_cell", BigInteger, nullable=False),
    instant_column("starts_at"),
    Column("appointment_id", ForeignKey("appointment.id", ondelete="CASCADE")),
    Column("hold_id", ForeignKey("hold.id", ondelete="CASCADE")),
    instant_column("expires_at", nullable=True),  # a hold's
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
    id_column(),
    Column("appointment_id", ForeignKey("appointment.id", ondelete="CASCADE"), nullable=False),
    Column("minutes", Integer, nullable=False),  # before the start
    Column("sequence", Integer, nullable=False),  # the appointment's when it was planned
    Column("recipient", Text, nullable=False),
    Column("role", Text, nullable=False),  # customer, guest, adviser
    instant_column("due_at"),
    instant_column("expires_at"),
    Column("state", Text, nullable=False),  # pending, queued, cancelled, skipped_late
    UniqueConstraint("appointment_id", "minutes", "sequence", "recipient"),
    Index("ix_reminder_state_due_at", "state", "due_at"),
)
