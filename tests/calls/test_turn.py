"""What browsers are told of STUN and TURN."""

import base64
import subprocess

import pytest

from presence.calls.turn import ice, password, pseudonym
from presence.config import CallsConfig
from tests.support import MONDAY

TURN = CallsConfig(
    stun_urls=("stun:turn.bank.example:3478",),
    turn_urls=("turn:turn.bank.example:3478?transport=udp", "turns:turn.bank.example:443?transport=tcp"),
    turn_secret="north",
)


@pytest.mark.parametrize(
    ("secret", "username", "made"),
    [
        ("key", "The quick brown fox jumps over the lazy dog", "3nybhbi3iqa8ino29wqQcBydtNk="),  # the well-known vector
        ("Jefe", "what do ya want for nothing?", "7/zfauXrL6LSdBbV8YTfnCWafHk="),  # RFC 2202, 3, case 2
        ("north", "1780902000:carol", "AVDLye2sBJbqMYuQ9qkAm/nPmDc="),
    ],
)
def test_passwords_are_made_as_others_make_them(secret: str, username: str, made: str) -> None:
    assert password(secret, username) == made
    openssl = subprocess.run(
        ["openssl", "dgst", "-sha1", "-hmac", secret, "-binary"],
        input=username.encode(),
        capture_output=True,
        check=True,
    )
    assert base64.b64encode(openssl.stdout).decode() == made


def test_turn_opens_for_as_long_as_is_said_and_no_longer() -> None:
    turn = ice(TURN, MONDAY, "visitor:7")
    stun, relay = turn.ice_servers
    assert stun == {"urls": ["stun:turn.bank.example:3478"]}
    assert relay["urls"] == list(TURN.turn_urls)
    assert relay["username"] == f"{MONDAY + 3600}:{pseudonym('north', 'visitor:7')}"
    assert relay["credential"] == password("north", relay["username"])
    assert (turn.until, turn.relay_only) == ((MONDAY + 3600) * 1000, False)


def test_who_only_looks_at_their_network_has_a_minute() -> None:
    turn = ice(TURN, MONDAY, "visitor:7", lasts=60)
    assert turn.until == (MONDAY + 60) * 1000
    assert turn.ice_servers[1]["username"].startswith(f"{MONDAY + 60}:")


def test_the_turn_server_learns_nobodys_id_but_can_tell_them_apart() -> None:
    names = {
        who: ice(TURN, MONDAY, who).ice_servers[1]["username"].partition(":")[2] for who in ("visitor:7", "adviser:7")
    }
    assert len(set(names.values())) == 2
    assert all(len(name) == 22 and "visitor" not in name for name in names.values())
    assert pseudonym("north", "visitor:7") == names["visitor:7"]  # the same the next time
    assert pseudonym("south", "visitor:7") != names["visitor:7"]  # and not to be guessed without the secret


def test_with_relay_only_nothing_is_asked_for_ones_own_address() -> None:
    config = CallsConfig(stun_urls=TURN.stun_urls, turn_urls=TURN.turn_urls, turn_secret="north", relay_only=True)
    turn = ice(config, MONDAY, "visitor:7")
    assert turn.relay_only
    assert [server["urls"] for server in turn.ice_servers] == [list(TURN.turn_urls)]


def test_stun_alone_or_nothing_at_all_will_do() -> None:
    assert ice(CallsConfig(stun_urls=("stun:a.example",)), MONDAY, "visitor:7").ice_servers == [
        {"urls": ["stun:a.example"]}
    ]
    nothing = ice(CallsConfig(), MONDAY, "visitor:7")
    assert (nothing.ice_servers, nothing.until) == ([], (MONDAY + 3600) * 1000)
