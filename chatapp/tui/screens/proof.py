"""The proof on the screen: the corrected session and the new one beside each other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from chatapp.errors import ChatappError
from chatapp.tui import words
from chatapp.tui.correcting import Kept, summary
from chatapp.tui.dialogs.base import Action
from chatapp.tui.proof_rows import Line, Side, behind, decisive, fraction, odds_lines, sides

if TYPE_CHECKING:
    from chatapp.proofs.new_session import Forgotten

__all__ = ["STYLES", "Progress", "ProofScreen", "content", "progress_lines"]

Progress = Callable[[float, str], None]
Prove = Callable[[Progress], Awaitable["Forgotten"]]

STYLES: Final = {
    "text": "",
    "strong": "bold",
    "quiet": "$foreground 60%",
    "good": "bold $text-success",
    "wrong": "bold $text-error",
}


def content(lines: Iterable[Line]) -> Content:
    """Lines as they are put on the screen; never read as markup."""
    return Content("\n").join([Content.assemble((text, STYLES[style])) for text, style in lines])


def progress_lines(done: float, says: str, width: int) -> Content:
    """What is done now, with a bar."""
    return Content.assemble(
        (fraction(done, max(min(width - 6, 40), 4)), "$text-primary"), f" {done:.0%}\n", says
    )


class _SideView(Vertical):
    """One session: what was sent, the answer, the probabilities."""

    def __init__(self, side: Side) -> None:
        super().__init__(classes="side")
        self._side = side

    def compose(self) -> ComposeResult:
        side = self._side
        with VerticalScroll(classes="sent") as sent:
            sent.border_title = f"sent: {words.many(side.tokens, 'token')}"
            yield Static(side.sent, markup=False)
        answer = Content.assemble(("answer  ", "bold"), side.answer or "(nothing)")
        yield Static(answer, classes="answer", markup=False)
        yield Static("", classes="odds", markup=False)

    def on_mount(self) -> None:
        self.border_title = self._side.title

    def on_resize(self) -> None:
        odds = self.query_one(".odds", Static)
        odds.update(content(odds_lines(self._side, self.content_size.width)))


class ProofScreen(Screen[None]):
    """``prove`` does the work and is told whom to tell; leaving the screen ends it.

    ``notes`` says afterwards what else is different from how it was.
    """

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 (as in Textual)
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Leave"),
        Binding("ctrl+o", "leave", "Leave", show=False),
        *(
            Binding(key, f"roll('{key}')", show=False)
            for key in ("down", "up", "pagedown", "pageup", "home", "end")
        ),
    ]
    DEFAULT_CSS = """
    ProofScreen {
        background: $background;
        #proof {
            height: 1fr; border: round $primary; padding: 0 1;
            border-title-style: bold; border-title-color: $text;
            border-subtitle-color: $text-muted;
        }
        #page { height: 1fr; scrollbar-size-vertical: 1; background: $background; }
        #page Static { height: auto; }
        #asked, #progress { margin-bottom: 1; }
        #sides { height: auto; layout: vertical; }
        &.-wide #sides { layout: horizontal; }
        .side { height: auto; width: 1fr; padding: 0 1; border: round $foreground 30%;
                border-title-style: bold; border-title-color: $text; }
        .sent { height: auto; max-height: 7; padding: 0 1; background: $surface;
                border: none; border-top: solid $foreground 30%; border-title-color: $text-muted;
                scrollbar-size-vertical: 1; }
        .sent:focus { border-top: solid $primary; }
        &.-wide .sent { height: 13; max-height: 13; margin-bottom: 1; }
        &.-wide #progress.-found { display: none; }
        .actions { height: 1; }
    }
    """

    def __init__(
        self, kept: Kept, prove: Prove, notes: Callable[[Forgotten], list[str]] | None = None
    ) -> None:
        super().__init__()
        self._kept = kept
        self._prove = prove
        self._notes = notes
        self.found: Forgotten | None = None

    def compose(self) -> ComposeResult:
        with Container(id="proof") as frame:
            frame.border_title = "Is the correction gone?"
            frame.border_subtitle = "Esc to the session · ↑ ↓ scroll · Tab goes on"
            with VerticalScroll(id="page", can_focus=False):
                yield Static(self._asked(), id="asked", markup=False)
                yield Static("", id="progress", markup=False)
                yield Container(id="sides")
                yield Static("", id="found", markup=False)
            with Horizontal(classes="actions"):
                yield Action("Close", "screen.leave", id="leave")

    def _asked(self) -> Content:
        asked = words.one_line(self._kept.correction.question)
        return Content.assemble((asked[:300], "bold"), f"\ncorrected: {summary(self._kept)}")

    def on_mount(self) -> None:
        self.query_one("#leave").focus()
        self._worker = self.run_worker(self._run(), name="proof", exit_on_error=False)

    async def _run(self) -> None:
        self._tell(0.0, "the proof begins")
        try:
            found = await self._prove(self._tell)
            await self._show(found)
        except ChatappError as error:
            self._end(f"It could not be proved: {words.one_line(str(error))}")
        except Exception as error:  # said here, where it is waited for
            self._end(f"Something went wrong: {words.one_line(repr(error))[:300]}")

    def _tell(self, done: float, says: str) -> None:
        line = self.query_one("#progress", Static)
        line.update(progress_lines(done, words.one_line(says), self.size.width - 6))

    def _end(self, says: str) -> None:
        line = self.query_one("#progress", Static)
        line.update(Content.styled(says, "$text-error"))

    async def _show(self, found: Forgotten) -> None:
        self.found = found
        await self.query_one("#sides").mount_all([_SideView(side) for side in sides(found)])
        # In short: where the two stand below each other, the rest begins out of sight.
        line = self.query_one("#progress", Static)
        line.update(Content.styled(words.one_line(found.sentences[0]), "bold"))
        line.add_class("-found")
        self._lay_out()

    def _lay_out(self) -> None:
        """What was found, below the two sides."""
        found = self.found
        if found is None:
            return
        width = self.query_one("#page").size.width - 1
        lines: list[Line] = [(behind(found), "quiet"), ("", "text")]
        lines += decisive(found, width)
        lines.append(("", "text"))
        for n, sentence in enumerate(found.sentences):
            lines.append((words.one_line(sentence), "text" if n else "strong"))
        lines += [(note, "text") for note in (self._notes(found) if self._notes else [])]
        self.query_one("#found", Static).update(content(lines))

    def on_resize(self) -> None:
        self.call_after_refresh(self._lay_out)

    def action_roll(self, key: str) -> None:
        """Scroll the page, or the part that has the focus."""
        page = self.query_one("#page", VerticalScroll)
        {
            "down": page.scroll_down,
            "up": page.scroll_up,
            "pagedown": page.scroll_page_down,
            "pageup": page.scroll_page_up,
            "home": page.scroll_home,
            "end": page.scroll_end,
        }[key](animate=False)

    def action_leave(self) -> None:
        """To the session; what still runs ends."""
        self._worker.cancel()
        self.dismiss(None)
