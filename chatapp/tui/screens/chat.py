"""The main screen: the conversation at one side, what the model receives at the other."""

from __future__ import annotations

from typing import ClassVar

from textual import events, on
from textual.binding import BindingType
from textual.widgets import TextArea
from textual.worker import Worker, WorkerState

from chatapp.tui import words
from chatapp.tui.commands import bindings
from chatapp.tui.request import DEPTHS
from chatapp.tui.screens.audience_actions import AudienceActions
from chatapp.tui.screens.lesson_actions import LessonActions
from chatapp.tui.screens.mark_actions import MarkActions
from chatapp.tui.screens.presenting_actions import PresentingActions
from chatapp.tui.screens.proof_actions import ProofActions
from chatapp.tui.screens.retrieve_actions import RetrieveActions
from chatapp.tui.screens.setup_actions import SetupActions
from chatapp.tui.screens.stored_actions import StoredActions
from chatapp.tui.screens.tool_actions import ToolActions
from chatapp.tui.widgets.composer import Composer

__all__ = ["ChatScreen"]

_TICK = 0.25
_COUNT = 4
"""Ticks from one count of a growing reply to the next."""


class ChatScreen(
    LessonActions,
    AudienceActions,
    PresentingActions,
    ProofActions,
    MarkActions,
    StoredActions,
    SetupActions,
    RetrieveActions,
    ToolActions,
):
    """Everything a person can do here is one of its actions; keys, palette and mouse call them."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings()]

    def on_mount(self) -> None:
        self.present(self.given.presenter)
        self.show_draft(self.session)
        self.refresh_header()
        self.refresh_keys()
        self._ticks = 0
        # The first frame comes first.
        self.call_after_refresh(self._after_first_frame)

    def _after_first_frame(self) -> None:
        self.begin()
        if self.given.audience is not None:
            self.action_audience()
        if self.given.play is not None:
            self.begin_lesson(self.given.play)
        self.count.changed()
        self.refresh_all()
        self.set_interval(_TICK, self._tick)

    def on_unmount(self) -> None:
        self.count.close()

    def _tick(self) -> None:
        """What nobody tells: the engine's state, and the growing reply."""
        self._ticks += 1
        self.refresh_header()
        self.refresh_choice()
        if self.session.begun and self._ticks % _COUNT == 0:
            self.count.changed()
        if not self.session.busy:
            self.rest()

    # ── writing ─────────────────────────────────────────────────────────────────────────────────

    @on(TextArea.Changed, "Composer")
    def _written(self) -> None:
        self.count.changed()
        self.refresh_keys()

    @on(Composer.Sent)
    def _send(self, event: Composer.Sent) -> None:
        event.stop()
        if self.commanded(event.draft) or self.retrieves(event.draft):
            return
        self.session.pane.select(None)
        self.turns.send(self.session, event.draft)

    def action_send(self) -> None:
        """Send what is written (Enter in the input, or a click)."""
        self.composer.action_send()

    def action_write(self) -> None:
        """Go to the input."""
        self.composer.focus()

    async def action_stop(self) -> None:
        """Esc: stop the reply; else leave, one after the other, what can be left."""
        session = self.session
        if session.busy:
            await self.turns.stop(session)
        elif self.leave_passages():
            pass
        elif session.editing is not None:
            self.leave_edit()
        elif session.pane.selected is not None:
            session.pane.select(None)
            session.pane.anchor()
            self.refresh_keys()
        elif self.has_class("-show-context"):
            self.action_toggle_context()
        self.composer.focus()

    # ── what the model receives ─────────────────────────────────────────────────────────────────

    def action_toggle_context(self) -> None:
        """Show or hide what the model receives."""
        self.toggle_class("-hide-context" if self.has_class("-wide") else "-show-context")
        self.call_after_refresh(self.refresh_all)

    def action_show_depth(self, depth: str) -> None:
        """Show the request as messages, prompt or tokens; or how a token was chosen."""
        if depth == "choice":
            self.show_choice()
        for known in DEPTHS:
            if depth == known:
                self.context_view.show_depth(known)

    def action_next_depth(self, step: int = 1) -> None:
        """Show the request at the next depth; bring it into sight first."""
        if not self.context_view.display:
            self.action_toggle_context()
            if not self.context_view.choosing:
                return
        if self.context_view.choosing:
            self.context_view.show_depth(self.context_view.depth)
            return
        at = DEPTHS.index(self.context_view.depth)
        self.context_view.show_depth(DEPTHS[(at + step) % len(DEPTHS)])

    # ── events ──────────────────────────────────────────────────────────────────────────────────

    def on_resize(self, event: events.Resize) -> None:
        self.call_after_refresh(self.refresh_all)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """One place for what no part of the screen expected: said, and nothing is lost."""
        if event.state is WorkerState.ERROR:
            error = event.worker.error
            self.log.error(error)
            self.say(
                f"Something went wrong in “{event.worker.name}”: "
                f"{words.one_line(f'{type(error).__name__}: {error}')[:300]}",
                wrong=True,
            )
            self.refresh_all()
