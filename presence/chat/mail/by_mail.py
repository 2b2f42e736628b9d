"""What a mail that came in becomes in its conversation. Pure.

A token in the address says which conversation, and possession of it no more than that: the sender must be the one it was
given to, and who writes for the company must have been recognised by the company's own mail server.
"""

from typing import Literal, NamedTuple

import msgspec

from presence.chat.mail.letters import bare
from presence.chat.model import CUSTOMER, FileBody, Text
from presence.chat.rules import MAX_TEXT, plain
from presence.i18n import Translator
from presence.mail.inbound.authentication import dmarc_failed, dmarc_passed
from presence.mail.inbound.automatic import recognised
from presence.mail.inbound.model import Attachment, Incoming

PER_HOUR = 20  # mails of a conversation that are taken for a person's
PER_DAY = 100  # mails of a conversation that are taken at all
MAX_QUOTED = 8_000  # characters
_SHORT = 40  # characters; whoever writes "Thank you" twice is no machine
_LOGO = 16_384  # bytes of a picture in the text that is no more than decoration

Verdict = Literal["message", "unverified", "automatic", "unreadable", "refused"]


class Correspondent(NamedTuple):
    """Whom an address was given to: "customer", "adviser:ID" or "reader", and their mail address."""

    person: str
    email: str


class Before(NamedTuple):
    """What came by mail before: how many in the last hour and day, and the last day's texts of the same person."""

    hour: int = 0
    day: int = 0
    texts: frozenset[str] = frozenset()


class Judgement(NamedTuple):
    """What a mail is taken for, and why when it is not a message."""

    verdict: Verdict
    reason: str = ""


def judged(mail: Incoming, correspondent: Correspondent, before: Before, *, ours: bool, trusted: str) -> Judgement:
    """Whether a mail is a message of its correspondent.

    `ours`: it says that it comes from us. `trusted` is the name of the mail server whose word counts.
    """
    if before.day >= PER_DAY:
        return Judgement("refused", "too many")
    automatic = recognised(mail)
    if automatic is not None:
        return Judgement("automatic", automatic.signal)
    if ours:
        return Judgement("automatic", "our own")
    if not is_from(mail, correspondent, trusted):
        return Judgement("unverified", mail.sender.email or "?")
    # What no header gives away is given away by what it does: machines repeat themselves, and never tire.
    if before.hour >= PER_HOUR:
        return Judgement("automatic", "too many")
    if len(mail.text) > _SHORT and _cut(plain(mail.text), MAX_TEXT) in before.texts:
        return Judgement("automatic", "repeated")
    # What a customer wrote is theirs to see again. What is in an adviser's mail that we cannot read may be meant for nobody.
    if mail.unreadable and correspondent.person != CUSTOMER:
        return Judgement("unreadable", mail.unreadable)
    return Judgement("message")


def is_from(mail: Incoming, correspondent: Correspondent, trusted: str) -> bool:
    """Whether the sender is who the address was given to.

    A customer is believed unless our server says that the mail is forged; an adviser only when it says that it is not.
    """
    if not mail.sole_sender or mail.sender.email != correspondent.email.lower():
        return False
    if correspondent.person == CUSTOMER:
        return not dmarc_failed(mail, trusted)
    return correspondent.person.startswith("adviser:") and dmarc_passed(mail, trusted)


# -- words ---------------------------------------------------------------------------------------------------------


def text_of(mail: Incoming, t: Translator) -> str:
    """What is shown: what was written now; whatever there is when that is nothing; for what cannot be read, that."""
    match mail.unreadable:
        case "encrypted":
            return t.gettext("This mail is encrypted. It is attached as it came.")
        case "broken":
            return t.gettext("This mail could not be read. It is attached as it came.")
        case "cut":
            return t.gettext("This mail was too large to be taken whole. Its beginning is attached.")
    text = plain(mail.text)
    if text or mail.attachments:
        return text
    return plain(mail.quoted) or plain(mail.subject) or t.gettext("An empty mail.")


def body_of(
    mail: Incoming,
    judgement: Judgement,
    t: Translator,
    *,
    subject: str = "",
    files: tuple[FileBody, ...] = (),
    left: tuple[str, ...] = (),
) -> str:
    """The event's body, as JSON. `subject` is the conversation's.

    `files` are those of a note, and `left` says what was not taken; a message's have events of their own.
    """
    text = "\n".join((text_of(mail, t), *left)).strip()
    body = Text(
        text=_cut(text, MAX_TEXT),
        via="mail",
        subject=changed_subject(mail, subject),
        quoted=_cut(quoted_of(mail, t), MAX_QUOTED),
        unverified=judgement.reason if judgement.verdict == "unverified" else "",
        automatic=judgement.reason if judgement.verdict == "automatic" else "",
        files=files,
    )
    return msgspec.json.encode(body).decode()


def answer_body(text: str) -> str:
    """The body of what an adviser wrote by mail, as JSON."""
    return msgspec.json.encode(Text(_cut(text, MAX_TEXT), via="mail")).decode()


def quoted_of(mail: Incoming, t: Translator) -> str:
    """What a mail repeats, unless that is all there is and shown as its text."""
    quoted = "" if mail.unreadable else plain(mail.quoted)
    return "" if quoted == text_of(mail, t) else quoted


def changed_subject(mail: Incoming, subject: str) -> str:
    """A mail's subject when it is not the one of what it answers."""
    own = bare(plain(mail.subject))
    return "" if own.casefold() == bare(subject).casefold() else own


def note_body(text: str, quoted: str = "") -> str:
    """The body of a note of our own about a mail, as JSON."""
    return msgspec.json.encode(Text(text, via="mail", quoted=_cut(quoted, MAX_QUOTED))).decode()


def file_body(file: FileBody) -> str:
    """The body of a file that came by mail, as JSON."""
    return msgspec.json.encode({**msgspec.structs.asdict(file), "via": "mail"}).decode()


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


# -- files ---------------------------------------------------------------------------------------------------------


def files_of(mail: Incoming, raw: bytes) -> list[Attachment]:
    """The files to keep: not the decoration of a signature; the whole text when it is cut; the mail itself unread."""
    files = [one for one in mail.attachments if not _is_decoration(one)]
    if mail.unreadable:
        return [Attachment(name="message.eml", media_type="message/rfc822", size=len(raw), data=raw), *files]
    if len(plain(mail.text)) > MAX_TEXT and not any(one.name == "message.txt" for one in files):
        octets = mail.text.encode()
        whole = Attachment(name="message.txt", media_type="text/plain", size=len(octets), data=octets)
        files.insert(0, whole)
    return files


def too_large(name: str, size: int, t: Translator) -> str:
    """What is said of a file that was not taken."""
    megabytes = f"{size / 1_048_576:.1f}"
    return t.gettext("%(name)s (%(size)s MB) is too large to be taken by mail.", name=name, size=megabytes)


def _is_decoration(one: Attachment) -> bool:
    return one.inline and one.media_type.startswith("image/") and one.size <= _LOGO
