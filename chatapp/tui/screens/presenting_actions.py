"""Presenter mode: the same screen with few panels and much air, for a projector."""

from __future__ import annotations

from chatapp.tui.contrast import contrast_for
from chatapp.tui.screens.setup_actions import SetupActions
from chatapp.tui.widgets.keybar import KeyBar

__all__ = ["PresentingActions"]


class PresentingActions(SetupActions):
    """Switching presenter mode on and off changes what is shown, never what is sent."""

    _theme_before = ""

    def present(self, on: bool) -> None:
        """Show the screen to a room, or to one person."""
        if on == self.presenting:
            return
        self.set_class(on, "-presenter")
        # What is sent is one key (F2) away, however wide the screen is.
        self.set_class(on, "-hide-context")
        self.set_class(False, "-show-context")
        self.query_one(KeyBar).roomy = on
        if on:
            self._theme_before = self.app.theme
            self.app.theme = contrast_for(self.app.current_theme)
        elif self.app.theme.startswith("contrast-"):
            self.app.theme = self._theme_before
        self.refresh_messages()
        self.call_after_refresh(self.refresh_all)

    def refresh_messages(self) -> None:
        """Show every message anew."""
        for session in self.sessions:
            session.pane.refresh_messages()

    def action_presenter(self) -> None:
        """Switch presenter mode on or off; the next run begins with it as it is now."""
        on = not self.presenting
        self.present(on)
        self.kept(self.given.keep_presenter, on)
        self.say(
            "Presenter mode. Larger letters are the terminal's: Ctrl and + (⌘ and + on a Mac)."
            if on
            else "Presenter mode is off."
        )
