"""What customers do with conversations: begin, end, rate, look back."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from presence.chat import log, rules, store
from presence.chat.handover import Handovers, used
from presence.chat.journal import Journal
from presence.chat.log import Outcome
from presence.chat.model import (
    CUSTOMER,
    SYSTEM,
    Conversation,
    ConversationState,
    Entry,
    Refusal,
    Stored,
    Visitor,
    person_key,
)
from presence.chat.proof import UNPROVEN, spent
from presence.chat.vouched import Recognised, recognised
from presence.clock import Clock
from presence.errors import FieldError, Forbidden, Invalid, NotFound, NotPossible
from presence.i18n import N_
from presence.mail.compose import addressable
from presence.roster import store as roster_store
from presence.roster.board import Board
from presence.roster.presence import best
from presence.sites.identity import Assertion
from presence.storage.database import Database
from presence.tokens import fingerprint, random_token

MAX_NAME = 200
MAX_COMMENT = 2_000
MAX_PAGE = 2_000


class OpenRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation to begin, with its first text. The same `id` again is the same conversation."""

    id: str
    text: str
    name: str = ""
    email: str = ""
    language: str = "en"
    zone: str = "UTC"
    adviser: str = ""  # slug
    team: str = ""  # slug
    page: str = ""
    subject: str = ""
    proof: str = ""  # the challenge whose work it is begun with; empty where none was asked
    closed: bool = False  # the site's hours are over: whoever is there is not there for it


class _Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation to begin, as it is taken: tidied, its names looked up; and whether somebody is there for it."""

    id: str
    text: str
    name: str
    email: str
    language: str
    page: str
    subject: str
    team_id: int | None
    wanted_id: int | None
    proof: str
    attended: bool

    def said(self, conversation_id: int) -> Entry:
        """Its first text."""
        return Entry(conversation_id, CUSTOMER, self.id, "text", _text(self.text))


class Noted(NamedTuple):
    """An appointment that was made."""

    email: str
    visitor: str  # the fingerprint of the cookie of the browser that made it; empty without one
    uid: str
    starts_at: int
    service: dict[str, str]


class Opened(msgspec.Struct, frozen=True):
    """A conversation that has been begun, or had been before."""

    conversation: Conversation
    repeated: bool


def system(conversation_id: int, kind: str, **body: Any) -> Entry:
    """An event of the system's own."""
    return Entry(conversation_id, SYSTEM, random_token(), kind, msgspec.json.encode(body).decode())


class TellsTeam(Protocol):
    """Tells a team of a message that nobody was there for, within a transaction."""

    def tell_team(self, connection: Connection, one: Conversation, visitor: Visitor, now: int) -> None: ...

    def wake(self) -> None: ...


