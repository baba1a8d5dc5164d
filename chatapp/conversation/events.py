"""What a turn tells as it happens, besides the engine's own events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from chatapp.conversation.tree import Node
from chatapp.engine.protocol import Event


@dataclass(frozen=True, slots=True)
class Started:
    """The turn stands in the transcript. ``user`` is ``None`` when a reply is regenerated."""

    user: Node | None
    reply: Node


@dataclass(frozen=True, slots=True)
class ViewMoved:
    """The model's view now begins at ``first``; ``messages`` before it are no longer sent."""

    first: Node
    messages: int


@dataclass(frozen=True, slots=True)
class Summarised:
    """The model's summary stands in for the oldest ``messages``. It is sent as plain text."""

    text: str
    messages: int


@dataclass(frozen=True, slots=True)
class Called:
    """``reply`` held a call: chatapp ran the tool, and ``result`` stands below it as text. All of
    it is sent again at once, unless the turn was stopped."""

    reply: Node
    result: Node


@dataclass(frozen=True, slots=True)
class Failed:
    """The engine broke off. The transcript is whole; ``reply`` keeps what had come."""

    reply: Node
    sentence: str


Step: TypeAlias = Started | Called | ViewMoved | Summarised | Failed | Event
