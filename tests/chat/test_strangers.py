"""Mallory knows the names of things that are not hers; to her there is no such thing. Nor to an adviser of another team."""

from tests.chat.cast import Adviser, Bank, Customer
from tests.chat.test_files import PNG, upload

CUSTOMERS = (
    ("POST", "/chat/conversations/{c}/files"),
    ("POST", "/chat/conversations/{c}/end"),
    ("POST", "/chat/conversations/{c}/rating"),
    ("POST", "/chat/conversations/{c}/transcript"),
    ("GET", "/chat/conversations/{c}/transcript.txt"),
    ("GET", "/chat/files/{file}"),
)
ADVISERS = (
    ("GET", "/desk/conversations/{c}"),
    ("POST", "/desk/conversations/{c}/transfer"),
    ("POST", "/desk/conversations/{c}/tags"),
    ("POST", "/desk/conversations/{c}/files"),
    *(
        ("POST", f"/desk/conversations/{{c}}/{act}")
        for act in ("accept", "pass", "release", "takeover", "close", "reopen")
    ),
)
BODY = {"rating": 1, "email": "mallory@mallory.example", "adviser": "alice", "tags": ["mine"]}


async def test_to_a_stranger_there_is_no_such_conversation(bank: Bank, carol: Customer, alice: Adviser) -> None:
    c = await carol.begin("My account is empty")
    await alice.take(c)
    file = (await upload(carol, c, "salary.png", PNG)).json()["file"]
    async with Customer(bank, "Mallory") as mallory:
        await mallory.begin("I am Carol")
        for method, path in CUSTOMERS:
            for name in (c, "nothing", "%00"):
                url = path.format(c=name, file=file if name == c else name)
                content = {"files": {"file": ("x.txt", b"x")}} if url.endswith("files") else {"json": BODY}
                answer = await mallory.http.request(method, url, **(content if method == "POST" else {}))
                assert answer.status_code == 404, (method, url)
                assert "empty" not in answer.text
        await mallory.connect({c: 0})
        for frame in (
            {"t": "join", "c": c, "after": 0},
            {"t": "typing", "c": c},
            {"t": "fetch", "c": c, "after": 0},
            {"t": "leave", "c": c},
        ):
            await mallory.send(frame)
        assert (await mallory.say(c, "I am Carol"))["code"] == "unknown"
        assert (await mallory.say("\u0000", "nowhere"))["code"] == "unknown"
        assert "empty" not in str(mallory.frames)
        answers = (await mallory.http.get("/chat/history")).text, (await mallory.post("/chat/session")).text
        assert c not in str(answers)
        for method, path in ADVISERS:
            answer = await mallory.http.request(method, path.format(c=c), follow_redirects=False)
            assert answer.status_code in {303, 401}, path
        assert (await mallory.http.post("/desk/token", follow_redirects=False)).status_code in {303, 401}
    assert (await carol.post(f"/chat/conversations/{c}/end")).status_code == 204


async def test_to_an_adviser_of_another_team_there_is_no_such_conversation(
    bank: Bank, carol: Customer, alice: Adviser
) -> None:
    async with Adviser(bank, "mona") as mona:
        c = await carol.begin("A loan for the boat", team="loans")
        await mona.take(c)
        file = (await upload(carol, c, "boat.png", PNG)).json()["file"]
        for method, path in (*ADVISERS, ("GET", f"/chat/files/{file}")):
            content = {"files": {"file": ("x.txt", b"x")}} if path.endswith("files") else {"json": BODY}
            answer = await alice.http.request(method, path.format(c=c), **(content if method == "POST" else {}))
            assert answer.status_code == 404, path
        await alice.send({"t": "join", "c": c, "after": 0})
        assert (await alice.until(lambda f: f["t"] == "refused"))["code"] == "unknown"
        assert (await alice.say(c, "Let me in"))["code"] == "unknown"
        for view in ("mine", "team", "waiting", "closed", "all"):
            assert c not in (await alice.http.get("/desk/inbox", params={"view": view})).text
        assert "boat" not in str(alice.frames)
        assert (await mona.http.get(f"/chat/files/{file}")).status_code == 200


async def test_a_customer_cannot_say_what_only_others_say(bank: Bank, carol: Customer) -> None:
    c = await carol.begin()
    for kind in ("note", "joined", "closed", "nothing"):
        await carol.send({"t": "send", "c": c, "id": kind, "kind": kind, "body": {"text": "x", "name": "Alice"}})
        refused = await carol.until(lambda f, kind=kind: f["t"] == "refused" and f["id"] == kind)  # type: ignore[misc]
        assert refused["code"] == "unknown"


async def test_the_chat_of_another_browser_with_the_same_address_is_not_shown(bank: Bank, carol: Customer) -> None:
    c = await carol.begin("My account is empty")
    async with Customer(bank, "Carol") as other:
        assert await other.begin() != c
        assert "empty" not in (await other.http.get("/chat/history")).text
        assert (await other.http.get(f"/chat/conversations/{c}/transcript.txt")).status_code == 404
