"""A new session proves that a correction is gone; on demand it is proved again."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, cast

from chatapp.context.parts import split_notes
from chatapp.tui import words
from chatapp.tui.screens.correction_actions import CorrectionActions
from chatapp.tui.screens.experiment_actions import SERVER, ExperimentActions
from chatapp.tui.screens.session_actions import SessionActions
from chatapp.tui.session import Session

if TYPE_CHECKING:
    from chatapp.engine.client import LocalEngine
    from chatapp.proofs.new_session import Forgotten
    from chatapp.tui.correcting import Kept
    from chatapp.tui.screens.proof import Progress

__all__ = ["ProofActions"]


class ProofActions(CorrectionActions, ExperimentActions, SessionActions):
    """Nothing of a proof joins a transcript: its questions are asked beside the sessions."""

    async def action_new_session(self) -> None:
        """Begin with an empty transcript; what was corrected is compared with it."""
        left = self.session
        await super().action_new_session()
        if left.kept:
            self._show_proof(left, left.kept[-1])

    def action_prove(self) -> None:
        """Compare the latest correction with a new session; without one, the experiments."""
        at_hand = self._at_hand()
        if at_hand is None:
            self.action_experiments()
        else:
            self._show_proof(*at_hand)

    def _at_hand(self) -> tuple[Session, Kept] | None:
        """The latest correction of this session, or of the one before, and so on."""
        before = self.sessions[: self.current + 1][::-1]
        for session in [*before, *self.sessions[self.current + 1 :]]:
            if session.kept:
                return session, session.kept[-1]
        return None

    def _show_proof(self, left: Session, kept: Kept) -> None:
        if why := self._why_not(kept):
            self.say(why)
            return
        from chatapp.tui.screens.proof import ProofScreen

        def prove(progress: Progress) -> Awaitable[Forgotten]:
            return self._prove(left, kept, progress)

        self.app.push_screen(ProofScreen(kept, prove, lambda found: self._notes(kept, found)))

    def _why_not(self, kept: Kept) -> str:
        """Why nothing can be proved now; empty if it can."""
        if self.model is None:
            return "There is no model at hand. F3 chooses one."
        engine = self.model.engine
        if engine.kind == "server":
            return SERVER
        weights = getattr(engine, "weights", None)
        if kept.weights is not None and kept.weights != weights:
            return (
                f"This correction was told to another model ({kept.weights.stem}). F3 chooses it "
                "again; then ^O proves it."
            )
        from chatapp.tui.correcting import adapter_of

        if engine.info is not None and kept.adapter != adapter_of(engine.info):
            return (
                "This correction was told to other weights: an adapter was added or taken away "
                "since. F3 puts it back as it was; then ^O proves it."
            )
        return ""

    async def _prove(self, left: Session, kept: Kept, progress: Progress) -> Forgotten:
        from chatapp.errors import ChatappError
        from chatapp.proofs.new_session import prove_forgotten

        def waiting() -> None:
            progress(0.0, "waiting: a session is being answered")

        async with self.turns.alone("a proof is running", waiting):
            assert self.model is not None
            if kept not in left.kept or left.conversation is None:
                raise ChatappError("The correction was never sent, so there is nothing to compare.")
            facts = kept.correction.reply.facts
            return await prove_forgotten(
                cast("LocalEngine", self.model.engine),
                kept.correction,
                left.conversation.messages(),
                system=kept.system,
                # With the seed of the wrong reply, chance falls as it fell then.
                sampling=facts.sampling if facts else left.conversation.sampling,
                weights_start=kept.mark or self.weights.first,
                progress=progress,
            )

    def _notes(self, kept: Kept, found: Forgotten) -> list[str]:
        """What else differs from how it was when the correction was told."""
        notes = []
        if words.visible(kept.correction.said) not in words.visible(
            found.corrected.answer.prompt.text
        ):
            notes.append(
                "The message with the correction is not in what was sent: another branch is "
                "chosen, or it has left the model's view."
            )
        info = self.model.engine.info if self.model else None
        if info is not None and kept.window is not None and info.window != kept.window:
            notes.append(
                f"The window was {words.number(kept.window)} tokens then; it is "
                f"{words.number(info.window)} now."
            )
        # What was kept is what was sent: with the saved notes that the session was begun with.
        if self.values is not None and self.values.system != split_notes(kept.system)[0]:
            notes.append(
                "The system prompt was changed since. Both questions were asked with the one from "
                "before."
            )
        return notes
