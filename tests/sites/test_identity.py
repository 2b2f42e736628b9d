"""What a site signs of its customer: what is believed, and the reason for each that is not."""

import base64
import hashlib
import hmac
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from presence.sites.identity import LEEWAY, LIFE, MAX_BYTES, Assertion, Refused, Signer, read

NOW = 1_795_690_800
AUDIENCE = "https://presence.example/at/the-key-of-the-shop"
SECRET = "5ec3e7" * 10
SIGNING = Ed25519PrivateKey.generate()
PUBLIC = SIGNING.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
SHARED = Signer("k-shared", "HS256", SECRET)
ED = Signer("k-ed", "EdDSA", PUBLIC)
SIGNERS = (SHARED, ED)
CLAIMS: dict[str, Any] = {
    "sub": "c-1017",
    "name": "Carol Jones",
    "email": "carol@customers.example",
    "iat": NOW,
    "exp": NOW + 120,
    "jti": "0123456789abcdef",
    "aud": AUDIENCE,
}


def claims(**changes: Any) -> dict[str, Any]:
    """Claims with others; those that are None are left away."""
    return {name: value for name, value in {**CLAIMS, **changes}.items() if value is not None}


def signed(by: Signer = SHARED, header: dict[str, Any] | None = None, **changes: Any) -> str:
    key = SIGNING if by.algorithm == "EdDSA" else by.material
    return jwt.encode(claims(**changes), key, by.algorithm, headers={"kid": by.kid, **(header or {})})


def part(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def sealed(header: object, payload: object, secret: str = SECRET) -> str:
    """A token of any kind that the shared secret has signed."""
    text = f"{part(header)}.{part(payload)}"
    return f"{text}.{part(hmac.digest(secret.encode(), text.encode(), hashlib.sha256))}"


def refused(token: str, now: int = NOW) -> str:
    with pytest.raises(Refused) as error:
        read(token, SIGNERS, AUDIENCE, now)
    return error.value.reason


@pytest.mark.parametrize("signer", SIGNERS)
def test_a_customer_is_who_their_site_says(signer: Signer) -> None:
    found = read(signed(signer), SIGNERS, AUDIENCE, NOW)
    assert found == Assertion("c-1017", "Carol Jones", "carol@customers.example", "0123456789abcdef", NOW + 120)


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": [AUDIENCE]},
        {"exp": NOW + LIFE},
        {"iat": NOW + LEEWAY, "exp": NOW + LEEWAY + LIFE},
        {"iat": NOW - LIFE - LEEWAY + 1, "exp": NOW - LEEWAY + 1},
        {"iat": NOW + 0.25, "exp": NOW + 100.5},
        {"nbf": NOW + LEEWAY},
        {"jti": "x" * 8},
        {"jti": "x" * 128},
        {"sub": "é" * 255},
        {"name": "x" * 120},
        {"roles": ["gold"], "iss": "https://shop.example"},
    ],
)
def test_what_lies_within_the_bounds_is_believed(changes: dict[str, Any]) -> None:
    assert read(signed(**changes), SIGNERS, AUDIENCE, NOW).name


