"""The peers, in node: installed by npm when they are asked for, served like ours. Nothing of them is shipped."""

import os
import shutil
import subprocess
from pathlib import Path

from bench.ports import free_port
from bench.server import ROOT, Server

HOME = ROOT / "bench" / "peers"


def install() -> str:
    """Install what `package.json` names; returns why it could not be, or nothing.

    better-sqlite3 is built here with node's own headers, where they are beside node.
    """
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return "node and npm are not here"
    stamp = HOME / "node_modules" / ".stamp"
    wanted = (HOME / "package.json").read_text()
    if stamp.exists() and stamp.read_text() == wanted:
        return ""
    environment = dict(os.environ)
    beside = Path(node).resolve().parent.parent
    if (beside / "include" / "node" / "node_api.h").exists():
        environment["npm_config_nodedir"] = str(beside)
    done = subprocess.run(
        ["npm", "install", "--no-audit", "--no-fund", "--silent"],
        cwd=HOME,
        env=environment,
        capture_output=True,
        text=True,
    )
    proof = subprocess.run(
        [node, "-e", "new (require('better-sqlite3'))(':memory:')"], cwd=HOME, capture_output=True, text=True
    )
    if done.returncode or proof.returncode:
        return (done.stderr or proof.stderr).strip().splitlines()[-1][:200]
    stamp.write_text(wanted)
    return ""


def socket_io(directory: Path) -> Server:
    """socket.io 4, in memory."""
    port = free_port()
    return Server(["node", str(HOME / "socketio.mjs"), str(port)], port, directory / "socketio.log", "/")


def ws_sqlite(directory: Path, file: Path) -> Server:
    """ws and better-sqlite3, with an fsync for each group of messages."""
    port = free_port()
    command = ["node", str(HOME / "ws_sqlite.mjs"), str(port), str(file)]
    return Server(command, port, directory / "ws_sqlite.log", "/")
