"""Corrections as the screen makes them: what the dialog begins with, what is measured and kept.

Nothing here is imported before the first frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from chatapp.conversation.corrections import (
    WORDINGS,
    Correction,
    asked_in,
    guess_right,
    guess_wrong,
    looks_like_correction,
    prefix_of,
    sentence_of,
)
from chatapp.tui import words

if TYPE_CHECKING:
    from chatapp.context.messages import Message
    from chatapp.conversation import Conversation, Node
    from chatapp.engine.protocol import Ready

__all__ = [
    "WORDINGS",
    "Kept",
    "Told",
    "adapter_of",
    "after_reply",
    "begin",
    "decisive",
    "hint",
    "keep",
    "lone_system",
    "message",
    "question",
    "summary",
]

_FEW: Final = 8
"""So many words may be decisive; more are a sentence."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a person filled in: the right words, the wrong ones, and the message as it is sent."""

    right: str
    wrong: str
    message: str


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """A correction, and all that has to be as it was for a comparison to mean anything.

    ``system`` is the system prompt with which the question was measured; ``weights`` the file,
    ``mark`` its SHA-256 from when the model was opened (None where it is not known), ``adapter``
    the SHA-256 and scale of what was added to it.
    """

    correction: Correction
    system: str = ""
    weights: Path | None = None
    mark: str | None = None
    window: int | None = None
    adapter: tuple[str | None, float | None] = (None, None)


def question(reply: Node) -> str:
    """What was asked: the last message of a person in the reply's request."""
    return asked_in(reply.facts.messages) if reply.facts else ""


def begin(reply: Node, said: str = "") -> Told:
    """What the dialog is filled with. ``said`` is the correction, if it was typed already."""
    wrong = guess_wrong(question(reply), reply.content)
    right = decisive(guess_right(said), prefix_of(reply.content, wrong)) if said else ""
    return Told(right, wrong, said)


def decisive(right: str, prefix: str) -> str:
    """``right`` without the words that ``prefix`` has already: the decisive ones."""
    head = f"{prefix} ".casefold()
    return right[len(prefix) :].strip() if right.casefold().startswith(head) else right


def message(wording: int, reply: Node, wrong: str, right: str) -> str:
    """The whole message in one of the ``WORDINGS``; empty while nothing is right yet."""
    if not right.strip():
        return ""
    return WORDINGS[wording].message(sentence_of(reply.content, wrong, right))


def hint(reply: Node, told: Told) -> str:
    """What a person should know of what is filled in; often nothing."""
    right = told.right.strip(" .!")
    if not right:
        return ""
    if told.wrong and told.wrong not in reply.content:
        return f"“{told.wrong}” does not stand in the reply."
    if len(right.split()) > _FEW:
        return "Give the decisive words alone: only their probability tells something."
    if told.message and right.casefold() not in told.message.casefold():
        return f"The message does not say “{right}”."
    return ""


def after_reply(conversation: Conversation, text: str, instead_of: Node | None) -> Node | None:
    """The reply that ``text`` seems to correct, if it does; for offering only."""
    nodes = conversation.nodes
    before = instead_of.parent if instead_of is not None else nodes[-1] if nodes else None
    if before is None or before.role != "assistant" or not before.content or not before.facts:
        return None
    return before if looks_like_correction(text) else None


def lone_system(messages: list[Message]) -> str | None:
    """The system prompt of a request that held one question and nothing else said; else None."""
    roles = [message.role for message in messages]
    if roles == ["user"]:
        return ""
    return messages[0].content if roles == ["system", "user"] else None


async def keep(
    conversation: Conversation,
    reply: Node,
    told: Told,
    *,
    since: int,
    mark: str | None,
    late: bool,
) -> Kept:
    """The correction with what the question alone gave before it was sent.

    A reply to a first question has that already, unless another model gave it (turns up to
    ``since``). Else the question is asked once more, alone, except if it is too ``late``.
    """
    assert reply.facts is not None
    engine = conversation.engine
    system, before = conversation.whole_system, None
    lone = lone_system(list(reply.facts.messages))
    if lone is not None and reply.facts.number > since:
        system, before = lone, reply.facts.first_logits
    if before is None and not late:
        before = await _measured(conversation, question(reply))
        system = conversation.whole_system
    correction = Correction(
        context=list(reply.facts.messages),
        reply=reply,
        wrong=told.wrong,
        right=told.right.strip(),
        said=told.message,
        prefix=prefix_of(reply.content, told.wrong),
        before=before,
    )
    return Kept(
        correction,
        system=system,
        weights=getattr(engine, "weights", None),
        mark=mark,
        window=conversation.window,
        adapter=adapter_of(engine.info),
    )


def adapter_of(info: Ready | None) -> tuple[str | None, float | None]:
    """The SHA-256 and the scale of the adapter that answers; both None without one."""
    return (info.adapter_sha256, info.adapter_scale) if info else (None, None)


async def _measured(conversation: Conversation, asked: str) -> str | None:
    """What the question alone gives now; None where it cannot be measured."""
    from typing import cast

    from chatapp.engine.client import LocalEngine
    from chatapp.errors import ChatappError
    from chatapp.proofs.new_session import measure_before

    engine = conversation.engine
    if engine.kind != "local" or not hasattr(engine, "score"):
        return None
    try:
        return await measure_before(cast(LocalEngine, engine), conversation.whole_system, asked)
    except ChatappError:
        return None


def summary(kept: Kept) -> str:
    """A correction in one line."""
    correction = kept.correction
    wrong = words.one_line(correction.wrong) or "the reply"
    return f"“{wrong}” → “{words.one_line(correction.right)}”"
