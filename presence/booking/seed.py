"""The first services, from the configuration: added when their slug is not there yet, never changed afterwards."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from presence.booking import store
from presence.booking.model import Service
from presence.errors import ConfigError
from presence.roster import store as roster_store
from presence.roster.seed import entries


def service_entries(raw: Sequence[dict[str, Any]]) -> tuple[Service, ...]:
    """The services of the configuration; `ConfigError` names what is wrong."""
    services = entries("services", raw, Service)
    for number, one in enumerate(services):
        problem = wrong_with(one)
        if problem:
            raise ConfigError(f"services[{number}].{problem}")
    return services


def wrong_with(one: Service) -> str:
    """What is wrong with a service, beginning with its key; empty when nothing is."""
    minutes = {"grid": one.grid, "buffer_before": one.buffer_before, "buffer_after": one.buffer_after}
    minutes |= {f"durations[{n}]": duration for n, duration in enumerate(one.durations)}
    for key, value in minutes.items():
        if value % 5 or value < 0 or (value == 0 and not key.startswith("buffer")):
            return f"{key}: found {value}; minutes in steps of five"
    if not one.durations:
        return "durations: at least one is needed"
    if not one.name:
        return "name: a text in at least one language is needed"
    if not one.media:
        return "media: at least one of video, audio, text is needed"
    if not (one.pool.team or one.pool.advisers):
        return "pool: name a team, or advisers"
    if not 1 <= one.horizon <= 400:
        return f"horizon: found {one.horizon}; 1 to 400 days"
    return ""


def sow(connection: Connection, services: Sequence[Service]) -> int:
    """Add the services that are not there yet; returns how many."""
    known = store.service_slugs(connection)
    new = [one for one in services if one.slug not in known]
    if new:
        roster_store.raise_clock(connection)
        for one in new:
            store.add_service(connection, one)
    return len(new)