class Chat:
    """The use cases of customers."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        journal: Journal,
        board: Board,
        mailing: TellsTeam,
        secret_key: str,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._journal = journal
        self._board = board
        self._mailing = mailing
        self._handovers = Handovers(secret_key)
        self.wake = wake  # whoever gives waiting conversations to advisers

    # -- visitors -------------------------------------------------------------------------------------------------

    async def visitor(self, token: str) -> Visitor | None:
        """Whose cookie it is."""
        if not token:
            return None
        return await self._database.read(lambda connection: store.visitor_by(connection, fingerprint(token)))

    async def new_visitor(self, site_id: int | None, language: str, zone: str) -> tuple[str, Visitor]:
        """A visitor nobody knows yet, and the token of their cookie."""
        token, now = random_token(), self._clock.now()
        values = {
            "fingerprint": fingerprint(token),
            "site_id": site_id,
            "verified": False,
            "language": language,
            "zone": zone,
            "created_at": now,
            "seen_at": now,
        }
        id_ = await self._database.write(lambda connection: store.add_visitor(connection, values))
        return token, Visitor(
            id=id_,
            site_id=site_id,
            customer_id=None,
            verified=False,
            name="",
            email="",
            language=language,
            zone=zone,
        )

    async def recognise(
        self, site_id: int, before: Visitor | None, who: Assertion, language: str, zone: str
    ) -> tuple[Visitor, str]:
        """The visitor of a person that a site vouches for, and the token of their browser when it is a new one.

        `before` is the visitor that the browser was until now; what goes on in it goes on.
        """
        now = self._clock.now()

        def work(connection: Connection) -> Recognised:
            return recognised(connection, site_id, before, who, language, zone, now)

        try:
            found = await self._database.write(work)
        except IntegrityError:  # the same in two tabs at once: they are known now
            found = await self._database.write(work)
        if found.moved is not None:
            self._journal.touched(found.moved)
        return found.visitor, found.token

    async def forget(self, one: Visitor) -> None:
        """Let their token open nothing any more, wherever it is kept."""
        gone = fingerprint(random_token())
        await self._database.write(lambda connection: store.change_visitor(connection, one.id, fingerprint=gone))

    def handover(self, site_id: int, token: str) -> str:
        """A ticket by which a window of our own knows the visitor of a token."""
        return self._handovers.ticket(site_id, token, self._clock.now())

    async def handed_over(self, site_id: int, ticket: str) -> str:
        """The visitor's token that a ticket holds; "" when it is none, or not any more."""
        now = self._clock.now()
        found = self._handovers.read(site_id, ticket, now)
        if found is None:
            return ""
        name, token = found
        fresh = await self._database.write(lambda connection: used(connection, site_id, name, now))
        return token if fresh else ""

    async def introduce(self, one: Visitor, name: str, email: str) -> Visitor:
        """They say who they are. `Invalid` names the fields."""
        name, email = tidied(name, email)
        now = self._clock.now()

        def work(connection: Connection) -> Visitor:
            known = introduced(connection, one, name, email, now)
            before = store.open_of(connection, person_key(one))
            if before is not None and before.customer_id != known.customer_id:
                store.change(connection, before.id, customer_id=known.customer_id)
            return known

        return await self._database.write(work)

    # -- conversations ----------------------------------------------------------------------------------------------

    async def open(self, one: Visitor, request: OpenRequest) -> Opened:
        """Begin a conversation, or go on with the open one. `Invalid` names the fields; `Forbidden` when the work was used.

        When nobody is there it becomes a message, and then a mail address is needed to answer to.
        """
        asked = self._asked(one, request)
        now, at = self._clock.now(), self._clock.now_ms()

        def work(connection: Connection) -> tuple[Opened, list[Outcome]]:
            before = store.current_of(connection, one)
            if before is not None:
                return Opened(before, repeated=True), log.append(connection, [asked.said(before.id)], at)
            return self._begin(connection, one, asked, now, at)

        try:
            opened = await self._journal.change(work)
        except IntegrityError:  # two tabs at once: the other one's is there now
            opened = await self._journal.change(work)
        self.wake()
        if not asked.attended:
            self._mailing.wake()
        return opened

    def _asked(self, one: Visitor, request: OpenRequest) -> _Asked:
        """A request as it is taken. `Invalid` names the fields."""
        name, email = tidied(request.name or one.name, request.email or one.email)
        text = rules.plain(request.text)
        if not text or len(text) > rules.MAX_TEXT or not rules.named(request.id):
            raise Invalid({"text": FieldError("Please write something")})
        team_id, wanted = self._board.teams.get(request.team), self._board.by_slug.get(request.adviser)
        return _Asked(
            id=request.id,
            text=text,
            name=name,
            email=email,
            language=request.language,
            page=rules.plain(request.page)[:MAX_PAGE],
            subject=rules.plain(request.subject)[:MAX_NAME],
            team_id=team_id,
            wanted_id=wanted.id if wanted else None,
            proof=request.proof,
            attended=not request.closed and self._attended(team_id),
        )

    def _begin(
        self, connection: Connection, one: Visitor, asked: _Asked, now: int, at: int
    ) -> tuple[Opened, list[Outcome]]:
        """A new conversation, within a transaction: in the queue, or as a message when nobody is there."""
        if not asked.attended and not asked.email:
            raise Invalid({"email": FieldError("Nobody is there just now: where may we answer?")})
        if asked.proof and not spent(connection, asked.proof, now):
            raise Forbidden(UNPROVEN)
        visitor = introduced(connection, one, asked.name, asked.email, now)
        id_ = begun(
            connection,
            visitor,
            state="waiting" if asked.attended else "message",
            language=asked.language,
            page=asked.page,
            now=now,
            subject=asked.subject,
            team_id=asked.team_id,
            wanted_adviser_id=asked.wanted_id,
            queued_at=now,
        )
        arrived = system(id_, "queued" if asked.attended else "message")
        outcomes = log.append(connection, [system(id_, "opened", page=asked.page), asked.said(id_), arrived], at)
        made = store.by_id(connection, id_)
        assert made is not None
        if not asked.attended:
            self._mailing.tell_team(connection, made, visitor, now)
        return Opened(made, repeated=False), outcomes

    def _attended(self, team_id: int | None) -> bool:
        """Whether somebody is there who could take it now or soon."""
        asked = [one.id for one in self._board.members.values() if team_id is None or team_id in one.team_ids]
        states = [self._board.standings[id_].state for id_ in asked if id_ in self._board.standings]
        return best(states) in {"available", "busy"}

    async def conversation(self, one: Visitor, uid: str) -> Conversation:
        """One of their own; `NotFound`."""
        return await self._database.read(lambda connection: owned(connection, one, uid))

    async def current(self, one: Visitor) -> Conversation | None:
        """Their open conversation."""
        return await self._database.read(lambda connection: store.current_of(connection, one))

    async def history(self, one: Visitor) -> list[Conversation]:
        """Their conversations, the latest first."""
        return await self._database.read(lambda connection: store.of_visitor(connection, one))

    async def end(self, one: Visitor, uid: str) -> None:
        """They are done; ended already is fine."""
        now, at = self._clock.now(), self._clock.now_ms()

        def work(connection: Connection) -> tuple[None, list[Outcome]]:
            found = owned(connection, one, uid, lock=True)
            return None, closed(connection, found, CUSTOMER, now, at)

        await self._journal.change(work)
        self.wake()

    async def rate(self, one: Visitor, uid: str, rating: int, comment: str) -> None:
        """Say how it was: 1 to 5, once it is over, and once; the same again is fine."""
        if not 1 <= rating <= 5:
            raise Invalid({"rating": FieldError("From one to five")})
        at = self._clock.now_ms()

        def work(connection: Connection) -> tuple[None, list[Outcome]]:
            found = owned(connection, one, uid, lock=True)
            if found.state != "closed":
                raise NotPossible(N_("This conversation is not over yet"))
            if found.rating is not None:
                if found.rating != rating:
                    raise NotPossible(N_("This conversation has been rated already"))
                return None, []
            store.change(connection, found.id, rating=rating, comment=rules.plain(comment)[:MAX_COMMENT])
            return None, log.append(connection, [system(found.id, "rated", rating=rating)], at)

        await self._journal.change(work)

    async def note_bookings(self, noted: Sequence[Noted]) -> None:
        """Show in open conversations that appointments were made; there is one event of each.

        In that of the browser that made it, or of the customer if a site vouches for them: whoever only types somebody's
        address learns nothing of their appointments.
        """
        bookers = [(one.email, one.visitor) for one in noted]
        found = await self._database.read(lambda connection: store.open_of_bookers(connection, bookers))
        entries = [_booked(id_, one) for id_, one in zip(found, noted, strict=True) if id_ is not None]
        if entries:
            await self._journal.append(*entries)

    async def events(self, conversation_id: int, after: int = 0, limit: int = 10_000) -> list[Stored]:
        """What happened in a conversation."""
        return await self._database.read(lambda connection: log.read(connection, conversation_id, after, limit))


