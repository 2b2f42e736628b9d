"""The first services, from the configuration: added when their slug is not there yet, never changed afterwards."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection

from presence.addresses import leads_to_a_room
from presence.booking import store
from presence.booking.model import Question, Service
from presence.config import tables
from presence.errors import ConfigError
from presence.roster import store as roster_store
from presence.roster.seed import ROOM

_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_KEY = re.compile(r"[a-z0-9_]{1,40}")
_OURS = {"hold"}  # what stands in the place of a service's slug in our own addresses
_LONGEST = 60 * 24 * 60  # minutes


def service_entries(raw: Sequence[dict[str, Any]]) -> tuple[Service, ...]:
    """The services of the configuration; `ConfigError` tells everything that is wrong."""
    services = tables("services", raw, Service)
    wrong = [f"services[{number}].{problem}" for number, one in enumerate(services) for problem in _wrong_with(one)]
    slugs = [one.slug for one in services]
    wrong += [f"services[{n}].slug: {slug!r} is there already" for n, slug in enumerate(slugs) if slug in slugs[:n]]
    if wrong:
        raise ConfigError("\n".join(wrong))
    return services


def _wrong_with(one: Service) -> Iterator[str]:
    """What is wrong with a service, each beginning with its key; the types and the model have told the rest."""
    if not _SLUG.fullmatch(one.slug) or one.slug in _OURS:
        yield f"slug: found {one.slug!r}; lower-case letters, digits and dashes, and not {', '.join(_OURS)}"
    if not any(one.name.values()):
        yield "name: a text in at least one language is needed"
    if not one.media:
        yield "media: at least one of video, audio, text is needed"
    if not (one.pool.team or one.pool.advisers):
        yield "pool: name a team, or advisers"
    if not 1 <= one.horizon <= 400:
        yield f"horizon: found {one.horizon}; 1 to 400 days"
    for key, minutes in (("notice", one.notice), ("cut_off", one.cut_off)):
        if not 0 <= minutes <= _LONGEST:
            yield f"{key}: found {minutes}; 0 to {_LONGEST} minutes"
    if not all(1 <= minutes <= _LONGEST for minutes in one.reminders):
        yield f"reminders: found {list(one.reminders)}; 1 to {_LONGEST} minutes"
    if one.room and not leads_to_a_room(one.room):
        yield f"room: found {one.room!r}; {ROOM}"
    keys = [question.key for question in one.questions]
    for number, question in enumerate(one.questions):
        yield from (f"questions[{number}].{problem}" for problem in _wrong_question(question, keys[:number]))


def _wrong_question(question: Question, before: Sequence[str]) -> Iterator[str]:
    if not _KEY.fullmatch(question.key) or question.key in before:
        yield f"key: found {question.key!r}; letters a to z, digits and underscores, each key once"
    if not any(question.label.values()):
        yield "label: a text in at least one language is needed"
    if (question.kind == "choice") != bool(question.choices):
        yield "choices: needed for the kind 'choice', and for no other"


def sow(connection: Connection, services: Sequence[Service]) -> int:
    """Add the services that are not there yet; returns how many."""
    known = store.service_slugs(connection)
    new = [one for one in services if one.slug not in known]
    if new:
        roster_store.raise_clock(connection)
        for one in new:
            store.add_service(connection, one)
    return len(new)
