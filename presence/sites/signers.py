"""The keys that sites sign with who their customers are, and believing it: once each.

A shared secret is derived from the server's own, by site and kid: a stolen database has nothing that signs. Several keys are
good at once, so that a site changes them without a gap.
"""

from typing import NamedTuple

import structlog
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from sqlalchemy import Connection

from presence.clock import Clock
from presence.errors import FieldError, IdentityRefused, Invalid, NotFound
from presence.i18n import N_
from presence.sites import identity, store
from presence.sites.identity import Assertion, Reason, Refused, Signer
from presence.sites.model import Key, Site
from presence.storage.database import Database
from presence.tokens import derived_secret, fingerprint, random_token

log = structlog.get_logger(__name__)

KEPT = 900  # seconds for which what expired is still remembered, lest it be good again by a clock that is behind

_SAID: dict[Reason, str] = {
    "malformed": N_("The token is no JWT: three parts of base64url, with JSON in the first two"),
    "algorithm": N_("The token is signed by another algorithm than the key it names is for"),
    "key": N_("The token names no key (kid) of this site that is in use"),
    "signature": N_("The token is not signed by the key that it names"),
    "audience": N_("The token is for somebody else: its aud must be %(audience)s"),
    "expired": N_("The token has expired, or is not good yet: look at the clock of the server that signs it"),
    "too-long": N_("The token is good for too long: at most 300 seconds may lie between iat and exp"),
    "replayed": N_("The token was used before: sign a new one, with another jti, each time"),
    "claims": N_("The token lacks sub, name, email, iat, exp or jti, or one of them is not of its kind"),
}


class Made(NamedTuple):
    """A shared secret that is shown now, and not again."""

    kid: str
    secret: str


class Signers:
    """The keys of sites."""

    def __init__(self, database: Database, clock: Clock, secret_key: str) -> None:
        self._database = database
        self._clock = clock
        self._key = secret_key.encode()

    async def share(self, slug: str) -> Made:
        """Make a secret that a site signs with (HS256). `NotFound`."""
        kid = await self._add(slug, "HS256", "")
        return Made(kid, self.secret(slug, kid))

    async def take(self, slug: str, pem: str) -> str:
        """Take the public key of what a site signs with (EdDSA); returns its kid. `NotFound`; `Invalid` at "public_key"."""
        return await self._add(slug, "EdDSA", public_key_of(pem))

    async def _add(self, slug: str, algorithm: str, public_key: str) -> str:
        now, kid = self._clock.now(), f"k-{random_token()[:12]}"

        def work(connection: Connection) -> str:
            store.add_key(connection, _named(connection, slug).id, kid, algorithm, public_key, now)
            return kid

        return await self._database.write(work)

    async def listed(self, slug: str) -> list[Key]:
        """Every key of a site, the latest first, also those that have ended. `NotFound`."""
        return await self._database.read(lambda connection: store.keys_of(connection, _named(connection, slug).id))

    async def end(self, slug: str, kid: str, at: int | None = None) -> None:
        """Let a key sign nothing any more, from an instant on, or from now. `NotFound` when the site has no such key."""
        ends_at = self._clock.now() if at is None else at

        def work(connection: Connection) -> None:
            if not store.end_key(connection, _named(connection, slug).id, kid, ends_at):
                raise NotFound()

        await self._database.write(work)

    async def good(self, site: Site) -> tuple[Signer, ...]:
        """What a site can sign with now."""
        keys, now = await self._database.read(lambda connection: store.keys_of(connection, site.id)), self._clock.now()
        return tuple(
            Signer(one.kid, one.algorithm, one.public_key or self.secret(site.slug, one.kid))
            for one in keys
            if one.ends_at is None or one.ends_at > now
        )

    def secret(self, slug: str, kid: str) -> str:
        """The secret of a key (HS256): the same every time, and kept nowhere."""
        return derived_secret(self._key, "site signer", slug, kid)


class Vouching:
    """Believes sites who their customers are."""

    def __init__(self, database: Database, clock: Clock, signers: Signers, base_url: str) -> None:
        self._database = database
        self._clock = clock
        self._signers = signers
        self._base_url = base_url.rstrip("/")

    def audience(self, site: Site) -> str:
        """Whom a site's tokens are for: its pages here, and nobody else."""
        return f"{self._base_url}/at/{site.embed_key}"

    async def vouch(self, site: Site, token: str) -> Assertion:
        """What a site says of its customer; `IdentityRefused`. A token is good once, whoever brings it first."""
        audience = self.audience(site)
        try:
            said = identity.read(token, await self._signers.good(site), audience, self._clock.now())
            await self._spend(site, said)
        except Refused as refused:
            log.info("identity refused", site=site.slug, reason=refused.reason)
            raise IdentityRefused(refused.reason, _SAID[refused.reason], audience=audience) from None
        return said

    async def _spend(self, site: Site, said: Assertion) -> None:
        now = self._clock.now()

        def work(connection: Connection) -> bool:
            store.forget_spent(connection, now - KEPT)
            return store.spend(connection, site.id, fingerprint(said.jti), said.expires_at)

        if not await self._database.write(work):
            raise Refused("replayed")


def public_key_of(pem: str) -> str:
    """An Ed25519 public key in PEM, as it is stored. `Invalid` at "public_key" when it is none."""
    if "PRIVATE KEY" in pem:
        error = FieldError("This is the private key: it stays with the site; what is needed is the public one")
        raise Invalid({"public_key": error})
    try:
        key = load_pem_public_key(pem.strip().encode())
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise Invalid({"public_key": FieldError("An Ed25519 public key in PEM is needed: -----BEGIN PUBLIC KEY-----")})
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _named(connection: Connection, slug: str) -> Site:
    site = store.by_slug(connection, slug)
    if site is None:
        raise NotFound()
    return site
