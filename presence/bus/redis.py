"""Between processes, by Redis' publish and subscribe. Redis may die and come back: hints are lost meanwhile, and nothing else."""

import asyncio
import contextlib
import random

import structlog
from redis import asyncio as redis
from redis.exceptions import RedisError

from presence.bus import Hear
from presence.tokens import random_token

log = structlog.get_logger("presence.bus")

CHANNEL = "presence"  # and a name: Redis tells every database's subscribers, and another installation's are not ours
WAITING = 10_000  # hints that may wait; more are dropped, for the database is looked at anyway
RETRY = 2.0  # seconds between attempts to reach it, half of it by chance
_SEPARATOR = "\x1f"


class RedisBus:
    """Hints over one channel. `url` is redis://host:port/0, or rediss:// with TLS; those of one `name` hear each other."""

    def __init__(self, url: str, name: str = "") -> None:
        self._url = url
        self._channel = f"{CHANNEL}:{name}"
        self._own = random_token()  # what we tell comes back to us too, and is not for us
        self._waiting: asyncio.Queue[str] = asyncio.Queue(WAITING)
        self._tasks: list[asyncio.Task[None]] = []
        self.hearing = asyncio.Event()  # set while subscribed

    async def open(self, hear: Hear) -> None:
        self._tasks = [
            asyncio.create_task(self._tell(), name="bus: telling"),
            asyncio.create_task(self._listen(hear), name="bus: hearing"),
        ]

    def publish(self, topic: str, text: str) -> None:
        with contextlib.suppress(asyncio.QueueFull):
            self._waiting.put_nowait(_SEPARATOR.join((self._own, topic, text)))

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _tell(self) -> None:
        async with redis.from_url(self._url) as client:
            while True:
                hints = [await self._waiting.get()]
                while not self._waiting.empty() and len(hints) < 500:
                    hints.append(self._waiting.get_nowait())
                try:
                    pipe = client.pipeline(transaction=False)
                    for hint in dict.fromkeys(hints):  # the same hint twice is one
                        pipe.publish(self._channel, hint)
                    await pipe.execute()
                except (RedisError, OSError) as error:
                    log.warning("the bus cannot be reached", error=type(error).__name__)
                    await self._rest()

    async def _listen(self, hear: Hear) -> None:
        while True:
            try:
                await self._listen_once(hear)
            except (RedisError, OSError) as error:
                log.warning("the bus cannot be heard", error=type(error).__name__)
            self.hearing.clear()
            await self._rest()

    async def _listen_once(self, hear: Hear) -> None:
        async with redis.from_url(self._url, health_check_interval=15) as client, client.pubsub() as channel:
            await channel.subscribe(self._channel)
            async for message in channel.listen():
                if message["type"] == "subscribe":
                    self.hearing.set()
                elif message["type"] == "message":
                    self._hear(message["data"], hear)

    def _hear(self, hint: bytes, hear: Hear) -> None:
        try:
            own, topic, text = hint.decode().split(_SEPARATOR, 2)
            if own != self._own:
                hear(topic, text)
        except Exception as error:  # whatever it was, the next one must still be heard
            log.warning("a hint could not be used", error=type(error).__name__)

    async def _rest(self) -> None:
        await asyncio.sleep(RETRY * random.uniform(0.5, 1))  # noqa: S311 - spreading, not secrecy
