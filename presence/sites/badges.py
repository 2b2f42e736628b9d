"""What sites' pages ask again and again, answered from memory: an answer is made once a second at most, and at once when somebody
has come or gone, or the site has changed.
"""

import gzip
import hashlib

import msgspec

from presence.clock import Clock
from presence.errors import FieldError, Invalid, NotFound
from presence.i18n import N_, negotiate, translator
from presence.roster.board import Board
from presence.roster.watching import Watching
from presence.sites import widget
from presence.sites.model import Site
from presence.sites.service import Sites

_KEPT = 2_000  # answers, a few kilobytes each
_LONGEST = 2_000  # characters of a question


class UnknownSite(NotFound):
    """The key of no site, or of one that was revoked."""

    code = "unknown-site"
    title = N_("There is no site with this key, or it was revoked")


class Answer(msgspec.Struct, frozen=True):
    """A body, also compressed, its weak tag (of either form), and the language it is in."""

    body: bytes
    small: bytes
    tag: str
    language: str


class _Kept(msgspec.Struct, frozen=True):
    site: Site
    second: int
    answer: Answer


class Badges:
    """`modules`: where the parts of the widget are."""

    def __init__(
        self, sites: Sites, board: Board, watching: Watching, clock: Clock, languages: tuple[str, ...], modules: str
    ) -> None:
        self._sites = sites
        self._board = board
        self._watching = watching
        self._clock = clock
        self._languages = languages
        self._modules = modules
        self._kept: dict[tuple[str, str, str], _Kept] = {}
        self._changes = 0
        board.on_change.append(self._hear)

    def _hear(self, _changed: set[int]) -> None:
        self._changes += 1
        self._kept.clear()

    async def site(self, key: str) -> Site:
        """The site of a public key; `UnknownSite`."""
        site = await self._sites.by_embed_key(key)
        if site is None:
            raise UnknownSite()
        return site

    async def answer(self, site: Site, language: str, names: str) -> Answer:
        """What a site's page is told, as it is now; `names` as asked for. `Invalid`."""
        question, second = (site.embed_key, language, names), self._clock.now()
        kept = self._kept.get(question)
        if kept is not None and kept.site is site and kept.second == second:
            return kept.answer
        changes = self._changes
        answer = await self._make(site, language, names)
        if changes == self._changes:  # else it may tell of before
            if len(self._kept) >= _KEPT:
                self._kept.clear()
            self._kept[question] = _Kept(site, second, answer)
        return answer

    async def _make(self, site: Site, language: str, names: str) -> Answer:
        wanted = widget.wanted(names) if len(names) <= _LONGEST else None
        if wanted is None:
            what = FieldError(
                N_("Names such as adviser:alice, separated by commas, %(most)s at most"), most=widget.MOST
            )
            raise Invalid({"for": what})
        t = translator(negotiate(language, self._languages))
        presence = {widget.SITE: await self._there(f"site:{site.slug}")}
        for name in wanted:
            known = self._is_for(site, name)
            presence[name] = await self._there(f"{name}@{site.slug}") if known else None
        body = msgspec.json.encode(widget.told(site, t, self._modules, presence))
        tag = f'W/"{hashlib.blake2b(body, digest_size=8).hexdigest()}"'
        return Answer(body, gzip.compress(body, 6, mtime=0), tag, t.language)

    def _is_for(self, site: Site, name: str) -> bool:
        """Whether a site may ask for it: its own team, who is in it, and what it offers."""
        kind, _, slug = name.partition(":")
        team = site.settings.team
        if kind == "service":
            return not site.settings.services or slug in site.settings.services
        if not team:
            return True
        if kind == "team":
            return slug == team
        member = self._board.by_slug.get(slug)
        return member is not None and self._board.teams.get(team) in member.team_ids

    async def _there(self, what: str) -> widget.There | None:
        shown = await self._watching.shown(what)
        return widget.there(shown) if shown else None
