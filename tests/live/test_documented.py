"""`docs/live-protocol.md` and the code say the same: every frame, field, close code, kind and refusal."""

import re
import typing
from pathlib import Path

import msgspec
import pytest

from presence.chat import model, rules
from presence.live import frames
from presence.live.connection import WAITING_BYTES
from presence.live.endpoint import BURST, FIRST_FRAME, RATE
from presence.live.frames import Close
from presence.live.passes import LASTS
from presence.roster.watching import MAX_WATCHED

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "live-protocol.md").read_text()
CODE = "\n".join(
    file.read_text() for part in ("chat", "calls") for file in sorted((ROOT / "presence" / part).rglob("*.py"))
)


def section(title: str) -> str:
    return DOCUMENT.partition(f"## {title}\n")[2].partition("\n## ")[0]


def rows(title: str) -> list[list[str]]:
    """The cells of a section's table, without its head."""
    lines = [line for line in section(title).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def documented(title: str) -> dict[str, set[str]]:
    """Each frame's fields; `have`? `{c: seq}` is the field have."""
    found = {}
    for names, fields, *_ in rows(title):
        told = re.findall(r"(?:^|, )`(\w+)`", re.sub(r"`\{[^`]*\}`|`\[[^`]*\]`", "", fields))
        for name in re.findall(r"`(\w+)`", names):
            found[name] = set(told)
    return found


def coded(union: object) -> dict[str, set[str]]:
    return {one.__struct_config__.tag: set(one.__struct_fields__) for one in typing.get_args(union)}


@pytest.mark.parametrize(
    ("title", "union"), [("From the client", frames.Inbound), ("From the server", frames.Outbound)]
)
def test_every_frame_and_every_field_is_told(title: str, union: object) -> None:
    assert documented(title) == coded(union)


def test_what_may_be_left_out_is_marked() -> None:
    for title, union in (("From the client", frames.Inbound), ("From the server", frames.Outbound)):
        text = {name: fields for names, fields, *_ in rows(title) for name in re.findall(r"`(\w+)`", names)}
        for one in typing.get_args(union):
            for field in msgspec.structs.fields(one):
                if field.default is None or field.default == "":
                    assert f"`{field.name}`?" in text[one.__struct_config__.tag], (one, field.name)


def test_every_close_code_is_told() -> None:
    codes = {value for name, value in vars(Close).items() if name.isupper()}
    assert {int(row[0]) for row in rows("Closing")} == codes | {1009}  # of the socket itself


def test_every_kind_and_every_refusal_is_told() -> None:
    client, server = section("From the client"), section("From the server")
    kinds = client[client.index("Kinds:") :]
    assert set(re.findall(r"`([a-z]+)` `\{", kinds)) == model.FROM_ADVISERS
    told = set(re.findall(r"`([a-z]+)`(?: `\{|, | \()", server[server.index("Kinds of") :].partition("\n\n")[0]))
    said = set(re.findall(r'\bsystem\(\s*[\w.]+,\s*"(\w+)"', CODE)) | set(re.findall(r'SYSTEM, [^,\n]+, "(\w+)"', CODE))
    assert said - {"note", "changed"} == told  # a mail set aside is a note; what has changed is not an event
    refusals = section("From the server").partition("Refusals: ")[2].partition(". ")[0]
    assert set(re.findall(r"`([a-z-]+)`", refusals)) - {"again"} == set(re.findall(r'Refusal\("([a-z-]+)"\)', CODE))
    assert f"{rules.MAX_TEXT:,} characters" in refusals


def test_every_number_is_told() -> None:
    for number in (
        f"at most {frames.MAX_MESSAGE // 1024} KB",
        f"{frames.MAX_FRAMES} frames",
        f"every {frames.BEAT} s",
        f"after {frames.LOST_AFTER} s",
        f"within {FIRST_FRAME:.0f} seconds".replace("10", "ten"),
        f"more than {WAITING_BYTES // 1024} KB waited",
        f"more than {RATE:.0f} frames a second over time ({BURST:.0f} at once)",
        f"for {rules.EDITABLE // 60} minutes",
        f"at most {rules.MAX_ID} characters",
        f"at most {MAX_WATCHED}",
        f"{LASTS // 60} minutes".replace("10", "ten"),
        f"version {frames.VERSION}",
    ):
        assert number in " ".join(DOCUMENT.split()), number
