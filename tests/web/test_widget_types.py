"""The types that companies' developers get."""

import shutil
import subprocess
from pathlib import Path

import pytest

USE = """
import type { Presence, Events } from "./presence";
(window.presence ||= [] as never).push((p) => void p.open("chat", { adviser: "alice" }));
declare const presence: Presence;
const off = presence.on("booked", ({ starts_at, service }) => console.log(new Date(starts_at * 1000), service.length));
off();
presence.identify(async () => (await fetch("/token")).text());
presence.theme({ scheme: "dark", accent: "#123456" });
document.addEventListener("presence:call", ({ detail }) => detail.state === "ended");
const badge: HTMLElement = document.createElement("presence-badge");
const refused: Events["refused"] = { reason: badge.id, detail: "" };
// @ts-expect-error there is no such thing to open
void presence.open("fax", refused);
"""


def test_the_published_types_say_what_there_is(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    compiler = root / "tests" / "oracles" / "node_modules" / ".bin" / "tsc"
    if not compiler.exists():
        pytest.fail("make setup installs the compiler")
    shutil.copy(root / "static" / "widget" / "presence.d.ts", tmp_path)
    (tmp_path / "use.ts").write_text(USE)
    words = [
        "--noEmit",
        "--strict",
        "--target",
        "es2022",
        "--module",
        "es2022",
        "--moduleResolution",
        "bundler",
    ]
    answer = subprocess.run(
        [str(compiler), *words, "--types", "", "use.ts"], cwd=tmp_path, capture_output=True, text=True
    )
    assert answer.returncode == 0, answer.stdout
