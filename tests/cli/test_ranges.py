"""The settings file and the engine allow the same values."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from chatapp.cli.opening import options_of
from chatapp.engine.client import EngineOptions
from chatapp.engine.memory import KV_TYPES
from chatapp.engine.protocol import MAX_SCALE, Sampling
from chatapp.errors import EngineError
from chatapp.home import settings
from chatapp.home.paths import Home
from chatapp.home.rules import Choice, Real
from chatapp.home.settings import AppSettings, SamplingSettings, rule_of


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


def test_cache_types_agree() -> None:
    assert get_args(settings.KvType) == KV_TYPES
    assert rule_of(AppSettings, "kv_type") == Choice(KV_TYPES)


def test_scales_agree() -> None:
    assert rule_of(AppSettings, "adapter_scale") == Real(0, MAX_SCALE)


def test_engine_settings_reach_the_engine(tmp_path: Path) -> None:
    home, weights = Home(tmp_path, "here"), tmp_path / "model.gguf"
    assert options_of(AppSettings(), home, weights) == EngineOptions()
    chosen = AppSettings(window=64, threads=1, kv_type="f32", gpu_layers=-1, reuse=False)
    assert options_of(chosen, home, weights) == EngineOptions(
        window=64, threads=1, kv_type="f32", gpu_layers=-1, reuse=False
    )


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 10**400, "1", None, True])
def test_what_is_no_number_is_refused(value: object) -> None:
    with pytest.raises(EngineError):
        Sampling(temperature=value)  # type: ignore[arg-type]
