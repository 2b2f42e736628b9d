"""What to do after a try to send a mail. Pure: time and chance are arguments."""

import re
from typing import Literal, NamedTuple

STEPS = (60, 300, 900, 3600, 14_400)  # seconds to the next try: 1 m, 5 m, 15 m, 1 h, then every 4 h
_ADDRESS = re.compile(r"<?[^\s<>@]+@[^\s<>@]+>?")
_MAX_ERROR = 300


class Reply(NamedTuple):
    """How a try ended. `code` 0: no answer (network, time-out). `ours`: it says something of us, not of the recipient."""

    code: int
    text: str = ""
    ours: bool = False

    @property
    def sent(self) -> bool:
        return 200 <= self.code < 300


class Verdict(NamedTuple):
    """What becomes of the mail."""

    state: Literal["sent", "queued", "failed", "expired"]
    due_at: int = 0
    error: str = ""


def verdict(reply: Reply, attempts: int, now: int, expires_at: int, chance: float) -> Verdict:
    """Sent, tried again later, failed for good, or too old. `attempts` counts this one; `chance` in [0, 1) spreads retries.

    RFC 5321 4.2.1: 5yz is permanent, 4yz and silence are not. A 5yz to our greeting or sign-in is our own trouble: the
    recipient may be fine, so it is tried again.
    """
    if reply.sent:
        return Verdict("sent")
    error = without_addresses(f"{reply.code or ''} {reply.text}".strip())
    if 500 <= reply.code < 600 and not reply.ours:
        return Verdict("failed", error=error)
    step = STEPS[min(attempts, len(STEPS)) - 1]
    due_at = now + int(step * (0.8 + 0.4 * chance))
    if due_at >= expires_at:
        return Verdict("expired", error=error)
    return Verdict("queued", due_at, error)


def without_addresses(text: str) -> str:
    """A server's words without the mail addresses in them, cut to a bound."""
    return _ADDRESS.sub("<address>", " ".join(text.split()))[:_MAX_ERROR]
