"""Whom a site vouches for: one person under its own name for them, whichever browsers they come with.

Two names are two people, also when they share a mail address: nobody is shown what somebody else has said.
"""

from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, insert, select, update

from presence.chat import store
from presence.chat.model import Conversation, Visitor, person_key
from presence.roster import store as roster_store
from presence.sites.identity import Assertion
from presence.storage.tables import call, site_customer
from presence.tokens import fingerprint, random_token

RECENT = 30 * 60  # seconds after its last word in which a conversation is still of whoever sits there


class Recognised(NamedTuple):
    """Who it is, and the token of their browser when it is a new one; `moved`: the conversation that is theirs now."""

    visitor: Visitor
    token: str
    moved: int | None


def recognised(
    connection: Connection, site_id: int, before: Visitor | None, who: Assertion, language: str, zone: str, now: int
) -> Recognised:
    """The visitor of a person, within a transaction.

    What goes on in a browser that was anonymous becomes theirs. What was said in it longer ago may be somebody else's, and so
    may what a browser of another person holds. So may its token: whoever knew that before knows nothing of them by it.
    """
    customer_id = _customer(connection, site_id, who, language, zone, now)
    values = {
        "verified": True,
        "subject": who.subject,
        "customer_id": customer_id,
        "name": who.name,
        "email": who.email.strip().lower(),
        "seen_at": now,
    }
    if before is not None and before.verified and before.subject == who.subject:
        store.change_visitor(connection, before.id, **values)
        return Recognised(msgspec.structs.replace(before, **values), "", None)
    token = random_token()
    values |= {"fingerprint": fingerprint(token), "site_id": site_id, "language": language, "zone": zone}
    after = store.visitor_by_id(connection, store.add_visitor(connection, {**values, "created_at": now}))
    assert after is not None
    recent = None
    if before is not None and not before.verified:
        recent = _recent(connection, before, now)
        _take_along(connection, before, after, recent)
    return Recognised(after, token, recent.id if recent else None)


def _customer(connection: Connection, site_id: int, who: Assertion, language: str, zone: str, now: int) -> int | None:
    """The customer a site's name stands for; None when the address is known as somebody else's of this site."""
    mine = select(site_customer.c.customer_id).where(
        site_customer.c.site_id == site_id, site_customer.c.subject == who.subject
    )
    known = connection.execute(mine).scalar_one_or_none()
    if known is not None:
        return int(known)
    id_, _ = roster_store.upsert_customer(
        connection, email=who.email.strip().lower(), name=who.name, language=language, zone=zone, phone="", now=now
    )
    others = select(site_customer.c.subject).where(
        site_customer.c.site_id == site_id, site_customer.c.customer_id == id_
    )
    if connection.execute(others).first() is not None:
        return None
    connection.execute(insert(site_customer).values(site_id=site_id, subject=who.subject, customer_id=id_))
    return id_


def _recent(connection: Connection, one: Visitor, now: int) -> Conversation | None:
    """The conversation that goes on in an anonymous browser."""
    found = store.open_of(connection, person_key(one))
    return found if found is not None and found.updated_at > now - RECENT else None


def _take_along(connection: Connection, before: Visitor, after: Visitor, recent: Conversation | None) -> None:
    """What goes on in the browser is theirs from now on. Had they begun to talk elsewhere, too, both go on."""
    if recent is not None:
        values: dict[str, Any] = {"visitor_id": after.id, "customer_id": after.customer_id}
        if store.open_of(connection, person_key(after)) is None:
            values["person_key"] = person_key(after)
        store.change(connection, recent.id, **values)
    ongoing = update(call).where(call.c.visitor_id == before.id, call.c.state != "ended")
    connection.execute(ongoing.values(visitor_id=after.id, customer_id=after.customer_id, name=after.name))
