"""The settings file and the engine allow the same values."""

from __future__ import annotations

import pytest

from chatapp.engine.protocol import Sampling
from chatapp.errors import EngineError
from chatapp.home.settings import SamplingSettings, rule_of


@pytest.mark.parametrize(
    "name", ["temperature", "top_k", "top_p", "min_p", "repeat_penalty", "seed", "max_tokens"]
)
def test_ranges_agree(name: str) -> None:
    rule = rule_of(SamplingSettings, name)
    for edge in (rule.least, rule.most):  # type: ignore[attr-defined]
        Sampling(**{name: edge})
        for beyond in (edge - 1, edge + 1):
            allowed = True
            try:
                rule.check(beyond)
            except ValueError:
                allowed = False
            if allowed:
                Sampling(**{name: beyond})
            else:
                with pytest.raises(EngineError):
                    Sampling(**{name: beyond})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 10**400, "1", None, True])
def test_what_is_no_number_is_refused(value: object) -> None:
    with pytest.raises(EngineError):
        Sampling(temperature=value)  # type: ignore[arg-type]
