"""Proof of work: a little of a browser's time before a conversation begins, so that robots in numbers cost theirs.

A challenge is signed, short-lived and good for one conversation. It is stored with that, in its transaction: whoever
corrects what they wrote need not work again, and no two processes take the same one.
"""

import hashlib
import hmac
import secrets

from sqlalchemy import Connection, delete, text

from presence.i18n import N_
from presence.storage.tables import used_proof
from presence.tokens import derived_token

LASTS = 600  # seconds
UNPROVEN = N_("Your browser did not show that it is no robot; please reload the page")
_SPEND = text("INSERT INTO used_proof (challenge, used_at) VALUES (:c, :n) ON CONFLICT DO NOTHING RETURNING used_at")


class Proofs:
    """Gives challenges and checks their answers. `bits` is how many zero bits an answer's hash begins with; 0 asks nothing."""

    def __init__(self, secret_key: str, bits: int) -> None:
        self._key = derived_token(secret_key.encode(), "proof of work").encode()
        self.bits = bits

    def challenge(self, now: int) -> str:
        """A new challenge."""
        bare = f"{now + LASTS}.{secrets.token_hex(8)}"
        return f"{bare}.{self._signature(bare)}"

    def accepts(self, challenge: str, nonce: str, now: int) -> bool:
        """Whether a nonce answers a challenge of ours that is not old."""
        if self.bits == 0:
            return True
        if not self.is_good(challenge, now) or len(nonce) > 32:
            return False
        digest = hashlib.sha256(f"{challenge}:{nonce}".encode()).digest()
        return not int.from_bytes(digest, "big") >> (256 - self.bits)

    def is_good(self, challenge: str, now: int) -> bool:
        """Whether a challenge is ours, and not old: all that a page can show that cannot work."""
        bare, _, signature = challenge.rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._signature(bare).encode()):
            return False
        return int(bare.partition(".")[0]) > now

    def _signature(self, bare: str) -> str:
        return hmac.digest(self._key, bare.encode(), hashlib.sha256).hex()[:32]


def spent(connection: Connection, challenge: str, now: int) -> bool:
    """Use a challenge up, within a transaction; False when it had been used. What is too old to be brought again is forgotten."""
    connection.execute(delete(used_proof).where(used_proof.c.used_at <= now - LASTS))
    return connection.execute(_SPEND, {"c": challenge, "n": now}).first() is not None
