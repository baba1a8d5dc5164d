"""The evidence of one experiment: claim, verdict, checks, tables, plots, and prompts to unfold."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Collapsible, Static

from chatapp.proofs.evidence import Block, Check, Evidence, Measured, Paragraph, Plot, Sent, Table
from chatapp.tui import words
from chatapp.tui.dialogs.base import Action
from chatapp.tui.evidence_rows import check_lines, plot_lines, table_lines, verdict_line
from chatapp.tui.proof_rows import Line
from chatapp.tui.screens.proof import content

__all__ = ["EvidenceScreen", "shown"]


class _Drawn(Static):
    """Lines that depend on how wide they may be."""

    def __init__(self, draw: Callable[[int], Iterator[Line]]) -> None:
        super().__init__("", markup=False, classes="block")
        self._draw = draw

    def on_resize(self) -> None:
        self.update(content(self._draw(max(self.content_size.width, 16))))


class _Folded(Collapsible):
    """Something long, folded until somebody wants to see it."""

    def __init__(self, title: str, text: Content) -> None:
        # Content, as a title is read as markup otherwise.
        super().__init__(
            Static(text, markup=False),
            title=Content(words.one_line(title)),  # type: ignore[arg-type]
            collapsed=True,
        )


def shown(block: Block) -> Widget | None:
    """A block of evidence as a widget; None for those that are shown elsewhere."""
    if isinstance(block, Paragraph):
        return Static(words.visible(block.text), markup=False, classes="block")
    if isinstance(block, Table):
        return _Drawn(lambda width: table_lines(block, width))
    if isinstance(block, Plot):
        return _Drawn(lambda width: plot_lines(block, width))
    if isinstance(block, Sent):
        text = Content(words.visible(block.text))
        if block.answer is not None:
            answer = words.visible(block.answer)
            text = Content.assemble(text, ("\nanswer: ", "bold"), answer)
        size = words.many(len(block.tokens), "token")
        return _Folded(f"{block.title} ({size} sent)", text)
    assert isinstance(block, (Check, Measured))
    return None


class EvidenceScreen(Screen[None]):
    """``save`` asks where to, and writes this evidence."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter", "leave", "Leave"),
        Binding("s", "save", "Save", show=False),
    ]
    DEFAULT_CSS = """
    EvidenceScreen {
        background: $background;
        #evidence {
            height: 1fr; border: round $primary; padding: 0 1;
            border-title-style: bold; border-title-color: $text;
            border-subtitle-color: $text-muted;
        }
        #page { height: 1fr; scrollbar-size-vertical: 1; background: $background; }
        #page Static { height: auto; }
        .block { margin-top: 1; }
        Collapsible {
            border: none; padding: 0; margin-top: 1; background: transparent;
            CollapsibleTitle { padding: 0; }
            Contents { padding: 0 0 0 2; }
        }
        .actions { height: 1; }
    }
    """

    def __init__(self, evidence: Evidence, save: Callable[[], None]) -> None:
        super().__init__()
        self.evidence = evidence
        self._save = save

    def compose(self) -> ComposeResult:
        with Container(id="evidence") as frame:
            frame.border_title = Content(words.one_line(self.evidence.title))
            frame.border_subtitle = "Esc back · S save · ↑ ↓ scroll · Tab, Enter unfold"
            with VerticalScroll(id="page"):
                yield Static(self._head(), markup=False)
                checks = self.evidence.checks
                if checks:
                    yield _Drawn(lambda width: _checks(checks, width))
                for block in self.evidence.blocks:
                    if (widget := shown(block)) is not None:
                        yield widget
                yield from self._measured()
                yield Static(self._setting(), markup=False, classes="block")
            with Horizontal(classes="actions"):
                yield Action("Save", "screen.save", id="save")
                yield Action("Back", "screen.leave", id="leave")

    def on_mount(self) -> None:
        self.query_one("#page").focus()

    def _head(self) -> Content:
        claim = words.one_line(self.evidence.claim)
        return content([(claim, "text"), ("", "text"), verdict_line(self.evidence)])

    def _measured(self) -> Iterator[Widget]:
        found = [block for block in self.evidence.blocks if isinstance(block, Measured)]
        if found:
            lines = [
                f"{words.one_line(one.title)}: {words.one_line(one.text)!r} behind "
                f"{words.many(len(one.context), 'token')}: {sum(one.logprobs):.4f} nats"
                for one in found
            ]
            lines.append("With all token ids in the saved JSON, to be computed again.")
            yield _Folded(words.many(len(found), "measurement"), Content("\n".join(lines)))

    def _setting(self) -> Content:
        one = self.evidence
        return Content.styled(
            f"{one.started} · {one.seconds:.1f} s · {words.one_line(one.setting.weights)}, "
            f"SHA-256 {one.setting.sha256[:16]}… · again: {one.command}",
            "$foreground 60%",
        )

    def action_save(self) -> None:
        """Save this evidence as a page and as JSON."""
        self._save()

    def action_leave(self) -> None:
        """Back to the list."""
        self.dismiss(None)


def _checks(checks: list[Check], width: int) -> Iterator[Line]:
    for check in checks:
        yield from check_lines(check, width)
