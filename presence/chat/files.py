"""Files in conversations: what they are is decided by their content, and all but plain pictures are only ever downloaded."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec

from presence.errors import FieldError, Invalid, TooLarge
from presence.tokens import random_token
from presence.web.kinds import media_type

MAX_NAME = 120


class Received(msgspec.Struct, frozen=True):
    """A file that is on the disk for good."""

    uid: str
    name: str
    media_type: str
    size: int
    sha256: str


class Files:
    """A directory of files by random names. `most` is the largest size taken, bytes."""

    def __init__(self, directory: Path, most: int) -> None:
        self._directory = directory
        self._most = most

    async def receive(self, name: str, chunks: AsyncIterator[bytes]) -> Received:
        """Store a file durably. `TooLarge`; `Invalid` when it is empty."""
        uid = random_token()
        path = self.path(uid)
        half = path.with_suffix(".part")
        await asyncio.to_thread(path.parent.mkdir, parents=True, exist_ok=True)
        digest, size, beginning = hashlib.sha256(), 0, b""
        try:
            with half.open("xb") as stream:
                async for chunk in chunks:
                    size += len(chunk)
                    if size > self._most:
                        raise TooLarge()
                    beginning = beginning or chunk[:64]
                    digest.update(chunk)
                    await asyncio.to_thread(stream.write, chunk)
                if not size:
                    raise Invalid({"file": FieldError("This file is empty")})
                await asyncio.to_thread(_sync, stream.fileno())
            half.replace(path)
        finally:
            half.unlink(missing_ok=True)
        return Received(uid, safe_name(name), media_type(beginning), size, digest.hexdigest())

    def path(self, uid: str) -> Path:
        """Where a file is. `uid` is one of ours, never something that was sent."""
        return self._directory / uid[:2] / uid


def safe_name(name: str) -> str:
    """A name to show and to download by: no path, no control characters, bounded, its ending kept."""
    last = name.replace("\\", "/").rpartition("/")[2]
    tidy = "".join(c for c in last if c.isprintable() and c not in '<>:"|?*').strip(". ") or "file"
    stem, dot, ending = tidy.rpartition(".")
    if dot and len(ending) <= 10:
        return f"{stem[: MAX_NAME - len(ending) - 1]}.{ending}"
    return tidy[:MAX_NAME]


def _sync(descriptor: int) -> None:
    os.fsync(descriptor)
