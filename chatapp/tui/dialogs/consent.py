"""What is kept of this session: three states, what each means, and what a change does now."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import OptionList, Static

from chatapp.archive.consent import MEANINGS, ORDER, change, raises
from chatapp.errors import ArchiveError
from chatapp.tui import log_words
from chatapp.tui.dialogs.base import Action, Cards, Dialog, card, one_line

if TYPE_CHECKING:
    from chatapp.archive.records import Consent, State

__all__ = ["ConsentDialog"]

Change = Callable[["State"], Awaitable[None]]
Entries = Callable[[], Awaitable[Sequence["Consent"]]]
_WORKING = "One moment: the store is in use."


class ConsentDialog(Dialog["State | None"]):
    """Changes the state itself and closes when that is done; the result is the new state.

    ``change`` raises an ``ArchiveError`` if the state stays as it was. ``entries`` are the last
    ones of the ledger, the latest first. ``current``: what a person last asked for.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+l", "leave", "Leave", show=False)]
    heading = "What is kept of this session"
    keys = "↑ ↓ choose · Enter agree · Esc leave"
    DEFAULT_CSS = """
    ConsentDialog {
        #ledger { height: auto; color: $text-muted; margin-top: 1; }
        &.-short #ledger { margin: 0; max-height: 1; }
        &.-short.-saying #ledger { display: none; }
    }
    """

    def __init__(self, current: State, change: Change, entries: Entries) -> None:
        super().__init__()
        self._current = current
        self._change = change
        self._entries = entries
        self._working = False

    def body(self) -> Iterable[Widget]:
        yield Cards(((state, self._card(state), True) for state in ORDER), id="states")
        yield Static("", id="ledger", markup=False)

    def _card(self, state: State) -> Content:
        meaning = MEANINGS[state]
        title = f"{meaning.heading} ({meaning.label})"
        if state == self._current:
            return card(title, meaning.sentence, mark="now")
        does = change(self._current, state)
        lines = [meaning.sentence]
        if does != meaning.sentence:
            lines.append(f"Choosing it now: {does[:1].lower()}{does[1:]}")
        return card(title, *lines)

    def actions(self) -> Iterable[Widget]:
        yield Action("Choose", "screen.choose", id="choose")
        yield Action("Leave", "screen.leave", id="leave")

    def on_mount(self) -> None:
        self.query_one(Cards).highlighted = ORDER.index(self._current)
        self.run_worker(self._show_entries(), name="ledger", exit_on_error=False)

    async def _show_entries(self) -> None:
        try:
            found = await self._entries()
        except ArchiveError as error:
            self.say(one_line(str(error)), wrong=True)
            return
        self.query_one("#ledger", Static).update(
            Content("\n".join(map(log_words.entry, found)))
            if found
            else Content("Each change is written into a ledger; there is none of this session yet.")
        )

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        state = cast("State", event.option.id)
        if self._working:
            self.say(_WORKING)
        elif state == self._current:
            self.dismiss(None)
        else:
            self.run_worker(self._changing(state), name="consent", exit_on_error=False)

    async def _changing(self, state: State) -> None:
        self._working = True
        slow = self.set_timer(0.3, lambda: self.say(_WORKING))
        try:
            await self._change(state)
        except ArchiveError as error:
            slow.stop()
            stays = (
                "Nothing more is stored, but what is stored is not deleted yet."
                if state == "off"
                else f"It stays “{MEANINGS[self._current].label}”."
                if raises(self._current, state)
                else ""
            )
            self.say(f"{one_line(str(error))} {stays}".strip(), wrong=True)
        else:
            slow.stop()
            self.dismiss(state)
        finally:
            self._working = False

    def action_choose(self) -> None:
        """Take the highlighted state."""
        self.query_one(Cards).action_select()

    def action_leave(self) -> None:
        """Leave things as they are; a change that is under way is waited for."""
        if self._working:
            self.say(_WORKING)
        else:
            self.dismiss(None)
