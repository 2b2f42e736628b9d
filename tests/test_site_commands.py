"""The commands for sites, as an operator types them."""

import asyncio
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from sqlalchemy.engine import make_url

from presence.cli import main
from presence.offline import look
from presence.site_commands import as_toml
from presence.sites.service import Sites
from presence.sites.settings import Greeting, Settings, Theme, Words
from presence.sites.signers import Signers, Vouching
from presence.storage.database import Database
from presence.storage.tenancy import alone
from tests.support import FrozenClock

SIGNING = Ed25519PrivateKey.generate()
PUBLIC = SIGNING.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
PRIVATE = SIGNING.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
SECRET_KEY = "k" * 40
CONFIG = f"""
[server]
base_url = "https://presence.example"
secret_key = "{SECRET_KEY}"
[database]
url = "sqlite:///presence.db"
[[teams]]
slug = "advice"
name = {{ en = "Advice" }}
[[services]]
slug = "talk"
name = {{ en = "A talk" }}
pool = {{ team = "advice" }}
"""


class Ended(NamedTuple):
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str


Say = Callable[..., Ended]


@pytest.fixture
def say(tmp_path: Path, migrated: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Say:
    """Runs a command in a directory with a configuration and an empty database."""
    shutil.copyfile(migrated, tmp_path / "presence.db")
    (tmp_path / "config.toml").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PRESENCE_CONFIG", "config.toml")
    monkeypatch.setenv("COLUMNS", "200")

    def said(*words: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["presence", *words])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        return Ended(int(ended.value.code or 0), captured.out, captured.err)

    return said


@pytest.fixture
def shop(say: Say) -> str:
    """A site; its API key."""
    return say("site", "add", "shop", "The shop", "--origin", "https://shop.example").out.strip()


def stored() -> Settings:
    return look(Path("config.toml"), lambda database: Sites(database, FrozenClock()).named("shop")).settings


def test_a_site_is_added_listed_and_put_into_pages(say: Say, shop: str) -> None:
    assert shop.startswith("pk_")
    (line,) = say("site", "list").out.splitlines()
    slug, _, _, embed_key, origin = line.split()
    assert (slug, origin) == ("shop", "https://shop.example")
    assert shop not in line
    snippet = f'<script async src="https://presence.example/widget.js" data-site="{embed_key}"></script>\n'
    assert say("site", "snippet", "shop") == (0, snippet, "")


def test_everything_can_be_set_in_words_of_the_command(say: Say, shop: str) -> None:
    words = ["--name", "La boutique", "--origin", "https://a.example", "--origin", "http://localhost:3000"]
    words += ["--capability", "chat", "--capability", "book", "--team", "advice", "--service", "talk"]
    words += ["--hours", "mon=09:00-12:00, 14:00-18:00", "--hours", "sat=10:00-12:00", "--zone", "Indian/Reunion"]
    words += ["--vouching", "required", "--accent", "#8a1538", "--accent-dark", "#f4a6bd", "--scheme", "dark"]
    words += ["--side", "start", "--offset-x", "0", "--offset-y", "80"]
    assert say("site", "set", "shop", *words) == (0, "shop is changed\n", "")
    settings = stored()
    assert settings.origins == ("https://a.example", "http://localhost:3000")
    assert (settings.capabilities, settings.team, settings.services) == (("chat", "book"), "advice", ("talk",))
    assert settings.hours is not None
    assert (settings.hours.mon, settings.hours.sat) == (("09:00-12:00", "14:00-18:00"), ("10:00-12:00",))
    assert (settings.zone, settings.vouching) == ("Indian/Reunion", "required")
    assert settings.theme == Theme(
        accent="#8a1538", accent_dark="#f4a6bd", scheme="dark", side="start", offset_x=0, offset_y=80
    )
    assert "La boutique" in say("site", "list").out
    say("site", "set", "shop", "--hours", "always", "--team", "", "--service", "")
    after = stored()
    assert (after.hours, after.team, after.services, after.vouching) == (None, "", (), "required")


def test_what_is_shown_can_be_changed_in_a_file_and_taken_back(say: Say, shop: str, tmp_path: Path) -> None:
    shown = say("site", "show", "shop").out
    assert shown.startswith("# The shop\n# public key: ")
    (tmp_path / "shop.toml").write_text(shown.replace("https://shop.example", "https://www.shop.example"))
    before = stored()
    assert say("site", "set", "shop", "--settings", "shop.toml", "--zone", "UTC").code == 0
    assert stored() == Settings(origins=("https://www.shop.example",), zone="UTC")
    assert before.origins == ("https://shop.example",)
    assert say("site", "add", "another", "Another", "--settings", "shop.toml").code == 0


def test_settings_are_the_same_after_they_were_written(say: Say, shop: str, tmp_path: Path) -> None:
    settings = Settings(
        words={"fr": Words(title='Un "titre" \\ à nous, # pas un commentaire')},
        greetings=(
            Greeting(text={"en": "Hello", "fr": "Bonjour 🎈"}, page="/*"),
            Greeting(text={"fr": "Là ?"}, scroll=5),
        ),
    )
    (tmp_path / "shop.toml").write_text(as_toml(settings))
    assert say("site", "set", "shop", "--settings", "shop.toml") == (0, "shop is changed\n", "")
    assert stored() == settings


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--origin", "https://shop.example/"], ["origins.0: ", "write https://shop.example"]),
        (["--team", "nobody"], ["team: There is no team nobody"]),
        (["--service", "talk", "--service", "nothing"], ["services: There is no service nothing"]),
        (
            ["--accent", "#ffee00", "--offset-x", "201"],
            ["theme.accent: It hardly stands out", "theme.offset_x: From 0"],
        ),
        (["--hours", "someday=09:00-12:00"], ["--hours: found 'someday'"]),
        (["--hours", "mon=late"], ["hours.mon: Hours are written"]),
        (["--capability", "fly"], ["--capability", "'fly'"]),
        (["--settings", "nothing.toml"], ["nothing.toml: No such file"]),
        (["--settings", "config.toml"], ["config.toml: Object contains unknown field"]),
        (["--logo", "config.toml"], ["logo: A PNG, WebP or JPEG picture is needed"]),
        (["--logo", "nothing.png"], ["nothing.png: No such file"]),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_changed(say: Say, shop: str, words: list[str], said: list[str]) -> None:
    before = stored()
    ended = say("site", "set", "shop", *words, "--zone", "UTC")
    assert (ended.code, ended.out) == (2, "")
    assert [one for one in said if one not in ended.err] == []
    assert stored() == before


def test_a_site_that_is_not_there_is_said_to_be_none(say: Say) -> None:
    for words in (["show", "x"], ["set", "x"], ["rotate", "x"], ["snippet", "x"], ["revoke", "x", "--yes"]):
        assert say("site", *words) == (2, "", "The configuration cannot be used:\nthere is no site 'x'\n")
    for words in (["add", "x"], ["list", "x"], ["end", "x", "k"], ["secret", "x", "k"]):
        assert "there is no site 'x'" in say("site", "signer", *words).err
    assert say("site", "add", "The shop", "The shop").err.startswith("slug: ")


def test_keys_are_changed_and_ended(say: Say, shop: str) -> None:
    key = say("site", "rotate", "shop").out.strip()
    site = look(Path("config.toml"), lambda database: Sites(database, FrozenClock()).by_key(key))
    assert (site.slug, key == shop) == ("shop", False)
    assert say("site", "revoke", "shop", "--yes").out == "shop is revoked\n"
    assert say("site", "list").out == ""


def test_a_site_signs_with_what_was_made_for_it(say: Say, shop: str, tmp_path: Path, clock: FrozenClock) -> None:
    made = dict(line.split() for line in say("site", "signer", "add", "shop").out.splitlines())
    (tmp_path / "public.pem").write_text(PUBLIC)
    taken = dict(
        line.split() for line in say("site", "signer", "add", "shop", "--public-key", "public.pem").out.splitlines()
    )
    assert (list(made), list(taken)) == (["kid", "secret", "audience"], ["kid", "audience"])
    assert say("site", "signer", "secret", "shop", made["kid"]).out.strip() == made["secret"]
    assert say("site", "signer", "secret", "shop", taken["kid"]).code == 2

    def subject(one: dict[str, str], key: str, algorithm: str) -> str:
        now = clock.now()
        claims = {"sub": "c-1", "name": "Carol", "email": "carol@customers.example", "iat": now, "exp": now + 60}
        claims |= {"aud": one["audience"], "jti": one["kid"]}
        token = jwt.encode(claims, key, algorithm, headers={"kid": one["kid"]})

        async def read() -> str:
            database = Database("sqlite:///presence.db")
            await database.open()
            vouching = Vouching(database, clock, Signers(database, clock, SECRET_KEY), "https://presence.example")
            said = await vouching.vouch(await Sites(database, clock).named("shop"), token)
            await database.close()
            return said.subject

        return asyncio.run(read())

    assert subject(made, made["secret"], "HS256") == subject(taken, PRIVATE, "EdDSA") == "c-1"
    say("site", "signer", "end", "shop", made["kid"])
    assert say("site", "signer", "end", "shop", taken["kid"], "--at", "2099-01-01T00:00").code == 0
    lines = {line.split()[0]: line for line in say("site", "signer", "list", "shop").out.splitlines()}
    assert "HS256" in lines[made["kid"]]
    assert " ended 20" in lines[made["kid"]]
    assert lines[taken["kid"]].endswith("  ends 2099-01-01 00:00")
    assert made["secret"] not in "".join(lines.values())


def test_of_keys_what_is_none_is_refused(say: Say, shop: str, tmp_path: Path) -> None:
    (tmp_path / "private.pem").write_text(PRIVATE)
    assert say("site", "signer", "add", "shop", "--public-key", "private.pem").err.startswith(
        "public_key: This is the private"
    )
    assert "config.toml: " not in say("site", "signer", "add", "shop", "--public-key", "config.toml").err
    assert "has no key 'k-1'" in say("site", "signer", "end", "shop", "k-1").err
    assert "--at: found 'soon'" in say("site", "signer", "end", "shop", "k-1", "--at", "soon").err
    assert say("site", "signer", "list", "shop").out == ""


def test_while_the_service_runs_sites_can_be_looked_at_and_not_changed(say: Say, shop: str, tmp_path: Path) -> None:
    with alone(make_url(f"sqlite:///{tmp_path / 'presence.db'}")):
        assert say("site", "list").code == 0
        assert say("site", "show", "shop").code == 0
        assert "stop it first" in say("site", "set", "shop", "--zone", "UTC").err
    assert stored().zone == ""
