"""What is kept of a session, by consent; and saving a conversation elsewhere, in every state."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from chatapp.tui import log_words, words
from chatapp.tui.screens.session_actions import SessionActions
from chatapp.tui.session import Session

if TYPE_CHECKING:
    from chatapp.archive.records import Consent, State
    from chatapp.keeping.keeper import Keeper

__all__ = ["KeepingActions"]

NO_MODEL = "The log can be changed when a model is at hand."


class KeepingActions(SessionActions):
    """Nothing here is written anywhere unless a person chose it, in this session."""

    def keeping_changed(self, session: Session) -> None:
        """The state of a session's log, or trouble with it, is another one now."""
        if not self.is_mounted or session.keeper is None:
            return
        session.pane.trouble(log_words.trouble(session.keeper))
        self.refresh_header()
        self.refresh_keys()

    async def close_archive(self) -> None:
        """Let turns that run write what they have, then close the store."""
        if self._archive is None:
            return
        turns = [session.turn for session in self.sessions if session.turn is not None]
        for turn in turns:
            # Once only: a second time would break off the writing itself.
            if not turn.is_cancelled:
                turn.cancel()
        await asyncio.gather(*(turn.wait() for turn in turns), return_exceptions=True)
        await self._archive.close()

    def action_log(self) -> None:
        """Say what is kept of this session, and change it."""
        session = self.session
        if session.keeper is None:
            self.say(NO_MODEL)
            return
        self.run_worker(
            self._log(session, session.keeper),
            name="log",
            group="dialog",
            exclusive=True,
            exit_on_error=False,
        )

    async def _log(self, session: Session, keeper: Keeper) -> None:
        from chatapp.archive.consent import MEANINGS
        from chatapp.tui.dialogs.consent import ConsentDialog

        current: State = "off" if keeper.paused else keeper.state
        chosen = await self.app.push_screen_wait(
            ConsentDialog(current, keeper.set_state, partial(self._entries, keeper))
        )
        if chosen is None:
            return
        self.say(f"{MEANINGS[chosen].label}. {MEANINGS[chosen].sentence}")
        self.show_marks(session)

    async def _entries(self, keeper: Keeper) -> Sequence[Consent]:
        """The ledger's last entries about this session; nothing is made to look at them."""
        if not keeper.names or not self.archive.begun:
            return ()
        from chatapp.archive import ledger

        return await self.archive.call(ledger.recent, list(keeper.names))

    def show_marks(self, session: Session) -> None:
        """Marks may have gone with the stored session, or come back with it."""
        session.pane.show_marks(
            {node: log_words.marked(mark.kind) for node, mark in session.keeper.marks.items()}
            if session.keeper
            else {}
        )

    # ── what may leave ──────────────────────────────────────────────────────────────────────────

    def action_review(self) -> None:
        """Look at each example before it may leave, and decide."""
        if not self.archive.begun:
            self.say("Nothing is stored, so nothing can leave. Ctrl+L says how a session is kept.")
            return
        self.run_worker(self._review(), name="review", group="dialog", exit_on_error=False)

    async def _review(self) -> None:
        import importlib

        # On a thread: the redaction brings two libraries.
        reviewing = await asyncio.to_thread(importlib.import_module, "chatapp.keeping.reviewing")
        from chatapp.tui.screens.review import ReviewScreen

        self.app.push_screen(ReviewScreen(reviewing.Reviewing(self.archive)))

    # ── saving elsewhere ────────────────────────────────────────────────────────────────────────

    def action_save(self) -> None:
        """Write this conversation to a file of one's own choice."""
        session = self.session
        if session.keeper is None or not session.keeper.conversation.nodes:
            self.say("Nothing has been said here that could be saved.")
            return
        self.run_worker(
            self._save(session.keeper),
            name="save",
            group="dialog",
            exclusive=True,
            exit_on_error=False,
        )

    async def _save(self, keeper: Keeper) -> None:
        from chatapp.errors import ArchiveError
        from chatapp.keeping.saving import SAYS, free_name, save
        from chatapp.tui.dialogs.save import SaveDialog

        path = await self.app.push_screen_wait(
            SaveDialog(
                free_name(Path.cwd()),
                heading="Save the conversation",
                says=SAYS,
                suffixes=(".md", ".json", ".html"),
            )
        )
        if path is None:
            return
        stored = keeper.snapshot()
        try:
            await asyncio.to_thread(save, stored, path)
        except ArchiveError as error:
            self.say(words.one_line(str(error)), wrong=True)
        else:
            self.say(f"Saved as {words.one_line(str(path))}")
