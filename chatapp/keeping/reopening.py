"""From a stored session to a conversation that goes on. Reopened means: sent again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import cast

from chatapp.archive.records import StoredMessage, StoredSession, StoredTurn
from chatapp.context.messages import Message
from chatapp.context.overflow import SUMMARY_HEADING
from chatapp.context.parts import split_notes
from chatapp.conversation import Conversation, Node, Status, TurnFacts
from chatapp.conversation.view import View
from chatapp.engine.protocol import Generate, Sampling
from chatapp.keeping.turns import COPIED

__all__ = ["reopen", "request_of"]

Said = Mapping[int, Message]
"""Each message once: the requests of all turns share them."""
_SAMPLING = {field.name for field in fields(Sampling)}


def reopen(conversation: Conversation, stored: StoredSession) -> dict[Node, int]:
    """Put a stored session into a new conversation; the id in the store of each message.

    Nothing is sent by this. The next turn sends what the last view held, and the new message.
    """
    root = Node("system", "")
    nodes: dict[int, Node] = {}
    among = {message.id: message for message in stored.messages}
    said = {message.id: message.message for message in stored.messages}
    turns: list[TurnFacts] = []
    for message in stored.messages:
        parent = nodes[message.parent] if message.parent is not None else root
        node = parent.add(message.role, message.content, cast(Status, message.status))
        node.note, node.sent = message.note, message.sent
        nodes[message.id] = node
        if message.turn is not None:
            node.facts = _facts(message, among, said)
            turns.append(node.facts)
    for message in stored.messages:
        if message.chosen:
            nodes[message.id].choose()
    turns.sort(key=lambda facts: facts.number)
    last = next((one.turn for one in reversed(list(stored.branch())) if one.turn), None)
    whole = stored.system if last is None else _system(last)
    conversation.system, conversation.notes = split_notes(whole)
    conversation.tools = last is not None and last.tools is not None
    conversation.restore(root, turns, _view(last, nodes))
    return {node: number for number, node in nodes.items()}


def _system(last: StoredTurn) -> str:
    """The system prompt as it was last, which may have changed since the session began."""
    if not last.summary:
        return last.system
    return last.system.removesuffix(SUMMARY_HEADING + last.summary).removesuffix("\n\n")


def _view(last: StoredTurn | None, nodes: dict[int, Node]) -> View:
    if last is None or last.view_first not in nodes:
        return View()
    return View(nodes[last.view_first], last.summary)


def _facts(reply: StoredMessage, among: Mapping[int, StoredMessage], said: Said) -> TurnFacts:
    assert reply.turn is not None
    facts = TurnFacts(reply.turn.number, _request(reply, among, said))
    for name in COPIED:
        setattr(facts, name, getattr(reply.turn, name))
    facts.seed = facts.request.sampling.seed
    return facts


def request_of(stored: StoredSession, reply: StoredMessage) -> Generate:
    """The very request that ``reply`` answered, to be sent again. The reply must have a turn."""
    among = {message.id: message for message in stored.messages}
    return _request(reply, among, {message.id: message.message for message in stored.messages})


def _request(reply: StoredMessage, among: Mapping[int, StoredMessage], said: Said) -> Generate:
    turn = reply.turn
    assert turn is not None
    sampling = {name: value for name, value in turn.sampling.items() if name in _SAMPLING}
    found: list[Message] = []
    at = reply.parent
    while at is not None:
        message = among[at]
        if message.content or message.role == "user":
            found.append(said[at])
        at = None if at == turn.view_first else message.parent
    if turn.tools is not None:
        found.append(Message("tools", turn.tools))
    if turn.system:
        found.append(Message("system", turn.system))
    return Generate(messages=found[::-1], sampling=Sampling.from_dict(sampling))
