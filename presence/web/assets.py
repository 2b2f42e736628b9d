"""Static files, under an address that changes with their content, so that browsers may keep them for ever."""

import hashlib
import mimetypes
from pathlib import Path

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

# Said here, for machines differ in what they know, and browsers that may not sniff refuse what is misnamed.
for _ending, _type in (
    (".js", "text/javascript"),
    (".css", "text/css"),
    (".svg", "image/svg+xml"),
    (".woff2", "font/woff2"),
):
    mimetypes.add_type(_type, _ending)

_HERE = Path(__file__).resolve().parent.parent


def static_directory() -> Path:
    """Where the files are: inside an installed package, or beside it in a checkout."""
    installed = _HERE / "static"
    return installed if installed.is_dir() else _HERE.parent / "static"


def content_version(directory: Path) -> str:
    """A name for the content of all files."""
    digest = hashlib.blake2b(digest_size=6)
    for file in sorted(path for path in directory.rglob("*") if path.is_file()):
        digest.update(file.relative_to(directory).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


class Assets(StaticFiles):
    """Serves `static/`; `url` gives the address of a file."""

    def __init__(self) -> None:
        directory = static_directory()
        super().__init__(directory=directory)
        self.version = content_version(directory)
        self.prefix = f"/static/{self.version}"

    def url(self, name: str) -> str:
        """The address of a file, such as "styles/tokens.css"."""
        return f"{self.prefix}/{name}"

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response
