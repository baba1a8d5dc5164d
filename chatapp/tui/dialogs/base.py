"""What the dialogs share: a framed panel, a list of cards, buttons, and how they look.

Text from people, models and files reaches the screen as :class:`Content` or with markup off.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.geometry import Size
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Button, OptionList, Static
from textual.widgets.option_list import Option

from chatapp.tui import words

__all__ = ["Action", "Cards", "Dialog", "card", "one_line"]

Result = TypeVar("Result")


def one_line(text: str, most: int = 200) -> str:
    """Text of any origin on one line, safe to show, and not a flood."""
    words_only = words.one_line(text)
    return words_only if len(words_only) <= most else words_only[: most - 1] + "…"


class Action(Button):
    """A button one line high; it fits where only twenty lines do."""

    DEFAULT_CSS = """
    Action, Action.-textual-compact {
        min-width: 8;
        width: auto;
        padding: 0;
        margin: 0 1 0 0;
        background: $foreground 12%;
        color: $foreground;
        text-style: none;
        &:focus {
            background: $primary;
            color: $button-color-foreground;
            text-style: bold underline;
        }
        &:hover { background: $foreground 25%; }
        &:focus:nocolor, &:focus:ansi { text-style: reverse bold; }
    }
    """

    def __init__(self, label: str, action: str, *, id: str | None = None) -> None:
        super().__init__(Content(f"[{label}]"), action=action, compact=True, id=id)


def card(title: str, *lines: str, mark: str = "") -> Content:
    """A bold title, a word on its state, and lines of plain text under it."""
    head = Content.assemble((one_line(title), "bold"), f" · {mark}" if mark else "")
    return Content("\n").join([head, *map(Content, lines)])


class Cards(OptionList):
    """A list whose items are cards of several lines, divided by rules."""

    DEFAULT_CSS = """
    Cards {
        height: auto;
        max-height: 55vh;
        border: none;
        padding: 0;
        background: transparent;
        scrollbar-size-vertical: 1;
        scrollbar-background: $surface;
        & > .option-list--option { padding: 0 1; }
        & > .option-list--option-highlighted {
            background: $foreground 12%;
            color: $foreground;
            text-style: none;
        }
        &:focus {
            border: none;
            background-tint: transparent;
            & > .option-list--option-highlighted {
                background: $primary-muted;
                color: $text;
                text-style: none;
            }
        }
        /* Without colours two shades are too much alike: light and dark change places. */
        &:focus:nocolor > .option-list--option-highlighted {
            background: $foreground;
            color: $background;
        }
        &:focus:ansi > .option-list--option-highlighted {
            background: $block-cursor-background;
            color: $block-cursor-foreground;
        }
        & > .option-list--separator { color: $foreground 25%; }
        & > .option-list--option-disabled { color: $text-muted; }
    }
    """

    def __init__(self, cards: Iterable[tuple[str, Content, bool]], *, id: str | None = None):
        """``cards``: (id, content, can it be chosen)."""
        items: list[Option | None] = []
        for name, content, enabled in cards:
            if items:
                items.append(None)
            items.append(Option(content, id=name, disabled=not enabled))
        super().__init__(*items, id=id, markup=False)


class _Panel(Vertical):
    """As high as what it holds. Textual's own measure forgets that a child has a ``max-height``."""

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return self.arrange(Size(width, container.height)).total_region.height


class Dialog(ModalScreen[Result]):
    """A framed panel in the middle of the screen. Esc leaves it without a result."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Leave")]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (64, "-wide")]  # noqa: RUF012 (as in Textual)
    VERTICAL_BREAKPOINTS = [(0, "-short"), (23, "-middle"), (32, "-tall")]  # noqa: RUF012

    DEFAULT_CSS = """
    Dialog {
        align: center middle;

        #panel {
            width: 100%;
            max-width: 92;
            height: auto;
            max-height: 100%;
            border: round $primary;
            border-title-color: $text;
            border-title-style: bold;
            border-subtitle-color: $text-muted;
            background: $surface;
            padding: 0 1;
        }
        &.-tall #panel { padding: 1 2; }
        &.-tall.-narrow #panel { padding: 1 1; }
        .lead { height: auto; margin-bottom: 1; }
        /* Where lines are few, the list makes room for the sentence, not the buttons. */
        &.-short.-saying Cards { max-height: 35vh; }
        .actions { height: 1; margin-top: 1; }
        .status { height: auto; display: none; margin-top: 1; }
        .status.-shown { display: block; }
        .status.-wrong { color: $text-error; text-style: bold; }
        &.-short .lead, &.-short .actions, &.-short .status { margin: 0; }
    }
    """

    heading: ClassVar[str] = ""
    """Stands in the frame."""
    keys: ClassVar[str] = "Esc leave"
    """The keys worth knowing here; stands in the frame."""

    def compose(self) -> ComposeResult:
        with _Panel(id="panel") as panel:
            panel.border_title = Content(self.heading)
            panel.border_subtitle = Content(self.keys)
            yield from self.body()
            yield Static("", classes="status", markup=False)
            with Horizontal(classes="actions"):
                yield from self.actions()

    def body(self) -> Iterable[Widget]:
        """What the dialog shows above its buttons."""
        return ()

    def actions(self) -> Iterable[Widget]:
        """The buttons."""
        yield Action("Close", "screen.leave", id="leave")

    def say(self, text: str, *, wrong: bool = False) -> None:
        """One sentence above the buttons; an empty one takes it away."""
        status = self.query_one(".status", Static)
        status.update(Content(text))
        status.set_class(bool(text), "-shown")
        status.set_class(wrong, "-wrong")
        self.set_class(bool(text), "-saying")

    def action_leave(self) -> None:
        """Leave without a result."""
        self.dismiss(None)
