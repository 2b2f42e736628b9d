"""HTML mail to plain text: what a reader sees, with quotations marked as in plain text.

Not a parser of HTML but one pass over its tags, in linear time for any text. The result is text and stays text.
"""

import html
import re
from collections.abc import Iterator

from presence.mail.inbound.quoting import QUOTE_MARK

_MAX_TAG = 4000  # characters of a tag that are looked at
_NAME = re.compile(r"/?[a-zA-Z][a-zA-Z0-9:_-]{0,30}")
_ATTRIBUTE = re.compile(r"""([a-zA-Z-]{1,30})\s*=\s*(?:"([^"]{0,2000})"|'([^']{0,2000})'|([^\s"'>]{1,2000}))""")
_SPACE = re.compile(r"[ \t\n\f]+")
_BLANK_LINES = re.compile(r"\n{3,}")
# fmt: off
_BLOCKS = frozenset({
    "address", "article", "aside", "blockquote", "center", "dd", "div", "dl", "dt", "fieldset", "figure", "footer",
    "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol", "p", "pre", "section",
    "table", "tr", "ul"
})
_SPACED = frozenset({
    "p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "table", "blockquote", "pre"
})  # a blank line is around them
_UNSEEN = frozenset({
    "head", "style", "script", "title", "noscript", "template", "svg", "math", "object", "iframe", "select",
    "textarea"
})

# fmt: on

# What holds all that is repeated, in Yahoo, Proton, Outlook on telephones, the new Outlook, Zoho, Tuta, GMX. Gmail's and
# Thunderbird's are blockquotes, with answers in between.
_CONTAINERS = frozenset(
    {
        "yahoo_quoted",
        "protonmail_quote",
        "ms-outlook-mobile-reference-message",
        "mail-editor-reference-message-container",
        "zmail_extra",
        "tutanota_quote",
        "gmx_quote",
    }
)
# After these comes what is repeated: Outlook's desktop, its web edition.
_MARKS = frozenset({"divrplyfwdmsg", "appendonsend"})


def text_of(markup: str) -> str:
    """The text of a page, its paragraphs apart, what is quoted with "> " before each line."""
    return _pass(markup, _UNSEEN) or _pass(markup, frozenset())


def _pass(markup: str, unseen: frozenset[str]) -> str:
    """The text outside of `unseen` elements; "" when one of them never closes, and took the rest with it."""
    writer, hidden = _Writer(), ""
    for name, content in _pieces(markup):
        if not name:
            if not hidden:
                writer.text(content)
        elif hidden:
            hidden = "" if name == f"/{hidden}" else hidden
        elif name in unseen:
            hidden = name
        else:
            writer.tag(name, content)
    return "" if hidden else writer.result()


def _pieces(markup: str) -> Iterator[tuple[str, str]]:
    """Text as ("", text), tags as (name, attributes); comments and declarations are left out."""
    at = 0
    while (opening := markup.find("<", at)) != -1:
        yield "", markup[at:opening]
        name = _NAME.match(markup, opening + 1)
        if markup.startswith("<!--", opening):
            end = markup.find("-->", opening + 4)
            at = end + 3 if end != -1 else opening + 4
            if end == -1:  # what never closes is no comment; nor is any after it
                markup = markup[:at] + markup[at:].replace("<!--", "")
        elif name is None and not markup.startswith(("<!", "<?"), opening):
            yield "", "<"
            at = opening + 1
        else:
            end = _end_of_tag(markup, opening)
            if end == -1:
                return
            if name is not None:
                yield name[0].lower(), markup[name.end() : min(end, opening + _MAX_TAG)]
            at = end + 1
    yield "", markup[at:]


def _end_of_tag(markup: str, opening: int) -> int:
    """Where a tag ends: a ">" in quotation marks is part of the tag, unless the marks do not close soon."""
    first = end = markup.find(">", opening)
    tries = 0
    while end != -1 and end - opening < _MAX_TAG and tries < 20:
        if markup.count('"', opening, end) % 2 == 0:
            return end
        end = markup.find(">", end + 1)
        tries += 1
    return first


class _Writer:
    """Builds the text: lines, blank lines between paragraphs, quote marks."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._line: list[str] = []
        self._pre = 0
        self._quotations: list[tuple[str, int]] = []  # the element, and how many of its name are open inside

    def text(self, raw: str) -> None:
        if not raw:
            return
        shown = html.unescape(raw)
        if self._pre:
            first, *others = shown.split("\n")
            self._line.append(first)
            for other in others:
                self._end_line(always=True)
                self._line.append(other)
            return
        shown = _SPACE.sub(" ", shown)
        if not self._line or self._line[-1].endswith(" "):
            shown = shown.removeprefix(" ")
        if shown:
            self._line.append(shown)

    def tag(self, name: str, attributes: str) -> None:
        closing, name = name.startswith("/"), name.lstrip("/")
        if name == "br":
            self._end_line(always=True)
        elif name in _BLOCKS:
            self._block(name, closing)
        elif name in {"td", "th"} and not closing and self._line:
            self._line.append(" ")
        elif name == "img":
            self._picture(_attributes(attributes))
        if name in _BLOCKS:
            self._quotation(name, closing, _attributes(attributes) if attributes else {})

    def _block(self, name: str, closing: bool) -> None:
        self._end_line()
        if name in _SPACED and self._lines and self._lines[-1].strip("> "):
            self._lines.append(self._prefix().rstrip())
        if name == "pre":
            self._pre = max(0, self._pre + (-1 if closing else 1))
        elif name == "li" and not closing:
            self._line.append("- ")
        elif name == "hr" and not closing:
            self._lines.append(self._prefix() + "_" * 32)

    def _picture(self, attributes: dict[str, str]) -> None:
        """What stands for a picture: an emoji is one in some mails."""
        alternative = attributes.get("alt", "").strip()
        if not any(character.isascii() or character.isalnum() for character in alternative):
            self.text(alternative)

    def _quotation(self, name: str, closing: bool, attributes: dict[str, str]) -> None:
        """Count the quotations that we are in."""
        names = {*attributes.get("class", "").lower().split(), attributes.get("id", "").lower().removeprefix("x_")}
        if not closing and not _MARKS.isdisjoint(names):
            self._lines.append(QUOTE_MARK)
        if not closing and (name == "blockquote" or not _CONTAINERS.isdisjoint(names)):
            self._quotations.append((name, 1))
        elif self._quotations and self._quotations[-1][0] == name:
            open_inside = self._quotations[-1][1] + (-1 if closing else 1)
            self._quotations[-1] = (name, open_inside)
            if open_inside == 0:
                self._quotations.pop()

    def _end_line(self, *, always: bool = False) -> None:
        line = "".join(self._line).rstrip(" ")
        if line or always:
            self._lines.append(self._prefix() + line)
        self._line = []

    def _prefix(self) -> str:
        return "> " * min(len(self._quotations), 20)

    def result(self) -> str:
        self._end_line()
        return _BLANK_LINES.sub("\n\n", "\n".join(self._lines)).strip("\n")


def _attributes(tag: str) -> dict[str, str]:
    return {
        found[1].lower(): html.unescape(found[2] or found[3] or found[4] or "") for found in _ATTRIBUTE.finditer(tag)
    }
