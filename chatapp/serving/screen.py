"""The screen as a visitor has it: what would reach the server's disk or models is not there.

Every command is listed, as allowed or as refused with a reason; the tests hold the lists complete.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen

from chatapp import tui
from chatapp.serving.limits import Limits
from chatapp.tui import words
from chatapp.tui.app import ChatApp
from chatapp.tui.commands import COMMANDS, key_name
from chatapp.tui.screens.chat import ChatScreen
from chatapp.tui.session import Session
from chatapp.tui.widgets.composer import Draft
from chatapp.tui.widgets.keybar import Key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from chatapp.engine.shared import SharedEngine
    from chatapp.proofs.evidence import Evidence
    from chatapp.tui.given import Given, Values

__all__ = ["ALLOWED", "REFUSED", "ServedApp", "ServedScreen", "before_you"]

ALLOWED: Final = frozenset(
    (
        "send",
        "new_session",
        "toggle_context",
        "next_depth",
        "choice",
        "stop",
        "regenerate",
        "edit",
        "correct",
        "prove",
        "costs",
        "earlier_answer",
        "later_answer",
        "copy",
        "copy_all",
        "copy_request",
        "select_earlier",
        "select_later",
        "show_earlier",
        "sessions",
        "previous_session",
        "next_session",
        "reuse",
        "settings",
        "help",
        "detach",
        "unfold",
        "presenter",
    )
)
"""Commands that stay in the visitor's own process and ask the shared model at most."""

_NOTHING: Final = (
    "Nothing that you write here is kept: it is gone when you close this page. Only the person "
    "who runs this chat can keep sessions, on a screen of their own."
)
_LESSONS: Final = (
    "Lessons run experiments, which load more copies of the model, so visitors cannot start them."
)
REFUSED: Final = {
    "log": _NOTHING,
    "save": "Visitors write no files on this computer. Copy what you want to keep: F8, or select.",
    "mark_good": _NOTHING,
    "mark_bad": _NOTHING,
    "review": _NOTHING,
    "stored": "There are no stored sessions for visitors. F5 shows those that you have open.",
    "experiments": "Experiments load more copies of the model, so visitors cannot start them. "
    "Ctrl+K and Ctrl+O correct a reply and prove what becomes of it.",
    "lesson": _LESSONS,
    "leave_lesson": _LESSONS,
    "audience": "The audience's view would open a port of the computer that runs this chat.",
    "models": "Everyone here shares one model. The person who runs this chat chooses it.",
    "attach": "Files would come from the computer that runs this chat, so visitors attach none. "
    "Paste a text instead: it becomes a part of your message.",
    "search": "Documents lie on the computer that runs this chat; visitors do not search them.",
    "retrieve": "Documents lie on the computer that runs this chat; visitors do not search them.",
    "tools": "Tools are programs of the computer that runs this chat; visitors run none.",
    "notes": "Saved notes are a file of the person who runs this chat. Nothing of yours is saved.",
}
"""Why each of the others is not for visitors."""


def before_you(count: int) -> str:
    """A place in the line, in words."""
    return "you are next" if not count else f"{words.many(count, 'visitor')} before you"


