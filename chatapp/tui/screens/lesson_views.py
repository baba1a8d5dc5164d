"""What a lesson's stage asks of the main screen: views that open and close, sessions that go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.screen import Screen

from chatapp.tui.screens.experiment_actions import ExperimentActions
from chatapp.tui.screens.setup_actions import SetupActions
from chatapp.tui.session import Session

if TYPE_CHECKING:
    from chatapp.lessons.outcome import Outcome
    from chatapp.proofs.evidence import Evidence

__all__ = ["LessonViews"]


class LessonViews(ExperimentActions, SetupActions):
    """A view that is opened for a lesson is one that a person could have opened."""

    _lesson_view: Screen[Any] | None = None

    def refresh_lesson(self) -> None:
        """Show where the lesson is; what does it comes on top."""

    def show_composer(self, on: bool) -> None:
        """The input is there while somebody types, be it the lesson."""
        self.set_class(on, "-writing")

    def open_view(self, view: str, title: str, outcome: Outcome) -> None:
        """Show a view of the lesson's session."""
        if view == "context":
            if not self.context_view.display:
                self.action_toggle_context()  # type: ignore[attr-defined]
        elif view == "meter":
            self.set_class(True, "-show-meter")
        else:
            from chatapp.tui.screens.costs import CostsScreen

            self._open_lesson_view(CostsScreen(outcome.blocks, title, "Esc back to the lesson"))

    def open_evidence(self, evidence: Evidence) -> None:
        """Show what an experiment found."""
        from chatapp.tui.screens.evidence import EvidenceScreen

        self._open_lesson_view(EvidenceScreen(evidence, lambda: self._save_evidence([evidence])))

    def _open_lesson_view(self, screen: Screen[Any]) -> None:
        self._lesson_view = screen
        self.app.push_screen(screen, lambda _: self.refresh_lesson())

    def close_view(self, view: str) -> None:
        """What was opened for the lesson goes."""
        self.set_class(False, "-show-meter")
        if view == "context":
            self.set_class(True, "-hide-context")
            self.set_class(False, "-show-context")
        shown, self._lesson_view = self._lesson_view, None
        if shown is not None and self.app.screen is shown:
            shown.dismiss(None)

    async def remove_session(self, session: Session) -> None:
        """Take a session of the lesson away."""
        if session not in self.sessions or len(self.sessions) == 1:
            return
        at = self.sessions.index(session)
        if session.busy:
            await self.turns.stop(session)
        if self.session is session:
            self.show_session(at - 1 if at else 1)
        front = self.session
        self.sessions.remove(session)
        self.current = self.sessions.index(front)
        await session.pane.remove()
