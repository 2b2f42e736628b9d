"""Pages' templates: escaped, strict about what is missing, in the reader's language."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from presence.i18n import translator

DIRECTORY = Path(__file__).resolve().parent.parent / "templates"


class Templates:
    """Renders a template in a language. Templates see `_`, `ngettext`, `t`, `language` and `asset`."""

    def __init__(self, asset: Callable[[str], str], **shared: Any) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(DIRECTORY),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.filters["upfirst"] = upfirst
        self._environment.globals.update(asset=asset, **shared)

    def render(self, name: str, language: str, **context: Any) -> str:
        """The text of a page."""
        t = translator(language)
        return self._environment.get_template(name).render(
            context, _=t.gettext, ngettext=t.ngettext, t=t, language=language
        )


def upfirst(text: str) -> str:
    """A text with its first letter large; the others as they are."""
    return text[:1].upper() + text[1:]
