"""What can be done with messages: select, copy, edit, answer again, go from answer to answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on
from textual.actions import SkipAction

from chatapp.tui import tool_words, words
from chatapp.tui.screens.base import ChatBase
from chatapp.tui.widgets.composer import Composer, Draft
from chatapp.tui.widgets.message import MessageView

if TYPE_CHECKING:
    from chatapp.conversation import Node

__all__ = ["MessageActions"]


def _who(node: Node) -> str:
    return tool_words.who(node) if node.role == "tool" else words.role(node.role)


_HERE = ("copy", "correct", "edit", "regenerate", "choice", "mark_good", "mark_bad", "unfold")


class MessageActions(ChatBase):
    """Actions on the selected message, or on the one that a person most likely means."""

    @property
    def _said(self) -> list[Node]:
        return self.conversation.nodes if self.conversation else []

    def _meant(self, role: str) -> Node | None:
        """The selected message if it has this role, or the nearest or last one that has."""
        nodes = self._said
        selected = self.session.pane.selected
        if selected in nodes:
            at = nodes.index(selected)
            if selected.role == role:
                return selected
            # A question belongs to the answer above which it stands, and the other way round.
            near = nodes[at - 1 : at] if role == "user" else nodes[at + 1 : at + 2]
            if near and near[0].role == role:
                return near[0]
        return next((node for node in reversed(nodes) if node.role == role), None)

    def _free(self) -> bool:
        """Whether the conversation stands still; if not, say what to do."""
        if self.session.busy:
            self.say("The model is answering. Esc stops it.")
        return not self.session.busy

    # ── selection ───────────────────────────────────────────────────────────────────────────────

    @on(MessageView.Chosen)
    def _chosen(self, event: MessageView.Chosen) -> None:
        event.stop()
        self.session.pane.select(event.node)
        self.refresh_keys()

    async def action_select_earlier(self) -> None:
        """Select the message above."""
        await self.session.pane.select_step(-1)
        self.refresh_keys()

    async def action_select_later(self) -> None:
        """Select the message below; below the last one, none."""
        await self.session.pane.select_step(1)
        self.refresh_keys()

    async def action_show_earlier(self) -> None:
        """Put older messages on the screen."""
        await self.session.pane.show_earlier()

    async def action_here(self, action: str, number: int) -> None:
        """Do something with the message that was clicked."""
        node = self.session.pane.node_by_id(number)
        if node is not None and action in _HERE:
            self.session.pane.select(node)
            await self.run_action(f"screen.{action}")
        elif node is not None and action in ("earlier_answer", "later_answer"):
            await self._flip(node, -1 if action == "earlier_answer" else 1)

    # ── copy ────────────────────────────────────────────────────────────────────────────────────

    def action_copy(self) -> None:
        """Copy the selected message, or the last reply."""
        node = self.session.pane.selected or self._meant("assistant")
        if node is None or not node.content:
            self.say("There is nothing to copy yet.")
        else:
            self._copy(node.content, "The message")

    def action_copy_all(self) -> None:
        """Copy the conversation as plain text."""
        said = [f"{_who(node)}: {node.content}" for node in self._said]
        if said:
            self._copy("\n\n".join(said), "The conversation")
        else:
            self.say("There is nothing to copy yet.")

    def action_copy_request(self) -> None:
        """Copy what the model receives, at the depth that is shown."""
        from chatapp.tui.request import plain

        view = self.context_view
        if view.shown is None:
            self.say("There is nothing to copy yet.")
        else:
            self._copy(plain(view.shown, view.depth), "The request")

    def action_copy_text(self) -> None:
        # Ctrl+C: the text selected with the mouse, else the selected message.
        node = self.session.pane.selected
        if selected := self.get_selected_text():
            self._copy(selected, "The selected text")
        elif node is not None and node.content:
            self._copy(node.content, "The message")
        else:
            raise SkipAction

    def _copy(self, text: str, what: str) -> None:
        self.run_worker(self._copying(text, what), name="copy", exit_on_error=False)

    async def _copying(self, text: str, what: str) -> None:
        from chatapp.tui import clipboard

        safe = text.encode("utf-8", "replace").decode("utf-8")
        self.app.copy_to_clipboard(safe)
        if await clipboard.copy(safe):
            self.say(f"{what} is in the clipboard.")
        else:
            self.say(
                f"{what} was handed to the terminal. If it is not in the clipboard, the terminal "
                "does not take it, and this machine has no program for it (wl-copy, xclip, xsel)."
            )

    def action_unfold(self) -> None:
        """Show what was attached to the selected (or last) message, or fold it again."""
        node = self._meant("user")
        view = self.session.pane.view_of(node)
        if view is not None and view.has_parts:
            view.unfold()
        else:
            self.say("Nothing was attached to this message.")

    # ── edit and answer again ───────────────────────────────────────────────────────────────────

    @on(Composer.EditAsked)
    def _edit_asked(self, event: Composer.EditAsked) -> None:
        event.stop()
        self.action_edit()

    def action_edit(self) -> None:
        """Put a message of one's own into the input; sending it makes a new branch."""
        node = self._meant("user")
        if node is None:
            return
        session = self.session
        self.keep_draft(session)
        if session.editing is None:
            session.aside = session.draft
        session.editing = node
        session.draft = Draft.of(node.content)
        self.show_draft(session)
        self.composer.focus()
        self.refresh_all()

    def leave_edit(self) -> None:
        """Put the draft back that was there before the edit."""
        session = self.session
        session.editing = None
        session.draft, session.aside = session.aside, Draft()
        self.show_draft(session)
        self.refresh_all()

    def action_regenerate(self) -> None:
        """Answer again; the earlier answers are kept."""
        reply = self._meant("assistant")
        if reply is not None:
            self.session.pane.select(None)
            self.turns.regenerate(self.session, reply)

    async def action_earlier_answer(self) -> None:
        """Show the answer (or version) before this one."""
        await self._step(-1)

    async def action_later_answer(self) -> None:
        """Show the answer (or version) after this one."""
        await self._step(1)

    async def _step(self, step: int) -> None:
        node = self.session.pane.selected or self._meant("assistant")
        if node is None or len(node.siblings) < 2:
            branching = [node for node in self._said if len(node.siblings) > 1]
            if self.session.pane.selected is None and branching:
                node = branching[-1]
        if node is not None:
            await self._flip(node, step)

    async def _flip(self, node: Node, step: int) -> None:
        siblings = node.siblings
        if len(siblings) < 2:
            self.say("There is one answer here. Ctrl+R asks for another.")
        elif self._free():
            other = siblings[(node.place + step) % len(siblings)]
            other.choose()
            if self.session.keeper is not None:
                # Beside the screen: the store may have to be waited for.
                self.run_worker(self.session.keeper.chose(other), name="keep", exit_on_error=False)
            pane = self.session.pane
            was_selected = pane.selected is node
            await pane.sync()
            if was_selected:
                pane.select(other)
            self.refresh_all()
