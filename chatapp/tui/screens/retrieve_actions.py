"""Passages with every message: found, shown with their tokens, and sent by one more Enter."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from textual.widgets import Static

from chatapp.tui import words
from chatapp.tui.retrieving import ALONE, AT_FIRST, NOT_SENT, Retrieving, row
from chatapp.tui.screens.source_actions import SourceActions
from chatapp.tui.session import Session
from chatapp.tui.widgets.composer import Draft

if TYPE_CHECKING:
    from chatapp.context.parts import Part
    from chatapp.tui.live import Preview

__all__ = ["RetrieveActions"]

_SEARCHING: Final = "Searching; what is found is shown before it goes."


class RetrieveActions(SourceActions):
    """Switched on for one session, by its person. Nothing is ever sent that was not shown."""

    # ── on and off ──────────────────────────────────────────────────────────────────────────────

    def action_retrieve(self) -> None:
        """Look for passages with every message of this session, or no longer."""
        session = self.session
        if session.retrieving is not None:
            self._switch_off(session)
        elif self._folder is not None:
            self._switch_on(session, self._folder)
        else:
            self._source(self._choose_and_switch_on(session))

    async def _choose_and_switch_on(self, session: Session) -> None:
        if (folder := await self._choose_folder()) is not None:
            self._switch_on(session, folder)

    def commanded(self, draft: Draft) -> bool:
        """``/retrieve FOLDER`` and ``/retrieve off``, and the commands without a folder."""
        rest = draft.text.strip().partition(" ")[2].strip()
        if self.typed_command(draft) != "retrieve" or not rest:
            return super().commanded(draft)
        session = self.session
        self.composer.draft = Draft("", {}, draft.attached)
        if rest != "off":
            self._switch_on(session, Path(rest.strip("'\"")), typed=draft.text)
        elif session.retrieving is not None:
            self._switch_off(session)
        else:
            self.say("Retrieve is off already.")
        return True

    def _switch_on(self, session: Session, folder: Path, typed: str = "") -> None:
        """Every message of ``session`` is searched for in ``folder`` from now on."""
        from chatapp.errors import SourceError
        from chatapp.sources.index import PASSAGES, Index

        if self.given.cache is None:
            self.say("This chat was started without a home, so nothing can be searched.")
            return
        try:
            self._folder = Index(folder, self.given.cache).folder
        except SourceError as error:
            self.say(words.one_line(str(error)), wrong=True)
            if typed:
                self._write_question(session, typed)
            return
        self._set_passages(session, ())
        session.retrieving = Retrieving(self._folder, PASSAGES, note=AT_FIRST)
        self.refresh_all()

    def _switch_off(self, session: Session) -> None:
        if session.retrieving is not None and session.retrieving.question is not None:
            self._set_passages(session, ())
        session.retrieving = None
        self.say("Retrieve is off: messages go without passages.")
        self.refresh_all()

    # ── one message ─────────────────────────────────────────────────────────────────────────────

    def retrieves(self, draft: Draft) -> bool:
        """Whether passages have to be found and shown first; then that is begun, and nothing sent.

        Not where the person has taken passages for this message already (``/search``).
        """
        session, state = self.session, self.session.retrieving
        if state is None or session.busy or not draft.typed.strip():
            return False
        if state.searching:
            self.say(_SEARCHING)
            return True
        taken = any(part.kind == "passage" for part in draft.attached)
        if state.question == draft.typed or (
            state.question is None and taken and session.editing is None
        ):
            session.retrieving = state.fresh(state.note)
            return False
        self._source(self._retrieve(session, state, draft.typed))
        return True

    async def _retrieve(self, session: Session, state: Retrieving, question: str) -> None:
        import asyncio

        from chatapp.errors import SourceError
        from chatapp.sources.index import Index, numbered

        assert self.given.cache is not None
        state.searching, state.note = True, ""
        self._show_retrieving()
        try:
            index = Index(state.folder, self.given.cache)
            found = await asyncio.to_thread(index.search, question)
        except SourceError as error:
            self.say(
                f"{words.one_line(str(error))} Nothing was sent; /retrieve off sends without "
                "passages.",
                wrong=True,
            )
            return
        finally:
            state.searching = False
            self._show_retrieving()
        if session.retrieving is not state or self._written_in(session).typed != question:
            return  # left, or changed meanwhile: Enter searches again
        state.question = question
        self._set_passages(session, numbered(found))
        if not found:
            state.note = ALONE
            if session is self.session:
                self.composer.action_send()
        self._show_retrieving()

    def leave_passages(self) -> bool:
        """Esc: take off what is offered, send nothing, keep the words. Whether there was any."""
        session, state = self.session, self.session.retrieving
        if state is None or not (state.searching or state.question is not None):
            return False
        session.retrieving = state.fresh(NOT_SENT)
        self._set_passages(session, ())
        self._show_retrieving()
        return True

    def _written_in(self, session: Session) -> Draft:
        return self.composer.draft if session is self.session else session.draft

    def _set_passages(self, session: Session, parts: tuple[Part, ...]) -> None:
        """These passages, in place of those that are attached."""
        draft = self._written_in(session)
        kept = tuple(part for part in draft.attached if part.kind != "passage")
        if session is self.session:
            self.composer.attached = (*kept, *parts)
        else:
            session.draft = replace(draft, attached=(*kept, *parts))

    # ── what is shown ───────────────────────────────────────────────────────────────────────────

    def refresh_all(self) -> None:
        super().refresh_all()
        self._show_retrieving()

    def _counted(self, result: Preview | None) -> None:
        super()._counted(result)
        self._show_retrieving()

    def _show_retrieving(self) -> None:
        """The state stands above the input while it is on."""
        if not self.is_mounted or (line := self.query_one_optional("#retrieve", Static)) is None:
            return
        state = self.session.retrieving
        line.set_class(state is not None, "-some")
        if state is None:
            return
        attached = self.composer.attached
        passages = [n for n, part in enumerate(attached) if part.kind == "passage"]
        counts = self._preview.parts if self._preview is not None and self.count.fresh else ()
        tokens = sum(counts[n] for n in passages) if len(counts) == len(attached) else None
        line.update(row(state, self.composer.draft.typed, len(passages), tokens))
