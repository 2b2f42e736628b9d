"""Origins are taken exactly as browsers write them; of everything else it is said what to write."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from presence.sites.origins import wrong_origin


@pytest.mark.parametrize(
    "origin",
    [
        "https://www.bank.example",
        "https://www.bank.example:8443",
        "https://bank",
        "https://xn--bcher-kva.example",
        "https://10.0.0.5",
        "http://localhost",
        "http://localhost:3000",
        "http://127.0.0.1:8080",
    ],
)
def test_an_origin_is_taken(origin: str) -> None:
    assert wrong_origin(origin) is None


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("www.bank.example", "https://www.bank.example"),
        ("www.bank.example:8443/path", "https://www.bank.example:8443"),
        ("https://www.bank.example/", "https://www.bank.example"),
        ("https://www.bank.example/loans?a=b#c", "https://www.bank.example"),
        ("https://www.bank.example?", "https://www.bank.example"),
        ("https://mona:secret@www.bank.example", "https://www.bank.example"),
        ("https://www.bank.example:443", "https://www.bank.example"),
        ("https://www.bank.example:0443", "https://www.bank.example"),
        ("https://www.bank.example:", "https://www.bank.example"),
        ("http://localhost:80", "http://localhost"),
        ("http://localhost:03000", "http://localhost:3000"),
        ("https://WWW.Bank.example", "https://www.bank.example"),
        ("HTTPS://www.bank.example", "https://www.bank.example"),
        ("https://www.bank.example.", "https://www.bank.example"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("https://straße.example:8443", "https://xn--strae-oqa.example:8443"),
        ("http://www.bank.example", "https://www.bank.example"),
        ("http://www.bank.example:8080/x", "https://www.bank.example:8080"),
        ("http://localhost.bank.example", "https://localhost.bank.example"),
        ("http://127.0.0.2", "https://127.0.0.2"),
    ],
)
def test_what_is_meant_is_said_and_that_is_taken(written: str, meant: str) -> None:
    error = wrong_origin(written)
    assert error is not None
    assert error.values["origin"] == meant
    assert wrong_origin(meant) is None


@pytest.mark.parametrize(
    "written",
    [
        "",
        " ",
        "*",
        "https://*",
        "https://*.bank.example",
        "https://",
        "https:///path",
        "https://-bank.example",
        "https://my_shop.example",
        "https://bank..example",
        "https://www.bank.example https://evil.example",
        "https://www.bank.example;script-src",
        "https://www.bank.example\n",
        "https://www.bank.example:0",
        "https://www.bank.example:65536",
        "https://www.bank.example:99999999999999999999",
        "https://www.bank.example:٨٠",
        "https://1.2.3",
        "https://010.1.1.1",
        "https://0x7f.1",
        "https://256.1.1.1",
        "http://[::1]:8080",
        "https://[2001:db8::1]:8443",
        "https://[::1",
        "https://[1:2]",
        "https://" + "a." * 127 + "ab",
        "ftp://www.bank.example",
        "file://",
        "null",
        "data:text/html,x",
        "javascript://www.bank.example/%0aalert(1)",
        "chrome-extension://abcdef",
    ],
)
def test_what_is_no_origin_is_refused(written: str) -> None:
    assert wrong_origin(written) is not None


@given(st.text() | st.from_regex(r"https?://[^/]{0,20}(:[0-9]{0,6})?/?", fullmatch=True))
def test_whatever_is_taken_can_stand_in_a_header(written: str) -> None:
    error = wrong_origin(written)
    if error is None:
        assert written.isascii()
        assert not set(written) & set(" \t\r\n;,'\"*?#@\\<>%")
        assert written.count("/") == 2
    elif error.values.get("origin", "").startswith("http"):
        assert wrong_origin(error.values["origin"]) is None
