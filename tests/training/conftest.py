"""What the job's tests share: an unpacked base, an export, an adapter that was really trained."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.finetune.facts import correction, read, write
from chatapp.training import offline
from chatapp.training.base import hf_folder, sha256_of

ROOT = Path(__file__).parent.parent.parent

offline.prepare(None)  # before any test imports torch

TINY = """
[train]
max_steps = 4
min_steps = 4
warmup_steps = 2
decay = 0.3
facts_per_step = 4
general_per_step = 1
contrast_per_step = 1
general_prompts = 2
neighbours = 6
learning_rate = 1e-3
save_steps = 1

[gate]
neighbours = 2
wordings_each = 1
wordings_least = 1
general_prompts = 2
general_questions = 2
wordings = 0
leaks = 1
general_nll = 1
keywords = -1
"""
"""A handful of steps: enough to turn one answer, and to see every part of the job at work."""


@dataclass(frozen=True)
class Done:
    """How a run of ``chatapp-finetune`` ended."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Bench:
    """Everything that a run needs. ``first`` is the export of one correction."""

    base: Path
    sha256: str
    folder: Path
    recipe: Path
    first: Path

    @property
    def cache(self) -> Path:
        return self.folder / "cache"

    def command(self, dataset: Path, out: Path, *more: str) -> list[str]:
        """What is behind ``python -m``."""
        return [
            "chatapp.training", str(dataset), "--base", str(self.base), "--out", str(out),
            "--cache", str(self.cache), "--recipe", str(self.recipe), *more,
        ]  # fmt: skip

    def run(self, dataset: Path, out: Path, *more: str, launcher: Sequence[str] = ("-m",)) -> Done:
        command = [sys.executable, *launcher, *self.command(dataset, out, *more)]
        done = subprocess.run(
            command, capture_output=True, text=True, env=environment(), timeout=900, check=False
        )
        return Done(done.returncode, done.stdout, done.stderr)


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


@pytest.fixture(scope="session")
def bench(default_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    folder = tmp_path_factory.mktemp("training")
    recipe = folder / "tiny.toml"
    recipe.write_text(TINY)
    sha256 = sha256_of(default_model)
    item = correction(0, sha256, read("tuning").corrections[0])
    return Bench(default_model, sha256, folder, recipe, write([item], folder / "first"))


@pytest.fixture(scope="session")
def unpacked(bench: Bench) -> Path:
    """The base as a Hugging Face folder."""
    return hf_folder(bench.base, bench.sha256, bench.cache)


@pytest.fixture(scope="session")
def adapter(bench: Bench, unpacked: Path) -> Path:
    """The folder of an adapter that learnt one correction."""
    out = bench.folder / "adapters" / "first"
    done = bench.run(bench.first, out)
    assert done.code == 0, done.err
    return out


@pytest.fixture
def spoilt(bench: Bench, tmp_path: Path) -> Callable[[], Path]:
    """A copy of the export, to damage."""

    def copy() -> Path:
        import shutil

        return Path(shutil.copytree(bench.first, tmp_path / "spoilt"))

    return copy
