"""Mark a reply as good or bad: an example, if the session's person lets it be one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatapp.tui import words
from chatapp.tui.screens.keeping_actions import KeepingActions
from chatapp.tui.screens.message_actions import MessageActions

if TYPE_CHECKING:
    from chatapp.archive.records import Kind
    from chatapp.conversation import Node
    from chatapp.tui.session import Session

__all__ = ["MarkActions"]


class MarkActions(MessageActions, KeepingActions):
    """A mark is stored beside the reply, and changes neither it nor any weight."""

    def action_mark_good(self) -> None:
        """Mark the selected reply, or the last one, as good; marked already, take it back."""
        self._mark("liked")

    def action_mark_bad(self) -> None:
        """Mark the selected reply, or the last one, as bad; marked already, take it back."""
        self._mark("disliked")

    def _mark(self, kind: Kind) -> None:
        session, reply = self.session, self._meant("assistant")
        if reply is None or session.keeper is None:
            self.say("There is no reply to mark yet.")
        elif why := session.keeper.unfit(reply):
            self.say(why if session.keeper.keeping else f"{why} ^L keeps this one.")
        else:
            self.run_worker(
                self._marking(session, reply, kind),
                name="mark",
                group="dialog",
                exclusive=True,
                exit_on_error=False,
            )

    async def _marking(self, session: Session, reply: Node, kind: Kind) -> None:
        from chatapp.errors import ArchiveError
        from chatapp.tui.dialogs.ask import AskDialog

        assert session.keeper is not None
        before = session.keeper.marks.get(reply)
        notice = "The mark was taken back."
        try:
            if before is not None and before.kind == kind:
                await session.keeper.unmark(reply)
            else:
                good = kind == "liked"
                reason = await self.app.push_screen_wait(
                    AskDialog(
                        "A good reply" if good else "A bad reply",
                        f"{words.EXAMPLE} Why is it {'good' if good else 'bad'}? May stay empty.",
                        does="Mark",
                    )
                )
                if reason is None:
                    return
                await session.keeper.mark(reply, kind, reason)
                notice = words.EXAMPLE
        except ArchiveError as error:
            self.say(words.one_line(str(error)), wrong=True)
            return
        self.show_marks(session)
        session.pane.notice(notice)
