"""The mails' templates: built-in ones, and a directory of the organisation's own that replaces any by name.

Compiled once a language, at the start, with what is translated already in place; HTML is escaped, text is
not. A template sees `_` and `ngettext` of the reader's language.
"""

import functools
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import (
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    StrictUndefined,
    Template,
    TemplateError,
    select_autoescape,
)
from jinja2.ext import Extension

from presence.errors import ConfigError
from presence.i18n import LANGUAGES, translator

BUILT_IN = Path(__file__).parent.parent / "templates" / "mail"


_FIXED_TEXT = re.compile(r'\b_\(("(?:[^"\\]|\\.)*")\)')  # _("..."), no places to fill in


class _Translated(Extension):
    """Puts the translation of every fixed text into the source: looked up once, not in every mail."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        t = translator(self.environment.globals["language"])
        return _FIXED_TEXT.sub(lambda found: json.dumps(t.gettext(json.loads(found[1])), ensure_ascii=False), source)


class MailTemplates:
    """Templates by name, such as "appointment.html" or "words/moved.txt"."""

    def __init__(self, override_dir: str = "") -> None:
        """Compile all; raises `ConfigError` naming a missing directory or a template with an error."""
        if override_dir and not Path(override_dir).is_dir():
            raise ConfigError(f"mail.templates: {override_dir!r} is not a directory")
        self._templates = _compiled((Path(override_dir), BUILT_IN)) if override_dir else _built_in()

    def render(self, name: str, language: str, context: dict[str, Any]) -> str:
        """A template's text in a language."""
        return self._templates[language, name].render(context)


def _compiled(directories: Sequence[Path]) -> dict[tuple[str, str], Template]:
    templates: dict[tuple[str, str], Template] = {}
    for language in LANGUAGES:
        environment = _environment(directories, language)
        for name in environment.list_templates(extensions=["html", "txt"]):
            try:
                template = templates[language, name] = environment.get_template(name)
                template.globals = dict(template.globals)  # each rendering copies them: slowly, while they are a chain
            except TemplateError as error:
                raise ConfigError(f"mail template {name!r}: {error}") from error
    return templates


@functools.cache
def _built_in() -> dict[tuple[str, str], Template]:
    """Compiled once a process: bookings and chat both write mails."""
    return _compiled([BUILT_IN])


def _environment(directories: Sequence[Path], language: str) -> Environment:
    environment = Environment(
        loader=ChoiceLoader([FileSystemLoader(directory) for directory in directories]),
        extensions=[_Translated],
        autoescape=select_autoescape(("html",), default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        cache_size=-1,
    )
    t = translator(language)
    environment.globals.update(language=language, t=t, _=t.gettext, ngettext=t.ngettext)
    return environment
