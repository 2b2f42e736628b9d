"""What a site says of itself: where it may embed us, what it offers, how it looks, whom it vouches for. Immutable values."""

from typing import Literal, get_args

import msgspec

from presence.roster.model import WeeklyHours

Capability = Literal["chat", "audio", "video", "book", "experts"]
CAPABILITIES: tuple[Capability, ...] = get_args(Capability)
Vouching = Literal["off", "optional", "required"]  # whether it signs who its customers are
Scheme = Literal["auto", "light", "dark"]
Side = Literal["start", "end"]  # of the line: right-to-left pages have it mirrored


class Theme(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the widget and the framed pages look. Colours are "#rrggbb", offsets CSS pixels from the corner."""

    accent: str = "#1d4ed8"
    accent_dark: str = ""  # on dark ground; made from the accent when empty
    scheme: Scheme = "auto"
    side: Side = "end"
    offset_x: int = 20
    offset_y: int = 20


class Words(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A site's own words in one language; what is empty is ours."""

    title: str = ""  # of the widget
    lede: str = ""  # under the title
    chat: str = ""  # on its buttons
    audio: str = ""
    video: str = ""
    book: str = ""


class Greeting(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Words that the widget says by itself, once a visit, while somebody is there."""

    text: dict[str, str]  # by language
    page: str = "*"  # path of the page; * stands for anything
    after: int = 15  # seconds on the page
    scroll: int = 0  # per cent of the page that must have been seen


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything a site can choose."""

    origins: tuple[str, ...] = ()  # "https://www.bank.example", exactly; other pages cannot embed us
    capabilities: tuple[Capability, ...] = CAPABILITIES
    team: str = ""  # who answers; everybody when empty
    services: tuple[str, ...] = ()  # slugs of what can be booked; all when empty
    hours: WeeklyHours | None = None  # when chat and calls are open; whenever somebody is there when None
    zone: str = ""  # of these hours; the organisation's when empty
    theme: Theme = Theme()
    words: dict[str, Words] = {}  # by language
    greetings: tuple[Greeting, ...] = ()
    vouching: Vouching = "optional"