def begun(
    connection: Connection, one: Visitor, *, state: ConversationState, language: str, page: str, now: int, **more: Any
) -> int:
    """A new conversation of somebody who has no open one, with nothing in its log; `more` is of its row. Returns its id."""
    values = {
        "uid": random_token(),
        "site_id": one.site_id,
        "visitor_id": one.id,
        "customer_id": one.customer_id,
        "person_key": person_key(one),
        "state": state,
        "language": language,
        "page": page,
        "last_seq": 0,
        "customer_seen": 0,
        "adviser_seen": 0,
        "mailed_seq": 0,
        "created_at": now,
        "updated_at": now,
    }
    return store.add(connection, {**values, **more})


def _booked(conversation_id: int, one: Noted) -> Entry:
    body = msgspec.json.encode({"starts_at": one.starts_at * 1000, "service": one.service}).decode()
    return Entry(conversation_id, SYSTEM, f"booked {one.uid}"[:64], "booked", body)


def owned(connection: Connection, one: Visitor, uid: str, *, lock: bool = False) -> Conversation:
    """A visitor's own conversation; `NotFound` for any other."""
    found = store.by_uid(connection, uid, lock=lock)
    if found is None:
        raise NotFound()
    if found.visitor_id != one.id and not (one.verified and found.person_key == person_key(one)):
        raise NotFound()
    return found


def closed(connection: Connection, found: Conversation, by: str, now: int, at: int) -> list[Outcome]:
    """Close a conversation, within a transaction."""
    if found.state == "closed":
        return []
    outcomes = log.append(connection, [system(found.id, "closed", by=by)], at)
    store.change(
        connection,
        found.id,
        state="closed",
        closed_at=now,
        updated_at=now,
        offered_to=None,
        offered_until=None,
        queued_at=None,
    )
    return outcomes


def introduced(connection: Connection, one: Visitor, name: str, email: str, now: int) -> Visitor:
    """A visitor as they say they are now; one who is vouched for stays who they are."""
    if (name, email) == (one.name, one.email) or one.verified:
        return one
    customer_id = one.customer_id
    if email:
        customer_id, _ = roster_store.upsert_customer(
            connection, email=email, name=name or email, language=one.language, zone=one.zone, phone="", now=now
        )
    store.change_visitor(connection, one.id, name=name, email=email, customer_id=customer_id, seen_at=now)
    return msgspec.structs.replace(one, name=name, email=email, customer_id=customer_id)


def tidied(name: str, email: str) -> tuple[str, str]:
    """A name and a mail address as they are kept. `Invalid` names the fields."""
    name, email = " ".join(rules.plain(name).split())[:MAX_NAME], email.strip().lower()
    if email and (len(email) > 254 or not addressable(email)):
        raise Invalid({"email": FieldError("This is not an email address, such as name@example.com")})
    return name, email


def _text(text: str) -> str:
    return msgspec.json.encode({"text": text}).decode()


def taken(outcome: Outcome) -> Stored:
    """What was appended; an entry of ours is never refused."""
    if isinstance(outcome, Refusal):
        raise RuntimeError(outcome.code)
    return outcome