def test_blanks_around_a_name_are_not_part_of_it() -> None:
    assert read(signed(name=" Carol\t Jones "), SIGNERS, AUDIENCE, NOW).name == "Carol Jones"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"aud": "https://presence.example/at/another-key"}, "audience"),
        ({"aud": AUDIENCE + "/"}, "audience"),
        ({"aud": AUDIENCE.replace("https", "http")}, "audience"),
        ({"aud": [AUDIENCE, "https://other.example"]}, "audience"),
        ({"aud": []}, "audience"),
        ({"aud": None}, "audience"),
        ({"aud": 7}, "claims"),
        ({"exp": NOW + LIFE + 1}, "too-long"),
        ({"iat": 0}, "too-long"),
        ({"iat": NOW - 130, "exp": NOW - LEEWAY}, "expired"),
        ({"iat": NOW + LEEWAY + 1, "exp": NOW + LEEWAY + 2}, "expired"),
        ({"nbf": NOW + LEEWAY + 1}, "expired"),
        ({"iat": NOW, "exp": NOW}, "claims"),
        ({"iat": NOW, "exp": NOW - 10}, "claims"),
        *(({name: None}, "claims") for name in ("sub", "name", "email", "iat", "exp", "jti")),
        *(({name: 7}, "claims") for name in ("name", "email")),
        *(({name: "7"}, "claims") for name in ("iat", "exp", "nbf")),
        *(({name: True}, "claims") for name in ("iat", "exp")),
        ({"sub": ""}, "claims"),
        ({"sub": "x" * 256}, "claims"),
        ({"sub": "c\x001"}, "claims"),
        ({"name": "  "}, "claims"),
        ({"name": "x" * 121}, "claims"),
        ({"name": "Carol\x1b[31m"}, "claims"),
        ({"email": "carol"}, "claims"),
        ({"email": "carol@customers.example\r\nBcc: mallory@evil.example"}, "claims"),
        ({"jti": "x" * 7}, "claims"),
        ({"jti": "x" * 129}, "claims"),
    ],
)
@pytest.mark.parametrize("signer", SIGNERS)
def test_what_does_not_is_refused_with_its_reason(signer: Signer, changes: dict[str, Any], reason: str) -> None:
    header = {"alg": signer.algorithm, "kid": signer.kid}
    text = f"{part(header)}.{part(claims(**changes))}"
    seal = SIGNING.sign(text.encode()) if signer is ED else hmac.digest(SECRET.encode(), text.encode(), "sha256")
    assert refused(f"{text}.{part(seal)}") == reason


# -- keys and algorithms --------------------------------------------------------------------------------------------


def test_the_key_fixes_the_algorithm() -> None:
    """RFC 8725 2.1: nobody signs with a public key as if it were a secret, and nobody leaves the signature away."""
    confused = {"alg": "HS256", "kid": ED.kid}
    assert refused(sealed(confused, CLAIMS, PUBLIC)) == "algorithm"
    assert refused(sealed(confused, CLAIMS, PUBLIC.strip())) == "algorithm"
    assert refused(signed(ED, {"kid": SHARED.kid})) == "algorithm"
    for name in ("none", "None", "NONE", "nOnE", "", "hs256", "HS512", "RS256", "ES256", "Ed448", "EdDSA "):
        assert refused(sealed({"alg": name, "kid": SHARED.kid}, CLAIMS)) == "algorithm"
    for unsigned in (part({"alg": "none", "kid": SHARED.kid}), part({"kid": SHARED.kid})):
        assert refused(f"{unsigned}.{part(CLAIMS)}.") == "algorithm"


def test_a_public_key_is_no_secret_also_where_somebody_stored_it_as_one() -> None:
    wrong = Signer("k-wrong", "HS256", PUBLIC)
    token = sealed({"alg": "HS256", "kid": wrong.kid}, CLAIMS, PUBLIC)
    with pytest.raises(Refused) as error:
        read(token, [wrong], AUDIENCE, NOW)
    assert error.value.reason == "key"


def test_a_key_is_named_and_is_one_of_the_sites() -> None:
    for header in ({}, {"kid": ""}, {"kid": "k-of-another"}, {"kid": "K-SHARED"}):
        assert refused(sealed({"alg": "HS256", **header}, CLAIMS)) == "key"
    assert refused(sealed({"alg": "HS256", "kid": 7}, CLAIMS)) == "malformed"
    other = generate_private_key(SECP256R1())
    assert refused(jwt.encode(CLAIMS, other, "ES256", headers={"kid": ED.kid})) == "algorithm"


