"""The context window as a budget: what each part of a request takes, and what is left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from chatapp.context.messages import Message
from chatapp.context.parts import sections
from chatapp.context.prompt import Prompt

Level = Literal["ok", "amber", "red", "over"]

AMBER: Final = 0.80
RED: Final = 0.95


@dataclass(frozen=True, slots=True)
class Budget:
    """Tokens by part. The parts and ``free`` add up to ``window`` unless it is exceeded.

    ``template`` holds the template's own text and the system prompt, ``notes`` the saved notes
    pasted behind it, ``tools`` the declaration of tools, ``earlier`` the turns so far, ``draft``
    the new message, ``reserve`` what is set aside for the reply.
    """

    window: int
    template: int = 0
    earlier: int = 0
    draft: int = 0
    reserve: int = 0
    notes: int = 0
    tools: int = 0

    @property
    def sent(self) -> int:
        """Tokens that would be sent."""
        return self.template + self.notes + self.tools + self.earlier + self.draft

    @property
    def free(self) -> int:
        """Tokens left beside the reserve; negative when it does not fit."""
        return self.window - self.reserve - self.sent

    @property
    def fits(self) -> bool:
        return self.free >= 0

    @property
    def share(self) -> float:
        """The part of the window that is spoken for, reserve included (1.0 is full)."""
        return (self.sent + self.reserve) / self.window if self.window else 1.0

    @property
    def level(self) -> Level:
        """``amber`` from 80 % of the window, ``red`` from 95 %, ``over`` when it does not fit."""
        if not self.fits:
            return "over"
        if self.share >= RED:
            return "red"
        return "amber" if self.share >= AMBER else "ok"


def measure(prompt: Prompt, messages: Sequence[Message], *, window: int, reserve: int) -> Budget:
    """The budget of a prompt whose last message is the new one, if a person wrote it."""
    last = len(messages) - 1
    drafting = last >= 0 and messages[last].role == "user"
    template = earlier = draft = notes = tools = 0
    for span in sections(prompt, messages):
        if span.part is not None and span.part.kind == "notes":
            notes += span.tokens
        elif span.owner >= 0 and messages[span.owner].role == "tools":
            tools += span.tokens
        elif span.owner < 0 or messages[span.owner].role == "system":
            template += span.tokens
        elif span.owner == last and drafting:
            draft += span.tokens
        else:
            earlier += span.tokens
    return Budget(window, template, earlier, draft, reserve, notes, tools)
