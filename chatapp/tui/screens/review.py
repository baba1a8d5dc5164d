"""The review: each example before and after redaction, and a decision. Nothing leaves without."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from chatapp.errors import ChatappError
from chatapp.tui import words
from chatapp.tui.dialogs.base import Action
from chatapp.tui.review_rows import head, lines
from chatapp.tui.screens.proof import content

if TYPE_CHECKING:
    from chatapp.archive.redaction import Redacted
    from chatapp.archive.review import Decision
    from chatapp.keeping.reviewing import Case, Reviewing

__all__ = ["ReviewScreen"]

NOTHING = (
    "Nothing to review. Only what you marked can leave: a correction (Ctrl+K) or a reply marked "
    "good or bad, in a session that is “kept + training” (Ctrl+L)."
)


class ReviewScreen(Screen[None]):
    """``reviewing`` reads and keeps; the screen shows one case at a time."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Leave"),
        Binding("a", "approve", "Approve", show=False),
        Binding("e", "edit", "Edit", show=False),
        Binding("s", "skip", "Skip", show=False),
        Binding("n,right", "step(1)", "Next", show=False),
        Binding("p,left", "step(-1)", "Previous", show=False),
    ]
    DEFAULT_CSS = """
    ReviewScreen {
        background: $background;
        #review {
            height: 1fr; border: round $primary; padding: 0 1;
            border-title-style: bold; border-title-color: $text;
            border-subtitle-color: $text-muted;
        }
        #case { height: auto; text-style: bold; }
        #texts { height: 1fr; scrollbar-size-vertical: 1; background: $background; }
        #texts Static { height: auto; }
        #says { height: auto; }
        .actions { height: 1; }
    }
    """

    def __init__(self, reviewing: Reviewing) -> None:
        super().__init__()
        self._reviewing = reviewing
        self._at = 0
        self._shown: Redacted | None = None

    def compose(self) -> ComposeResult:
        with Container(id="review") as frame:
            frame.border_title = "Review: what may leave, exactly as it would"
            frame.border_subtitle = "A approve · E edit · S skip · N P next, previous · Esc leave"
            yield Static("reading…", id="case", markup=False)
            with VerticalScroll(id="texts"):
                yield Static("", id="lines", markup=False)
            yield Static("", id="says", markup=False)
            with Horizontal(classes="actions"):
                yield Action("Approve", "screen.approve", id="approve")
                yield Action("Edit", "screen.edit", id="edit")
                yield Action("Skip", "screen.skip", id="skip")
                yield Action("Next", "screen.step(1)", id="next")
                yield Action("Close", "screen.leave", id="leave")

    def on_mount(self) -> None:
        self.query_one("#texts").focus()
        self._begin(self._load())

    def _begin(self, work: object) -> None:
        self.run_worker(work, name="review", exclusive=True, exit_on_error=False)  # type: ignore[arg-type]

    @property
    def case(self) -> Case | None:
        """The case in sight."""
        cases = self._reviewing.cases
        return cases[self._at] if cases else None

    async def _load(self) -> None:
        try:
            await self._reviewing.load()
        except ChatappError as error:
            self._say(words.one_line(str(error)))
            return
        waits = self._reviewing.next(-1)
        self._at = 0 if waits is None else waits
        await self._show()

    async def _show(self) -> None:
        case = self.case
        count = len(self._reviewing.cases)
        if case is None:
            self.query_one("#case", Static).update("")
            self.query_one("#lines", Static).update(NOTHING)
            return
        self._shown = await self._reviewing.look(case)
        self.query_one("#case", Static).update(Content(head(case, self._at, count)))
        self.query_one("#lines", Static).update(content(lines(self._shown)))
        self.query_one("#texts").scroll_home(animate=False)
        counts = " · ".join(f"{word}: {n}" for word, n in self._reviewing.counts().items())
        self._say(f"{counts}. Only what is approved or edited can be exported.")

    def _say(self, text: str) -> None:
        self.query_one("#says", Static).update(Content.styled(text, "$foreground 60%"))

    # ── decisions ───────────────────────────────────────────────────────────────────────────────

    def action_approve(self) -> None:
        """It may leave as it is shown, redacted."""
        self._begin(self._decide("approved"))

    def action_skip(self) -> None:
        """It does not leave."""
        self._begin(self._decide("skipped"))

    def action_edit(self) -> None:
        """It may leave as the person writes it."""
        if self.case is not None and self._shown is not None:
            self._begin(self._edit(self.case, self._shown))

    async def _edit(self, case: Case, shown: Redacted) -> None:
        from chatapp.archive.review import check
        from chatapp.tui.dialogs.edit_example import EditExample

        dialog = EditExample(shown.after, partial(check, case.example))
        edited = await self.app.push_screen_wait(dialog)
        if edited is not None:
            await self._decide("edited", edited)

    async def _decide(self, decision: Decision, edited: dict[str, object] | None = None) -> None:
        case = self.case
        if case is None:
            return
        try:
            await self._reviewing.decide(case, decision, edited)
        except ChatappError as error:
            self._say(words.one_line(str(error)))
            return
        following = self._reviewing.next(self._at)
        if following is not None:
            self._at = following
        await self._show()

    def action_step(self, step: int) -> None:
        """Another case, decided or not."""
        count = len(self._reviewing.cases)
        if count:
            self._at = (self._at + step) % count
            self._begin(self._show())

    def action_leave(self) -> None:
        self.dismiss(None)
