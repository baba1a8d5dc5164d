"""How a token was chosen, and the switch of the arithmetic cache."""

from __future__ import annotations

from textual import on

from chatapp.tui.screens.message_actions import MessageActions
from chatapp.tui.widgets.choice_view import ChoiceView
from chatapp.tui.widgets.message import MessageView

__all__ = ["ChoiceActions"]


class ChoiceActions(MessageActions):
    """The panel shows the selected reply, or the last one."""

    @property
    def choice_view(self) -> ChoiceView:
        return self.query_one(ChoiceView)

    def refresh_all(self) -> None:
        """Show all numbers as they are now."""
        super().refresh_all()
        self.refresh_choice()

    def refresh_keys(self) -> None:
        """Another message may be selected."""
        super().refresh_keys()
        self.refresh_choice()

    def refresh_choice(self) -> None:
        """Bring the panel up to date, if anybody can see it."""
        if self.is_mounted and self.context_view.choosing and self.context_view.on_screen:
            self.choice_view.show(self._meant("assistant"))

    def show_choice(self) -> None:
        """Bring the panel into sight and go to it."""
        view = self.context_view
        if not view.display:
            self.toggle_class("-hide-context" if self.has_class("-wide") else "-show-context")
        view.show_choice()
        self.choice_view.focus()
        self.call_after_refresh(self.refresh_all)

    def action_choice(self) -> None:
        """Go to the panel; from the panel, back to writing."""
        view = self.context_view
        if view.choosing and view.display and view.has_focus_within:
            view.show_depth(view.depth)
            self.set_class(False, "-show-context")
            self.composer.focus()
            self.refresh_all()
        else:
            self.show_choice()

    @on(MessageView.TokenChosen)
    def _token_chosen(self, event: MessageView.TokenChosen) -> None:
        event.stop()
        self.session.pane.select(event.node)
        self.refresh_keys()
        self.show_choice()
        self.choice_view.show(event.node)
        self.choice_view.pick(event.index)

    def action_reuse(self) -> None:
        """Switch the arithmetic cache: computed afresh every turn, or not."""
        if self.model is None:
            self.say("The arithmetic cache can be switched when a model is at hand.")
            return
        engine = self.model.engine
        if engine.kind == "server":
            self.say(
                "A server was asked: what it keeps between two requests is not ours to switch."
            )
            return
        if engine.info is not None and engine.info.reuse is False:
            self.say("The model process was started without the cache.")
            return
        self.use_cache(not self.reuse)
        self.say(
            "Arithmetic cache on: results of reading the same beginning are used again."
            if self.reuse
            else "Arithmetic cache off: everything is computed afresh every turn. The answer is "
            "the same, only later."
        )
        self.refresh_all()
