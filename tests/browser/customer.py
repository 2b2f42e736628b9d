"""A customer of the demo, over a socket of their own: what a browser works out before it may begin is worked out here."""

import hashlib
import itertools
from typing import Any

from tests.browser.adviser import Demo
from tests.chat.cast import Customer


class AtChat(Customer):
    """Somebody on the demo's chat page."""

    def __init__(self, url: str, name: str) -> None:
        super().__init__(Demo(url), name, f"{name.replace(' ', '.').lower()}@customers.example")

    async def begin(self, text: str = "Hello?", **more: Any) -> str:
        asked = (await self.session())["proof"]
        proof = {"challenge": asked["challenge"], "nonce": nonce_for(asked["challenge"], asked["bits"])}
        return await super().begin(text, proof=proof, **more)


def nonce_for(challenge: str, bits: int) -> str:
    """The first number whose hash with the challenge begins with enough zero bits."""
    for number in itertools.count():
        digest = hashlib.sha256(f"{challenge}:{number}".encode()).digest()
        if not int.from_bytes(digest, "big") >> (256 - bits):
            return str(number)
    raise AssertionError
