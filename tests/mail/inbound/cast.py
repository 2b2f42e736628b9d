"""Mails that came in, and who takes them."""

from pathlib import Path

from presence.errors import Unavailable
from presence.mail.inbound.model import InboundEnvelope, Incoming, Verdict
from presence.mail.inbound.reading import read

CORPUS = Path(__file__).parent.parent / "corpus"
TOKEN = "7N42dgm5tFLK9N8MT7fHC7"  # the one in the corpus
REPLY = f"reply+{TOKEN}@bank.example"
CAROL = "carol@customers.example"


def files(folder: str) -> list[Path]:
    """The mails of a folder of the corpus."""
    found = sorted((CORPUS / folder).glob("*.eml"))
    assert found
    return found


def mail(name: str) -> Incoming:
    """A mail of the corpus, read."""
    return read((CORPUS / f"{name}.eml").read_bytes())


def raw_mail(text: str = "Tuesday suits me.", *, to: str = REPLY, message_id: str = "<one@customers.example>") -> bytes:
    """A small mail of Carol's."""
    return (
        f"From: Carol <{CAROL}>\r\nTo: {to}\r\nSubject: Re: Your conversation\r\nMessage-ID: {message_id}\r\n\r\n{text}\r\n"
    ).encode()


class Keeper:
    """Takes mails as the application does: it can be out of reach, and it can fail."""

    def __init__(self) -> None:
        self.taken: list[InboundEnvelope] = []
        self.known = {REPLY}
        self.verdict = Verdict.TAKEN
        self.trouble: list[Exception] = []  # one a mail, before it behaves

    async def deliver(self, mail: InboundEnvelope) -> Verdict:
        if self.trouble:
            raise self.trouble.pop(0)
        if self.verdict is Verdict.TAKEN:
            self.taken.append(mail)
        return self.verdict

    async def knows(self, address: str) -> bool:
        if self.trouble and isinstance(self.trouble[0], Unavailable):
            raise self.trouble.pop(0)
        return address in self.known
