"""Several experiments, one after the other, in one lab."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence

from chatapp.errors import ChatappError
from chatapp.proofs.evidence import Evidence
from chatapp.proofs.experiment import Experiment, perform
from chatapp.proofs.experiments import EXPERIMENTS
from chatapp.proofs.lab import Lab

Progress = Callable[[str, float, str], None]
"""Called with the experiment's name, the part of it that is done (0 to 1), and what comes next."""


NAMED_ALONE = ("learning",)
"""Experiments that take minutes and more packages: they run when they are named."""


def chosen(names: Sequence[str]) -> list[Experiment]:
    """The experiments of these names, all but those that have to be named if there are none.

    Raises :class:`ChatappError`.
    """
    known = dict(EXPERIMENTS)
    if set(names) & set(NAMED_ALONE):
        from chatapp.proofs import learning

        known[learning.EXPERIMENT.name] = learning.EXPERIMENT
    for name in names:
        if name not in known:
            raise ChatappError(
                f"There is no experiment called {name}. There are: "
                f"{', '.join([*EXPERIMENTS, *NAMED_ALONE])}."
            )
    return [known[name] for name in names or EXPERIMENTS]


async def prove(
    experiments: Sequence[Experiment],
    lab: Lab,
    progress: Progress = lambda name, done, says: None,
) -> AsyncIterator[Evidence]:
    """Run them in order; each one's processes are gone before the next begins."""
    for experiment in experiments:

        def tell(done: float, says: str, name: str = experiment.name) -> None:
            progress(name, done, says)

        try:
            yield await perform(experiment, lab, tell)
        finally:
            await lab.close(but=lab.engine)
