"""What a site's pages are told of us, in the language of their reader. Pure."""

import re
from collections.abc import Mapping

import msgspec

from presence.i18n import Translator
from presence.live.frames import Shown
from presence.sites.model import Site
from presence.sites.settings import Capability, Greeting, Scheme, Settings, Side, Theme, Vouching, Words
from presence.sites.theming import shades

MOST = 20  # names in one question
POLL = 15  # seconds between two questions of a page that somebody looks at
SITE = "site"
_NAME = re.compile(r"(?:adviser|team|service):[\w-]{1,64}", re.ASCII)


class There(msgspec.Struct, frozen=True):
    """Somebody's presence. `until`: when they are back, seconds since the epoch."""

    state: str
    until: int | None
    name: str


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """Colours "#rrggbb", the corner, and CSS pixels from it."""

    accent: str
    on_accent: str
    accent_dark: str
    on_accent_dark: str
    scheme: Scheme
    side: Side
    x: int
    y: int


class Said(msgspec.Struct, frozen=True):
    """A greeting in one language."""

    text: str
    page: str
    after: int
    scroll: int


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """The whole answer. `modules`: where the parts of the widget are; `poll`: seconds until the next question."""

    site: str
    name: str
    modules: str
    capabilities: tuple[Capability, ...]
    theme: Look
    logo: str
    words: dict[str, str]
    greetings: list[Said]
    vouching: Vouching
    poll: int
    presence: dict[str, There | None]


def told(site: Site, t: Translator, modules: str, presence: Mapping[str, There | None]) -> Told:
    """What a site's pages show. `presence` by name; None where there is nobody of that name for this site."""
    settings = site.settings
    return Told(
        site=site.slug,
        name=site.name,
        modules=modules,
        capabilities=settings.capabilities,
        theme=look(settings.theme),
        logo=f"/widget/{site.embed_key}/logo?v={site.logo}" if site.logo else "",
        words=words(settings, t),
        greetings=greetings(settings.greetings, t.language),
        vouching=settings.vouching,
        poll=POLL,
        presence=dict(presence),
    )


def words(settings: Settings, t: Translator) -> dict[str, str]:
    """Every text of the widget: the site's own in this language, else ours. `{when}` and `{count}` are filled in there."""
    own = settings.words.get(t.language, Words())
    ours = {
        "title": t.gettext("Talk to us"),
        "lede": t.gettext("Choose what suits you best."),
        "chat": t.gettext("Write to us"),
        "message": t.gettext("Leave us a message"),
        "audio": t.gettext("Call us"),
        "video": t.gettext("Call us by video"),
        "call": own.audio or t.gettext("Call us"),
        "book": t.gettext("Make an appointment"),
        "experts": t.gettext("Our experts"),
        "available": t.gettext("Here for you now"),
        "busy": t.gettext("In conversation"),
        "away": t.gettext("Away for a moment"),
        "offline": t.gettext("Not here just now"),
        "back": t.gettext("Back {when}"),
        "back_today": t.gettext("Back at {when}"),
        "unread": t.gettext("Unread messages: {count}"),
        "close": t.gettext("Close"),
        "popout": t.gettext("Open in a window of its own"),
        "greeting_close": t.gettext("Close this greeting"),
    }
    return ours | {name: text for name, text in msgspec.structs.asdict(own).items() if text}


def greetings(all_: tuple[Greeting, ...], language: str) -> list[Said]:
    """What is said in a language; what was written in others alone is not."""
    return [Said(one.text[language], one.page, one.after, one.scroll) for one in all_ if one.text.get(language)]


def look(theme: Theme) -> Look:
    """How the widget looks."""
    light, dark = shades(theme)
    return Look(
        accent=light.accent,
        on_accent=light.on_accent,
        accent_dark=dark.accent,
        on_accent_dark=dark.on_accent,
        scheme=theme.scheme,
        side=theme.side,
        x=theme.offset_x,
        y=theme.offset_y,
    )


def there(shown: Shown) -> There:
    """Presence as pages are told it."""
    return There(shown.state, shown.until // 1000 if shown.until else None, shown.name)


def wanted(text: str) -> tuple[str, ...] | None:
    """The names of a question, each once, in order; None when they are too many, or something else than names."""
    names = sorted({name for name in text.split(",") if name})
    return tuple(names) if len(names) <= MOST and all(_NAME.fullmatch(name) for name in names) else None
