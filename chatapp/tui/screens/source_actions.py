"""The ways in: saved notes, attached files, passages. All of it is text that will be sent."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from textual import on

from chatapp.tui import source_words, words
from chatapp.tui.screens.session_actions import SessionActions
from chatapp.tui.session import Session
from chatapp.tui.widgets.chips import Chips
from chatapp.tui.widgets.composer import Composer, Draft

if TYPE_CHECKING:
    from chatapp.context.parts import Part
    from chatapp.sources.index import Found
    from chatapp.sources.notes import Notes

__all__ = ["SourceActions"]

_COMMANDS: Final = ("/attach", "/notes", "/retrieve", "/search")
"""What can be typed in place of a message; a space before it makes it a message."""


class SourceActions(SessionActions):
    """What comes in beside typed words is shown before it is sent, with its tokens."""

    _folder: Path | None = None
    """Where passages were looked for last, in this run."""

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

    # ── attached files ──────────────────────────────────────────────────────────────────────────

    @on(Composer.PartsChanged)
    def _parts_changed(self, event: Composer.PartsChanged) -> None:
        event.stop()
        self.query_one(Chips).show(self.composer.attached)
        self.count.changed()
        self.refresh_keys()

    def typed_command(self, draft: Draft) -> str | None:
        """The command's name, if what was written is one (``/attach PATH``)."""
        word, _, rest = draft.text.strip().partition(" ")
        if draft.text[:1] != "/" or "\n" in draft.text or word not in _COMMANDS:
            return None
        if word == "/notes" and rest.strip():
            return None  # a sentence that begins so
        return word[1:]

    def commanded(self, draft: Draft) -> bool:
        """Do what was typed if it is a command; it is then not sent."""
        if (word := self.typed_command(draft)) is None:
            return False
        rest = draft.text.strip().partition(" ")[2]
        self.composer.draft = Draft("", {}, draft.attached)
        if word == "attach" and rest:
            # Some terminals put a path that is dropped on them into quotes.
            self._source(self._attach_file(Path(rest.strip().strip("'\"")), typed=draft.text))
        elif word == "search" and rest.strip():
            self._source(self._search(rest.strip()))
        else:
            getattr(self, f"action_{word}")()
        return True

    def _source(self, work: Any) -> None:
        self.run_worker(work, name="attach", group="dialog", exit_on_error=False)

    def action_attach(self) -> None:
        """Choose a file; its text becomes a part of the message."""
        self._source(self._choose_file())

    async def _choose_file(self) -> None:
        from chatapp.tui.dialogs.attach import FileDialog

        path = await self.app.push_screen_wait(
            FileDialog("Attach a file", source_words.ATTACH, Path.cwd())
        )
        if path is not None:
            await self._attach_file(path)

    async def _attach_file(self, path: Path, typed: str = "") -> None:
        """Attach a file; what was ``typed`` for it comes back if that cannot be."""
        import asyncio

        from chatapp.errors import SourceError
        from chatapp.sources.files import attach

        session = self.session
        try:
            part = await asyncio.to_thread(attach, path)
        except SourceError as error:
            self.say(words.one_line(str(error)), wrong=True)
            if typed:
                self._write_question(session, typed)
        else:
            self.add_parts(session, (part,))

    def add_parts(self, session: Session, parts: tuple[Part, ...]) -> None:
        """Put parts to what is being written in a session."""
        if session is self.session:
            self.composer.attached = (*self.composer.attached, *parts)
            self.composer.focus()
        else:
            session.draft = replace(session.draft, attached=(*session.draft.attached, *parts))

    def action_detach(self, number: int = -1) -> None:
        """Take an attachment off again: the last one, or that of this number."""
        parts = list(self.composer.attached)
        if not parts or number >= len(parts):
            self.say("Nothing is attached.")
            return
        del parts[number]
        self.composer.attached = tuple(parts)
        self.composer.focus()

    # ── passages ────────────────────────────────────────────────────────────────────────────────

    def action_search(self) -> None:
        """Look for passages that fit what is written, in a folder of documents."""
        question = self.composer.draft.typed.strip()
        if not question:
            self.say("Write your question first, then search (or: /search QUESTION).")
        else:
            self._source(self._search(question))

    async def _search(self, question: str) -> None:
        session = self.session
        folder = self._folder or await self._choose_folder()
        while folder is not None:
            found = await self._found(question, folder)
            if found is None:
                break
            if found:
                self._paste_passages(session, found)
                break
            folder = await self._choose_folder()
        self._write_question(session, question)

    async def _choose_folder(self) -> Path | None:
        from chatapp.tui.dialogs.attach import FileDialog

        return await self.app.push_screen_wait(
            FileDialog("Search documents", source_words.FOLDER, Path.cwd(), folder=True)
        )

    async def _found(self, question: str, folder: Path) -> list[Found] | None:
        """What a person takes of what was found; empty: another folder; ``None``: nothing."""
        import asyncio

        from chatapp.errors import SourceError
        from chatapp.sources.index import Index
        from chatapp.tui.dialogs.passages import PassagesDialog

        if self.given.cache is None:
            self.say("This chat was started without a home, so nothing can be searched.")
            return None
        try:
            index = Index(folder, self.given.cache)
            found = await asyncio.to_thread(index.search, question)
        except SourceError as error:
            self.say(words.one_line(str(error)), wrong=True)
            return None
        self._folder = folder
        return await self.app.push_screen_wait(
            PassagesDialog(question, str(folder), found, len(index.skipped))
        )

    def _paste_passages(self, session: Session, found: list[Found]) -> None:
        """Passages take the place of those that were attached before."""
        from chatapp.sources.index import numbered

        if session is self.session:
            kept = tuple(part for part in self.composer.attached if part.kind != "passage")
            self.composer.attached = kept
        else:
            kept = tuple(part for part in session.draft.attached if part.kind != "passage")
            session.draft = replace(session.draft, attached=kept)
        self.add_parts(session, numbered(found))

    def _write_question(self, session: Session, question: str) -> None:
        """The question stays in the input: nothing is sent until Enter."""
        if session is not self.session:
            session.draft = session.draft.after(Draft(question))
        elif not self.composer.text:
            self.composer.draft = Draft(question, {}, self.composer.attached)
        self.composer.focus()
