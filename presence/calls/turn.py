"""What helps a browser through networks: STUN as it is, TURN with credentials that open it for a while. Pure.

coturn's REST credentials (draft-uberti-behave-turn-rest-00): the username tells until when, the password is its HMAC with
the secret that the TURN server has too. Nothing is kept and nothing is asked: every process makes the same.
"""

import base64
import hmac
from typing import Any

from presence.config import CallsConfig
from presence.live.frames import Turn
from presence.tokens import derived_token

CHECK_LASTS = 60  # seconds for which who only looks at their network has credentials


def ice(config: CallsConfig, now: int, who: str, *, lasts: int | None = None) -> Turn:
    """The servers for one browser, at `now` (seconds); credentials open them for `lasts` seconds, else `turn_lifetime`.

    `who` ("visitor:7") is told to the TURN server as a pseudonym: the same each time, since quotas count by it.
    """
    until = now + (config.turn_lifetime if lasts is None else lasts)
    servers: list[dict[str, Any]] = []
    if config.stun_urls and not config.relay_only:  # which would only find addresses that must not be told
        servers.append({"urls": list(config.stun_urls)})
    if config.turn_urls:
        username = f"{until}:{pseudonym(config.turn_secret, who)}"
        credential = password(config.turn_secret, username)
        servers.append({"urls": list(config.turn_urls), "username": username, "credential": credential})
    return Turn(ice_servers=servers, until=until * 1000, relay_only=config.relay_only)


def password(secret: str, username: str) -> str:
    """What opens coturn for `username`, "<unix time of its end>:<anything>"."""
    return base64.b64encode(hmac.digest(secret.encode(), username.encode(), "sha1")).decode()


def pseudonym(secret: str, who: str) -> str:
    """A person in the TURN server's logs, which are not ours to keep clean."""
    return derived_token(secret.encode(), "turn", who)
