"""When the training stops by itself: what is to be learnt is learnt, and the rest is as it was."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from chatapp.training.recipe import read_recipe
from chatapp.training.trainer import Watch

RECIPE = replace(read_recipe().train, min_steps=2, stop_steps=3, stop_loss=0.1, stop_drift=0.01)
LEARNT = {"loss": 0.1, "learnt": 0.05, "held": 0.005}


def steps(*seen: dict[str, float]) -> tuple[int | None, str]:
    """The step at which it stops, and why."""
    watch = Watch(RECIPE, None, lambda *_: None, early=True)
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
