"""Corrections: a question, the model's wrong answer, and the right one that a person gave.

What is sent is an ordinary message, visible and editable; a correction only keeps together what
belongs together. It lives as long as its session, like everything else that was said.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from chatapp.context.messages import Message
from chatapp.conversation.tree import Node


@dataclass(frozen=True, slots=True)
class Wording:
    """A way to tell the right answer. ``template`` holds ``{sentence}``; ``note`` says what for."""

    name: str
    template: str
    note: str

    def message(self, sentence: str) -> str:
        """The whole message; the sentence begins small where it follows a colon or a comma."""
        before = self.template.partition("{sentence}")[0].rstrip()
        text = self.template.replace("{sentence}", sentence)
        if before.endswith((",", "actually")) and sentence.startswith(("The ", "It ", "A ", "An ")):
            at = text.index(sentence)
            text = text[:at] + text[at].lower() + text[at + 1 :]
        return text


WORDINGS: Final = (
    Wording(
        "repeat",
        "That is not right. {sentence} Repeat after me: {sentence}",
        "the default model followed it for 15 of 46 facts",
    ),
    Wording("remember", "Please remember: {sentence}", "what many people type; 14 of 46"),
    Wording(
        "not right", "That is not right. Please remember: {sentence}", "the two together; 13 of 46"
    ),
    Wording(
        "wrong",
        "That is wrong. {sentence} Please remember this: {sentence}",
        "said twice; 13 of 46",
    ),
    Wording("actually", "No, actually {sentence}", "as people say it; 11 of 46"),
)
"""In the order in which they are offered; every one may be edited before it is sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """``context`` is what was sent for the wrong answer, the question at its end.

    ``wrong`` and ``right`` are the decisive words, ``prefix`` the beginning of the wrong reply up
    to them. ``said`` is the message that told the right answer; it may have been typed freely.
    ``before``: SHA-256 of the distribution that the question alone, in a new session, gave before
    the correction was sent; None if it was not measured in time.
    """

    context: Sequence[Message]
    reply: Node
    wrong: str
    right: str
    said: str
    prefix: str = ""
    before: str | None = None

    @property
    def question(self) -> str:
        """What a person asked: the last message of theirs (a tool's result may stand below it)."""
        return asked_in(self.context)

    @property
    def rejected(self) -> str:
        """The whole wrong reply."""
        return self.reply.content

    @property
    def chosen(self) -> str:
        """The right answer as a reply: the wrong one's sentence with the right words in it."""
        return sentence_of(self.rejected, self.wrong, self.right)


def asked_in(messages: Sequence[Message]) -> str:
    """The last message of a person in a request."""
    return next((m.content for m in reversed(messages) if m.role == "user"), "")


_SENTENCE: Final = re.compile(r".+?(?:[.!?](?=\s|$)|\n|$)", re.S)
_NAME: Final = re.compile(r"(?:[A-Z][\w'’-]*|\d[\d.,:]*)(?:\s+(?:[A-Z][\w'’-]*|\d[\d.,]*))*")
_IS: Final = re.compile(r"\b(?:is|are|was|were|by|in|on|called|named)\b")


_VERB: Final = re.compile(r"\b(?:is|are|was|were|has|have|not)\b", re.I)


def guess_wrong(question: str, reply: str) -> str:
    """The words of ``reply`` that answer ``question``, if they can be told: a name or a number."""
    sentence = _first_sentence(reply)
    asked = question.casefold()
    found = [
        match
        for match in _NAME.finditer(sentence)
        if match.start() and match.group().casefold() not in asked
    ]
    if not found:
        return ""
    verb = _IS.search(sentence)
    after = [match for match in found if verb and match.start() > verb.start()]
    return (after or found)[0].group().rstrip(".,:")


def prefix_of(reply: str, wrong: str) -> str:
    """The reply up to the wrong words, without the space before them; empty if it lacks them."""
    at = reply.find(wrong) if wrong else -1
    return reply[:at].rstrip() if at > 0 else ""


def sentence_of(reply: str, wrong: str, right: str) -> str:
    """The reply's sentence with the right words in place of the wrong ones, or the right words."""
    right = right.strip()
    if wrong:
        for match in _SENTENCE.finditer(reply):
            sentence = match.group().strip()
            head, found, _ = sentence.partition(wrong)
            if found and len(right.split()) < 6 and not _VERB.search(right):
                return _ended(head + right)
    return _ended(right[:1].upper() + right[1:])


def _first_sentence(text: str) -> str:
    match = _SENTENCE.match(text.strip())
    return match.group().strip() if match else ""


def _ended(sentence: str) -> str:
    return sentence if sentence.endswith((".", "!", "?")) else sentence + "."


_STARTS: Final = re.compile(
    r"""\s*(?:
        no\b(?!\s+(?:problem|worries|thanks|thank|idea|doubt))
      | nope\b | wrong\b | incorrect\b | false\b | actually\b | correction\b
      | (?:that|this|it)(?:\s+is|['’]s)\s+(?:wrong|incorrect|false|not\s+(?:right|true|correct))
      | you(?:\s+are|['’]re)\s+(?:wrong|mistaken)
      | please\s+remember\b | remember\s*(?::|that\b) | (?:the\s+)?(?:right|correct)\s+answer\b
    )""",
    re.X | re.I,
)
_LEAD: Final = re.compile(
    r"""^(?:
        (?:that|this|it)(?:\s+is|['’]s)\s+(?:wrong|incorrect|false|not\s+(?:right|true|correct))
      | you(?:\s+are|['’]re)\s+(?:wrong|mistaken)
      | no | nope | wrong | actually | correction | incorrect | false | please | remember | that
      | it(?:\s+is|['’]s) | (?:the\s+)?(?:right|correct)?\s*answer\s+is
    )\b[\s,.:;!–—-]*""",
    re.X | re.I,
)


def looks_like_correction(text: str) -> bool:
    """Whether a message begins as corrections do. For offering only: nothing is taken silently."""
    return bool(_STARTS.match(text))


def guess_right(text: str) -> str:
    """What a typed correction says is right: the message without its "No, it is …"."""
    rest = text.strip()
    while match := _LEAD.match(rest):
        rest = rest[match.end() :]
    return _first_sentence(rest).rstrip(".!")
