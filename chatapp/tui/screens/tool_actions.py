"""Tools on or off: whether the model is told of a calculator and a clock."""

from __future__ import annotations

from chatapp.tui import tool_words, words
from chatapp.tui.screens.session_actions import SessionActions
from chatapp.tui.session import Session

__all__ = ["ToolActions"]


class ToolActions(SessionActions):
    """Each session has its own switch; what it is at the start, the settings say."""

    def attach(self, session: Session) -> None:
        """A new conversation begins as the settings say; another model may have no place for it."""
        begins = session.conversation is None
        super().attach(session)
        if (talk := session.conversation) is None:
            return
        if begins and self.values is not None:
            talk.tools = self.values.tools
        if talk.tools:
            self.run_worker(self._see_whether(session), name="tools", exit_on_error=False)

    def action_tools(self) -> None:
        """Tell the model of the tools from the next turn on, or no more."""
        session, talk = self.session, self.conversation
        if talk is None:
            self.say("Tools can be switched when a model is at hand.")
            return
        talk.tools = not talk.tools
        if not talk.tools:
            self.say(tool_words.OFF)
            self.refresh_all()
            return
        self.run_worker(
            self._see_whether(session, say=True), name="tools", group="tools", exit_on_error=False
        )

    async def _see_whether(self, session: Session, *, say: bool = False) -> None:
        """Switch tools off again where they have no place, and say so."""
        talk = session.conversation
        if talk is None:
            return
        if why := await talk.why_no_tools():
            talk.tools = False
            session.pane.notice(words.one_line(why))
        elif say:
            self.say(tool_words.ON)
        self.refresh_all()
