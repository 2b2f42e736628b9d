"""The examples of docs/embedding.md are run as they stand there, and what they sign is believed."""

import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from presence.sites.identity import Signer, read

DOCS = Path(__file__).parents[2] / "docs" / "embedding.md"
AUDIENCE = "https://presence.example/at/KEY"
CAROL = {"id": "c-1017", "name": "Carol “Élodie” Jones \\ 1", "email": "carol@customers.example"}
KEY = Ed25519PrivateKey.generate()
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
PUBLIC = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
SECRET = "a secret of the tests, 0123456789 0123456789"

# What calls an example, with customer (JSON), key, kid and algorithm as arguments; and how the whole is run.
PYTHON = "\n\nimport json, sys\nprint(presence_token(json.loads(sys.argv[1]), *sys.argv[2:]))\n"
NODE = "\nconsole.log(presenceToken(JSON.parse(process.argv[2]), ...process.argv.slice(3)));\n"
PHP = "\necho presence_token(json_decode($argv[1], true), ...array_slice($argv, 2));\n"
JAVA = """class Main {
    public static void main(String[] given) throws Exception {
        System.out.println(PresenceToken.of(given[0], given[1], given[2], given[3], given[4], given[5]));
    }
}

final class PresenceToken"""


def example(name: str) -> str:
    """The code under a mark of the document."""
    found = re.search(rf"<!-- runs: {name} -->\n```\w+\n(.*?)```", DOCS.read_text(), re.DOTALL)
    assert found is not None
    return found[1]


def signed(name: str, directory: Path, key: str, kid: str, algorithm: str) -> str:
    """The token that an example makes."""
    command, whole = {
        "python": ([sys.executable, "token.py"], example(name) + PYTHON),
        "node": (["node", "token.cjs"], example(name) + NODE),
        "php": (["php", "token.php"], example(name) + PHP),
        "java": (["java", "Main.java"], example(name).replace("final class PresenceToken", JAVA)),
    }[name]
    (directory / command[1].replace("token.py", "example.py")).write_text(whole)
    command[1] = command[1].replace("token.py", "example.py")  # a file of that name would hide the library's module
    customer = list(CAROL.values()) if name == "java" else [json.dumps(CAROL)]
    done = subprocess.run(
        [*command, *customer, key, kid, algorithm], cwd=directory, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("algorithm", ["EdDSA", "HS256"])
@pytest.mark.parametrize("name", ["python", "node", "php", "java"])
def test_what_an_example_signs_is_believed(name: str, algorithm: str, tmp_path: Path) -> None:
    if name in {"php", "java"} and shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    key, material = (PEM, PUBLIC) if algorithm == "EdDSA" else (SECRET, SECRET)
    signers = (Signer("k-other", "HS256", "another secret 0123456789 0123456789"), Signer("k-1", algorithm, material))
    first, second = (signed(name, tmp_path, key, "k-1", algorithm) for _ in range(2))
    now = int(time.time())
    found = read(first, signers, AUDIENCE, now)
    assert (found.subject, found.name, found.email) == (CAROL["id"], CAROL["name"], CAROL["email"])
    assert found.jti != read(second, signers, AUDIENCE, now).jti
    assert now < found.expires_at <= now + 300
