"""Correct a reply, or keep as a correction what was typed as one. Never without being asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatapp.tui import words
from chatapp.tui.screens.choice_actions import ChoiceActions
from chatapp.tui.taking import BUSY

if TYPE_CHECKING:
    from chatapp.conversation import Node
    from chatapp.tui.session import Offer, Session

__all__ = ["CorrectionActions"]


class CorrectionActions(ChoiceActions):
    """What is sent is an ordinary message; a correction only keeps together what belongs to it."""

    def action_correct(self) -> None:
        """Correct the selected reply, the last one, or keep what looks like a correction."""
        session = self.session
        offer = session.offer
        if offer is not None and session.pane.selected in (None, offer.reply):
            work = self._keep(session, offer)
        elif (reply := self._meant("assistant")) is None or not reply.facts:
            self.say("There is no reply to correct yet.")
            return
        elif session.busy:
            self.say(BUSY)
            return
        elif not reply.content.strip():
            self.say("This reply has no words that could be wrong.")
            return
        else:
            work = self._correct(session, reply)
        self.run_worker(work, name="correct", group="dialog", exclusive=True, exit_on_error=False)

    async def _correct(self, session: Session, reply: Node) -> None:
        from chatapp.tui.dialogs.correct import CorrectDialog

        told = await self.app.push_screen_wait(CorrectDialog(reply))
        if told is not None:
            session.pane.select(None)
            self.turns.correct(session, reply, told)

    async def _keep(self, session: Session, offer: Offer) -> None:
        from chatapp.tui.correcting import keep
        from chatapp.tui.dialogs.correct import CorrectDialog

        told = await self.app.push_screen_wait(CorrectDialog(offer.reply, said=offer.said))
        if told is None or session.conversation is None:
            return
        kept = await keep(
            session.conversation,
            offer.reply,
            told,
            since=session.since,
            mark=self.weights.first,
            late=True,
        )
        session.kept.append(kept)
        session.offer = None
        if session.keeper is not None:
            await session.keeper.correct(kept.correction)
        keeping = session.keeper is not None and session.keeper.keeping
        session.pane.notice(words.kept(local=True, keeping=keeping))
        self.refresh_keys()
