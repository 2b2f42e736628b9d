"""An adviser of the demo, over a socket of their own: present from the beginning of the block to its end, and gone at once."""

from typing import Self
from urllib.parse import urlsplit

from presence.demo import PASSWORD
from presence.web.csrf import token_for
from tests.chat.cast import Adviser, Bank


class Demo(Bank):
    """The demo as a bank whose inside we cannot reach."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.port = urlsplit(url).port or 80


class AtDemo(Adviser):
    """Somebody at the demo's dashboard."""

    def __init__(self, url: str, slug: str = "alice") -> None:
        super().__init__(Demo(url), slug)
        self.took: list[str] = []

    async def __aenter__(self) -> Self:
        await self.sign_in()
        await self.post("/desk/presence", wish="available")  # whatever they set before
        await self.connect()
        await self.seen_as("available")
        return self

    async def __aexit__(self, *error: object) -> None:
        for c in self.took:
            await self.do(c, "close")
        await self.post("/sign-out")
        await super().__aexit__(*error)

    async def sign_in(self) -> None:
        form = {"email": f"{self.slug}@demo.example", "password": PASSWORD}
        answer = await self.http.post("/sign-in", data=form, follow_redirects=False)
        assert answer.status_code == 303, answer.text
        self.http.headers["X-CSRF-Token"] = token_for(self.http.cookies["presence"])

    async def take(self, c: str) -> None:
        await super().take(c)
        self.took.append(c)


async def nobody_waits(url: str) -> None:
    """Close what earlier tests left open: it would be offered to whoever comes next."""
    mona = AtDemo(url, "mona")  # she sees everything
    try:
        await mona.sign_in()
        rows = (await mona.http.get("/desk/inbox?view=all")).json()["rows"]
        for row in rows:
            if row["state"] != "closed":
                assert (await mona.do(row["c"], "close")).status_code == 200
    finally:
        await mona.http.aclose()
