"""The transcript as a tree: an edited message or a regenerated reply is a branch, never a loss."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from chatapp.context.messages import Message, Role

if TYPE_CHECKING:
    from chatapp.conversation.facts import TurnFacts

Status = Literal["complete", "streaming", "stopped", "length", "window", "failed"]
"""``stopped``: by a person. ``length``: the reply length set was reached. ``window``: the context
window is full. ``failed``: the engine broke off; ``note`` says why."""


@dataclass(slots=True, eq=False)
class Node:
    """One message. Its status and its counts are its own fields and never part of its text.

    ``sent`` counts the requests that contained this message. ``part_tokens`` are those of its parts
    (:mod:`chatapp.context.parts`) on every turn, in order; ``None`` until a request was counted.
    """

    role: Role
    content: str
    parent: Node | None = None
    status: Status = "complete"
    note: str = ""
    sent: int = 0
    facts: TurnFacts | None = None
    part_tokens: tuple[int, ...] | None = None
    children: list[Node] = field(default_factory=list)
    chosen: int = 0
    _message: Message | None = None

    @property
    def message(self) -> Message:
        """What a request holds of it: one object for all requests, while the text is the same."""
        if self._message is None or self._message.content != self.content:
            self._message = Message(self.role, self.content)
        return self._message

    @property
    def siblings(self) -> list[Node]:
        """The branches at this place, this one included."""
        return self.parent.children if self.parent else [self]

    @property
    def place(self) -> int:
        """Which of its siblings this is, from 0."""
        return self.siblings.index(self)

    def add(self, role: Role, content: str, status: Status = "complete") -> Node:
        """Add a branch below this message and choose it."""
        child = Node(role, content, self, status)
        self.children.append(child)
        self.chosen = len(self.children) - 1
        return child

    def choose(self) -> None:
        """Make this branch the one that is shown and sent."""
        if self.parent:
            self.parent.chosen = self.place

    def chain(self) -> Iterator[Node]:
        """The chosen branch below this node, in order."""
        node = self
        while node.children:
            node = node.children[node.chosen]
            yield node

    def below(self) -> Iterator[Node]:
        """All messages below this node on all branches, parents first, siblings in order."""
        waiting = list(reversed(self.children))
        while waiting:
            node = waiting.pop()
            yield node
            waiting.extend(reversed(node.children))
