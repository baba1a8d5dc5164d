"""Stored sessions: found and opened again, which means sent again."""

from __future__ import annotations

from functools import partial

from chatapp.tui import log_words, words
from chatapp.tui.screens.keeping_actions import KeepingActions
from chatapp.tui.session import Session

__all__ = ["StoredActions"]


class StoredActions(KeepingActions):
    """All of the store is read and written beside the screen, which goes on meanwhile."""

    def action_stored(self) -> None:
        """Look through the stored sessions."""
        self.run_worker(
            self._choose_stored(),
            name="stored sessions",
            group="dialog",
            exclusive=True,
            exit_on_error=False,
        )

    async def _choose_stored(self) -> None:
        import asyncio
        import importlib

        browsing = await asyncio.to_thread(importlib.import_module, "chatapp.keeping.browsing")
        from chatapp.tui.dialogs.stored import StoredDialog

        browser = browsing.Browser(self.archive)
        chosen = await self.app.push_screen_wait(
            StoredDialog(browser, partial(self._delete_stored, browser))
        )
        if chosen is not None:
            await self._open_stored(chosen)

    def _open_here(self, name: str) -> Session | None:
        """The session of this run that is the stored one."""
        return next((one for one in self.sessions if one.keeper and one.keeper.id == name), None)

    async def _delete_stored(self, browser: object, name: str) -> None:
        """Delete a stored session; one that is open here goes on, and is off."""
        from chatapp.archive import sessions

        session = self._open_here(name)
        if session is not None and session.keeper is not None:
            await session.keeper.set_state("off")
            self.show_marks(session)
        else:
            await self.archive.call(sessions.delete, name)

    async def _open_stored(self, name: str) -> None:
        from chatapp.archive import sessions
        from chatapp.errors import ChatappError
        from chatapp.keeping.reopening import reopen
        from chatapp.tui.live import preview

        if (open_here := self._open_here(name)) is not None:
            self.show_session(self.sessions.index(open_here))
            return
        if self.model is None:
            self.say("A session can be reopened when a model is at hand. F3 chooses one.")
            return
        try:
            stored = await self.archive.call(sessions.load, name)
        except ChatappError as error:
            self.say(words.one_line(str(error)), wrong=True)
            return
        session = await self.add_session()
        assert session.conversation is not None
        assert session.keeper is not None
        ids = reopen(session.conversation, stored)
        session.keeper.resume(stored, ids)
        self.show_notes(session)
        # Other weights may have answered then.
        session.since = len(session.conversation.turns)
        await session.pane.sync()
        session.pane.anchor()
        self.show_marks(session)
        self.keeping_changed(session)
        self.refresh_all()
        counted = (await preview(session.conversation, "")).request
        said = len(session.conversation.nodes)
        tokens = len(counted.prompt) if counted is not None and counted.prompt else None
        session.pane.left_behind(log_words.reopened(said, tokens))
