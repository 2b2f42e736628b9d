"""Mails of conversations as letters: their words, their look, and what ties them together in a mail program. Pure.

The same subject and a chain of References is what Gmail, Outlook, Apple Mail and Thunderbird thread by. There is no
List-Unsubscribe: nobody is on a list, every mail answers its reader.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from presence.chat.model import CUSTOMER, CallBackBody, Conversation, Visitor
from presence.chat.transcript import Said, name_of, words_of
from presence.i18n import LANGUAGES, Translator, translator
from presence.mail.compose import Letter, Mailbox
from presence.mail.templates import MailTemplates
from presence.roster.board import Member

_ANSWERED = re.compile(r"(?:\s*(?:re|fwd?|tr|réf?|rép|aw|sv|vs|wg|antw|odp)(?:\[\d+\])?\s?:)+\s*", re.IGNORECASE)


class Sender(msgspec.Struct, frozen=True, kw_only=True):
    """In whose name mails go out. `reply` is the pattern of answers' addresses, such as "reply+{token}@bank.example"."""

    organisation: str
    mailbox: Mailbox
    base_url: str
    phone: str = ""
    privacy_url: str = ""
    reply: str = ""  # "": mail does not come in
    bounce: str = ""
    advisers_answer: bool = False  # what advisers write to such an address is believed


class Thread(msgspec.Struct, frozen=True, kw_only=True):
    """What a mail goes on with: where its answers go, and the Message-IDs of what was mailed before, the latest last."""

    reply_to: Mailbox | None
    before: tuple[str, ...]
    root: str  # the Message-ID that all of a conversation's mails refer to, though no mail has it

    @property
    def references(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((self.root, *self.before)))


def bare(subject: str) -> str:
    """A subject without "Re:", "TR :" and the like."""
    return _ANSWERED.sub("", subject, count=1).strip() if _ANSWERED.match(subject) else subject.strip()


def language_of(member: Member) -> str:
    """The first of an adviser's languages that we write."""
    return next((one for one in member.languages if one in LANGUAGES), LANGUAGES[0])


class Letters:
    """Writes them; templates see `organisation`, `recipient`, `said` and the words of their kind."""

    def __init__(self, templates: MailTemplates, sender: Sender) -> None:
        self._templates = templates
        self._sender = sender

    def subject(self, one: Conversation) -> str:
        """The same for the whole conversation, without "Re:"."""
        t = translator(one.language)
        ours = t.gettext("Your conversation with %(organisation)s", organisation=self._sender.organisation)
        return bare(one.subject) or ours

    def unseen(
        self, one: Conversation, visitor: Visitor, said: Sequence[Said], members: Mapping[int, Member], thread: Thread
    ) -> Letter:
        """To the customer: what advisers have written and they have not seen."""
        t = translator(one.language)
        names = list(dict.fromkeys(name_of(each.sender, members, visitor, t) for each in said))
        context = {
            "names": names,
            "called": _called(said),
            "said": [_shown(each, members, visitor, visitor.zone, t) for each in said],
            "link": f"{self._sender.base_url}/chat",
            "can_answer": thread.reply_to is not None,
            "recipient": visitor.name,
        }
        to = Mailbox(visitor.name, visitor.email)
        return self._letter("unseen", one.language, to, self.subject(one), context, thread)

    def told(
        self,
        one: Conversation,
        visitor: Visitor,
        said: Sequence[Said],
        member: Member,
        to: Mailbox,
        thread: Thread,
        *,
        doubtful: str = "",
    ) -> Letter:
        """To an adviser: what the customer has written while nobody was there. `doubtful` is who wrote it instead."""
        language = language_of(member)
        t = translator(language)
        customer = visitor.name or visitor.email or t.gettext("A visitor")
        context = {
            "customer": customer,
            "email": visitor.email,
            "page": one.page,
            "doubtful": doubtful,
            "called": _called(said),
            "said": [_shown(each, {}, visitor, visitor.zone, t) for each in said],
            "link": f"{self._sender.base_url}/desk#{one.uid}",
            "can_answer": self._sender.advisers_answer and thread.reply_to is not None and not doubtful,
            "recipient": member.name,
        }
        subject = bare(one.subject) or t.gettext("Message from %(name)s", name=customer)
        return self._letter("told", language, to, subject, context, thread)

    def transcript(self, one: Conversation, to: Mailbox, text: str, thread: Thread) -> Letter:
        """The whole conversation as text."""
        context = {"text": text, "recipient": to.name}
        return self._letter("transcript", one.language, to, self.subject(one), context, thread)

    def _letter(
        self, kind: str, language: str, to: Mailbox, subject: str, context: Mapping[str, Any], thread: Thread
    ) -> Letter:
        sender = self._sender
        organisation = {"name": sender.organisation, "phone": sender.phone, "privacy_url": sender.privacy_url}
        whole = {"organisation": organisation, "subject": subject, **context}
        return Letter(
            to=to,
            subject=f"Re: {subject}" if thread.before else subject,
            text=self._templates.render(f"chat/{kind}.txt", language, whole),
            html=self._templates.render(f"chat/{kind}.html", language, whole),
            language=language,
            reply_to=thread.reply_to,
            references=thread.references,
        )


def _called(said: Sequence[Said]) -> str:
    """What a mail is about when it is a call that nobody answered: "callback" if they want to be called, else "call"."""
    if any(isinstance(one.call, CallBackBody) for one in said):
        return "callback"
    return "call" if said and all(one.call is not None for one in said) else ""


def _shown(
    one: Said, members: Mapping[int, Member], visitor: Visitor, zone: str, t: Translator
) -> dict[str, str | bool]:
    """A message as a template shows it."""
    who = (visitor.name or visitor.email) if one.sender == CUSTOMER else one.sender
    if "@" not in one.sender and one.sender != CUSTOMER:
        who = name_of(one.sender, members, visitor, t)
    return {
        "who": who,
        "when": f"{t.date(one.at // 1000, zone, 'day')}, {t.time(one.at // 1000, zone)}",
        "text": words_of(one, t, zone),
        "file": bool(one.file),
    }
