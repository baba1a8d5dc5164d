"""The benchmarks run; what they measure is no part of the tests."""

from __future__ import annotations

import asyncio
import importlib
from pathlib import Path

import pytest

from benchmarks import model_ready
from benchmarks.__main__ import BENCHMARKS
from benchmarks.conversations import Script
from benchmarks.plan import Plan
from benchmarks.result import Aim, Figure, Result, paired, percentile
from benchmarks.table import WIDTH, as_dict, lines_of


@pytest.mark.parametrize("name", BENCHMARKS)
def test_every_name_has_a_benchmark(name: str) -> None:
    assert callable(importlib.import_module(f"benchmarks.{name}").measure)


def test_ratios_are_taken_pair_by_pair() -> None:
    figure = paired("speed", [2.0, 9.0, 4.0], [1.0, 3.0, 1.0], aim=Aim("≤", 3.5))
    assert (figure.value, figure.low, figure.high, figure.count) == (3.0, 2.0, 4.0, 3)
    assert figure.met


def test_a_percentile_is_one_of_the_values() -> None:
    values = [float(n) for n in range(1, 101)]
    assert percentile(values, 0.5) == 50.0
    assert percentile(values, 0.99) == 99.0
    assert percentile([7.0], 0.99) == 7.0


def test_the_table_is_80_columns_wide() -> None:
    figure = Figure("a name " * 8, 1.234, low=0.1, high=12345.0, count=99, aim=Aim("≥", 0.95))
    result = Result([figure], ["word " * 40])
    lines = lines_of("name", "meaning " * 20, result, 12.0, 0.5)
    assert max(map(len, lines)) <= WIDTH
    assert any("met" in line for line in lines)
    assert as_dict(result)["figures"][0]["met"] is True


def test_conversations_are_the_same_for_the_same_number() -> None:
    assert Script.of(7) == Script.of(7)
    assert Script.of(7).sampling.temperature > 0 == Script.of(8).sampling.temperature


async def test_a_cheap_one_runs(default_model: Path) -> None:
    plan = Plan(default_model, quick=True, silent=True)
    result = await asyncio.to_thread(model_ready.measure, plan)
    assert [figure.count for figure in result.figures] == [2]
    assert result.figures[0].value > 0
