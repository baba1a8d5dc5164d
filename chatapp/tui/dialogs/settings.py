"""The settings of a conversation, each with what it means."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, OptionList, Static, TextArea
from textual.widgets.option_list import Option

from chatapp.context.overflow import Policy
from chatapp.engine.protocol import Sampling
from chatapp.tui.dialogs.base import Action, Dialog
from chatapp.tui.dialogs.check import Check as _Check
from chatapp.tui.dialogs.settings_fields import (
    CACHE_LABEL,
    CACHE_MEANING,
    FIELDS,
    POLICY_TEXTS,
    SYSTEM_MEANING,
    FieldError,
    NumberField,
    shown,
)

__all__ = ["SettingsDialog", "SettingsResult"]


@dataclass(frozen=True)
class SettingsResult:
    """The values of a conversation's settings. ``window`` None: chatapp chooses.

    ``reuse``: whether the arithmetic cache may be used.
    """

    system: str
    sampling: Sampling
    policy: Policy
    window: int | None
    reuse: bool = True


class _Number(Vertical):
    """A number with its name, its meaning, and the sentence that says what is wrong with it."""

    DEFAULT_CSS = """
    _Number {
        height: auto;
        .row { height: auto; }
        .label { width: 16; height: 1; }
        Input { width: 14; height: 1; background: $foreground 12%; padding: 0 1; }
        Input:ansi { text-style: underline; }
        .meaning { width: 1fr; height: auto; color: $text-muted; }
        .note { height: auto; display: none; padding-left: 2; color: $text-warning; }
        .note.-shown { display: block; }
        .note.-wrong { color: $text-error; text-style: bold; }
        &:focus-within .label { text-style: bold underline; }
    }
    """

    def __init__(self, field: NumberField, text: str) -> None:
        super().__init__(id=f"field-{field.name}")
        self.field = field
        self._text = text

    def compose(self) -> ComposeResult:
        with Horizontal(classes="row"):
            yield Static(self.field.label, classes="label", markup=False)
            empty = "empty" if self.field.may_be_empty else ""
            yield Input(self._text, empty, compact=True, max_length=24, select_on_focus=False)
            yield Static(self.field.meaning, classes="meaning", markup=False)
        yield Static("", classes="note", markup=False)

    @property
    def input(self) -> Input:
        return self.query_one(Input)

    def value(self) -> int | float | None:
        """What is typed, as a value. Raises :class:`FieldError`."""
        return self.field.parse(self.input.value)

    def note(self, text: str, *, wrong: bool = False) -> None:
        """A sentence under the field; an empty one takes it away."""
        note = self.query_one(".note", Static)
        note.update(Content(f"✗ {text}" if wrong else text))
        note.set_class(bool(text), "-shown")
        note.set_class(wrong, "-wrong")


class _PolicyChoice(OptionList):
    """One of three: the highlighted line is the choice, as the marks in front of it say."""

    DEFAULT_CSS = """
    _PolicyChoice {
        height: auto; padding: 0 1; background: transparent;
        &:focus { background-tint: transparent; }
        & > .option-list--option-highlighted { background: transparent; color: $foreground; }
        &:focus > .option-list--option-highlighted {
            background: $primary-muted;
            color: $text;
            text-style: none;
        }
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

    def __init__(self, policy: Policy) -> None:
        options = [Option(self._line(name, name == policy), id=name) for name in POLICY_TEXTS]
        super().__init__(*options, id="policy", markup=False)
        self.border_title = "When it no longer fits the window"
        self.policy = policy

    @staticmethod
    def _line(name: Policy, chosen: bool) -> Content:
        label, sentence = POLICY_TEXTS[name]
        mark = "(●) " if chosen else "( ) "
        return Content.assemble((mark + label, "bold" if chosen else ""), f": {sentence}")

    @property
    def policy(self) -> Policy:
        """The choice."""
        return list(POLICY_TEXTS)[self.highlighted or 0]

    @policy.setter
    def policy(self, policy: Policy) -> None:
        self.highlighted = list(POLICY_TEXTS).index(policy)

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        # The message may be late: what counts is what is highlighted now.
        for name in POLICY_TEXTS:
            self.replace_option_prompt(name, self._line(name, name == self.policy))


class SettingsDialog(Dialog[SettingsResult | None]):
    """Change the settings; the result is all of them, or None if they stay as they were.

    ``trained``: the context that the model was trained with, in tokens, where it is known.
    ``cache``: whether the arithmetic cache is chatapp's own (a server's is not).
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "apply", "Apply"),
        Binding("down", "app.focus_next", show=False),
        Binding("up", "app.focus_previous", show=False),
    ]
    heading = "Settings"
    keys = "Ctrl+S apply · Esc cancel"
    DEFAULT_CSS = """
    SettingsDialog {
        #panel { height: 100%; max-height: 44; }
        #fields { height: 1fr; scrollbar-size-vertical: 1; scrollbar-background: $surface; }
        #system { height: 6; background: $surface; padding: 0 1; }
        &.-short #system { height: 5; }
        #system, #policy { border: round $foreground 50%; border-title-color: $text; }
        #system:focus, #policy:focus { border: round $primary; border-title-style: bold; }
        .meaning { height: auto; color: $text-muted; }
        .block { height: auto; margin-bottom: 1; }
        &.-wide _Number .meaning { margin-left: 2; }
        &.-wide _Number .note { padding-left: 32; }
        &.-narrow _Number { margin-bottom: 1; }
        &.-narrow _Number .row { layout: grid; grid-size: 2; grid-columns: 16 1fr; }
        &.-narrow _Number .row { grid-rows: auto; }
        &.-narrow _Number .meaning { column-span: 2; }
        &.-narrow _Number Input { width: 1fr; }
    }
    """

    def __init__(
        self, values: SettingsResult, trained: int | None = None, *, cache: bool = True
    ) -> None:
        super().__init__()
        self._values = values
        self._trained = trained
        self._cache = cache

    def body(self) -> Iterable[Widget]:
        given = self._values
        with VerticalScroll(id="fields", can_focus=False):
            with Vertical(classes="block"):
                system = TextArea(given.system, id="system", soft_wrap=True, tab_behavior="focus")
                system.border_title = "System prompt"
                yield system
                yield Static(SYSTEM_MEANING, classes="meaning", markup=False)
            for field in FIELDS:
                yield _Number(field, shown(self._given(field.name)))
            yield _PolicyChoice(given.policy)
            check = _Check(CACHE_LABEL, CACHE_MEANING, given.reuse, id="reuse")
            check.display = self._cache
            yield check

    def actions(self) -> Iterable[Widget]:
        yield Action("Apply", "screen.apply", id="apply")
        yield Action("Defaults", "screen.defaults", id="defaults")
        yield Action("Cancel", "screen.leave", id="leave")

    def on_mount(self) -> None:
        self._check()

    def _given(self, name: str) -> int | float | None:
        value: int | float | None
        value = self._values.window if name == "window" else getattr(self._values.sampling, name)
        return value

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self.say("")
        self._check()

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_apply()

    def _check(self) -> dict[str, int | float | None]:
        """The values that are right; under each other field stands what is wrong with it."""
        values: dict[str, int | float | None] = {}
        for number in self.query(_Number):
            try:
                values[number.field.name] = number.value()
            except FieldError as error:
                number.note(str(error), wrong=True)
            else:
                number.note("")
        for name, hint in self._hints(values):
            self.query_one(f"#field-{name}", _Number).note(hint)
        return values

    def _hints(self, values: dict[str, int | float | None]) -> Iterable[tuple[str, str]]:
        """What is allowed, but good to know."""
        if values.get("temperature") == 0:
            yield "temperature", "At 0 these change nothing: top-k, top-p, min-p, seed."
        window = values.get("window")
        if window and self._trained and window > self._trained:
            yield (
                "window",
                f"The model was trained with {self._trained:,} tokens; beyond them its answers "
                "get worse.",
            )
        length = values.get("max_tokens")
        if window and length and length > window // 2:
            yield (
                "max_tokens",
                f"More than half of the window: {int(window) // 2:,} tokens are set aside.",
            )

    def action_apply(self) -> None:
        """Hand all values to the caller, or say which one is wrong."""
        values: dict[str, Any] = dict(self._check())
        wrong = [number for number in self.query(_Number) if number.field.name not in values]
        if wrong:
            wrong[0].input.focus()
            names = ", ".join(number.field.label for number in wrong)
            self.say(f"Nothing is applied yet. Please look at: {names}.", wrong=True)
            return
        window = values.pop("window")
        system = self.query_one("#system", TextArea).text
        self.dismiss(
            SettingsResult(
                system=system if system.strip() else "",
                sampling=replace(self._values.sampling, **values),
                policy=self.query_one(_PolicyChoice).policy,
                window=window,
                reuse=self.query_one(_Check).ticked,
            )
        )

    def action_defaults(self) -> None:
        """Fill in the defaults. The system prompt is text of one's own and stays."""
        with self.prevent(Input.Changed):
            for number in self.query(_Number):
                name = number.field.name
                number.input.value = "" if name == "window" else shown(getattr(Sampling(), name))
        self.query_one(_PolicyChoice).policy = "stop"
        if self._cache:
            self.query_one(_Check).ticked = True
        self._check()
        self.say("These are the defaults; the system prompt is as you wrote it. Not applied yet.")
