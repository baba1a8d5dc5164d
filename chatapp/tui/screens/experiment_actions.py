"""Running experiments with the chat's weights, and saving what they found."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from chatapp.tui import words
from chatapp.tui.screens.base import ChatBase

if TYPE_CHECKING:
    from chatapp.conversation import Conversation
    from chatapp.engine.client import LocalEngine
    from chatapp.engine.interface import Engine
    from chatapp.proofs.evidence import Evidence
    from chatapp.proofs.experiment import Experiment
    from chatapp.tui.given import Given
    from chatapp.tui.screens.proof import Progress

__all__ = ["SERVER", "ExperimentActions"]

SERVER = (
    "This chat uses a server: it shows neither its weights nor its distributions, so nothing can "
    "be proved about it here. A local model (--model) can be tested."
)


class ExperimentActions(ChatBase):
    """Experiments and turns take the model in turn, never at once."""

    def __init__(self, given: Given) -> None:
        super().__init__(given)
        self.evidence: dict[str, Evidence] = {}
        """What the experiments of this run found, by name; the latest of each."""

    def action_experiments(self) -> None:
        """Open the experiments."""
        if self.model is None:
            self.say("Experiments need a model. F3 chooses one.")
        elif self.served:
            self.say(SERVER)
        else:
            self.run_worker(
                self._open_experiments(), name="experiments", group="dialog", exit_on_error=False
            )

    def action_costs(self) -> None:
        """What this chat cost so far, beside what its model's training cost."""
        conversation = self.conversation
        if self.model is None or conversation is None:
            self.say("There is no model yet. F3 chooses one.")
        elif self.served:
            self.say("A server does not show its weights, so nothing can be counted here.")
        else:
            self.run_worker(
                self._open_costs(self.model.engine, conversation),
                name="costs",
                group="dialog",
                exit_on_error=False,
            )

    async def _open_costs(self, engine: Engine, conversation: Conversation) -> None:
        costs = await asyncio.to_thread(importlib.import_module, "chatapp.proofs.costs")
        from chatapp.tui.screens.costs import CostsScreen

        weights = getattr(engine, "weights", None)
        if not isinstance(weights, Path):
            self.say("The weight file is not known, so nothing can be counted here.")
            return
        sha256 = self.weights.first
        blocks = await asyncio.to_thread(costs.page, weights, sha256, list(conversation.turns))
        self.app.push_screen(CostsScreen(blocks))

    async def _open_experiments(self) -> None:
        # On a thread: these bring NumPy and more.
        module = "chatapp.proofs.experiments"
        experiments = (await asyncio.to_thread(importlib.import_module, module)).EXPERIMENTS
        from chatapp.tui.screens.experiments import ExperimentsScreen

        self.app.push_screen(
            ExperimentsScreen(experiments, self._experiment, self.evidence, self._save_evidence)
        )

    async def _experiment(self, experiment: Experiment, progress: Progress) -> Evidence:
        from chatapp.proofs.experiment import perform
        from chatapp.proofs.lab import Lab

        def waiting() -> None:
            progress(0.0, "waiting: a session is being answered")

        async with self.turns.alone("an experiment is running", waiting):
            assert self.model is not None
            engine = cast("LocalEngine", self.model.engine)
            await engine.start()
            find = self.given.base
            base = await asyncio.to_thread(find, engine.weights) if find else None
            lab = Lab(engine.weights, engine.options, base=base, engine=engine)
            try:
                return await perform(experiment, lab, progress)
            finally:
                # Stopped or not: the processes that were started for it end.
                await asyncio.shield(lab.close(but=engine))

    def _save_evidence(self, evidence: Sequence[Evidence]) -> None:
        self.run_worker(
            self._saving(evidence), name="save", group="save", exclusive=True, exit_on_error=False
        )

    async def _saving(self, evidence: Sequence[Evidence]) -> None:
        from datetime import UTC, datetime

        from chatapp import __version__
        from chatapp.errors import ChatappError
        from chatapp.proofs.report import write_json, write_page
        from chatapp.tui.dialogs.save import SaveDialog

        name = evidence[0].name if len(evidence) == 1 else "report"
        path = await self.app.push_screen_wait(
            SaveDialog(Path.cwd() / f"chatapp-{name}.html", beside=".json")
        )
        if path is None:
            return
        made = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, by chatapp {__version__}"
        try:
            await asyncio.to_thread(write_page, path, evidence, made=made)
            await asyncio.to_thread(write_json, path.with_suffix(".json"), evidence)
        except ChatappError as error:
            self.app.notify(words.one_line(str(error)), severity="error", markup=False)
        else:
            json = path.with_suffix(".json").name
            self.app.notify(f"Saved: {path}, and {json} beside it.", markup=False)
