"""The embedding site as presence knows it: its key, its origins, its look and its words."""

from collections.abc import Callable, Sequence
from typing import Any

import jwt
import msgspec

from presence.clock import Clock
from presence.config import Config
from presence.first import first_of, sow
from presence.sites.identity import LIFE, Signer
from presence.sites.service import Sites
from presence.sites.signers import Signers, Vouching
from presence.storage.database import Database
from presence.tokens import derived_token, random_token

SLUG = "banque-lumiere"
EMBED_KEY = "demo-of-banque-lumiere"

SETTINGS: dict[str, Any] = {
    "theme": {"accent": "#1b4fa8", "accent_dark": "#9dbcff"},
    "words": {
        "en": {"title": "Ask us", "lede": "A person answers, every day from 8 to 22."},
        "fr": {"title": "Parlez-nous", "lede": "Une personne vous répond, tous les jours de 8 h à 22 h."},
    },
    "greetings": [
        {
            "text": {
                "en": "Alice is there just now. Shall she call you back on your project?",
                "fr": "Alice est là en ce moment. Souhaitez-vous qu’elle vous rappelle au sujet de votre projet ?",
            },
            "page": "/*/adviser",
            "after": 20,
        }
    ],
}


def entry(secret_key: str) -> dict[str, Any]:
    """The site in the demo's configuration; its key for the API is the demo's own."""
    key = derived_token(secret_key.encode(), "demo site")
    return {"slug": SLUG, "name": "Banque Lumière", "key": key, "embed_key": EMBED_KEY, "settings": SETTINGS}


async def allow(config: Config, clock: Clock, origins: Sequence[str]) -> Callable[[], str]:
    """Add the site when it is not there yet, and let the pages of these origins embed it: ports change from start to start.

    Returns what signs who the site's customer is: Carol, anew each time.
    """
    database = Database(config.database.url)
    await database.open()
    try:
        await sow(database, first_of(config), clock.now())
        sites = Sites(database, clock)
        site = await sites.named(SLUG)
        await sites.change(SLUG, site.name, msgspec.structs.replace(site.settings, origins=tuple(origins)))
        signers = Signers(database, clock, config.server.secret_key)
        shared = [one for one in await signers.good(site) if one.algorithm == "HS256"]
        if not shared:
            await signers.share(SLUG)
            shared = [one for one in await signers.good(site) if one.algorithm == "HS256"]
        audience = Vouching(database, clock, signers, config.server.base_url).audience(site)
    finally:
        await database.close()
    return lambda: carols(shared[0], audience, clock.now())


def carols(signer: Signer, audience: str, now: int) -> str:
    """What the bank's server signs of Carol, for whom its session says she is."""
    claims = {
        "sub": "customer-4711",
        "name": "Carol Petit",
        "email": "carol@demo.example",
        "aud": audience,
        "iat": now,
        "exp": now + LIFE,
        "jti": random_token(),
    }
    return jwt.encode(claims, signer.material, signer.algorithm, headers={"kid": signer.kid})
