"""The stored sessions: found as one types, opened, renamed, tagged, deleted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual import on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from chatapp.errors import ArchiveError
from chatapp.tui import log_words, words
from chatapp.tui.dialogs.ask import AskDialog, ConfirmDialog
from chatapp.tui.dialogs.base import Action, Cards, Dialog, card, one_line

if TYPE_CHECKING:
    from chatapp.archive.records import SessionInfo
    from chatapp.archive.search import Hit
    from chatapp.keeping.browsing import Browser, Found

__all__ = ["StoredDialog"]

_PAUSE: Final = 0.15
"""Seconds from a key to the search, so that a burst of keys is searched for once."""
_NEAR: Final = 8
"""The next page is read when so few lines are left below the highlighted one."""
EMPTY: Final = "Nothing is stored. ^L keeps a session; until then nothing said reaches the disk."
NO_HIT: Final = "No stored session holds all of these words."
LEAD: Final = "To open one is to send it again: its messages go with your next one."
DELETES: Final = (
    "It is gone from the disk then, the search index included, and no later export holds it.",
    "The ledger goes on saying that it was withdrawn, so that exports that held it can be found.",
)


class StoredDialog(Dialog["str | None"]):
    """The result is the id of the session to open.

    ``delete`` deletes a session by its id, also one that is open in this run.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f5", "leave", "Leave", show=False),
        Binding("down", "move('cursor_down')", show=False, priority=True),
        Binding("up", "move('cursor_up')", show=False, priority=True),
        Binding("pagedown", "move('page_down')", show=False, priority=True),
        Binding("pageup", "move('page_up')", show=False, priority=True),
        Binding("ctrl+r", "rename", show=False, priority=True),
        Binding("ctrl+t", "tags", show=False, priority=True),
        Binding("ctrl+d", "delete", show=False, priority=True),
    ]
    heading = "Stored sessions"
    keys = "type to search · Enter open · ^R rename · ^T tags · ^D delete"
    DEFAULT_CSS = """
    StoredDialog {
        #search { height: 1; border: none; background: $primary 25%; padding: 0 1; }
        Cards { margin-top: 1; }
        &.-short Cards { margin: 0; max-height: 50vh; }
        #nothing { height: auto; color: $text-muted; margin-top: 1; }
        &.-narrow .lead { display: none; }
    }
    """

    def __init__(self, browser: Browser, delete: Callable[[str], Awaitable[None]]) -> None:
        super().__init__()
        self._browser = browser
        self._delete = delete

    def body(self) -> Iterable[Widget]:
        yield Static(LEAD, classes="lead", markup=False)
        yield Input("", "search in what was said …", id="search", compact=True)
        yield Cards((), id="rows")
        yield Static("", id="nothing", markup=False)

    def actions(self) -> Iterable[Widget]:
        yield Action("Open", "screen.open", id="open")
        yield Action("Rename", "screen.rename", id="rename")
        yield Action("Tags", "screen.tags", id="tags")
        yield Action("Delete", "screen.delete", id="delete")
        yield Action("Leave", "screen.leave", id="leave")

    def on_mount(self) -> None:
        self.query_one("#search").focus()
        self.query_one("#nothing").display = False
        self._read(self._browser.look, self._show_all)

    # ── reading ─────────────────────────────────────────────────────────────────────────────────

    def _read(
        self,
        work: Callable[[], Awaitable[Any]],
        then: Callable[[], None],
        *,
        group: str = "look",
    ) -> None:
        """Ask the store beside the screen, and show what it says."""
        self.run_worker(
            self._reading(work, then),
            name="stored sessions",
            group=group,
            exclusive=True,
            exit_on_error=False,
        )

    async def _reading(self, work: Callable[[], Awaitable[Any]], then: Callable[[], None]) -> None:
        try:
            await work()
        except ArchiveError as error:
            self.say(one_line(str(error)), wrong=True)
        else:
            self.say("")
            then()

    @on(Input.Changed, "#search")
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._read(partial(self._soon, event.value), self._show_all)

    async def _soon(self, text: str) -> None:
        await asyncio.sleep(_PAUSE)
        await self._browser.look(text)

    @on(OptionList.OptionHighlighted)
    def _near_the_end(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        rows = self.query_one(Cards)
        if self._browser.more and event.option_index + _NEAR >= rows.option_count:
            known = len(self._browser.found)
            self._read(
                self._browser.next_page,
                lambda: self._add(self._browser.found[known:]),
                group="page",
            )

    # ── showing ─────────────────────────────────────────────────────────────────────────────────

    def _show_all(self, keep: int = 0) -> None:
        rows = self.query_one(Cards)
        found = self._browser.found
        rows.clear_options()
        self._add(found)
        rows.display = bool(found)
        if found:
            rows.highlighted = min(keep, len(found) - 1)
        nothing = self.query_one("#nothing", Static)
        nothing.update(Content(NO_HIT if self._browser.text.strip() else EMPTY))
        nothing.display = not found

    def _add(self, found: Iterable[Found]) -> None:
        rows = self.query_one(Cards)
        rows.add_options([Option(_card(one), id=one.key) for one in found])

    @property
    def _here(self) -> Found | None:
        """The highlighted line."""
        at = self.query_one(Cards).highlighted
        found = self._browser.found
        return found[at] if at is not None and at < len(found) else None

    # ── acting ──────────────────────────────────────────────────────────────────────────────────

    def action_move(self, where: str) -> None:
        """Move in the list, wherever the focus is."""
        getattr(self.query_one(Cards), f"action_{where}")()

    @on(OptionList.OptionSelected)
    @on(Input.Submitted)
    def _chosen(self, event: OptionList.OptionSelected | Input.Submitted) -> None:
        event.stop()
        self.action_open()

    def action_open(self) -> None:
        """Open the highlighted session."""
        if (here := self._here) is not None:
            self.dismiss(here.session.id)

    def action_rename(self) -> None:
        """Give the highlighted session another name."""
        self._ask("Rename", "Its name in the list; nothing that was said changes.", "rename")

    def action_tags(self) -> None:
        """Give the highlighted session other tags."""
        self._ask("Tags", "Words to find it by, divided by commas.", "tag")

    def _ask(self, heading: str, says: str, act: str) -> None:
        if (here := self._here) is not None:
            self.run_worker(
                self._asking(here.session, heading, says, act),
                name="stored sessions",
                group="ask",
                exclusive=True,
                exit_on_error=False,
            )

    async def _asking(self, session: SessionInfo, heading: str, says: str, act: str) -> None:
        value = session.title if act == "rename" else ", ".join(session.tags)
        given = await self.app.push_screen_wait(AskDialog(heading, says, value=value, does="Save"))
        if given is not None:
            change = self._browser.rename if act == "rename" else self._browser.tag
            await self._reading(partial(change, session.id, given), self._show_again)

    def _show_again(self) -> None:
        self._show_all(self.query_one(Cards).highlighted or 0)

    def action_delete(self) -> None:
        """Delete the highlighted session, after asking once."""
        if (here := self._here) is not None:
            self.run_worker(
                self._deleting(here.session),
                name="stored sessions",
                group="ask",
                exclusive=True,
                exit_on_error=False,
            )

    async def _deleting(self, session: SessionInfo) -> None:
        sure = await self.app.push_screen_wait(
            ConfirmDialog(
                "Delete this session?",
                f"“{one_line(session.title) or '(nothing said yet)'}”, "
                f"{words.many(session.messages, 'message')}.",
                *DELETES,
                does="Delete",
                stays="Keep it",
            )
        )
        if sure:
            await self._reading(partial(self._gone, session), self._show_again)

    async def _gone(self, session: SessionInfo) -> None:
        await self._delete(session.id)
        self._browser.gone(session.id)


def _card(found: Found) -> Content:
    """A session's line, and where the words stand in it."""
    session = found.session
    tags = "".join(f" · #{one_line(tag)}" for tag in session.tags)
    facts = f"{words.many(session.messages, 'message')} · {log_words.when(session.changed)}"
    if session.model:
        facts += f" · {one_line(session.model, 40)}"
    shown = card(
        session.title or "(nothing said yet)", facts + tags, mark=log_words.label(session.state)
    )
    return Content("\n").join([shown, _snippet(found.hit)]) if found.hit else shown


def _snippet(hit: Hit) -> Content:
    from chatapp.archive.search import parts

    pieces = [
        Content.styled(text, "bold underline") if emphasised else Content(text)
        for piece, emphasised in parts(hit.snippet)
        for text in [words.visible(piece).replace("\n", " ").replace("\t", " ")]
    ]
    return Content(f"{words.role(hit.role)}: ") + Content("").join(pieces)
