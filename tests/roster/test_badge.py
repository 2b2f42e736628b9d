"""The badge: one small answer that caches may keep, and that costs nothing when nothing has changed."""

from tests.chat.cast import Adviser, Bank, Customer


async def test_a_badge_is_small_public_and_asked_again_for_nothing(bank: Bank, carol: Customer, alice: Adviser) -> None:
    answer = await carol.http.get("/presence/site")
    assert answer.json() == {"state": "available", "until": None, "name": ""}
    assert len(answer.content) < 100
    assert answer.headers["cache-control"] == "public, max-age=5"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "set-cookie" not in answer.headers
    tag = answer.headers["etag"]
    again = await carol.http.get("/presence/site", headers={"If-None-Match": tag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    await alice.post("/desk/presence", wish="away")
    changed = await carol.http.get("/presence/site", headers={"If-None-Match": tag})
    assert changed.status_code == 200
    assert changed.json()["state"] == "away"
    assert changed.headers["etag"] != tag


async def test_of_an_adviser_a_team_and_a_service_and_of_nothing_else(bank: Bank, carol: Customer) -> None:
    for what, name in (("adviser:alice", "Alice Martin"), ("team:loans", ""), ("service:talk", "")):
        answer = await carol.http.get(f"/presence/{what}")
        assert answer.json()["state"] == "offline"
        assert answer.json()["name"] == name
        assert answer.json()["until"] is not None
    for what in ("adviser:nobody", "team:", "service:x", "site:x", "mail:alice@bank.example", "%00", "adviser:%00"):
        assert (await carol.http.get(f"/presence/{what}")).status_code == 404, what
