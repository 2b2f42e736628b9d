"""Mails of ours that came back: what a delivery report says (RFC 3464), or what can be read from one that is none."""

import re
from typing import NamedTuple

from presence.mail.inbound.model import Incoming
from presence.mail.rules import without_addresses

_STATUS = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
_CODE = re.compile(r"\b([45])\d\d[ -]")
_FIELD = re.compile(r"([A-Za-z-]{1,60})\s*:\s*(.*)")
_MESSAGE_ID = re.compile(r"^message-id:\s*(<[^<>\s]{1,250}>)", re.IGNORECASE | re.MULTILINE)
_ADDRESS = re.compile(r"[^\s<>;@]{1,64}@[^\s<>;@]{1,190}")
_MAX_BLOCKS = 50

# RFC 3463: permanent for this mail, but it says nothing of the address, or may pass.
_PASSING = frozenset(
    {(2, 2), (2, 3), (3, 1), (3, 4), (4, 4), (4, 7)}
)  # full, too large, system full, no route, expired


class Bounce(NamedTuple):
    """What became of a mail of ours. `hard`: the address takes no mail, and trying again is of no use."""

    recipient: str  # lower case; "" when it is not told
    action: str  # failed, delayed, delivered, relayed, expanded
    status: str  # "5.1.1"; "" when it is not told
    hard: bool
    message_id: str  # of the mail that came back; "" when it is not told
    diagnostic: str  # the server's words, without addresses

    @property
    def failed(self) -> bool:
        """It did not arrive and will not, whoever is to blame."""
        return self.action == "failed"


def read_bounce(mail: Incoming) -> Bounce | None:
    """The worst that a report tells; None when the mail is no report of a delivery."""
    if mail.report is not None and mail.report.kind == "delivery-status":
        found = _from_report(mail.report.status, _returned_id(mail))
        if found is not None:
            return found
    if mail.return_path == "" and mail.report is None and (mail.header("x-failed-recipients") or _looks_failed(mail)):
        return _from_text(mail)
    return None


def _from_report(status: str, message_id: str) -> Bounce | None:
    bounces = [
        _of_recipient(fields, message_id)
        for block in re.split(r"\n[ \t]*\n", status)[:_MAX_BLOCKS]
        if "action" in (fields := _fields(block)) or "status" in fields
    ]
    return max(bounces, key=lambda one: (one.failed, one.hard), default=None)


def _fields(block: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    name = ""
    for line in block.split("\n"):
        if line[:1] in {" ", "\t"} and name:
            fields[name] += " " + line.strip()
        elif found := _FIELD.match(line):
            name = found[1].lower()
            fields.setdefault(name, found[2].strip())
    return fields


def _of_recipient(fields: dict[str, str], message_id: str) -> Bounce:
    named = fields.get("original-recipient") or fields.get("final-recipient") or ""
    address = _ADDRESS.search(named.partition(";")[2] or named)
    diagnostic = fields.get("diagnostic-code", "")
    status = _STATUS.search(fields.get("status", "")) or _STATUS.search(diagnostic)
    action = fields.get("action", "").partition(" ")[0].lower()
    if not action:
        action = "delayed" if status is not None and status[1] == "4" else "failed"
    return Bounce(
        recipient=address[0].lower() if address else "",
        action=action,
        status=status[0] if status else "",
        hard=action == "failed" and _is_hard(status),
        message_id=message_id,
        diagnostic=without_addresses(diagnostic.partition(";")[2] or diagnostic),
    )


def _is_hard(status: re.Match[str] | None) -> bool:
    """Whether the address is to blame. Refused for what the mail says (5.7.1) is not: another one may pass."""
    if status is None or status[1] != "5":
        return False
    subject, detail = int(status[2]), int(status[3])
    return (subject, detail) not in _PASSING and subject != 7


def _looks_failed(mail: Incoming) -> bool:
    return _FAILED.search(mail.subject) is not None


_FAILED = re.compile(
    r"undeliver|delivery (?:status|failure|has failed|failed)|mail delivery|returned (?:mail|to sender)|failure notice"
    r"|non[ -]?(?:remis|distribu)|échec de (?:la )?(?:remise|distribution)|unzustellbar|could not be delivered|nicht zustellbar",
    re.IGNORECASE,
)


def _from_text(mail: Incoming) -> Bounce:
    """From words alone: what old mail servers send."""
    text = f"{mail.text}\n{mail.quoted}"[:20_000]
    status = _STATUS.search(text)
    code = _CODE.search(text)
    address = _ADDRESS.search(mail.header("x-failed-recipients"))
    temporary = status[1] == "4" if status else code is not None and code[1] == "4"
    return Bounce(
        recipient=address[0].lower() if address else "",
        action="delayed" if temporary else "failed",
        status=status[0] if status else "",
        hard=not temporary and _is_hard(status),
        message_id=_returned_id(mail),
        diagnostic=without_addresses(mail.subject),
    )


def _returned_id(mail: Incoming) -> str:
    """Of the mail that is reported on: as it was returned, or as the report refers to it."""
    found = _MESSAGE_ID.search(mail.report.returned) if mail.report is not None else None
    return found[1] if found else mail.in_reply_to
