"""Conversations' and visitors' queries."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple, Self

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    func,
    insert,
    or_,
    select,
    true,
    tuple_,
    update,
)

from presence.chat.model import CUSTOMER, SPOKEN, SYSTEM, UNANSWERED, Conversation, Visitor, person_key
from presence.roster.board import Member
from presence.roster.presence import CAPACITY
from presence.storage.tables import (
    adviser,
    attachment,
    call,
    canned_reply,
    conversation,
    customer,
    event,
    presence_wish,
    site,
    visitor,
)

OPEN = ("waiting", "active", "message")
IN_ROOMS = ("waiting", "held", "admitted")  # of calls: their people are expected in a room


# -- visitors -------------------------------------------------------------------------------------------------------


def add_visitor(connection: Connection, values: dict[str, Any]) -> int:
    """Store a visitor; returns the id."""
    return int(connection.execute(insert(visitor).values(values).returning(visitor.c.id)).scalar_one())


def visitor_by(connection: Connection, fingerprint: str) -> Visitor | None:
    """The visitor whose cookie it is."""
    return _visitor(connection.execute(select(visitor).where(visitor.c.fingerprint == fingerprint)).one_or_none())


def visitor_by_id(connection: Connection, id_: int) -> Visitor | None:
    """A visitor."""
    return _visitor(connection.execute(select(visitor).where(visitor.c.id == id_)).one_or_none())


def change_visitor(connection: Connection, id_: int, **values: Any) -> None:
    """Change a visitor."""
    connection.execute(update(visitor).where(visitor.c.id == id_).values(values))


def _visitor(row: Any) -> Visitor | None:
    if row is None:
        return None
    return Visitor(
        id=row.id,
        site_id=row.site_id,
        customer_id=row.customer_id,
        verified=row.verified,
        subject=row.subject,
        name=row.name,
        email=row.email,
        language=row.language,
        zone=row.zone,
        seen_at=row.seen_at,
    )


# -- conversations --------------------------------------------------------------------------------------------------


def add(connection: Connection, values: dict[str, Any]) -> int:
    """Store a conversation; returns its id."""
    return int(connection.execute(insert(conversation).values(values).returning(conversation.c.id)).scalar_one())


def by_uid(connection: Connection, uid: str, *, lock: bool = False) -> Conversation | None:
    """A conversation by the name the outside knows; `lock` keeps others from changing it in this transaction."""
    if not uid.isalnum():  # what the outside sends may hold what PostgreSQL cannot compare
        return None
    query = select(conversation).where(conversation.c.uid == uid)
    return _one(connection, query.with_for_update() if lock else query)


def by_id(connection: Connection, id_: int, *, lock: bool = False) -> Conversation | None:
    """A conversation."""
    query = select(conversation).where(conversation.c.id == id_)
    return _one(connection, query.with_for_update() if lock else query)


def open_of(connection: Connection, person_key: str) -> Conversation | None:
    """The one open conversation of a person at a site."""
    return _one(
        connection,
        select(conversation).where(conversation.c.person_key == person_key, conversation.c.closed_at.is_(None)),
    )


# Every booking asks, so those of one moment are asked for together; each query finds its rows by an index.
_OPEN_OF_BROWSERS = (
    select(visitor.c.fingerprint, conversation.c.id, conversation.c.updated_at)
    .join_from(visitor, conversation, conversation.c.visitor_id == visitor.c.id)
    .where(visitor.c.fingerprint.in_(bindparam("asked", expanding=True)), conversation.c.closed_at.is_(None))
)
_OPEN_OF_VOUCHED = (
    select(customer.c.email, conversation.c.id, conversation.c.updated_at)
    .join_from(customer, conversation, conversation.c.customer_id == customer.c.id)
    .join(visitor, conversation.c.visitor_id == visitor.c.id)
    .where(
        customer.c.email.in_(bindparam("asked", expanding=True)), visitor.c.verified, conversation.c.closed_at.is_(None)
    )
)


def open_of_bookers(connection: Connection, bookers: Sequence[tuple[str, str]]) -> list[int | None]:
    """For each booker (address, fingerprint of the browser's cookie or "") the open conversation that was used last: of
    that browser, or of the customer of the address if they are vouched for."""
    latest: dict[str, tuple[int, int]] = {}  # by fingerprint or address, which never look alike
    emails, prints = {email for email, _ in bookers}, {print_ for _, print_ in bookers if print_}
    for query, asked in ((_OPEN_OF_VOUCHED, emails), (_OPEN_OF_BROWSERS, prints)):
        keys = sorted(asked)
        for first in range(0, len(keys), 500):
            for key, id_, used_at in connection.execute(query, {"asked": keys[first : first + 500]}):
                latest[key] = max(latest.get(key, (0, 0)), (used_at, id_))
    return [max((latest.get(email, (0, 0)), latest.get(print_, (0, 0))))[1] or None for email, print_ in bookers]


def of_visitor(connection: Connection, one: Visitor, limit: int = 50) -> list[Conversation]:
    """A visitor's own conversations, the latest first; of whom a site vouches for, from every device.

    Not all of a customer's: anybody may have begun one in their name.
    """
    query = select(conversation).where(_theirs(one)).order_by(conversation.c.updated_at.desc()).limit(limit)
    return _all(connection, query)


def current_of(connection: Connection, one: Visitor) -> Conversation | None:
    """A visitor's open conversation; the one of the last word, when they have begun in two browsers."""
    query = select(conversation).where(_theirs(one), conversation.c.closed_at.is_(None))
    return _one(connection, query.order_by(conversation.c.updated_at.desc()).limit(1))


def _theirs(one: Visitor) -> ColumnElement[bool]:
    mine = conversation.c.visitor_id == one.id
    return or_(mine, conversation.c.person_key == person_key(one)) if one.verified else mine


def of_customer(connection: Connection, customer_id: int, limit: int = 20) -> list[Conversation]:
    """A customer's conversations, the latest first."""
    query = select(conversation).where(conversation.c.customer_id == customer_id)
    return _all(connection, query.order_by(conversation.c.updated_at.desc()).limit(limit))


def waiting(connection: Connection) -> list[Conversation]:
    """The queue, first come first."""
    query = select(conversation).where(conversation.c.state == "waiting")
    return _all(connection, query.order_by(conversation.c.queued_at, conversation.c.id).limit(1000))


def orphans(connection: Connection, adviser_ids: Iterable[int], now: int) -> list[Conversation]:
    """Conversations that these advisers have, but for those beside a room: who is late for it is waited for.

    And who has left an appointment when it was over is not missed.
    """
    beside = select(call.c.id).where(
        call.c.conversation_id == conversation.c.id,
        or_(call.c.state.in_(IN_ROOMS), and_(call.c.appointment_id.is_not(None), call.c.closes_at > now)),
    )
    query = select(conversation).where(
        conversation.c.state == "active", conversation.c.adviser_id.in_(list(adviser_ids)), ~beside.exists()
    )
    return _all(connection, query.order_by(conversation.c.updated_at.desc()).limit(5000))


def by_ids(connection: Connection, ids: Iterable[int]) -> list[Conversation]:
    """Conversations by their ids."""
    return _all(connection, select(conversation).where(conversation.c.id.in_(list(ids))))


def mail_due(connection: Connection, now: int, limit: int = 100) -> list[Conversation]:
    """Conversations whose customer should be mailed what they have not seen."""
    query = select(conversation).where(conversation.c.mail_due_at <= now)
    return _all(connection, query.order_by(conversation.c.mail_due_at).limit(limit))


def change(connection: Connection, id_: int, **values: Any) -> None:
    """Change a conversation."""
    for name in ("passed_by", "tags"):
        if name in values:
            values[name] = msgspec.json.encode(values[name]).decode()
    connection.execute(update(conversation).where(conversation.c.id == id_).values(values))


class Sight(NamedTuple):
    """What an adviser may see: everything, or what no team is asked for, what theirs are, and their own."""

    adviser_id: int
    team_ids: tuple[int, ...]
    everything: bool

    @classmethod
    def of(cls, me: Member) -> Self:
        """A member's."""
        return cls(me.id, tuple(sorted(me.team_ids)), me.supervisor)

    @property
    def mine(self) -> ColumnElement[bool]:
        """Theirs, or offered to them."""
        return or_(conversation.c.adviser_id == self.adviser_id, conversation.c.offered_to == self.adviser_id)

    @property
    def teams(self) -> ColumnElement[bool]:
        """Also their teams', and what no team is asked for."""
        return or_(conversation.c.team_id.is_(None), conversation.c.team_id.in_(self.team_ids), self.mine)

    @property
    def whole(self) -> ColumnElement[bool]:
        """All that they may see."""
        return true() if self.everything else self.teams


def inbox(
    connection: Connection, view: str, sight: Sight, after: tuple[int, int] | None, limit: int
) -> list[Conversation]:
    """One of an adviser's lists, the latest first. `after`: when the last one of the part before changed, and its id."""
    is_open = conversation.c.state.in_(OPEN)
    nobodys = and_(conversation.c.state.in_(("waiting", "message")), conversation.c.adviser_id.is_(None))
    condition = {
        "mine": and_(sight.mine, is_open),
        "team": and_(sight.teams, is_open),
        "waiting": and_(sight.whole, nobodys),
        "closed": and_(sight.whole, conversation.c.state == "closed"),
        "live": and_(sight.whole, conversation.c.state == "active"),
        "all": sight.whole,
    }[view]
    query = select(conversation).where(condition)
    if after is not None:
        query = query.where(tuple_(conversation.c.updated_at, conversation.c.id) < tuple_(*after))
    return _all(connection, query.order_by(conversation.c.updated_at.desc(), conversation.c.id.desc()).limit(limit))


# The customer's calls that nobody answered, by what the system writes into their bodies.
_UNANSWERED = and_(
    event.c.body.like(f'%"by":"{CUSTOMER}"%'),
    or_(*(event.c.body.like(f'%"what":"{what}"%') for what in sorted(UNANSWERED))),
)


def last_heard(connection: Connection, ids: Sequence[int]) -> dict[int, tuple[int, str]]:
    """The last that each conversation's adviser should read, seq and kind: of the customer, their calls, or a mail set aside.

    A conversation in which there is nothing of that is left out.
    """
    said = or_(
        and_(event.c.sender == CUSTOMER, event.c.kind.in_(SPOKEN)),
        and_(event.c.sender == SYSTEM, event.c.kind.in_(("note", "callback"))),
        and_(event.c.sender == SYSTEM, event.c.kind == "call", _UNANSWERED),
    )
    last = (
        select(event.c.seq)
        .where(event.c.conversation_id == conversation.c.id, said)
        .order_by(event.c.seq.desc())
        .limit(1)
        .correlate(conversation)
        .scalar_subquery()
    )
    shown = event.alias()
    rows = connection.execute(
        select(conversation.c.id, shown.c.seq, shown.c.kind)
        .join_from(conversation, shown, and_(shown.c.conversation_id == conversation.c.id, shown.c.seq == last))
        .where(conversation.c.id.in_(ids))
    )
    return {row.id: (row.seq, row.kind) for row in rows}


def given_at(connection: Connection) -> dict[int, int]:
    """When each adviser was last given one of the conversations they have had."""
    last = select(func.max(conversation.c.given_at)).where(conversation.c.adviser_id == adviser.c.id)
    rows = connection.execute(select(adviser.c.id, last.scalar_subquery()).where(adviser.c.active))
    return {row[0]: row[1] for row in rows if row[1] is not None}


def personal_advisers(connection: Connection, found: Iterable[Conversation]) -> dict[int, int]:
    """The personal adviser of each of these conversations' customers, by conversation id.

    Only of customers a site vouches for: else whoever types an address would be given to its owner's adviser, and so learn
    who that is.
    """
    ids = [one.id for one in found if one.customer_id is not None]
    rows = connection.execute(
        select(conversation.c.id, customer.c.personal_adviser_id)
        .join_from(conversation, customer, conversation.c.customer_id == customer.c.id)
        .join(visitor, conversation.c.visitor_id == visitor.c.id)
        .where(conversation.c.id.in_(ids), visitor.c.verified, customer.c.personal_adviser_id.is_not(None))
    )
    return {row[0]: row[1] for row in rows}


def personal_adviser(connection: Connection, one: Visitor) -> int | None:
    """The personal adviser of a visitor a site vouches for."""
    if not one.verified or one.customer_id is None:
        return None
    query = select(customer.c.personal_adviser_id).where(customer.c.id == one.customer_id)
    return connection.execute(query).scalar_one_or_none()


def site_names(connection: Connection, found: Iterable[Conversation]) -> dict[int, str]:
    """The names of the sites that conversations are of, by site id."""
    ids = {one.site_id for one in found if one.site_id is not None}
    if not ids:
        return {}
    return {row.id: row.name for row in connection.execute(select(site.c.id, site.c.name).where(site.c.id.in_(ids)))}


def people_of(connection: Connection, found: Sequence[Conversation]) -> dict[int, Visitor]:
    """The visitors of conversations, by visitor id."""
    return visitors_by_ids(connection, {one.visitor_id for one in found if one.visitor_id is not None})


def visitors_by_ids(connection: Connection, ids: Collection[int]) -> dict[int, Visitor]:
    """Visitors, by their ids."""
    if not ids:
        return {}
    rows = connection.execute(select(visitor).where(visitor.c.id.in_(ids)))
    return {row.id: one for row in rows if (one := _visitor(row)) is not None}


def _one(connection: Connection, query: Select[Any]) -> Conversation | None:
    row = connection.execute(query).one_or_none()
    return _conversation(row) if row is not None else None


def _all(connection: Connection, query: Select[Any]) -> list[Conversation]:
    return [_conversation(row) for row in connection.execute(query)]


_FIELDS = tuple(name for name in Conversation.__struct_fields__ if name not in {"passed_by", "tags"})


def _conversation(row: Any) -> Conversation:
    values = {name: getattr(row, name) for name in _FIELDS}
    return Conversation(
        **values,
        passed_by=tuple(msgspec.json.decode(row.passed_by)),
        tags=tuple(msgspec.json.decode(row.tags)),
    )


# -- files and canned replies ---------------------------------------------------------------------------------------


def add_file(connection: Connection, values: dict[str, Any]) -> None:
    """Store what is known of a file."""
    connection.execute(insert(attachment).values(values))


def file_by_uid(connection: Connection, uid: str) -> Any:
    """A file's row, or None."""
    if not uid.isalnum():
        return None
    return connection.execute(select(attachment).where(attachment.c.uid == uid)).one_or_none()


def files_of(connection: Connection, conversation_id: int) -> list[Any]:
    """A conversation's files."""
    return list(connection.execute(select(attachment).where(attachment.c.conversation_id == conversation_id)))


def canned(connection: Connection, language: str = "") -> list[Any]:
    """Canned replies, of one language or all."""
    query = select(canned_reply).order_by(canned_reply.c.shortcut)
    return list(connection.execute(query.where(canned_reply.c.language == language) if language else query))


def add_canned(connection: Connection, shortcut: str, language: str, text: str) -> int:
    """Store a canned reply, in the place of one of the same shortcut and language."""
    connection.execute(
        canned_reply.delete().where(canned_reply.c.shortcut == shortcut, canned_reply.c.language == language)
    )
    values = {"shortcut": shortcut, "language": language, "text": text}
    return int(connection.execute(insert(canned_reply).values(values).returning(canned_reply.c.id)).scalar_one())


def drop_canned(connection: Connection, id_: int) -> None:
    """Remove a canned reply."""
    connection.execute(canned_reply.delete().where(canned_reply.c.id == id_))


# -- presence -------------------------------------------------------------------------------------------------------


def set_wish(connection: Connection, adviser_id: int, wish: str, capacity: int | None, now: int) -> None:
    """What an adviser set."""
    before = connection.execute(
        select(presence_wish.c.capacity).where(presence_wish.c.adviser_id == adviser_id)
    ).scalar_one_or_none()
    values = {"wish": wish, "capacity": capacity or before or CAPACITY, "set_at": now}
    if before is None:
        connection.execute(insert(presence_wish).values(adviser_id=adviser_id, **values))
    else:
        connection.execute(update(presence_wish).where(presence_wish.c.adviser_id == adviser_id).values(values))


def open_again(connection: Connection, closed: Conversation) -> bool:
    """Whether the person of a closed conversation has an open one."""
    key = select(conversation.c.person_key).where(conversation.c.id == closed.id).scalar_subquery()
    query = select(conversation.c.id).where(conversation.c.person_key == key, conversation.c.closed_at.is_(None))
    return connection.execute(query).first() is not None


# -- the queue ------------------------------------------------------------------------------------------------------


def unowned_messages(connection: Connection, now: int) -> list[Conversation]:
    """Messages of the last day that nobody has taken."""
    query = select(conversation).where(
        conversation.c.state == "message",
        conversation.c.adviser_id.is_(None),
        conversation.c.updated_at > now - 86_400,
    )
    return _all(connection, query.limit(500))


def handling_time(connection: Connection) -> int | None:
    """Seconds that the last conversations took from their first answer to their end, on average; None without any."""
    recent = (
        select(conversation.c.closed_at, conversation.c.answered_at)
        .where(conversation.c.state == "closed", conversation.c.answered_at.is_not(None))
        .order_by(conversation.c.updated_at.desc())
        .limit(20)
        .subquery()
    )
    mean = connection.execute(select(func.avg(recent.c.closed_at - recent.c.answered_at))).scalar_one()
    return int(mean) if mean is not None else None


def reply_time(connection: Connection) -> int | None:
    """Seconds to the first answer in the last conversations, the median; None without any."""
    recent = (
        select((conversation.c.answered_at - conversation.c.created_at).label("wait"))
        .where(conversation.c.answered_at.is_not(None))
        .order_by(conversation.c.updated_at.desc())
        .limit(21)
    )
    waits = sorted(connection.execute(recent).scalars())
    return waits[len(waits) // 2] if waits else None


def live_load(connection: Connection, sight: Sight) -> tuple[int, int, int | None]:
    """Of what an adviser sees: conversations that wait, that are active, and since when the longest has waited."""
    rows = connection.execute(
        select(conversation.c.state, func.count(), func.min(conversation.c.queued_at))
        .where(conversation.c.state.in_(("waiting", "active")), sight.whole)
        .group_by(conversation.c.state)
    )
    found = {state: (count, since) for state, count, since in rows}
    return found.get("waiting", (0, None))[0], found.get("active", (0, None))[0], found.get("waiting", (0, None))[1]


def called(connection: Connection, name: str, limit: int) -> list[int]:
    """Conversations of people called so, or whose address has this in it; the latest first."""
    like = "%" + name.strip().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    people = select(visitor.c.id).where(
        or_(visitor.c.name.ilike(like, escape="\\"), visitor.c.email.ilike(like, escape="\\"))
    )
    query = select(conversation.c.id).where(conversation.c.visitor_id.in_(people))
    return list(connection.execute(query.order_by(conversation.c.updated_at.desc()).limit(limit)).scalars())
