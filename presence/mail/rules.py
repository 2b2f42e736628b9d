"""What to do after a try to send a mail. Pure: time and chance are arguments."""

import re
from typing import Literal, NamedTuple

STEPS = (60, 300, 900, 3600, 14_400)  # seconds to the next try: 1 m, 5 m, 15 m, 1 h, then every 4 h
RECONNECT = (5, 15, 60, 300)  # seconds until a server that could not be used is tried again; then the last
LAST_MINUTE = 60  # seconds before the deadline in which no more tries are planned
_ADDRESS = re.compile(r"<?[^\s<>@]+@[^\s<>@]+>?")
_MAX_ERROR = 300

# RFC 4954 6: we are not signed in, or not with what the server wants; nothing is wrong with the recipient.
_SIGN_IN = frozenset({530, 534, 535, 538})
_TOO_BIG = 552  # RFC 1870 6.1: said to MAIL when the size is declared; the mail will not shrink

Step = Literal["connect", "sender", "recipient", "data"]


class Reply(NamedTuple):
    """How a try ended. `code` 0: no answer (network, time-out). `step` is what the server answered to, or did not.

    "connect" is the greeting, EHLO, STARTTLS and AUTH; "sender" MAIL; "recipient" RCPT; "data" DATA and the final dot.
    """

    code: int
    text: str = ""
    step: Step = "data"

    @property
    def sent(self) -> bool:
        """The server has taken charge of the mail (RFC 5321 6.1)."""
        return self.code == 250 and self.step == "data"

    @property
    def permanent(self) -> bool:
        """RFC 5321 4.2.1: 5yz is permanent, 4yz and silence are not.

        A 5yz to our greeting, sign-in or sender is our own trouble: the recipient may be fine.
        """
        if not 500 <= self.code < 600 or self.code in _SIGN_IN:
            return False
        return self.step in {"recipient", "data"} or (self.step == "sender" and self.code == _TOO_BIG)

    def __str__(self) -> str:
        return without_addresses(f"{self.code or ''} {self.text}")


class Verdict(NamedTuple):
    """What becomes of the mail: `queued` is tried again at `due_at`; `error` is for the adviser and the operator."""

    state: Literal["sent", "queued", "failed", "expired"]
    due_at: int = 0
    error: str = ""


def deadline(expires_at: int, first_due_at: int, give_up_after: int) -> int:
    """The instant from which a mail is of no use, or was tried long enough: `give_up_after` seconds."""
    return min(expires_at, first_due_at + give_up_after)


def verdict(reply: Reply, attempts: int, now: int, deadline: int, chance: float) -> Verdict:
    """Sent, tried again later, failed for good, or too old.

    `attempts` counts this one; `chance` in [0, 1) spreads retries, so that what failed together is not tried together.
    """
    if reply.sent:
        return Verdict("sent")
    if reply.permanent:
        return Verdict("failed", error=str(reply))
    wait = _spread(STEPS[min(attempts, len(STEPS)) - 1], chance)
    left = deadline - now
    if wait >= left:
        wait = left // 2  # nearer and nearer: a reminder is worth another try while there is time
        if left - wait < LAST_MINUTE:
            return Verdict("expired", error=str(reply))
    return Verdict("queued", now + wait, str(reply))


def reconnect_after(failures: int, chance: float) -> int:
    """Seconds until a server is tried again after so many failures in a row."""
    return _spread(RECONNECT[min(failures, len(RECONNECT)) - 1], chance)


def without_addresses(text: str) -> str:
    """A server's words without the mail addresses in them, cut to a bound."""
    return _ADDRESS.sub("<address>", " ".join(text.split()))[:_MAX_ERROR]


def _spread(seconds: int, chance: float) -> int:
    """80 to 120 % of it."""
    return int(seconds * (0.8 + 0.4 * chance))
