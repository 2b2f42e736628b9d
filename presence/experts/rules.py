"""Who is listed, in what order, on which page. Pure.

Whoever is here comes first, then whoever is free soonest, then the name decides. A page ends at a place in that order, and
the next one begins after it: whoever comes or goes meanwhile moves nobody else from one page to another.
"""

import base64
import re
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from presence.roster.model import MEDIA, Medium, Texts
from presence.roster.presence import State

SIZE = 24  # experts on a page
LEAST = 5  # ratings from which on an average is shown
NEVER = 1 << 40  # the instant of who has no free hour: after all others

_HERE: tuple[State, ...] = ("available", "busy")  # in this order; for all others it is the hour that counts
_NO_WORD = re.compile(r"[^a-z0-9]+")


class Rating(msgspec.Struct, frozen=True):
    """Ratings from one to five: how many, and their sum."""

    count: int
    total: int

    @property
    def average(self) -> float | None:
        """To be shown: None while there are too few."""
        return self.total / self.count if self.count >= LEAST else None


class Expert(msgspec.Struct, frozen=True, kw_only=True):
    """An adviser as the directory shows them."""

    id: int
    slug: str
    name: str
    languages: tuple[str, ...] = ()
    media: tuple[Medium, ...] = MEDIA
    topics: tuple[Texts, ...] = ()
    state: State = "offline"
    next_free: int | None = None  # an hour that can be booked
    rating: Rating = Rating(0, 0)


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Whom somebody looks for; what is empty does not matter."""

    topic: str = ""  # as `topic_key` names it
    spoken: str = ""
    name: str = ""
    here: bool = False

    @property
    def anything(self) -> bool:
        return self != Asked()


class Place(NamedTuple):
    """Where somebody stands in the order."""

    state: int
    next_free: int
    name: str
    slug: str


class Page(msgspec.Struct, frozen=True):
    """Some of the `count` who were found. `following` is the cursor of the next page; empty after the last."""

    experts: tuple[Expert, ...]
    following: str
    count: int


def folded(text: str) -> str:
    """A text as it is compared: without case and accents."""
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(one for one in parts if not unicodedata.combining(one))


def topic_key(texts: Texts) -> str:
    """What a topic is called in addresses, whoever has it and in whichever language they read: "savings-and-investing"."""
    text = texts.get("en") or next(iter(texts.values()), "")
    return _NO_WORD.sub("-", folded(text)).strip("-") or text


def topics_of(experts: Iterable[Expert]) -> dict[str, Texts]:
    """Every topic that somebody has, by its key."""
    return {topic_key(texts): texts for one in experts for texts in one.topics}


def languages_of(experts: Iterable[Expert]) -> set[str]:
    """Every language that somebody speaks."""
    return {language for one in experts for language in one.languages}


def found(expert: Expert, asked: Asked) -> bool:
    """Whether somebody is who is looked for. A name is found by its words' beginnings, in any order."""
    if asked.here and expert.state != "available":
        return False
    if asked.spoken and asked.spoken not in expert.languages:
        return False
    if asked.topic and asked.topic not in map(topic_key, expert.topics):
        return False
    words = _words(expert.name)
    return all(any(word.startswith(part) for word in words) for part in _words(asked.name))


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", folded(text))


def place_of(expert: Expert) -> Place:
    """Where somebody stands."""
    when = NEVER if expert.next_free is None else expert.next_free
    here = _HERE.index(expert.state) if expert.state in _HERE else len(_HERE)
    return Place(here, when, folded(expert.name), expert.slug)


def page(experts: Iterable[Expert], asked: Asked, after: str = "", size: int = SIZE) -> Page:
    """The page that begins after a cursor; the first one when it is empty, or none of ours."""
    some = {place_of(one): one for one in experts if found(one, asked)}
    begins = _read(after)
    places = sorted(some)
    left = [place for place in places if begins is None or place > begins]
    shown = left[:size]
    following = cursor(shown[-1]) if len(left) > len(shown) else ""
    return Page(tuple(some[place] for place in shown), following, len(some))


def cursor(place: Place) -> str:
    """A place, for an address."""
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def _read(text: str) -> Place | None:
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        return msgspec.json.decode(raw, type=Place) if text else None
    except (ValueError, msgspec.MsgspecError):
        return None
