"""A session on the screen: its conversation, its messages in sight, and its own draft."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from chatapp.tui.widgets.composer import Draft

if TYPE_CHECKING:
    from textual.worker import Worker

    from chatapp.conversation import Conversation, Node, TurnFacts
    from chatapp.conversation.corrections import Correction
    from chatapp.keeping.keeper import Keeper
    from chatapp.tui.correcting import Kept
    from chatapp.tui.retrieving import Retrieving
    from chatapp.tui.widgets.conversation import ConversationPane

__all__ = ["Offer", "Session"]


class Offer(NamedTuple):
    """A message that looks like a correction of ``reply``, which nobody has asked to keep yet."""

    reply: Node
    said: str


@dataclass(eq=False)
class Session:
    """``editing`` is the message that the draft will replace; ``aside`` the draft put by for it.

    ``turn`` is the worker that takes a turn now; ``begun`` whether its request is on its way;
    ``arrived`` the last request that a model has received. ``kept`` are the corrections made here,
    ``offer`` one that may be kept. Turns up to ``since`` were taken with another model. ``keeper``
    stores the session, if its person says so. ``retrieving``: passages are looked for with every
    message.
    """

    number: int
    pane: ConversationPane
    conversation: Conversation | None = None
    keeper: Keeper | None = None
    draft: Draft = field(default_factory=Draft)
    editing: Node | None = None
    aside: Draft = field(default_factory=Draft)
    turn: Worker[None] | None = None
    begun: bool = False
    arrived: TurnFacts | None = None
    kept: list[Kept] = field(default_factory=list)
    offer: Offer | None = None
    since: int = 0
    retrieving: Retrieving | None = None

    @property
    def corrections(self) -> list[Correction]:
        """The corrections made in this session, in order."""
        return [kept.correction for kept in self.kept]

    @property
    def busy(self) -> bool:
        """Whether a turn is under way or waiting."""
        return self.turn is not None

    def give_back(self, draft: Draft, editing: Node | None) -> None:
        """Nothing was sent: put the message back where it was written."""
        if self.editing is not None:
            # Another edit has begun meanwhile: the message waits behind it.
            self.aside = self.aside.after(draft)
        elif editing is not None:
            self.aside, self.draft, self.editing = self.draft, draft, editing
        else:
            self.draft = self.draft.after(draft)
