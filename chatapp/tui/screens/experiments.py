"""The experiments: each a claim that can be tested here, with the weights of this chat."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal
from textual.content import Content
from textual.screen import Screen
from textual.widgets import OptionList, Static
from textual.worker import Worker

from chatapp.errors import ChatappError
from chatapp.proofs.evidence import Evidence
from chatapp.proofs.experiment import Experiment
from chatapp.tui import words
from chatapp.tui.dialogs.base import Action, Cards, card
from chatapp.tui.evidence_rows import verdict
from chatapp.tui.screens.proof import Progress, progress_lines

__all__ = ["ExperimentsScreen"]

Run = Callable[[Experiment, Progress], Awaitable[Evidence]]
SAYS = (
    "Each runs in a transcript of its own, with the weights of this chat. Nothing of it joins a "
    "session."
)


class ExperimentsScreen(Screen[None]):
    """``run`` makes one experiment; ``found`` holds the evidence so far, by name, and is added to.

    ``save`` writes evidence to a path.
    """

    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (60, "-narrow")]  # noqa: RUF012 (as in Textual)
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Stop or leave"),
        Binding("ctrl+g,ctrl+o", "leave", show=False),
        Binding("a", "run_all", "Run all", show=False),
        Binding("v", "view", "View", show=False),
        Binding("s", "save", "Save", show=False),
    ]
    DEFAULT_CSS = """
    ExperimentsScreen {
        background: $background;
        #experiments {
            height: 1fr; border: round $primary; padding: 0 1;
            border-title-style: bold; border-title-color: $text;
            border-subtitle-color: $text-muted;
        }
        #lead { height: auto; margin-bottom: 1; color: $foreground 75%; }
        Cards { height: 1fr; max-height: 100%; background: $background; }
        #progress { height: auto; display: none; }
        #progress.-shown { display: block; }
        .actions { height: 1; }
        /* The keys V and S do the same. */
        &.-tiny #view, &.-tiny #save { display: none; }
    }
    """

    def __init__(
        self,
        experiments: Mapping[str, Experiment],
        run: Run,
        found: dict[str, Evidence],
        save: Callable[[Sequence[Evidence]], None],
    ) -> None:
        super().__init__()
        self._experiments = experiments
        self._run = run
        self._found = found
        self._save = save
        self._worker: Worker[None] | None = None

    def compose(self) -> ComposeResult:
        with Container(id="experiments") as frame:
            frame.border_title = "Experiments"
            frame.border_subtitle = "Esc stop, leave · Enter run · A all · V view · S save"
            yield Static(SAYS, id="lead", markup=False)
            yield Cards(
                ((name, self._card(one), True) for name, one in self._experiments.items()),
                id="list",
            )
            yield Static("", id="progress", markup=False)
            with Horizontal(classes="actions"):
                yield Action("Run", "screen.run", id="run")
                yield Action("Run all", "screen.run_all", id="all")
                yield Action("View", "screen.view", id="view")
                yield Action("Save", "screen.save", id="save")
                yield Action("Close", "screen.leave", id="leave")

    def on_mount(self) -> None:
        self.cards.focus()
        self.cards.highlighted = 0

    @property
    def cards(self) -> Cards:
        return self.query_one("#list", Cards)

    @property
    def running(self) -> bool:
        """Whether an experiment is being made."""
        return self._worker is not None and not self._worker.is_finished

    def _card(self, experiment: Experiment) -> Content:
        evidence = self._found.get(experiment.name)
        mark = f"{verdict(evidence.verdict)} ({evidence.seconds:.0f} s)" if evidence else ""
        return card(experiment.title, experiment.claim, mark=mark)

    @property
    def _selected(self) -> Experiment:
        at = self.cards.highlighted or 0
        return list(self._experiments.values())[at]

    # ── running ─────────────────────────────────────────────────────────────────────────────────

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.action_run()

    def action_run(self) -> None:
        """Make the selected experiment, and show what was found."""
        self._begin([self._selected], view=True)

    def action_run_all(self) -> None:
        """Make all of them, one after the other."""
        self._begin([*self._experiments.values()], view=False)

    def _begin(self, experiments: Sequence[Experiment], *, view: bool) -> None:
        if self.running:
            self._say("An experiment is running. Esc stops it.")
            return
        self._worker = self.run_worker(
            self._make(experiments, view), name="experiment", exit_on_error=False
        )

    async def _make(self, experiments: Sequence[Experiment], view: bool) -> None:
        ended = "Stopped. Nothing of what had not ended is kept."
        try:
            for number, one in enumerate(experiments):
                self.cards.highlighted = [*self._experiments].index(one.name)
                of = f"{number + 1} of {len(experiments)}: " if len(experiments) > 1 else ""
                evidence = await self._run(one, self._teller(f"{of}{one.title}"))
                self._found[one.name] = evidence
                self.cards.replace_option_prompt(one.name, self._card(one))
            ended = self._summary([self._found[one.name] for one in experiments])
        except ChatappError as error:
            ended = words.one_line(str(error))
        except Exception as error:  # said here, where it is waited for
            ended = f"Something went wrong: {words.one_line(repr(error))[:300]}"
        else:
            if view:
                self.action_view()
        finally:
            self._say(ended)

    def _teller(self, title: str) -> Progress:
        def tell(done: float, says: str) -> None:
            if self.is_mounted:
                line = self.query_one("#progress", Static)
                line.add_class("-shown")
                text = f"{words.one_line(title)} · {words.one_line(says)}"
                line.update(progress_lines(done, text, self.size.width - 6))

        tell(0.0, "begins")
        return tell

    @staticmethod
    def _summary(evidence: Sequence[Evidence]) -> str:
        verdicts = [one.verdict for one in evidence]
        counts = {verdict(name): verdicts.count(name) for name in ("held", "failed", "untested")}
        return " · ".join(f"{says}: {count}" for says, count in counts.items() if count)

    def _say(self, text: str) -> None:
        if self.is_mounted:
            line = self.query_one("#progress", Static)
            line.set_class(bool(text), "-shown")
            line.update(Content.styled(text, "bold"))

    # ── what was found ──────────────────────────────────────────────────────────────────────────

    def action_view(self) -> None:
        """Show what the selected experiment found."""
        from chatapp.tui.screens.evidence import EvidenceScreen

        evidence = self._found.get(self._selected.name)
        if evidence is None:
            self._say("It has not been run yet. Enter runs it.")
        else:
            self.app.push_screen(EvidenceScreen(evidence, lambda: self._save([evidence])))

    def action_save(self) -> None:
        """Save all that was found so far."""
        found = [self._found[name] for name in self._experiments if name in self._found]
        if found:
            self._save(found)
        else:
            self._say("There is nothing to save yet. Enter runs an experiment.")

    def action_leave(self) -> None:
        """Stop what runs; else leave."""
        if self.running and self._worker is not None:
            self._worker.cancel()
        else:
            self.dismiss(None)
