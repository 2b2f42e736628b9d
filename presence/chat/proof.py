"""Proof of work: a little of a browser's time before a conversation begins, so that robots in numbers cost theirs.

A challenge is signed, short-lived and good once; nothing is stored until it has been answered.
"""

import hashlib
import hmac
import secrets
from collections import OrderedDict

from presence.tokens import derived_token

LASTS = 600  # seconds
_REMEMBERED = 100_000


class Proofs:
    """Gives challenges and checks their answers. `bits` is how many zero bits an answer's hash begins with; 0 asks nothing."""

    def __init__(self, secret_key: str, bits: int) -> None:
        self._key = derived_token(secret_key.encode(), "proof of work").encode()
        self._used: OrderedDict[str, None] = OrderedDict()
        self.bits = bits

    def challenge(self, now: int) -> str:
        """A new challenge."""
        bare = f"{now + LASTS}.{secrets.token_hex(8)}"
        return f"{bare}.{self._signature(bare)}"

    def accepts(self, challenge: str, nonce: str, now: int) -> bool:
        """Whether a nonce answers a challenge of ours that is neither old nor used."""
        if self.bits == 0:
            return True
        if not self._is_good(challenge, now) or len(nonce) > 32:
            return False
        digest = hashlib.sha256(f"{challenge}:{nonce}".encode()).digest()
        if int.from_bytes(digest, "big") >> (256 - self.bits):
            return False
        self._use(challenge)
        return True

    def presented(self, challenge: str, now: int) -> bool:
        """Whether a page that cannot work brings a challenge of ours back, neither old nor used."""
        if not self._is_good(challenge, now):
            return False
        self._use(challenge)
        return True

    def was_used(self, challenge: str) -> bool:
        """Whether it has been answered or presented before."""
        return challenge in self._used

    def give_back(self, challenge: str) -> None:
        """What it was answered for was not done: its answer is good once more."""
        self._used.pop(challenge, None)

    def _is_good(self, challenge: str, now: int) -> bool:
        bare, _, signature = challenge.rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._signature(bare).encode()):
            return False
        return int(bare.partition(".")[0]) > now and challenge not in self._used

    def _use(self, challenge: str) -> None:
        self._used[challenge] = None
        if len(self._used) > _REMEMBERED:
            self._used.popitem(last=False)

    def _signature(self, bare: str) -> str:
        return hmac.digest(self._key, bare.encode(), hashlib.sha256).hex()[:32]
