"""Where a person writes: several lines, Enter sends, a paste never does.

A large paste, like a file, is attached: it stands beside the words as a part of the message.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from textual import events
from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import TextArea

from chatapp.context.parts import Part, split, write
from chatapp.tui.words import many, visible

__all__ = ["Composer", "Draft"]

# Terminals without the newer keyboard protocol send Esc Enter for Alt+Enter, which Textual reads as
# a plain Enter: the message would be sent where a new line was meant.
_KEYS: Final[dict[str, Any]] = ANSI_SEQUENCES_KEYS  # type: ignore[assignment]


class _AltEnter:
    value: Final = "alt+enter"


_KEYS["\x1b\r"] = (_AltEnter,)

_NEW_LINE: Final = ("ctrl+j", "alt+enter", "shift+enter")
LARGE: Final = 8_000
"""A paste of more characters is attached; a longer message that is edited stands as a mark."""


@dataclass
class Draft:
    """What a person is writing. ``pastes`` maps each mark in ``text`` to what it stands for.

    ``attached`` are the parts that go before the words, as :mod:`chatapp.context.parts` has them.
    """

    text: str = ""
    pastes: dict[str, str] = field(default_factory=dict)
    attached: tuple[Part, ...] = ()

    @property
    def full(self) -> str:
        """The text as it would be sent."""
        return write(self.attached, self.typed)

    @property
    def typed(self) -> str:
        """The words, with what their marks stand for."""
        if not self.pastes:
            return self.text
        # In one pass: a paste may itself hold the words of another mark.
        marks = re.compile("|".join(map(re.escape, self.pastes)))
        return marks.sub(lambda found: self.pastes[found.group()], self.text)

    @classmethod
    def of(cls, text: str) -> Draft:
        """A draft of a text that was sent before: its parts, and its words (many as a mark)."""
        parts, typed = split(text)
        if len(typed) <= LARGE:
            return cls(typed, {}, tuple(parts))
        mark = f"[message: {many(len(typed), 'character')}]"
        return cls(mark, {mark: typed}, tuple(parts))

    def __bool__(self) -> bool:
        return bool(self.text or self.attached)

    def after(self, earlier: Draft) -> Draft:
        """``earlier``, then this draft: nothing that was typed is lost."""
        if not self:
            return earlier
        between = "\n\n" if earlier.text and self.text else ""
        return Draft(
            earlier.text + between + self.text,
            {**earlier.pastes, **self.pastes},
            earlier.attached + self.attached,
        )


class Composer(TextArea):
    """The input. It grows from one line to eight and then scrolls."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(",".join(_NEW_LINE), "new_line", "New line", show=False),
        Binding("enter", "send", "Send", show=False),
    ]

    class Sent(Message):
        """A person pressed Enter on ``draft``."""

        def __init__(self, draft: Draft) -> None:
            super().__init__()
            self.draft = draft

    class PartsChanged(Message):
        """Something was attached, or taken off."""

    class EditAsked(Message):
        """A person wants to change what was said before (Up or Ctrl+E in an empty input)."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(
            soft_wrap=True,
            compact=True,
            highlight_cursor_line=False,
            placeholder=Content("Write a message"),
            **arguments,
        )
        self._pastes: dict[str, str] = {}
        self._attached: tuple[Part, ...] = ()

    @property
    def attached(self) -> tuple[Part, ...]:
        """The parts that go before the words."""
        return self._attached

    @attached.setter
    def attached(self, parts: tuple[Part, ...]) -> None:
        if parts != self._attached:
            self._attached = parts
            self.post_message(self.PartsChanged())

    @property
    def written(self) -> bool:
        """Whether there is anything to send."""
        return bool(self.text or self._attached)

    @property
    def roomy(self) -> bool:
        """Whether all lines that are written have room where it stands."""
        return self.wrapped_document.height <= self.size.height

    @property
    def draft(self) -> Draft:
        """What is written, as it can be kept and put back."""
        text = self.text
        pastes = {mark: full for mark, full in self._pastes.items() if mark in text}
        return Draft(text, pastes, self._attached)

    @draft.setter
    def draft(self, draft: Draft) -> None:
        self._pastes = dict(draft.pastes)
        self.attached = draft.attached
        self.load_text(draft.text)
        self.move_cursor(self.document.end)

    async def _on_key(self, event: events.Key) -> None:
        # In the order of the keys: a priority binding would overtake letters typed just before.
        action = {"enter": self.action_send, **dict.fromkeys(_NEW_LINE, self.action_new_line)}
        if event.key in action:
            event.stop()
            event.prevent_default()
            action[event.key]()

    def action_send(self) -> None:
        """Send what is written; blank lines alone are no message."""
        draft = self.draft
        if draft.full.strip():
            self.post_message(self.Sent(draft))

    def action_new_line(self) -> None:
        """Break the line."""
        self._replace_via_keyboard("\n", *self.selection)

    def action_cursor_up(self, select: bool = False) -> None:
        if not self.text and not select:
            self.post_message(self.EditAsked())
        else:
            super().action_cursor_up(select)

    def action_cursor_line_end(self, select: bool = False) -> None:
        # Ctrl+E: the end of the line, where there is one.
        if not self.text:
            self.post_message(self.EditAsked())
        else:
            super().action_cursor_line_end(select)

    async def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        # Control characters become visible: what is seen here is what will be sent.
        self.insert_text(visible(event.text.replace("\r\n", "\n").replace("\r", "\n")))

    def action_paste(self) -> None:
        self.insert_text(visible(self.app.clipboard))

    def insert_text(self, text: str) -> None:
        """Put ``text`` at the cursor; a large one is attached instead."""
        if self.read_only or not text:
            return
        if len(text) > LARGE:
            self.attached = (*self.attached, Part("paste", text.strip("\n")))
            self.focus()
            return
        if result := self._replace_via_keyboard(text, *self.selection):
            self.move_cursor(result.end_location)
        self.focus()
