"""Mail on its way out."""

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, Table, Text

from presence.storage.tables.base import id_column, instant_column, metadata

# Final bytes, written in the transaction of what caused them; a retry sends the same bytes.
outbox = Table(
    "outbox",
    metadata,
    id_column(),
    Column("message_id", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),  # confirmation, change, cancellation, reminder, ...
    Column("appointment_id", ForeignKey("appointment.id", ondelete="CASCADE")),
    Column("sender", Text, nullable=False),  # envelope
    Column("recipient", Text, nullable=False),  # envelope
    Column("raw", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),  # queued, attempting, sent, failed, expired, withdrawn
    Column("attempts", Integer, nullable=False),
    instant_column("due_at"),
    instant_column("expires_at"),
    Column("lease", Text, nullable=False, server_default=""),  # fencing token of the worker that has it
    instant_column("leased_until"),
    Column("last_error", Text, nullable=False, server_default=""),  # the server's reply, without addresses
    instant_column("first_due_at"),  # giving up and the age of what waits count from it
    instant_column("sent_at", nullable=True),
    Index("ix_outbox_state_due_at", "state", "due_at"),
    Index("ix_outbox_appointment_id", "appointment_id"),
)
