"""A wrong configuration stops the start and says what is wrong; the example lists everything."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from presence.config import Config, keys, load
from presence.errors import ConfigError

EXAMPLE = Path(__file__).parent.parent / "config.example.toml"
SECRET = {"PRESENCE_SERVER__SECRET_KEY": "s" * 40}


def write(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "config.toml"
    file.write_text(text)
    return file


def test_the_example_lists_every_key_with_its_default() -> None:
    written = tomllib.loads(EXAMPLE.read_text())
    expected = {key: default for key, (_, default) in keys().items()}

    def plain(value: object) -> object:
        if isinstance(value, (tuple, list)):
            return [plain(one) for one in value]
        return {key: plain(one) for key, one in value.items()} if isinstance(value, dict) else value

    def flat(path: str, value: Any) -> dict[str, Any]:
        if path in expected or not isinstance(value, dict):
            return {path: value}
        prefix = f"{path}." if path else ""
        return {key: one for name, inner in value.items() for key, one in flat(f"{prefix}{name}", inner).items()}

    assert flat("", written) == {key: plain(value) for key, value in expected.items()}


def test_the_example_can_be_used_once_it_has_a_secret() -> None:
    assert load(EXAMPLE, SECRET).organisation == Config().organisation


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[mail]\nhots = 'x'", ["mail.hots", "allowed are", "host"]),
        ("[mail]\nport = 'x'", ["mail.port", "'x'", "int"]),
        ("[mial]\nhost = 'x'", ["mial", "no such section", "mail"]),
        ("[mail]\ntls = 'ssl'", ["mail.tls", "'ssl'"]),
        ("[organisation]\nzone = 'Mars/Base'", ["organisation.zone", "Mars/Base"]),
        ("[organisation]\nhours = { mon = ['late'] }", ["organisation.hours.mon", "late"]),
        ("[server]\nbase_url = 'http://bank.example'", ["server.base_url", "https"]),
        ("[mail.inbound]\nimap = 'x'", ["mail.inbound.imap", "allowed are", "imap_host"]),
        ("[mail.inbound]\nimap_port = 'x'", ["mail.inbound.imap_port", "'x'", "int"]),
        ("[mail]\ninbound = 3", ["mail.inbound", "[mail.inbound]"]),
        ("[mail.inbound]\nlmtp_listen = '127.0.0.1:24'", ["mail.inbound", "reply_address"]),
        ("[mail.inbound]\nsmtp_listen = '25'", ["mail.inbound.smtp_listen", "'25'", "127.0.0.1:2424"]),
        ("[mail.inbound]\nimap_host = 'imap.bank.example'\nimap_tls = 'none'", ["mail.inbound.imap_tls"]),
        ("[organisation]\nholidays = 'XX'", ["organisation.holidays", "'XX'", "FR-57"]),
        ("[organisation]\nholidays = 'FR-ZZ'", ["organisation.holidays", "'FR-ZZ'"]),
        ("[mail]\nsender = 'The bank <rdv@bank.example>'", ["mail.sender", "rdv@bank.example"]),
        ("[mail]\nsender = 'rdv@bank.example\\nBcc: all'", ["mail.sender"]),
        ("[mail]\nsender = 'zoé@bank.example'", ["mail.sender", "zoé"]),
        ("[mail]\nsender = ''", ["mail.sender"]),
        ("[mail]\npassword_file = '/nowhere'", ["mail.password_file", "/nowhere"]),
        ("[server]\nport = 70000", ["server.port", "70000", "65535"]),
        ("[database]\nreaders = 0", ["database.readers", "found 0", "1 to 64"]),
        ("[limits]\nholds_per_minute = -1", ["limits.holds_per_minute", "-1"]),
        ("mail = 3", ["mail", "section"]),
        ("[mail", ["config.toml"]),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, text: str, said: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        load(write(tmp_path, text), SECRET)
    assert all(word in str(caught.value) for word in said)


def test_a_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_bytes(b"\xff\xfe")
    for path, environ in ((file, SECRET), (None, {**SECRET, "PRESENCE_MAIL__PASSWORD_FILE": str(file)})):
        with pytest.raises(ConfigError, match=r"config\.toml: not a text"):
            load(path, environ)


def test_everything_wrong_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(write(tmp_path, "[mail]\nhots = 1\nport = 'x'\n[sevrer]\n"), SECRET)
    assert len(str(caught.value).splitlines()) == 3


def test_a_secret_is_needed_and_never_shown(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="secret_key"):
        load(None, {})
    with pytest.raises(ConfigError) as caught:
        load(write(tmp_path, "[mail]\npassword = 12345678"), SECRET)
    assert "12345678" not in str(caught.value)


def test_the_environment_wins_and_secrets_come_from_files(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("from a file\n")
    environ = {
        **SECRET,
        "PRESENCE_MAIL__PORT": "2525",
        "PRESENCE_MAIL__PASSWORD_FILE": str(secret),
        "PRESENCE_ORGANISATION__LANGUAGES": '["fr"]',
    }
    config = load(write(tmp_path, "[mail]\nport = 25\n"), environ)
    assert (config.mail.port, config.mail.password) == (2525, "from a file")
    assert config.organisation.languages == ("fr",)
    with pytest.raises(ConfigError, match="PRESENCE_MAIL__HOTS"):
        load(None, {**SECRET, "PRESENCE_MAIL__HOTS": "x"})


def test_the_environment_reaches_sections_in_sections(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("of the mailbox\n")
    environ = {
        **SECRET,
        "PRESENCE_MAIL__INBOUND__IMAP_PORT": "143",
        "PRESENCE_MAIL__INBOUND__IMAP_PASSWORD_FILE": str(secret),
    }
    inbound = load(None, environ).mail.inbound
    assert (inbound.imap_port, inbound.imap_password) == (143, "of the mailbox")
    with pytest.raises(ConfigError, match="PRESENCE_MAIL__INBOUND__HOTS"):
        load(None, {**SECRET, "PRESENCE_MAIL__INBOUND__HOTS": "x"})
