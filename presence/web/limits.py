"""Rate limits: token buckets in memory, by what is done and by whom."""

import ipaddress
import time
from collections import OrderedDict

from starlette.requests import Request

from presence.errors import TooMany

_KEPT = 50_000  # buckets; the ones unused for longest go first


class Limits:
    """Buckets of `per_minute` tokens that fill evenly; 0 per minute is no limit."""

    def __init__(self, per_minute: dict[str, int]) -> None:
        self._per_minute = per_minute
        self._buckets: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()

    def take(self, what: str, who: str, now: float) -> None:
        """Take a token, or raise `TooMany` with the seconds until there is one. `now` in seconds of any steady clock."""
        size = self._per_minute[what]
        if size == 0:
            return
        tokens, since = self._buckets.pop((what, who), (float(size), now))
        tokens = min(float(size), tokens + (now - since) * size / 60)
        self._buckets[what, who] = (max(tokens - 1, tokens if tokens < 1 else 0), now)
        if len(self._buckets) > _KEPT:
            self._buckets.popitem(last=False)
        if tokens < 1:
            raise TooMany(int((1 - tokens) * 60 / size) + 1)


def limited(request: Request, what: str, who: str = "") -> None:
    """Count a request against a limit: of its address, unless `who` names somebody else."""
    limits: Limits = request.app.state.limits
    limits.take(what, who or _neighbourhood(client_address(request)), time.monotonic())


def client_address(request: Request) -> str:
    """Who asks; behind a trusted proxy the server has already put the real address there."""
    return request.client.host if request.client else ""


def _neighbourhood(address: str) -> str:
    """What counts as one: an IPv4 address, or the /64 of an IPv6 one, since a home is given all of it."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(parsed) >> 64 << 64, 64)))
