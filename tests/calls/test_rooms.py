"""Carol waits, is let in, held or turned away, and talks; whatever breaks, they find each other again."""

from tests.calls.cast import CANDIDATE, OFFER, Host, Visitor, admitted


async def test_carol_knocks_by_coming_is_let_in_and_they_hear_each_other(carol: Visitor, alice: Host) -> None:
    room = await carol.enter()
    assert room["role"] == "customer"
    assert room["state"] == "waiting"
    assert room["polite"] is True
    assert room["gen"] == 1
    assert room["peer"] == {"name": "Alice Martin", "here": False, "ready": False, "since": None}
    assert room["presence"] == "offline"
    room = await alice.enter()
    assert room["role"] == "adviser"
    assert room["polite"] is False
    assert room["peer"]["name"] == "Carol Petit"
    assert room["peer"]["here"] is True
    assert room["c"]
    await carol.sees(peer__here=True)
    assert carol.heard("turn") == []
    gen = await admitted(carol, alice)
    assert gen == 1
    for one in (carol, alice):
        await one.until(lambda frame: frame["t"] == "turn")
    await alice.offer(gen)
    assert (await carol.until(lambda f: f["t"] == "sdp")) == {"t": "sdp", "gen": 1, "description": OFFER}
    await carol.send({"t": "ice", "gen": 1, "candidate": CANDIDATE}, {"t": "ice", "gen": 1, "candidate": None})
    await carol.send({"t": "media", "mic": True, "cam": False})
    media = await alice.until(lambda f: f["t"] == "media")
    assert media == {"t": "media", "mic": True, "cam": False, "screen": False, "audio_only": False}
    assert [frame["candidate"] for frame in alice.heard("ice")] == [CANDIDATE, None]
