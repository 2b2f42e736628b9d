"""Calls: their room, who is in its two places, and what lets a browser in. What the browsers tell each other is never stored."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, Table, Text, UniqueConstraint, text

from presence.storage.tables.base import id_column, instant_column, metadata

call = Table(
    "call",
    metadata,
    id_column(),
    Column("uid", Text, nullable=False, unique=True),  # in the room's address
    Column("request_key", Text, nullable=False, unique=True),  # of who rings; a repeat finds this row
    Column("origin", Text, nullable=False),  # calls.model.Origin
    Column("appointment_id", ForeignKey("appointment.id", ondelete="CASCADE")),
    Column("conversation_id", ForeignKey("conversation.id", ondelete="SET NULL")),
    Column("site_id", ForeignKey("site.id", ondelete="SET NULL")),
    Column("visitor_id", ForeignKey("visitor.id", ondelete="SET NULL")),  # the browser that rings or is rung
    Column("customer_id", ForeignKey("customer.id", ondelete="SET NULL")),
    Column("team_id", ForeignKey("team.id", ondelete="SET NULL")),  # that was asked for
    Column("adviser_id", ForeignKey("adviser.id", ondelete="SET NULL")),  # who has the adviser's place, or will have it
    Column("rung", Text, nullable=False, server_default="[]"),  # JSON: advisers whom it rings at
    Column("declined", Text, nullable=False, server_default="[]"),  # JSON: of these, who declined
    Column("state", Text, nullable=False),  # calls.model.CallState
    Column("outcome", Text, nullable=False, server_default=""),  # calls.model.Outcome, once it has ended
    Column("note", Text, nullable=False, server_default=""),  # the adviser's words to who is held or turned away
    Column("medium", Text, nullable=False),  # roster.model.Medium
    Column("name", Text, nullable=False, server_default=""),  # the customer's
    Column("language", Text, nullable=False),  # the customer's
    Column("page", Text, nullable=False, server_default=""),  # where they rang from
    Column("gen", Integer, nullable=False),  # the generation of the connection between the two browsers
    instant_column("rings_until", nullable=True),
    instant_column("created_at"),
    instant_column("knocked_at", nullable=True),  # the customer came
    instant_column("admitted_at", nullable=True),
    instant_column("connected_at", nullable=True),  # they saw or heard each other
    instant_column("ended_at", nullable=True),
    instant_column("closes_at"),  # nobody enters any more
    Column("called_back", Boolean, nullable=False, server_default="0"),  # a missed one: the customer asked for it
    Column("rating", Integer),
    Column("comment", Text, nullable=False, server_default=""),
    Column("first_frame", Integer),  # milliseconds from both being ready to the first picture or sound
    Column("relayed", Boolean),  # media goes through TURN
    Column("failure", Text, nullable=False, server_default=""),  # calls.model.Failure
    instant_column("missed_for", nullable=True),  # the start at which one side came alone, once that was mailed
    UniqueConstraint("appointment_id"),
    Index("ix_call_state_closes_at", "state", "closes_at"),
    Index("ix_call_adviser_id_state", "adviser_id", "state"),
    Index("ix_call_conversation_id", "conversation_id"),
    Index("ix_call_visitor_id", "visitor_id"),
    Index("ix_call_customer_id", "customer_id"),
    Index(  # what each adviser's rating is made of
        "ix_call_rated",
        "adviser_id",
        "rating",
        sqlite_where=text("rating IS NOT NULL"),
        postgresql_where=text("rating IS NOT NULL"),
    ),
)

# Who is in a room: one row for each of its two places, from when somebody first came. The latest connection has it.
call_place = Table(
    "call_place",
    metadata,
    Column("call_id", ForeignKey("call.id", ondelete="CASCADE"), primary_key=True),
    Column("role", Text, primary_key=True),  # "adviser", "customer"
    Column("person", Text, nullable=False),  # "adviser:<id>", "visitor:<id>"
    Column("connection", Text, nullable=False, server_default=""),  # of whom has the place now; empty: nobody
    Column("inst", Text, nullable=False, server_default=""),  # names a loaded page
    Column("ready", Boolean, nullable=False),  # their devices have been looked at
    instant_column("arrived_at"),  # for the first time
    instant_column("left_at", nullable=True),  # when nobody has it: since when
)

# What lets a browser into the customer's place of an appointment: made when the link from the mail is used.
call_key = Table(
    "call_key",
    metadata,
    Column("fingerprint", Text, primary_key=True),  # of the cookie's token
    Column("call_id", ForeignKey("call.id", ondelete="CASCADE"), nullable=False),
    Column("visitor_id", ForeignKey("visitor.id", ondelete="CASCADE"), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Index("ix_call_key_call_id", "call_id"),
    Index("ix_call_key_visitor_id", "visitor_id"),
)
