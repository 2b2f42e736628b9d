"""Presence, conversations and their log, and the mail behind them. Instants of events are milliseconds."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, Table, Text, UniqueConstraint, text

from presence.storage.tables.base import id_column, instant_column, metadata

# A browser at a site. Whoever has its cookie is this visitor; the customer is who they say they are.
visitor = Table(
    "visitor",
    metadata,
    id_column(),
    Column("fingerprint", Text, nullable=False, unique=True),  # of the cookie's token
    Column("site_id", ForeignKey("site.id", ondelete="CASCADE")),
    Column("customer_id", ForeignKey("customer.id", ondelete="SET NULL")),
    Column("verified", Boolean, nullable=False),  # the site, or a link we mailed, vouches for the customer
    Column("subject", Text, nullable=False, server_default=""),  # the site's own name for the customer it vouches for
    Column("name", Text, nullable=False, server_default=""),
    Column("email", Text, nullable=False, server_default=""),  # lower case, as typed
    Column("language", Text, nullable=False),
    Column("zone", Text, nullable=False),
    instant_column("created_at"),
    instant_column("seen_at"),
    Index("ix_visitor_customer_id", "customer_id"),
    Index("ix_visitor_site_id_subject", "site_id", "subject"),
)

# Somebody's connection to one node, for as long as the node renews it. A dead node's leases end by themselves.
lease = Table(
    "lease",
    metadata,
    Column("id", Text, primary_key=True),  # of the connection
    Column("node", Text, nullable=False),
    Column("person", Text, nullable=False),  # "adviser:<id>", "visitor:<id>"
    Column("engaged", Boolean, nullable=False),  # somebody looks at it
    instant_column("expires_at"),
    Index("ix_lease_person", "person"),
    Index("ix_lease_node", "node"),
    Index("ix_lease_expires_at", "expires_at"),
)

# What an adviser set by hand; without a row: there whenever they are connected.
presence_wish = Table(
    "presence_wish",
    metadata,
    Column("adviser_id", ForeignKey("adviser.id", ondelete="CASCADE"), primary_key=True),
    Column("wish", Text, nullable=False),  # available, busy, away, offline
    Column("capacity", Integer, nullable=False),  # conversations at once
    instant_column("set_at"),
)

conversation = Table(
    "conversation",
    metadata,
    id_column(),
    Column("uid", Text, nullable=False, unique=True),
    Column("site_id", ForeignKey("site.id", ondelete="SET NULL")),
    Column("visitor_id", ForeignKey("visitor.id", ondelete="SET NULL")),
    Column("customer_id", ForeignKey("customer.id", ondelete="SET NULL")),
    Column("person_key", Text, nullable=False),  # site and person: one open conversation each
    Column("state", Text, nullable=False),  # chat.model.ConversationState
    Column("language", Text, nullable=False),
    Column("subject", Text, nullable=False, server_default=""),
    Column("team_id", ForeignKey("team.id", ondelete="SET NULL")),
    Column("wanted_adviser_id", ForeignKey("adviser.id", ondelete="SET NULL")),  # whom the customer asked for
    Column("adviser_id", ForeignKey("adviser.id", ondelete="SET NULL")),  # who has it
    Column("offered_to", ForeignKey("adviser.id", ondelete="SET NULL")),
    instant_column("offered_until", nullable=True),
    Column("passed_by", Text, nullable=False, server_default="[]"),  # JSON: advisers who let the offer pass
    instant_column("queued_at", nullable=True),
    Column("page", Text, nullable=False, server_default=""),  # where the customer is, as their browser says
    Column("tags", Text, nullable=False, server_default="[]"),  # JSON array
    Column("last_seq", BigInteger, nullable=False),
    Column("indexed_seq", BigInteger, nullable=False, server_default="0"),  # up to which it can be searched
    Column("customer_seen", BigInteger, nullable=False),  # seq up to which each side has seen
    Column("adviser_seen", BigInteger, nullable=False),
    Column("preview", Text, nullable=False, server_default=""),  # of the last message, for lists
    instant_column("mail_due_at", nullable=True),  # when the customer is mailed what they have not seen
    Column("mailed_seq", BigInteger, nullable=False),  # up to which they have been mailed
    Column("told_seq", BigInteger, nullable=False, server_default="0"),  # up to which advisers were told by mail
    Column("rating", Integer),
    Column("comment", Text, nullable=False, server_default=""),
    instant_column("created_at"),
    instant_column("updated_at"),
    instant_column("given_at", nullable=True),  # to who has it
    instant_column("answered_at", nullable=True),  # by an adviser, for the first time
    instant_column("closed_at", nullable=True),
    Index(
        "uq_conversation_person_key_open",
        "person_key",
        unique=True,
        sqlite_where=text("closed_at IS NULL"),
        postgresql_where=text("closed_at IS NULL"),
    ),
    Index("ix_conversation_state_queued_at", "state", "queued_at"),
    Index("ix_conversation_adviser_id_updated_at", "adviser_id", "updated_at"),
    Index("ix_conversation_adviser_id_given_at", "adviser_id", "given_at"),
    Index("ix_conversation_customer_id", "customer_id"),
    Index("ix_conversation_visitor_id", "visitor_id"),
    Index("ix_conversation_mail_due_at", "mail_due_at"),
    Index("ix_conversation_updated_at", "updated_at"),
    Index(  # what each adviser's rating is made of
        "ix_conversation_rated",
        "adviser_id",
        "rating",
        sqlite_where=text("rating IS NOT NULL"),
        postgresql_where=text("rating IS NOT NULL"),
    ),
    Index(
        "ix_conversation_unindexed",
        "id",
        sqlite_where=text("last_seq > indexed_seq"),
        postgresql_where=text("last_seq > indexed_seq"),
    ),
)

# The log. `seq` counts from 1 without gaps; nothing in it is ever changed: an edit is another event. With rowids, so that
# SQLite writes what many say at once to the end of the table, and not into a page for each conversation.
event = Table(
    "event",
    metadata,
    Column("conversation_id", ForeignKey("conversation.id", ondelete="CASCADE"), primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("sender", Text, nullable=False),  # "customer", "adviser:<id>", "system"
    Column("client_id", Text, nullable=False),  # of who sent it; a repeat finds this row
    Column("kind", Text, nullable=False),
    Column("body", Text, nullable=False),  # JSON by kind
    Column("at", BigInteger, nullable=False),  # milliseconds
    UniqueConstraint("conversation_id", "sender", "client_id"),
)

# Challenges whose work has begun a conversation, for as long as they could be brought again.
used_proof = Table(
    "used_proof",
    metadata,
    Column("challenge", Text, primary_key=True),
    instant_column("used_at"),
    Index("ix_used_proof_used_at", "used_at"),
)

attachment = Table(
    "attachment",
    metadata,
    id_column(),
    Column("uid", Text, nullable=False, unique=True),
    Column("conversation_id", ForeignKey("conversation.id", ondelete="CASCADE"), nullable=False),
    Column("sender", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("media_type", Text, nullable=False),  # by content
    Column("size", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    instant_column("created_at"),
    Index("ix_attachment_conversation_id", "conversation_id"),
)

canned_reply = Table(
    "canned_reply",
    metadata,
    id_column(),
    Column("shortcut", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("text", Text, nullable=False),
    UniqueConstraint("shortcut", "language"),
)

# Where answers by mail come in: a token for one conversation and one correspondent.
reply_address = Table(
    "reply_address",
    metadata,
    Column("fingerprint", Text, primary_key=True),
    Column("conversation_id", ForeignKey("conversation.id", ondelete="CASCADE"), nullable=False),
    Column("person", Text, nullable=False),  # "customer", "adviser:<id>"
    Column("email", Text, nullable=False),
    instant_column("created_at"),
    instant_column("revoked_at", nullable=True),
    Index("ix_reply_address_conversation_id", "conversation_id"),
)

# Every mail that came in, once.
received_mail = Table(
    "received_mail",
    metadata,
    id_column(),
    Column("message_key", Text, nullable=False, unique=True),  # fingerprint of its Message-ID, or of its bytes
    Column("conversation_id", ForeignKey("conversation.id", ondelete="CASCADE")),
    Column("verdict", Text, nullable=False),  # message, unverified, automatic, unreadable, bounce, refused
    Column("person", Text, nullable=False, server_default=""),  # whose address it came in by
    Column("message_id", Text, nullable=False, server_default=""),  # what our next mail refers to
    instant_column("received_at"),
    Index("ix_received_mail_conversation_id", "conversation_id"),
)

# What was mailed of a conversation: to one recipient once, up to the same event.
conversation_mail = Table(
    "conversation_mail",
    metadata,
    Column("message_id", ForeignKey("outbox.message_id", ondelete="CASCADE"), primary_key=True),
    Column("conversation_id", ForeignKey("conversation.id", ondelete="CASCADE"), nullable=False),
    Column("kind", Text, nullable=False),  # the outbox's
    Column("person", Text, nullable=False),  # "customer", "adviser:<id>", "reader"
    Column("recipient", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),  # the last event in it
    instant_column("told_at", nullable=True),  # when the conversation was told that it did not arrive
    UniqueConstraint("conversation_id", "kind", "recipient", "seq"),
)
