"""Rows of advisers' lists, pushed as they change: the latest only, and no more often than eyes can follow."""

import asyncio
import time
from collections.abc import Sequence

import msgspec
import structlog
from sqlalchemy import Connection as Sql
from sqlalchemy.exc import SQLAlchemyError

from presence.chat import store
from presence.chat.desk.service import ChatDesk, Row, may_see
from presence.chat.model import SPOKEN, Conversation, Stored
from presence.errors import Unavailable
from presence.live import frames
from presence.live.connection import Connection
from presence.live.frames import Card
from presence.live.hub import Hub
from presence.roster.board import Board, Member
from presence.storage.database import Database

log = structlog.get_logger("presence.chat")

TOGETHER = 0.15  # seconds in which changes are pushed as one
SHARE = 10  # times as long as pushing took it rests: when there is much to tell, talking goes first
_GONE = msgspec.Raw(b"null")  # handed to a team that they are not of: it may be in their lists still
_QUIET = SPOKEN | {"seen", "got", "edit", "withdraw", "note"}  # of interest to whoever has the conversation


class Cards:
    """Collects what has changed, reads it once, and pushes it to the advisers whose lists it is in."""

    def __init__(self, database: Database, hub: Hub, board: Board, desk: ChatDesk) -> None:
        self._database = database
        self._hub = hub
        self._board = board
        self._desk = desk
        self._dirty: dict[int, bool] = {}  # conversation -> everybody is told, not only who has it
        self._task: asyncio.Task[None] | None = None

    def changed(self, stored: Sequence[Stored]) -> None:
        """Events have been committed."""
        for one in stored:
            everybody = one.kind not in _QUIET
            self._dirty[one.conversation_id] = self._dirty.get(one.conversation_id, False) or everybody
        self._soon()

    def touched(self, conversation_id: int) -> None:
        """A conversation has changed, here or elsewhere."""
        self._dirty[conversation_id] = True
        self._soon()

    def _soon(self) -> None:
        if self._task is None and self._dirty:
            self._task = asyncio.create_task(self._push())

    async def _push(self) -> None:
        rest = TOGETHER
        try:
            while self._dirty:
                await asyncio.sleep(rest)
                began = time.monotonic()
                dirty, self._dirty = self._dirty, {}
                present = {id_: one for id_, one in self._board.members.items() if self._desks(id_)}
                if present:
                    await self._push_all(dirty, present)
                rest = max(TOGETHER, SHARE * (time.monotonic() - began))
        except (Unavailable, SQLAlchemyError, OSError) as error:
            log.warning("lists could not be brought up to date", error=type(error).__name__)
        finally:
            self._task = None

    async def _push_all(self, dirty: dict[int, bool], present: dict[int, Member]) -> None:
        def work(connection: Sql) -> list[tuple[Conversation, Row]]:
            found = store.by_ids(connection, dirty)
            return list(zip(found, self._desk.rows(connection, found), strict=True))

        for one, row in await self._database.read(work):
            shown = frames.encode(Card(one.uid, msgspec.Raw(msgspec.json.encode(row))))
            gone = frames.encode(Card(one.uid, _GONE)) if one.team_id is not None and one.state == "waiting" else None
            nobodys = one.adviser_id is None and one.offered_to is None
            concerned = (
                present if dirty[one.id] or nobodys else {one.adviser_id or 0, one.offered_to or 0} & present.keys()
            )
            for id_ in concerned:
                self._tell(id_, shown if may_see(present[id_], one) else gone)

    def _tell(self, adviser_id: int, data: bytes | None) -> None:
        if data is not None:
            for connection in self._desks(adviser_id):
                connection.push_encoded(data)

    def _desks(self, adviser_id: int) -> list[Connection]:
        """An adviser's dashboards; the rooms they are in show no lists."""
        return [one for one in self._hub.of(f"adviser:{adviser_id}") if not one.call]

    async def close(self) -> None:
        """Push nothing more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
