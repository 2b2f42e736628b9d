"""What the booking pages weigh, compressed, with everything they load; and that they load nothing from elsewhere.

Chromium measures the same in the tests; here it is computed from what the server answers, following every style sheet,
module and picture that a page names.

Run: python -m bench.weight
"""

import asyncio
import gzip
import re
import tempfile
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from bench import bank
from bench.client import Client, clients
from bench.ports import free_port
from bench.server import Server
from bench.smtp import sink
from bench.table import Row, alone

MOST = 30 * 1024
# What makes a browser load something: in HTML, in a style sheet, in a module. What `import(...)` names waits until it is needed.
_LOADS = re.compile(
    rb"""<(?:script|img|iframe|source|video|audio)\b[^>]*?\bsrc="([^"]+)"|<link\b(?=[^>]*\brel="(?:stylesheet|modulepreload|preload|icon|manifest)")[^>]*?\bhref="([^"]+)\"""",
)
_STYLES = re.compile(rb"""url\(["']?([^"')]+)["']?\)|@import\s+["']([^"']+)["']""")
_MODULES = re.compile(rb"""(?:\bfrom|\bimport)\s*["']([^"']+)["']""")


async def run(directory: Path) -> dict[str, tuple[int, list[str]]]:
    """Page -> compressed bytes in all, and what it asks of other hosts."""
    port, configuration = free_port(), directory / "bank.toml"
    async with sink() as mails:
        bank.write_configuration(
            configuration,
            port=port,
            database=f"sqlite:///{directory / 'presence.db'}",
            smtp_port=mails.port,
            advisers=[bank.adviser_entry(number) for number in range(300)],
            services=[bank.service_entry()],
        )
        async with Server.serve(configuration, port), clients(port, 1, {"Accept-Language": "fr"}) as (client,):
            pages = ["/book", "/book/talk", await _form_of(client)]
            names = ("services", "hours", "form")
            return {
                name: await weigh(client, f"http://localhost:{port}{page}")
                for name, page in zip(names, pages, strict=True)
            }


async def _form_of(client: Client) -> str:
    """Where the form of a chosen hour is."""
    chosen = re.search(rb'name="start" value="(\d+)"', (await client.get("/book/talk")).body)
    assert chosen is not None
    answer = await client.form("/book/talk/hold", f"start={chosen[1].decode()}")
    assert answer.status == 303, answer
    return answer.headers[b"location"].decode()


async def weigh(client: Client, page: str) -> tuple[int, list[str]]:
    """Follow what a page loads."""
    seen, open_, elsewhere, weight = set[str](), [page], list[str](), 0
    while open_:
        address = open_.pop()
        parts = urlsplit(address)
        if address in seen or parts.scheme == "data":
            continue
        seen.add(address)
        if parts.netloc != urlsplit(page).netloc:
            elsewhere.append(address)
            continue
        answer = await client.get(parts.path + (f"?{parts.query}" if parts.query else ""))
        if answer.status != 200:
            raise RuntimeError(f"{address}: {answer.status}")
        weight += len(gzip.compress(answer.body, 6))
        open_ += [urljoin(address, one) for one in _loaded(answer.headers.get(b"content-type", b""), answer.body)]
    return weight, elsewhere


def _loaded(kind: bytes, body: bytes) -> list[str]:
    pattern = {b"text/html": _LOADS, b"text/css": _STYLES, b"text/javascript": _MODULES}.get(kind.partition(b";")[0])
    found = pattern.findall(body) if pattern else []
    return [one.decode() for match in found for one in (match if isinstance(match, tuple) else (match,)) if one]


def main(short: bool = False) -> list[Row]:
    """The table's row."""
    with tempfile.TemporaryDirectory(prefix="presence-bench-") as directory:
        pages = asyncio.run(run(Path(directory)))
    elsewhere = [address for _, found in pages.values() for address in found]
    return [
        Row(
            "Booking page, compressed, with all that it loads (300 advisers)",
            "< 30 KB, no third-party request",
            ", ".join(f"{name} {weight / 1024:.1f} KB" for name, (weight, _) in pages.items())
            + f"; {len(elsewhere)} requests to others",
            not elsewhere and all(weight < MOST for weight, _ in pages.values()),
        )
    ]


if __name__ == "__main__":
    alone(main)
