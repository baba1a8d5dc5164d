"""Correct a reply: the right answer, the wrong words, and the whole message before it is sent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, OptionList, Static, TextArea
from textual.widgets.option_list import Option

from chatapp.tui import correcting, words
from chatapp.tui.correcting import WORDINGS, Told
from chatapp.tui.dialogs.base import Action, Dialog, one_line

if TYPE_CHECKING:
    from chatapp.conversation import Node

__all__ = ["CorrectDialog"]

SENT = "Sent as an ordinary message at the transcript's end. No weight changes."
KEPT = "It was sent already; nothing is sent again. Kept until this run ends."


class _Wordings(OptionList):
    """The highlighted wording is the choice, as the marks in front of it say."""

    DEFAULT_CSS = """
    _Wordings {
        height: auto; border: none; padding: 0; background: transparent;
        &:focus { background-tint: transparent; border: none; }
        & > .option-list--option { padding: 0; }
        & > .option-list--option-highlighted {
            background: transparent; color: $foreground; text-style: none;
        }
        &:focus > .option-list--option-highlighted { background: $primary-muted; color: $text; }
        &:focus:nocolor > .option-list--option-highlighted {
            background: $foreground;
            color: $background;
        }
        &:focus:ansi > .option-list--option-highlighted {
            background: $block-cursor-background;
            color: $block-cursor-foreground;
        }
    }
    """

    def __init__(self) -> None:
        options = [Option(self._line(n, n == 0), id=str(n)) for n in range(len(WORDINGS))]
        super().__init__(*options, id="wordings", markup=False)
        self.highlighted = 0

    @staticmethod
    def _line(number: int, chosen: bool) -> Content:
        wording = WORDINGS[number]
        mark = "(●) " if chosen else "( ) "
        return Content.assemble(
            (mark + wording.name, "bold" if chosen else ""), f": {wording.note}"
        )

    @property
    def chosen(self) -> int:
        return self.highlighted or 0

    def mark(self) -> None:
        for n in range(len(WORDINGS)):
            self.replace_option_prompt(str(n), self._line(n, n == self.chosen))


class _Whole(TextArea):
    """The message as it will be sent. Enter goes on, ^J breaks the line, as in the input."""

    async def _on_key(self, event: events.Key) -> None:
        if event.key == "enter":
            event.stop()
            event.prevent_default()
            self.screen.focus_next()
        elif event.key in ("ctrl+j", "alt+enter", "shift+enter"):
            event.stop()
            event.prevent_default()
            self.insert("\n")

    async def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        self.insert(words.visible(event.text))


class CorrectDialog(Dialog[Told | None]):
    """The result is what to send; or, if it was ``said`` already, what to keep."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+enter,ctrl+s", "give", "Send", priority=True),
        Binding("down", "app.focus_next", show=False),
        Binding("up", "app.focus_previous", show=False),
    ]
    DEFAULT_CSS = """
    CorrectDialog {
        #panel { max-height: 100%; }
        #fields {
            height: auto; max-height: 100vh;
            scrollbar-size-vertical: 1; scrollbar-background: $surface;
        }
        &.-short #fields { max-height: 16; }
        .field { height: auto; }
        .label { width: 27; height: 1; }
        &.-narrow .label { width: 100%; }
        &.-narrow .field { layout: vertical; }
        .field:focus-within .label { text-style: bold underline; }
        Input { width: 1fr; height: 1; background: $foreground 12%; padding: 0 1; }
        Input:ansi { text-style: underline; }
        .quiet { color: $text-muted; height: auto; }
        .said { height: auto; max-height: 3; }
        &.-tall .said { max-height: 8; }
        #reply { margin-bottom: 1; }
        #wordings { margin: 1 0 0 0; }
        &.-short #wordings, &.-short #reply { margin: 0; }
        #whole {
            height: 5; background: $surface; padding: 0 1;
            border: round $foreground 50%; border-title-color: $text;
        }
        &.-tall #whole { height: 7; }
        #whole:focus { border: round $primary; border-title-style: bold; }
    }
    """

    def __init__(self, reply: Node, *, said: str = "") -> None:
        super().__init__()
        self._reply = reply
        self._said = said
        self._given = correcting.begin(reply, said)
        self._made = words.visible(said)
        """The message as it was made from the fields; what differs was written by hand."""
        self.heading = "Keep as a correction" if said else "Correct it"  # type: ignore[misc]
        self.keys = (  # type: ignore[misc]
            f"Enter next · ^S {'keep' if said else 'send'} · Esc leave"
        )

    def body(self) -> Iterable[Widget]:
        with VerticalScroll(id="fields", can_focus=False):
            yield Static(self._quote("you", correcting.question(self._reply)), classes="said")
            yield Static(self._quote("model", self._reply.content), id="reply", classes="said")
            yield from self._field("right", "The right answer", "the decisive words alone")
            yield from self._field("wrong", "The words that are wrong", "may stay empty")
            if not self._said:
                yield _Wordings()
            whole = _Whole(
                self._made, id="whole", soft_wrap=True, read_only=bool(self._said),
                tab_behavior="focus",
            )  # fmt: skip
            whole.border_title = "What you sent" if self._said else "What is sent; change it freely"
            yield whole
            yield Static(KEPT if self._said else SENT, classes="quiet", markup=False)

    @staticmethod
    def _quote(who: str, text: str) -> Content:
        return Content.assemble((f"{who}  ", "bold"), one_line(text, 400))

    def _field(self, name: str, label: str, placeholder: str) -> Iterable[Widget]:
        value = words.one_line(getattr(self._given, name))
        with Horizontal(classes="field"):
            yield Static(label, classes="label", markup=False)
            yield Input(value, placeholder, id=name, compact=True)

    def actions(self) -> Iterable[Widget]:
        yield Action("Keep" if self._said else "Send", "screen.give", id="give")
        yield Action("Cancel", "screen.leave", id="leave")

    def on_mount(self) -> None:
        self.query_one("#right", Input).focus()

    # ── while it is filled in ───────────────────────────────────────────────────────────────────

    @property
    def told(self) -> Told:
        """What is filled in now."""
        return Told(
            self.query_one("#right", Input).value.strip(),
            self.query_one("#wrong", Input).value.strip(),
            self._said or self.query_one(_Whole).text,
        )

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._compose_message(by_hand_stays=True)

    @on(OptionList.OptionHighlighted)
    def _worded(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        wordings = self.query_one(_Wordings)
        wordings.mark()
        # A wording that is chosen anew is asked for, also in place of a text of one's own.
        self._compose_message(by_hand_stays=not wordings.has_focus)

    @on(TextArea.Changed)
    def _rewritten(self, event: TextArea.Changed) -> None:
        event.stop()
        self.say(correcting.hint(self._reply, self.told))

    @on(Input.Submitted)
    @on(OptionList.OptionSelected)
    def _entered(self, event: events.Event) -> None:
        event.stop()
        self.focus_next()

    def _compose_message(self, *, by_hand_stays: bool) -> None:
        if not self._said:
            whole = self.query_one(_Whole)
            told = self.told
            wording = self.query_one(_Wordings).chosen
            if whole.text == self._made or not by_hand_stays:
                self._made = words.visible(
                    correcting.message(wording, self._reply, told.wrong, told.right)
                )
                whole.load_text(self._made)
        self.say(correcting.hint(self._reply, self.told))

    # ── the end ─────────────────────────────────────────────────────────────────────────────────

    def action_give(self) -> None:
        """Hand over what is filled in, or say what is missing."""
        told = self.told
        if not told.right.strip(" .!"):
            self.query_one("#right", Input).focus()
            self.say("What is the right answer?", wrong=True)
        elif not told.message.strip():
            self.query_one(_Whole).focus()
            self.say("There is no message to send.", wrong=True)
        else:
            self.dismiss(told)
