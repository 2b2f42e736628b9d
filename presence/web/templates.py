"""Pages' templates: escaped, strict about what is missing, in the reader's language."""

import re
from collections.abc import Callable
from pathlib import Path
from types import CodeType
from typing import Any

from jinja2 import BytecodeCache, Environment, FileSystemLoader, StrictUndefined
from jinja2.bccache import Bucket
from jinja2.ext import Extension

from presence.i18n import translator

DIRECTORY = Path(__file__).resolve().parent.parent / "templates"
CSRF_FIELD = "csrf"
_FORM = re.compile(r'<form\b[^>]*\bmethod="post"[^>]*>', re.IGNORECASE)
_TOKEN = (
    f'{{% if csrf is defined and csrf %}}<input type="hidden" name="{CSRF_FIELD}" value="{{{{ csrf }}}}">{{% endif %}}'
)


class Compiled(BytecodeCache):
    """Templates' code, made once a process: a process of the tests has hundreds of applications."""

    def __init__(self) -> None:
        self._codes: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._codes.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        if bucket.code is not None:
            self._codes[bucket.key, bucket.checksum] = bucket.code


_COMPILED = Compiled()


class TokenInForms(Extension):
    """Puts the session's token (`presence.web.csrf`) into every form that a template posts, so that none forgets it."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        return _FORM.sub(lambda found: found[0] + _TOKEN, source)


class Templates:
    """Renders a template in a language. Templates see `_`, `ngettext`, `t`, `language`, `asset`, `icon` and `sprite`."""

    def __init__(self, asset: Callable[[str], str], **shared: Any) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(DIRECTORY),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            bytecode_cache=_COMPILED,
            extensions=[TokenInForms],
        )
        self._environment.filters["upfirst"] = upfirst
        icons: Any = self._environment.get_template("icons.html").module
        self._environment.globals.update(asset=asset, icon=icons.icon, sprite=icons.sprite, **shared)

    def render(self, name: str, language: str, **context: Any) -> str:
        """The text of a page."""
        t = translator(language)
        return self._environment.get_template(name).render(
            context, _=t.gettext, ngettext=t.ngettext, t=t, language=language
        )


def upfirst(text: str) -> str:
    """A text with its first letter large; the others as they are."""
    return text[:1].upper() + text[1:]
