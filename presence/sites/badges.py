"""What sites' pages ask again and again, answered from memory: an answer is made once a second at most, and at once when somebody
has come or gone, or the site has changed.
"""

import asyncio
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

Head = list[tuple[bytes, bytes]]

_KEPT = 2_000  # answers, a few kilobytes each
_LONGEST = 1_000  # characters of an address that is remembered
_HEAD: Head = [
    # Less than the pages' pause: none is told what a cache has kept since it asked last.
    (b"cache-control", b"public, max-age=5, stale-while-revalidate=5"),
    (b"vary", b"Origin, Accept-Encoding"),
    (b"cross-origin-resource-policy", b"cross-origin"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
]
_JSON: Head = [(b"content-type", b"application/json")]


class UnknownSite(NotFound):
    """The key of no site, or of one that was revoked."""

    code = "unknown-site"
    title = N_("There is no site with this key, or it was revoked")


class Answer(msgspec.Struct, frozen=True):
    """A site's answer to one question, made in a second: bodies and headers as they are sent. `own`: our origin."""

    site: Site
    second: int
    own: str
    tag: bytes
    plain: bytes
    small: bytes  # by gzip
    head: Head
    plain_head: Head
    small_head: Head

    def reply(self, headers: Head) -> tuple[int, Head, bytes] | None:
        """Status, headers and body for a request with these headers; None when its page is not one of the site's.

        Who tells no origin is no page of another's. Tags are compared weakly (RFC 9110 13.1.2).
        """
        compressed, head, had = False, self.head, b""
        for name, value in headers:
            if name == b"origin":
                origin = value.decode("latin-1")
                if origin not in self.site.settings.origins and origin != self.own:
                    return None
                head = [*head, (b"access-control-allow-origin", value)]
            elif name == b"if-none-match":
                had += value
            elif name == b"accept-encoding":
                compressed = b"gzip" in value
        if self.tag in had or had == b"*":
            return 304, head, b""
        if compressed:
            return 200, head + self.small_head, self.small
        return 200, head + self.plain_head, self.plain


class Badges:
    """`modules`: where the parts of the widget are; `own`: our origin."""

    def __init__(
        self,
        sites: Sites,
        board: Board,
        watching: Watching,
        clock: Clock,
        *,
        languages: tuple[str, ...],
        modules: str,
        own: str,
    ) -> None:
        self._sites = sites
        self._board = board
        self._watching = watching
        self._clock = clock
        self._languages = languages
        self._modules = modules
        self._own = own
        self._kept: dict[tuple[str, bytes], Answer] = {}  # by path and query
        self._making: dict[tuple[int, int, str, str], asyncio.Task[Answer]] = {}
        self.changes = 0
        board.on_change.append(self._hear)

    def _hear(self, _changed: set[int]) -> None:
        self.changes += 1
        self._kept.clear()

    async def site(self, key: str) -> Site:
        """The site of a public key; `UnknownSite`."""
        site = await self._sites.by_embed_key(key)
        if site is None:
            raise UnknownSite()
        return site

    async def in_memory(self, path: str, query: bytes) -> Answer | None:
        """What has just been answered there, if it is still so."""
        kept = self._kept.get((path, query))
        if kept is None or kept.second != self._clock.now():
            return None
        return kept if await self._sites.by_embed_key(kept.site.embed_key) is kept.site else None

    def keep(self, path: str, query: bytes, answer: Answer, changes: int) -> None:
        """Remember an answer that was begun after so many `changes`, unless there were more: it may tell of before."""
        if changes != self.changes or len(path) + len(query) > _LONGEST:
            return
        if len(self._kept) >= _KEPT:
            self._kept.clear()
        self._kept[path, query] = answer

    async def answer(self, site: Site, language: str, names: str) -> Answer:
        """What a site's page is told, as it is now; `names` as asked for. `Invalid`. Who ask at once are answered as one."""
        question = (self.changes, id(site), language, names)
        making = self._making.get(question)
        if making is None:
            making = self._making[question] = asyncio.create_task(self._make(site, language, names))
            making.add_done_callback(lambda _: self._making.pop(question))
        return await asyncio.shield(making)

    async def _make(self, site: Site, language: str, names: str) -> Answer:
        second, wanted = self._clock.now(), widget.wanted(names)
        if wanted is None:
            what = FieldError(
                N_("Names such as adviser:alice, separated by commas, %(most)s at most"), most=widget.MOST
            )
            raise Invalid({"for": what})
        t = translator(negotiate(language, self._languages))
        presence = {widget.SITE: await self._there(f"site:{site.slug}")}
        for name in wanted:
            presence[name] = await self._there(f"{name}@{site.slug}") if self._is_for(site, name) else None
        plain = msgspec.json.encode(widget.told(site, t, self._modules, presence))
        small = gzip.compress(plain, 6, mtime=0)
        tag = b'"%s"' % hashlib.blake2b(plain, digest_size=8).hexdigest().encode()
        return Answer(
            site=site,
            second=second,
            own=self._own,
            tag=tag,
            plain=plain,
            small=small,
            head=[*_HEAD, (b"etag", b"W/" + tag), (b"content-language", t.language.encode())],
            plain_head=[*_JSON, (b"content-length", b"%d" % len(plain))],
            small_head=[*_JSON, (b"content-length", b"%d" % len(small)), (b"content-encoding", b"gzip")],
        )

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
