"""Pages of a company, which embed us: on 127.0.0.1, and so on another site than ours, which is on localhost."""

import asyncio
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from presence.clock import SystemClock
from presence.sites.service import Sites
from presence.sites.settings import Settings
from presence.storage.database import Database


class Host:
    """Serves what it is given, on a port of its own."""

    def __init__(self) -> None:
        self._pages: dict[str, tuple[bytes, dict[str, str]]] = {}
        pages = self._pages

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body, headers = pages.get(urlsplit(self.path).path, (b"", {}))
                self.send_response(200 if body else 204 if self.path == "/favicon.ico" else 404)
                for name, value in {"Content-Type": "text/html; charset=utf-8", **headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Nobody reads it."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def page(self, path: str, html: str, headers: Mapping[str, str] | None = None) -> str:
        """Serve a page from now on; returns its address."""
        self._pages[path] = (html.encode(), dict(headers or {}))
        return self.origin + path

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


async def add_site(directory: Path, slug: str, settings: Settings) -> str:
    """Put a site into the demo's data, as an operator would; returns the key for its pages."""
    database = Database(f"sqlite:///{directory / 'presence.db'}")
    await database.open()
    try:
        sites = Sites(database, SystemClock())
        await sites.add(slug, slug.capitalize(), settings=settings)
        return (await sites.named(slug)).embed_key
    finally:
        await database.close()


def add_site_now(directory: Path, slug: str, settings: Settings) -> str:
    """The same for fixtures, which have no loop."""
    return asyncio.run(add_site(directory, slug, settings))


def snippet(demo: str, key: str, more: str = "") -> str:
    """The line that a company puts into its pages."""
    return f'<script async src="{demo}/widget.js" data-site="{key}"{more}></script>'


def document(body: str, *, head: str = "", attributes: str = 'lang="en"') -> str:
    """A plain page of a company's."""
    return (
        f"<!doctype html><html {attributes}><head><meta charset=utf-8>"
        f'<meta name=viewport content="width=device-width, initial-scale=1"><title>Maison Soleil</title>{head}</head>'
        f"<body>{body}</body></html>"
    )
