"""One person's run of turns: what happens between Enter and the last token, without a screen."""

from chatapp.conversation.conversation import Conversation
from chatapp.conversation.events import Called, Failed, Started, Step, Summarised, ViewMoved
from chatapp.conversation.facts import TurnFacts
from chatapp.conversation.tree import Node, Status
from chatapp.conversation.view import Overflow

__all__ = [
    "Called",
    "Conversation",
    "Failed",
    "Node",
    "Overflow",
    "Started",
    "Status",
    "Step",
    "Summarised",
    "TurnFacts",
    "ViewMoved",
]
