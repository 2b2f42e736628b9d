"""Forms: bounded, and as plain texts."""

import re

from starlette.datastructures import FormData
from starlette.requests import Request

MAX_FIELDS = 200
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")  # nobody types them, and PostgreSQL refuses U+0000


class Form:
    """What was typed. Files are not taken here."""

    def __init__(self, data: FormData) -> None:
        self._data = data

    def text(self, name: str, default: str = "") -> str:
        """One field's text, its lines ended by a line feed."""
        value = self._data.get(name, default)
        return plain(value) if isinstance(value, str) else default

    def texts(self, name: str) -> tuple[str, ...]:
        """Every text given under a name."""
        return tuple(plain(value) for value in self._data.getlist(name) if isinstance(value, str))

    def whole(self, name: str) -> int | None:
        """A field's whole number; None when there is none."""
        text = self.text(name)
        return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None

    def named(self, prefix: str) -> dict[str, str]:
        """Fields whose names begin with a prefix, by the rest of the name."""
        return {
            plain(name.removeprefix(prefix)): plain(value)
            for name, value in self._data.items()
            if name.startswith(prefix) and isinstance(value, str)
        }


def plain(text: str) -> str:
    """A text without control characters; its lines end as they do here, not as forms send them."""
    return _UNPRINTABLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


async def form_of(request: Request) -> Form:
    """The form that a request posts."""
    return Form(await request.form(max_files=0, max_fields=MAX_FIELDS))
