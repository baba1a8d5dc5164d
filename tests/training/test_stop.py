"""When the training stops by itself: what is to be learnt is learnt, and the rest is as it was."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from trl.trainer.sft_config import SFTConfig

from chatapp.training.recipe import Train, read_recipe
from chatapp.training.trainer import Trainer, Watch

RECIPE = replace(read_recipe().train, min_steps=2, stop_steps=3, stop_loss=0.1, stop_drift=0.01)
LEARNT = {"loss": 0.1, "learnt": 0.05, "held": 0.005}


def steps(*seen: dict[str, float], recipe: Train = RECIPE) -> tuple[int | None, str]:
    """The step at which it stops, and why."""
    watch = Watch(recipe, None, lambda *_: None, early=True)
    control = SimpleNamespace(should_training_stop=False, should_save=False)
    watch.trainer = SimpleNamespace(seen={}, stop_asked=False)  # type: ignore[assignment]
    watch.started, watch.first, watch.cpu = 0.0, 0, 0.0
    for number, one in enumerate(seen, 1):
        watch.trainer.seen = one
        state = SimpleNamespace(global_step=number, max_steps=100)
        watch.on_step_end(None, state, control)
        if control.should_training_stop:
            return number, watch.reason
    return None, watch.reason


def test_it_stops_when_both_have_stayed_low() -> None:
    at, why = steps(*[LEARNT] * 5)
    assert at == 3
    assert why == "the loss stayed below 0.1, the drift below 0.01"


@pytest.mark.parametrize("high", [{"learnt": 0.2}, {"held": 0.02}])
def test_one_that_is_not_low_yet_keeps_it_going(high: dict[str, float]) -> None:
    assert steps(*[{**LEARNT, **high}] * 9)[0] is None
    assert steps(LEARNT, LEARNT, {**LEARNT, **high}, *[LEARNT] * 3)[0] == 6


def test_a_cycle_is_the_last_one_if_the_corrections_are_learnt_by_then() -> None:
    recipe = replace(RECIPE, cycle=4, enough=0.3)
    nearly, far = {**LEARNT, "learnt": 0.2}, {**LEARNT, "learnt": 0.6}
    at, why = steps(*[nearly] * 9, recipe=recipe)
    assert at == 4
    assert why == "after a cycle of 4 steps the loss was below 0.3"
    assert steps(*[far] * 5, *[nearly] * 7, recipe=recipe)[0] == 8
    assert steps(*[far] * 9, recipe=recipe)[0] is None
    assert steps(nearly, far, far, nearly, recipe=recipe)[0] is None  # three steps are weighed


@pytest.mark.parametrize(("cycle", "again"), [(5, True), (0, False)])
def test_the_learning_rate_falls_at_the_end_of_each_cycle(cycle: int, again: bool) -> None:
    trainer = object.__new__(Trainer)
    trainer.cycle, trainer.lr_scheduler = cycle, None
    trainer.args = SFTConfig(
        learning_rate=1.0,
        warmup_steps=1,
        lr_scheduler_type="warmup_stable_decay",
        lr_scheduler_kwargs={"num_decay_steps": 2},
        use_cpu=True,
        report_to=[],
    )
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = trainer.create_scheduler(10, optimizer)
    rates = []
    for _ in range(10):
        rates.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    assert rates[0] == 0
    assert rates[2] == 1
    assert (rates[:5] == rates[5:]) == again
    assert (rates[4] < 1) == again
    assert rates[9] < 1
