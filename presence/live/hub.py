"""Who is connected to this process, and who listens to which topic."""

from collections.abc import Iterable, Iterator

from presence.live import frames
from presence.live.connection import Connection
from presence.live.frames import Close, Drain, Outbound


class Hub:
    """Connections by person and by topic. Belongs to one event loop."""

    def __init__(self) -> None:
        self._connections: dict[Connection, set[str]] = {}
        self._topics: dict[str, set[Connection]] = {}
        self._people: dict[str, set[Connection]] = {}
        self.draining = False

    def __len__(self) -> int:
        return len(self._connections)

    def __iter__(self) -> Iterator[Connection]:
        return iter(tuple(self._connections))

    def add(self, connection: Connection) -> None:
        """A welcomed connection; `who` is set."""
        self._connections[connection] = set()
        self._people.setdefault(connection.who, set()).add(connection)

    def remove(self, connection: Connection) -> None:
        """It has gone; it listens to nothing any more."""
        for topic in self._connections.pop(connection, ()):
            self._drop(self._topics, topic, connection)
        self._drop(self._people, connection.who, connection)

    def listen(self, connection: Connection, topics: Iterable[str]) -> None:
        """Listen to exactly these topics, and to no others from now on."""
        mine = self._connections.get(connection)
        if mine is None:
            return
        wanted = set(topics)
        for topic in mine - wanted:
            self._drop(self._topics, topic, connection)
        for topic in wanted - mine:
            self._topics.setdefault(topic, set()).add(connection)
        self._connections[connection] = wanted

    def topics(self, prefix: str) -> set[str]:
        """The topics that somebody listens to, by their beginning."""
        return {topic for topic in self._topics if topic.startswith(prefix)}

    def of(self, who: str) -> frozenset[Connection]:
        """A person's connections to this process."""
        return frozenset(self._people.get(who, ()))

    def publish(self, topic: str, frame: Outbound) -> None:
        """Push a frame to everybody who listens, encoded once."""
        listening = self._topics.get(topic)
        if listening:
            data = frames.encode(frame)
            for connection in tuple(listening):
                connection.push_encoded(data)

    def silent(self, now: float) -> list[Connection]:
        """Those that nothing was heard of for too long."""
        return [one for one in self._connections if now - one.heard_at > frames.LOST_AFTER]

    def end_person(self, who: str) -> None:
        """End everything a person has open: their session is over."""
        for connection in self.of(who):
            connection.end(Close.SIGNED_OUT, "signed out")

    def ask_anew(self, who: str) -> None:
        """Let somebody show once more who they are: what they have shown opens nothing any more. Who is in a call stays there."""
        for connection in self.of(who):
            if not connection.call:
                connection.end(Close.UNAUTHORISED, "token")

    def drain(self, over: float) -> None:
        """Tell everybody to come back, spread over so many seconds, and take nobody new."""
        self.draining = True
        count = max(len(self._connections), 1)
        for number, connection in enumerate(tuple(self._connections)):
            connection.push(Drain(after=int(1000 * over * number / count)))
            connection.end(Close.GOING, "restart")

    @staticmethod
    def _drop(index: dict[str, set[Connection]], key: str, connection: Connection) -> None:
        found = index.get(key)
        if found is not None:
            found.discard(connection)
            if not found:
                del index[key]
