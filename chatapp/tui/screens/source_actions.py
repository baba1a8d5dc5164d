"""The ways in: saved notes, attached files, passages. All of it is text that will be sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatapp.tui import source_words, words
from chatapp.tui.screens.session_actions import SessionActions
from chatapp.tui.session import Session

if TYPE_CHECKING:
    from chatapp.sources.notes import Notes

__all__ = ["SourceActions"]


class SourceActions(SessionActions):
    """What comes in beside typed words is shown before it is sent, with its tokens."""

    # ── saved notes ─────────────────────────────────────────────────────────────────────────────

    def attach(self, session: Session) -> None:
        """A new conversation begins with the saved notes, if they are switched on."""
        begins = session.conversation is None
        super().attach(session)
        if begins and session.conversation is not None:
            session.conversation.notes = self._notes_to_paste()
            self.show_notes(session)

    def _notes_to_paste(self) -> tuple[str, ...]:
        if self.given.notes is None:
            return ()
        from chatapp.errors import SourceError
        from chatapp.sources.notes import load_notes

        try:
            return load_notes(self.given.notes).sent
        except SourceError as error:
            self.say(f"No saved notes are pasted: {words.one_line(str(error))}", wrong=True)
            return ()

    def show_notes(self, session: Session) -> None:
        """Say on top of a session that it was begun with notes."""
        notes = session.conversation.notes if session.conversation else ()
        session.pane.begun_with(source_words.begun_with(len(notes)))

    def action_notes(self) -> None:
        """See, add and delete saved notes, and switch them on or off."""
        if self.given.notes is None:
            self.say("This chat was started without a home, so no notes can be saved.")
            return
        from chatapp.tui.dialogs.notes import NotesDialog

        self.app.push_screen(NotesDialog(self.given.notes, self._notes_changed))

    def _notes_changed(self, notes: Notes) -> None:
        """Sessions in which nothing was said have not begun: they begin with the notes of now."""
        for session in self.sessions:
            talk = session.conversation
            if talk is not None and not talk.turns and not session.busy:
                talk.notes = notes.sent
                self.show_notes(session)
        if self.conversation is not None and self.conversation.notes != notes.sent:
            self.say("This session has begun, so it stays as it is. ^N begins one with the change.")
        self.refresh_all()