class ServedScreen(ChatScreen):
    """A visitor's screen. ``engine`` is shared; what it says of one's place is shown."""

    # Browsers keep ^N for a window of their own.
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("alt+n", "new_session", "New session", show=False, priority=True)
    ]

    def __init__(self, given: Given, limits: Limits, engine: SharedEngine) -> None:
        super().__init__(given)
        self.limits = limits
        self._before: int | None = None
        engine.on_place = self._placed
        engine.on_note = self.say
        engine.on_lost = self._lost

    # ── a place in the line ─────────────────────────────────────────────────────────────────────

    def _placed(self, before: int) -> None:
        """So many visitors are served before this one."""
        self._before = before
        if not self.is_mounted:
            return
        text = f"waiting: {before_you(before)}"
        for session in self.sessions:
            if session.busy:
                self._show_place(session, text)
        self.refresh_header()

    def _show_place(self, session: Session, text: str) -> None:
        session.pane.wait_for(text)
        nodes = session.conversation.nodes if session.conversation else []
        view = session.pane.view_of(nodes[-1] if nodes else None)
        if view is not None and session.begun and not nodes[-1].content:
            view.progress = [text]
            view.refresh_node()

    def _state(self) -> tuple[str, bool]:
        if not any(session.busy for session in self.sessions):
            self._before = None
        if self._before:
            return before_you(self._before), False
        return super()._state()

    def _lost(self) -> None:
        """Whoever serves has ended it."""
        self.app.exit()

    # ── limits ──────────────────────────────────────────────────────────────────────────────────

    async def action_new_session(self) -> None:
        """Begin with an empty transcript, while fewer are open than a visitor may have."""
        if len(self.sessions) >= self.limits.sessions:
            self.say(
                f"Each visitor may have {self.limits.sessions} sessions open. This page, loaded "
                "again, begins with none."
            )
            return
        await super().action_new_session()

    def _open(self, name: str, values: Values | None) -> None:
        """The one model that is shared; its window is everybody's."""
        if self.model is None:
            super()._open(name, values)
        else:
            info = self.model.engine.info
            size = f": {info.window:,} tokens" if info and info.window else ""
            self.say(f"The window is the same for everyone here{size}.")
            if self.values is not None:
                self.values = replace(self.values, window=None)

    def offered(self, keys: tuple[Key, ...]) -> tuple[Key, ...]:
        """The keys of what visitors may do, as a browser lets them through."""
        return tuple(
            key._replace(name="Alt+N") if key.action == "screen.new_session" else key
            for key in keys
            if key.action.removeprefix("screen.") in ALLOWED
        )

    # ── what is not there ───────────────────────────────────────────────────────────────────────

    def commanded(self, draft: Draft) -> bool:
        """What is typed in place of a key does nothing else than the key: it says why not."""
        if (word := self.typed_command(draft)) is None:
            return False
        self.say(REFUSED[word])
        return True

    def _save_evidence(self, evidence: Sequence[Evidence]) -> None:
        self.say(REFUSED["save"])

    def _copy(self, text: str, what: str) -> None:
        """To the visitor's browser alone: this computer's clipboard is somebody else's."""
        self.app.copy_to_clipboard(text.encode("utf-8", "replace").decode("utf-8"))
        self.say(
            f"{what} was handed to your browser. If it is not in the clipboard, the browser does "
            "not allow it here: select the text with Shift and the mouse instead."
        )


def _refusal(action: str) -> Callable[[ServedScreen], None]:
    def refuse(self: ServedScreen) -> None:
        self.say(REFUSED[action])

    refuse.__doc__ = "Say that this is not for visitors."
    return refuse


for _command in COMMANDS:
    if _command.action not in ALLOWED:
        setattr(ServedScreen, f"action_{_command.action}", _refusal(_command.action))


def _titles() -> Iterator[str]:
    """How the palette calls what is not for visitors."""
    for command in COMMANDS:
        if command.action not in ALLOWED:
            key = f" ({key_name(command.keys)})" if command.keys else ""
            yield f"{command.title}{key}"


class ServedApp(ChatApp):
    """chatapp for one visitor."""

    # Textual looks for style sheets beside the file of the class.
    CSS_PATH = [Path(tui.__file__).with_name(str(name)) for name in ChatApp.CSS_PATH]  # noqa: RUF012

    def __init__(self, given: Given, limits: Limits, engine: SharedEngine) -> None:
        super().__init__(given)
        self.chat = ServedScreen(given, limits, engine)

    def on_app_focus(self) -> None:
        """The browser looks here: one can write at once.

        A page begins without the browser's focus, and then nothing was focused to go back to.
        """
        self.call_after_refresh(self._write)

    def _write(self) -> None:
        if self.screen is self.chat and self.chat.focused is None:
            self.chat.composer.focus()

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        refused = set(_titles())
        for command in super().get_system_commands(screen):
            if command.title not in refused:
                yield command
