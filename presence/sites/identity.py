"""Who a site says its customer is: a JSON Web Token (RFC 7519) that its server has signed. Pure.

What is believed is fixed by the key that a token names, never by the token (RFC 8725 3.1): one algorithm each, and no secret
can be taken for a public key, or the other way round.
"""

import base64
import unicodedata
from collections.abc import Iterable
from typing import Literal, NamedTuple, TypeVar

import jwt
import msgspec
from jwt.api_jws import PyJWS

from presence.addresses import addressable

T = TypeVar("T")

Algorithm = Literal["EdDSA", "HS256"]
Reason = Literal["malformed", "algorithm", "key", "signature", "audience", "expired", "too-long", "replayed", "claims"]

LIFE = 300  # seconds from `iat` to `exp` at most
LEEWAY = 30  # seconds by which the site's clock may be wrong
MAX_BYTES = 4096
MAX_SUBJECT = 255  # characters
MAX_NAME = 120
_JTI = range(8, 129)  # characters
_ALGORITHMS: tuple[Algorithm, ...] = ("EdDSA", "HS256")
_JWS = PyJWS(algorithms=list(_ALGORITHMS))


class Refused(Exception):
    """A token is not believed."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


class Signer(NamedTuple):
    """A key of a site. `material`: the public key in PEM (EdDSA), or the secret (HS256), whose bytes are its characters."""

    kid: str
    algorithm: str
    material: str


class Assertion(NamedTuple):
    """What a site says of its customer, once. `expires_at` is an instant."""

    subject: str  # the site's own name for them
    name: str
    email: str
    jti: str
    expires_at: int


class _Header(msgspec.Struct):
    alg: str = ""
    kid: str = ""
    crit: msgspec.Raw | None = None


class _Claims(msgspec.Struct):
    sub: str
    name: str
    email: str
    iat: int | float
    exp: int | float
    jti: str
    aud: str | list[str] = ""
    nbf: int | float = 0


def read(token: str, signers: Iterable[Signer], audience: str, now: int) -> Assertion:
    """What a token says, if one of the signers has signed it for this audience and it is good now; `Refused` tells why not.

    Whether it was brought before is for who keeps that.
    """
    header = _header(token)
    if header.alg not in _ALGORITHMS:
        raise Refused("algorithm")
    signer = next((one for one in signers if one.kid == header.kid), None)
    if signer is None:
        raise Refused("key")
    if header.alg != signer.algorithm:
        raise Refused("algorithm")
    try:
        signed = _JWS.decode(token, signer.material, algorithms=[signer.algorithm])
    except jwt.InvalidSignatureError:
        raise Refused("signature") from None
    except jwt.InvalidKeyError:  # such as a public key as the secret of HS256
        raise Refused("key") from None
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise Refused("malformed") from None
    return _believed(_decoded(signed, _Claims, "claims"), audience, now)


def _header(token: str) -> _Header:
    if not token.isascii() or len(token) > MAX_BYTES or token.count(".") != 2:
        raise Refused("malformed")
    first = token.partition(".")[0]
    try:
        raw = base64.urlsafe_b64decode(first + "=" * (-len(first) % 4))
    except ValueError:
        raise Refused("malformed") from None
    header = _decoded(raw, _Header, "malformed")
    if header.crit is not None:  # RFC 7515 4.1.11: whoever does not know what is critical refuses it
        raise Refused("malformed")
    return header


def _decoded(raw: bytes, shape: type[T], otherwise: Reason) -> T:
    """JSON as a struct; `otherwise` when it is JSON, but not of this shape."""
    try:
        return msgspec.json.decode(raw, type=shape)
    except msgspec.ValidationError:
        raise Refused(otherwise) from None
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise Refused("malformed") from None


def _believed(claims: _Claims, audience: str, now: int) -> Assertion:
    if claims.aud not in (audience, [audience]):
        raise Refused("audience")
    name = " ".join(claims.name.split())
    if not (
        0 < len(claims.sub) <= MAX_SUBJECT
        and 0 < len(name) <= MAX_NAME
        and len(claims.jti) in _JTI
        and _is_plain(claims.sub + name)
        and addressable(claims.email)
        and claims.iat < claims.exp
    ):
        raise Refused("claims")
    if claims.exp - claims.iat > LIFE:
        raise Refused("too-long")
    if now >= claims.exp + LEEWAY or now < max(claims.iat, claims.nbf) - LEEWAY:
        raise Refused("expired")
    return Assertion(claims.sub, name, claims.email, claims.jti, int(claims.exp))


def _is_plain(text: str) -> bool:
    return not any(unicodedata.category(one) in {"Cc", "Cs"} for one in text)
