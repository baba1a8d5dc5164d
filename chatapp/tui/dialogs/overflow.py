"""The transcript no longer fits the window: the person decides, nothing is dropped in silence."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, cast

from textual.content import Content
from textual.widget import Widget
from textual.widgets import OptionList, Static

from chatapp.conversation.view import Overflow
from chatapp.tui.dialogs.base import Action, Cards, Dialog, card

__all__ = ["OverflowChoice", "OverflowDialog"]

OverflowChoice = Literal["drop-oldest", "summary"]

_BAR = 30  # cells of the longer bar

_KEEP = "Nothing is sent and nothing is lost. Your message stays in the input line."


class OverflowDialog(Dialog[OverflowChoice | None]):
    """What to do with a transcript that is too long; the result is the way to make room.

    ``messages_out``: how many of the oldest messages would have to leave the model's view; 0 stands
    for all of them.
    """

    heading = "It does not fit"
    keys = "↑ ↓ and Enter choose · Esc back"

    def __init__(self, over: Overflow, messages_out: int) -> None:
        super().__init__()
        self._over = over
        self._out = messages_out

    def body(self) -> Iterable[Widget]:
        yield Static(self._numbers(), classes="lead", markup=False)
        if self._over.first is None:
            yield Static(
                "This message alone is too long, so leaving out older messages would not help. "
                "Shorten it, or raise the window or lower the reply length in the settings (F4). "
                + _KEEP,
                id="alone",
                markup=False,
            )
        else:
            yield Cards(self._choices(), id="choices")

    def actions(self) -> Iterable[Widget]:
        if self._over.first is not None:
            yield Action("Choose", "screen.choose", id="choose")
        yield Action("Back", "screen.leave", id="leave")

    def on_mount(self) -> None:
        # The Enter that sent the message, pressed twice, must not choose what is lost.
        for choices in self.query(Cards):
            choices.highlighted = None

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        choice = event.option.id
        self.dismiss(None if choice == "back" else cast(OverflowChoice, choice))

    def action_choose(self) -> None:
        """Take the highlighted choice."""
        choices = self.query_one(Cards)
        if choices.highlighted is None:
            self.say("Choose one first: ↑ and ↓, or a click.")
        else:
            choices.action_select()

    def _numbers(self) -> Content:
        needed, available = self._over.needed, max(self._over.available, 0)
        longest = max(needed, available, 1)

        def cells(tokens: int) -> int:
            # At least one cell for what is there: a short bar is not an empty one.
            return max(round(_BAR * tokens / longest), 1 if tokens else 0)

        room = cells(available)
        return Content.assemble(
            f"{needed:,} tokens would be sent\n",
            ("█" * room, "$primary"),
            # Another pattern as well as another colour.
            ("▒" * (cells(needed) - room), "$warning"),
            f"\n{available:,} tokens fit beside the reply reserve\n",
            ("█" * room, "$primary"),
            (f"\n{needed - available:,} tokens too many", "bold"),
        )

    def _choices(self) -> Iterable[tuple[str, Content, bool]]:
        if self._out < 1:
            oldest, they, lost = "All earlier messages", "They stay", "what they said"
        elif self._out == 1:
            oldest, they, lost = "The oldest message", "It stays", "what only it said"
        else:
            oldest = f"The {self._out:,} oldest messages"
            they, lost = "They stay", "what only they said"
        leave = "leaves" if self._out == 1 else "leave"
        yield (
            "drop-oldest",
            card(
                "Leave out the oldest",
                f"{oldest} {leave} the model's view. {they} on your screen, but the model no "
                f"longer receives {lost}.",
            ),
            True,
        )
        yield (
            "summary",
            card(
                "Send a summary in their place",
                "The model reads the oldest once more and writes a summary, which is sent "
                "instead: more text, nothing else. Details are lost, and a small model may "
                "write something false. The summary is shown to you.",
            ),
            True,
        )
        yield ("back", card("Back to your message", f"{_KEEP} You can shorten it."), True)
