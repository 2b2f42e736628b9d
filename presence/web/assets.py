"""Static files, under an address that changes with their content, so that browsers may keep them for ever."""

import gzip
import hashlib
import mimetypes
import posixpath
import re
from pathlib import Path

from starlette.datastructures import Headers
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

# What is written for who reads the source: indentation, and comments. No string of ours looks like one; a test compares.
_READERS = {
    ".js": re.compile(
        r"^[ \t]*(?:/\*\*(?:(?!\*/)[\s\S])*\*/|//.*)$|/\*\* @.*?\*/ ?|[ \t]+// .*$|^[ \t]+", re.MULTILINE
    ),
    ".css": re.compile(r"/\*[\s\S]*?\*/|^[ \t]+", re.MULTILINE),
}

OTHERS = "widget/"  # what pages of other origins load: modules are asked for with CORS

_IMPORT = re.compile(r'^(?:import|export) [^"]*"(\.[^"]+)"', re.MULTILINE)

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


def lean(name: str, text: str) -> str:
    """A script or style as browsers need it. Its lines keep their numbers, so that what a browser complains of is found."""
    readers = _READERS.get(Path(name).suffix)
    return text if readers is None else readers.sub(lambda found: "\n" * found[0].count("\n"), text)


class Assets(StaticFiles):
    """Serves `static/`; `url` gives the address of a file. Texts are kept in memory as they are sent: small and compressed."""

    def __init__(self) -> None:
        directory = static_directory()
        super().__init__(directory=directory)
        self.version = content_version(directory)
        self.prefix = f"/static/{self.version}"
        self._imports: dict[str, list[str]] = {}
        self._kept: dict[str, tuple[str, bytes, bytes]] = {}  # by path: type, plain, gzip

    def url(self, name: str) -> str:
        """The address of a file, such as "styles/tokens.css"."""
        return f"{self.prefix}/{name}"

    def modules(self, name: str) -> list[str]:
        """The addresses of every module that a module imports, or they import: to be fetched at once, not in turn."""
        if name in self._imports:
            return self._imports[name]
        found = [name]
        for one in found:
            directory = Path(one).parent
            for target in _IMPORT.findall((static_directory() / one).read_text()):
                imported = posixpath.normpath(directory / target)
                if imported not in found:
                    found.append(imported)
        self._imports[name] = [self.url(one) for one in found[1:]]
        return self._imports[name]

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if response.status_code == 200 and Path(path).suffix in _READERS:
            response = self._text(path, "gzip" in Headers(scope=scope).get("accept-encoding", ""))
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        if path.startswith(OTHERS):
            response.headers["Access-Control-Allow-Origin"] = "*"
            response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        if path.startswith("widget/"):  # modules that other sites' pages fetch
            response.headers["Access-Control-Allow-Origin"] = "*"
            response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        return response

    def _text(self, path: str, compressed: bool) -> Response:
        kept = self._kept.get(path)
        if kept is None:
            file, _ = self.lookup_path(path)
            plain = lean(path, Path(file).read_text()).encode()
            kind = mimetypes.guess_type(path)[0] or "text/plain"
            kept = self._kept[path] = (kind, plain, gzip.compress(plain, mtime=0))
        kind, plain, small = kept
        headers = {"Vary": "Accept-Encoding", "X-Content-Type-Options": "nosniff"}
        if compressed:
            headers["Content-Encoding"] = "gzip"
        return Response(small if compressed else plain, media_type=kind, headers=headers)
