"""Every table. Instants are seconds since the epoch (UTC); tokens that open something are stored as SHA-256.

The same definitions serve SQLite and PostgreSQL; `migrations/` builds them, and a test holds the two against each other.
"""

from presence.storage.tables.base import metadata
from presence.storage.tables.booking import (
    adviser_cell,
    agenda_clock,
    appointment,
    appointment_adviser,
    appointment_event,
    busy_interval,
    guest,
    hold,
    reminder,
    service,
)
from presence.storage.tables.calls import call, call_key, call_place
from presence.storage.tables.chat import (
    attachment,
    canned_reply,
    conversation,
    conversation_mail,
    event,
    lease,
    presence_wish,
    received_mail,
    reply_address,
    used_proof,
    visitor,
)
from presence.storage.tables.mail import outbox
from presence.storage.tables.people import (
    absence,
    adviser,
    customer,
    day_exception,
    installation,
    session,
    team,
    team_member,
)
from presence.storage.tables.sites import site, site_customer, site_signer, used_assertion

__all__ = [
    "absence",
    "adviser",
    "adviser_cell",
    "agenda_clock",
    "appointment",
    "appointment_adviser",
    "appointment_event",
    "attachment",
    "busy_interval",
    "call",
    "call_key",
    "call_place",
    "canned_reply",
    "conversation",
    "conversation_mail",
    "customer",
    "day_exception",
    "event",
    "guest",
    "hold",
    "installation",
    "lease",
    "metadata",
    "outbox",
    "presence_wish",
    "received_mail",
    "reminder",
    "reply_address",
    "service",
    "session",
    "site",
    "site_customer",
    "site_signer",
    "team",
    "team_member",
    "used_assertion",
    "used_proof",
    "visitor",
]
