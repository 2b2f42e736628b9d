"""Builds chat and the live connection, and runs what they do by themselves."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import structlog
from sqlalchemy import Connection, select
from sqlalchemy.exc import SQLAlchemyError
from starlette.routing import BaseRoute, WebSocketRoute

from presence.bus import Bus
from presence.chat import log, searching
from presence.chat.channels import Channels
from presence.chat.desk.cards import Cards
from presence.chat.desk.dispatcher import Dispatcher
from presence.chat.desk.service import ChatDesk
from presence.chat.files import Files
from presence.chat.journal import Journal
from presence.chat.mail.letters import Sender
from presence.chat.mail.mailing import Mailing
from presence.chat.model import Stored
from presence.chat.proof import Proofs
from presence.chat.service import Chat, Noted
from presence.chat.sessions import Reception
from presence.clock import Clock
from presence.config import ChatConfig
from presence.errors import Unavailable
from presence.live.endpoint import Live, same_site
from presence.live.frames import Typed
from presence.live.hub import Hub
from presence.live.passes import Passes
from presence.mail.templates import MailTemplates
from presence.roster.board import Board
from presence.roster.keeping import LeaseKeeper
from presence.roster.watching import Expected, Housed, Pool, Watching
from presence.storage.database import Database
from presence.storage.tables import conversation, installation

logger = structlog.get_logger("presence.chat")

DRAIN = 2.0  # seconds over which clients are told to come back when we stop
BREATH = 0.02  # seconds between two turns of indexing
TOGETHER = 0.05  # seconds in which appointments are noted as one
LOOK = 5.0  # seconds between looks for what a lost hint would have told, and for connections that have gone silent


class Assembly:
    """Everything of chat in one process, wired together."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        bus: Bus,
        config: ChatConfig,
        *,
        secret_key: str,
        templates: MailTemplates,
        sender: Sender,
        pool: Pool,
        expected: Expected,
        housed: Housed,
        wake_mail: Callable[[], None],
    ) -> None:
        self._database = database
        self._clock = clock
        self._bus = bus
        self.hub = Hub()
        self.passes = Passes(secret_key)
        self.proofs = Proofs(secret_key, config.proof_bits)
        self.files = Files(Path(config.files), config.file_bytes)
        self.board = Board(database, clock)
        self.leases = LeaseKeeper(database, clock)
        self.watching = Watching(self.hub, self.board, clock, pool, expected, housed)
        self.channels = Channels(self._read)
        self.journal = Journal(database, clock, self.channels, self._changed)
        self.dispatcher = Dispatcher(database, clock, self.journal, self.board, self.channels)
        self.desk = ChatDesk(database, clock, self.journal, self.board, self.presence_changed)
        self.cards = Cards(database, self.hub, self.board, self.desk)
        self.mailing = Mailing(database, clock, self.journal, self.board, templates, sender, secret_key, wake_mail)
        self.chat = Chat(database, clock, self.journal, self.board, self.mailing, secret_key, self.presence_changed)
        self.reception = Reception(
            database=database,
            clock=clock,
            hub=self.hub,
            passes=self.passes,
            leases=self.leases,
            board=self.board,
            watching=self.watching,
            journal=self.journal,
            channels=self.channels,
            dispatcher=self.dispatcher,
            presence_changed=self.presence_changed,
            tell_others=bus.publish,
        )
        self.hears: dict[str, Callable[[str], None]] = {}  # hints that are not chat's own, by topic
        self._stop = asyncio.Event()
        self._noted: list[Noted] = []
        self._small: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """See who is there, and hear the other processes."""
        self.reception.epoch = await self._database.read(
            lambda connection: connection.execute(select(installation.c.epoch)).scalar_one()
        )
        await self._bus.open(self._hear)
        await self.board.refresh()

    def start(self, group: asyncio.TaskGroup) -> None:
        """Run what every process with live connections does by itself, as tasks of a group."""
        group.create_task(self.board.run(), name="presence")
        group.create_task(self.leases.run(), name="leases")
        group.create_task(self.dispatcher.run(), name="queue")
        group.create_task(self._watch_over(), name="live")

    async def leave(self) -> None:
        """Send everybody away to come back later; what they had sent before is stored."""
        self.hub.drain(DRAIN)
        await self.journal.close()
        for connection in self.hub:
            await connection.finished()

    async def stop(self) -> None:
        """Commit what waits, and end the tasks."""
        await self.leave()
        for part in (self.board, self.leases, self.dispatcher, self.mailing):
            part.stop()
        self._stop.set()
        await self.cards.close()
        await self.watching.close()
        if self._small:
            await asyncio.wait(self._small)
        await self._bus.close()

    def routes(self, base_url: str) -> list[BaseRoute]:
        """The live connection's address."""
        return [WebSocketRoute("/live", Live(self.hub, self.reception.welcome, same_site(base_url)))]

    def presence_changed(self) -> None:
        """Somebody has come, gone, or has more or less to do: here, and everywhere."""
        self.board.hurry()
        self.dispatcher.wake()
        self._bus.publish("presence", "")

    async def _read(self, conversation_id: int, after: int, limit: int) -> Sequence[Stored]:
        return await self._database.read(lambda connection: log.read(connection, conversation_id, after, limit))

    def _changed(self, stored: Sequence[Stored]) -> None:
        self.cards.changed(stored)
        heads = {one.conversation_id: one.seq for one in stored}
        for conversation_id, head in heads.items():
            self._bus.publish("conversation", f"{conversation_id} {head}")

    def _hear(self, topic: str, text: str) -> None:
        """A hint of another process."""
        match topic:
            case "conversation":
                conversation_id, head = map(int, text.split())
                self.channels.hint(conversation_id, head)
                self.cards.touched(conversation_id)
            case "presence":
                self.board.hurry()
                self.dispatcher.wake()
            case "typing":
                number, uid, sender = text.split()
                self.channels.tell(int(number), Typed(uid, sender))
            case "signed out":
                self.leases.forget(text)
                self.hub.end_person(text)
            case "ask anew":
                self.hub.ask_anew(text)
            case other if other in self.hears:
                self.hears[other](text)

    def booked(self, one: Noted) -> None:
        """Show an appointment in its customer's conversation, soon: those that are made together go together."""
        self._noted.append(one)
        if len(self._noted) == 1:
            task = asyncio.create_task(self._note())
            self._small.add(task)
            task.add_done_callback(self._done)

    async def _note(self) -> None:
        await asyncio.sleep(TOGETHER)
        noted, self._noted = self._noted, []
        await self.chat.note_bookings(noted)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._small.discard(task)
        if not task.cancelled() and task.exception() is not None:
            logger.error("appointments were not shown in their conversations", error=type(task.exception()).__name__)

    async def sign_out(self, person: str) -> None:
        """They are gone at once, on every device and node."""
        await self.leases.sign_out(person)
        self.hub.end_person(person)
        self._bus.publish("signed out", person)
        self.presence_changed()

    def ask_anew(self, person: str) -> None:
        """Their connections, on every node, show once more who they are."""
        self.hub.ask_anew(person)
        self._bus.publish("ask anew", person)

    async def _watch_over(self) -> None:
        """End connections that have gone silent, and look for what a lost hint did not tell."""
        while not self._stop.is_set():
            try:
                async with asyncio.timeout(LOOK):
                    await self._stop.wait()
            except TimeoutError:
                try:
                    await self.reception.end_silent()
                    await self.reception.end_signed_out()
                    self.watching.look_again()
                    await self._index()
                    await self._compare_heads()
                except (Unavailable, SQLAlchemyError, OSError) as error:
                    logger.warning("the database could not be looked at", error=type(error).__name__)

    async def _index(self) -> None:
        """Make what was said findable, a little at a time: who says something meanwhile waits no longer than for one."""
        while await self._database.write(searching.index) and not self._stop.is_set():  # noqa: ASYNC110 - a pause
            await asyncio.sleep(BREATH)

    async def _compare_heads(self) -> None:
        known = self.channels.known()
        if not known:
            return

        def work(connection: Connection) -> dict[int, int]:
            ids = list(known)
            found: dict[int, int] = {}
            for first in range(0, len(ids), 500):
                query = select(conversation.c.id, conversation.c.last_seq)
                rows = connection.execute(query.where(conversation.c.id.in_(ids[first : first + 500])))
                found.update((row.id, row.last_seq) for row in rows)
            return found

        for id_, head in (await self._database.read(work)).items():
            if head > known[id_]:
                self.channels.hint(id_, head)