def test_a_key_within_the_token_is_not_looked_at() -> None:
    mallory = Ed25519PrivateKey.generate()
    point = part(mallory.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
    header = {"kid": ED.kid, "jwk": {"kty": "OKP", "crv": "Ed25519", "x": point}, "jku": "https://evil.example/jwks"}
    assert refused(jwt.encode(CLAIMS, mallory, "EdDSA", headers=header)) == "signature"


@pytest.mark.parametrize("signer", SIGNERS)
def test_what_was_changed_after_it_was_signed_is_refused(signer: Signer) -> None:
    header, payload, seal = signed(signer).split(".")
    for token in (
        f"{header}.{part({**CLAIMS, 'sub': 'd-1'})}.{seal}",
        f"{header}.{payload}.{seal[:-4]}AAAA",
        f"{header}.{payload}.",
        f"{part({'alg': signer.algorithm, 'kid': signer.kid, 'x': 1})}.{payload}.{seal}",
    ):
        assert refused(token) == "signature"
    assert refused(sealed({"alg": "HS256", "kid": SHARED.kid}, CLAIMS, "another secret")) == "signature"


def test_while_keys_change_both_are_good() -> None:
    new = Signer("k-new", "HS256", "another secret, 0123456789 0123456789")
    for signer in (SHARED, new):
        assert read(signed(signer), [new, SHARED], AUDIENCE, NOW)
    with pytest.raises(Refused) as error:
        read(signed(SHARED), [new], AUDIENCE, NOW)
    assert error.value.reason == "key"


# -- garbage --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "token",
    [
        "",
        "..",
        "a.b",
        "a.b.c.d",
        "é.é.é",
        "\x00.\x00.\x00",
        f"{part(b'not json')}.{part(CLAIMS)}.AAAA",
        f"{part([])}.{part(CLAIMS)}.AAAA",
        f"{part({'alg': 7})}.{part(CLAIMS)}.AAAA",
        f"{part(b'[' * 2_500)}.{part(CLAIMS)}.AAAA",
        f"{part({'alg': 'HS256', 'kid': SHARED.kid})}.é.AAAA",
        signed(name="x" * MAX_BYTES),
        signed() + "." + "x" * 10,
        sealed({"alg": "HS256", "kid": SHARED.kid, "crit": ["exp"], "exp": NOW}, CLAIMS),
        sealed({"alg": "HS256", "kid": SHARED.kid, "crit": ["b64"], "b64": False}, CLAIMS),
        sealed({"alg": "HS256", "kid": SHARED.kid, "b64": False}, CLAIMS),
        sealed({"alg": "HS256", "kid": SHARED.kid}, b"not json"),
        sealed({"alg": "HS256", "kid": SHARED.kid}, b'{"sub": "\xff"}'),
        sealed({"alg": "HS256", "kid": SHARED.kid}, b'{"x":' + b"[" * 2_500),
    ],
)
def test_what_is_no_token_is_refused(token: str) -> None:
    assert refused(token) == "malformed"


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.text() | st.from_regex(r"[A-Za-z0-9_=-]{0,40}\.[A-Za-z0-9_=-]{0,40}\.[A-Za-z0-9_=-]{0,40}"))
def test_garbage_is_refused_and_nothing_worse(token: str) -> None:
    assert refused(token)


@given(_JSON | st.dictionaries(st.sampled_from(("alg", "kid", "crit", "b64", "typ")), _JSON), _JSON)
def test_so_is_garbage_in_json(header: object, payload: object) -> None:
    assert refused(sealed(header, payload))


@given(st.dictionaries(st.sampled_from(tuple(CLAIMS)), _JSON, min_size=1))
def test_so_are_claims_of_all_kinds_that_were_signed(changes: dict[str, Any]) -> None:
    token = sealed({"alg": "HS256", "kid": SHARED.kid}, {**CLAIMS, **changes})
    try:
        found = read(token, SIGNERS, AUDIENCE, NOW)
    except Refused:
        return
    assert (found.subject + found.name + found.jti).encode("utf-8")
    assert "\x00" not in found.subject + found.name
    assert NOW - LEEWAY < found.expires_at <= NOW + LIFE + LEEWAY


def test_what_openssl_writes_as_a_private_key_signs_too() -> None:
    pem = SIGNING.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    assert read(jwt.encode(CLAIMS, pem, "EdDSA", headers={"kid": ED.kid}), SIGNERS, AUDIENCE, NOW)
