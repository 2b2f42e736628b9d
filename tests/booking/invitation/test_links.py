"""Links that open a calendar on the web, filled in."""

from urllib.parse import parse_qs, urlsplit

import pytest

from presence.booking.links import calendar_links
from presence.booking.wording import recipients
from tests.booking.invitation.cast import DAVE, LINKS, MORTGAGE, SECRET, appointment


def query(address: str) -> dict[str, str]:
    assert "+" not in urlsplit(address).query  # Outlook would show it
    return {key: value for key, (value,) in parse_qs(urlsplit(address).query, strict_parsing=True).items()}


def test_google_opens_with_the_instant_in_utc() -> None:
    ours = appointment()
    address = calendar_links(ours, recipients(ours)[0], LINKS).google
    assert address.startswith("https://calendar.google.com/calendar/render?")
    read = query(address)
    assert read["action"] == "TEMPLATE"
    assert read["text"] == "Conseil en crédit immobilier avec Alice Martin"
    assert read["dates"] == "20261126T133000Z/20261126T140000Z"
    assert read["location"] == LINKS.join
    assert LINKS.page in read["details"]


@pytest.mark.parametrize("which", ["outlook", "office365"])
def test_outlook_opens_with_the_instant_in_utc_and_text_as_html(which: str) -> None:
    ours = appointment(service=type(MORTGAGE)(slug="s", name={"en": "Q & A <b>"}, pool=MORTGAGE.pool))
    address = getattr(calendar_links(ours, recipients(ours)[0], LINKS), which)
    assert "/calendar/action/compose?rru=addevent&" in address
    read = query(address)
    assert (read["startdt"], read["enddt"]) == ("2026-11-26T13:30:00Z", "2026-11-26T14:00:00Z")
    assert read["subject"] == "Q & A <b> avec Alice Martin"
    assert "Q &amp; A &lt;b&gt;<br>" in read["body"]


def test_the_two_outlooks_are_at_their_own_addresses() -> None:
    ours = appointment()
    links = calendar_links(ours, recipients(ours)[0], LINKS)
    assert urlsplit(links.outlook).hostname == "outlook.live.com"
    assert urlsplit(links.office365).hostname == "outlook.office.com"


def test_yahoo_opens_with_the_instant_in_utc() -> None:
    ours = appointment()
    read = query(calendar_links(ours, recipients(ours)[0], LINKS).yahoo)
    assert (read["v"], read["st"], read["et"]) == ("60", "20261126T133000Z", "20261126T140000Z")
    assert read["in_loc"] == LINKS.join


def test_a_guests_links_do_not_hold_the_customers_secret() -> None:
    ours = appointment(guests=(DAVE,))
    links = calendar_links(ours, recipients(ours)[2], LINKS)
    for address in (links.google, links.outlook, links.office365, links.yahoo):
        assert SECRET not in address
