"""From a conversation as it is open to messages and turns as the archive keeps them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from chatapp.archive.records import SessionInfo, StoredMessage, StoredSession, StoredTurn, Weights
from chatapp.archive.records import now as now_
from chatapp.context.overflow import SUMMARY_HEADING
from chatapp.conversation import Conversation, Node
from chatapp.conversation.facts import Answering

__all__ = ["COPIED", "Answered", "held_tools", "snapshot", "turn_of"]

COPIED: Final = (
    "arrived",
    "tokens_sent",
    "tokens_again",
    "tokens_new",
    "reused",
    "computed",
    "reply_tokens",
    "first_token_seconds",
    "prefill_seconds",
    "decode_seconds",
    "first_logits",
    "prompt_sha256",
)
"""What a turn in the archive and one of a conversation have in common."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What answered a turn: the weights, and the context window in tokens."""

    weights: Weights = field(default_factory=Weights)
    window: int | None = None


def turn_of(reply: Node, by: Answered, place: Callable[[Node], int]) -> StoredTurn | None:
    """How a reply came about; ``None`` if no request was made for it.

    ``place`` gives a message's id in the archive.
    """
    facts = reply.facts
    if facts is None:
        return None
    sent = facts.messages
    system = sent[0].content if sent and sent[0].role == "system" else ""
    tools = next((message.content for message in sent[:2] if message.role == "tools"), None)
    first = _first(reply, len(sent) - bool(system) - (tools is not None))
    sampling = facts.sampling.as_dict()
    if facts.seed is not None:
        sampling["seed"] = facts.seed
    summary = system.partition(SUMMARY_HEADING)[2] if first is not None else ""
    return StoredTurn(
        number=facts.number,
        **{name: getattr(facts, name) for name in COPIED},
        system=system,
        summary=summary,
        view_first=place(first) if first is not None else None,
        sampling=sampling,
        window=by.window,
        tools=tools,
        weights=_weights(by.weights, facts.weights),
    )


def _weights(known: Weights, said: Answering | None) -> Weights:
    """What is known of the weights, with the adapter that the engine named for this turn."""
    if said is None:
        return known
    return replace(
        known,
        model=known.model or said.model,
        adapter=said.adapter,
        adapter_sha256=said.adapter_sha256,
        adapter_scale=said.adapter_scale,
    )


def _first(reply: Node, sent: int) -> Node | None:
    """Where the request for ``reply`` began, which held ``sent`` messages; None: at the start."""
    at, first = reply.parent, None
    while at is not None and at.role != "system" and sent:
        if at.content or at.role == "user":
            sent -= 1
            first = at
        at = at.parent
    whole = at is None or at.role == "system"
    return None if whole else first


def held_tools(reply: Node) -> bool:
    """Whether the request for ``reply`` declared tools, or held what one answered."""
    return reply.facts is not None and any(
        message.role in ("tools", "tool") for message in reply.facts.messages
    )


def snapshot(
    conversation: Conversation, by: Callable[[Node], Answered], *, name: str = ""
) -> StoredSession:
    """The whole conversation as the archive would hold it; nothing is stored."""
    order = list(conversation.root.below())
    place = {node: number for number, node in enumerate(order, 1)}
    at = now_()
    messages = tuple(
        StoredMessage(
            id=place[node],
            parent=place.get(node.parent) if node.parent is not None else None,
            role=node.role,
            content=node.content,
            created=at,
            status=node.status,
            note=node.note,
            chosen=node.parent is None or node.parent.children[node.parent.chosen] is node,
            sent=node.sent,
            turn=turn_of(node, by(node), place.__getitem__),
        )
        for node in order
    )
    last = next((by(node) for node in reversed(conversation.nodes) if node.facts), Answered())
    info = SessionInfo(
        id=name,
        title=conversation.title,
        created=at,
        changed=at,
        state="off",
        messages=len(messages),
        model=last.weights.model,
    )
    return StoredSession(info=info, system=conversation.whole_system, messages=messages)
