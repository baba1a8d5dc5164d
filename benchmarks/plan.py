"""How much to measure, and with which model: what every benchmark is handed."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from chatapp.engine.weights.catalogue import load_catalogue

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Plan:
    """``quick`` measures a tenth, for developing; ``sweep`` adds the tables behind ``--sweep``.

    With an ``adapter``, ``exactness`` is measured once more with it added to the weights.
    Until ``until`` (on the monotonic clock), rounds that others disturbed are made again.
    """

    weights: Path
    quick: bool = False
    sweep: bool = False
    silent: bool = False
    until: float = 0.0
    adapter: Path | None = None

    def some(self, full: int, quick: int) -> int:
        """A number of repetitions."""
        return quick if self.quick else full

    def say(self, text: str) -> None:
        """Tell what is being done, on stderr, so that a table on stdout stays clean."""
        if not self.silent:
            print(f"    {text}", file=sys.stderr, flush=True)


def default_weights() -> Path:
    """The default model's file; says how to get it if it is not here."""
    path = ROOT / "models" / load_catalogue().default.file
    if not path.exists():
        raise SystemExit(f"benchmarks: {path.name} is not in models/. Run `make chat` once.")
    return path
