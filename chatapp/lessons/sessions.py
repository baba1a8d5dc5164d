"""A session of a lesson: its settings, how it stands, and putting it back as it stood."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final

from chatapp.context.parts import Part
from chatapp.conversation import Conversation, Node
from chatapp.conversation.view import View
from chatapp.engine.protocol import Sampling
from chatapp.lessons.steps import Settings

FIXED: Final = Settings(
    temperature=0.0,
    seed=1,
    top_k=40,
    top_p=0.95,
    min_p=0.05,
    max_tokens=48,
    system="",
    policy="stop",
    reuse=True,
)
"""What every lesson begins with, whatever the person has set. The window is left as it is."""

_SAMPLING: Final = {field.name for field in fields(Sampling)}


def started(settings: Settings) -> dict[str, Any]:
    """The settings that a lesson begins with, by name."""
    return {**FIXED.given(), **settings.given()}


def apply(
    conversation: Conversation, given: Mapping[str, Any], notes: tuple[str, ...] = ()
) -> None:
    """Settings of a conversation, from its next turn on. The window is the engine's, not its.

    ``notes`` are those that the lesson began it with.
    """
    conversation.notes = notes  # never the person's own
    conversation.tools = False
    sampling = {name: value for name, value in given.items() if name in _SAMPLING}
    if sampling:
        conversation.sampling = replace(conversation.sampling, **sampling)
    for name in ("system", "policy", "reuse"):
        if name in given:
            setattr(conversation, name, given[name])


def together(parts: Sequence[Part], more: Sequence[Part]) -> tuple[Part, ...]:
    """Both; new passages take the place of those that were there."""
    if any(part.kind == "passage" for part in more):
        parts = [part for part in parts if part.kind != "passage"]
    return (*parts, *more)


@dataclass(frozen=True, slots=True)
class Standing:
    """How a session stood: its messages, its settings, and where the model's view began."""

    nodes: tuple[Node, ...]
    system: str
    sampling: Sampling
    policy: Any
    reuse: bool
    first: int | None
    summary: str

    @classmethod
    def of(cls, conversation: Conversation) -> Standing:
        nodes = tuple(conversation.nodes)
        view = conversation.view
        return cls(
            nodes,
            conversation.system,
            conversation.sampling,
            conversation.policy,
            conversation.reuse,
            nodes.index(view.first) if view.first in nodes else None,
            view.summary,
        )

    def put_back(self, conversation: Conversation) -> None:
        """Make it stand so again. The turns stay counted: what was sent was sent."""
        # The messages themselves, not copies: each goes on counting how often it was sent.
        root = Node("system", "")
        at = root
        for node in self.nodes:
            at.children, at.chosen, node.parent = [node], 0, at
            at = node
        at.children, at.chosen = [], 0
        first = self.nodes[self.first] if self.first is not None else None
        conversation.restore(root, conversation.turns, View(first, self.summary))
        conversation.system, conversation.sampling = self.system, self.sampling
        conversation.policy, conversation.reuse = self.policy, self.reuse
