"""``chatapp models adapter retrain``: the same training without what was withdrawn since.

Exact forgetting: the records are left out and the adapter is trained again from the base. The
training is its own program here as well, started as one.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

from chatapp.cli.options import home_of
from chatapp.cli.store import opened
from chatapp.cli.text import clean
from chatapp.errors import ArchiveError, WeightsError

__all__ = ["retrain"]


def retrain(args: argparse.Namespace) -> int:
    """Export what may still train of an adapter's sessions, and train in its place."""
    home = home_of(args)
    adapter = home.models / "adapters" / args.name
    told = _provenance(adapter)
    base = _base(args, str(told.get("base_sha256")))
    # The export stays there: the store notes where each lies, and it can be read.
    folder = home.cache / "retrain" / args.name
    with opened(args, writing=True) as store:
        if store is None:
            return 1
        from chatapp.archive import exports, sessions
        from chatapp.archive.exporting import Split

        names = [name for name in told.get("sessions", ()) if isinstance(name, str)]
        agreed = [name for name in names if _state(store, sessions, name) == "training"]
        if not agreed:
            raise ArchiveError(
                f"Nothing that {args.name} rests on may train any more: delete {adapter}."
            )
        export, recipe = folder / "export", folder / "recipe.toml"
        done = exports.run(store, export, sessions=agreed, split=Split(fraction=0), replace=True)
        print(
            f"{len(names) - len(agreed)} of {len(names)} sessions were withdrawn; what the others "
            f"hold now ({done.rows} reviewed) is trained on, from the base."
        )
        recipe.write_text(_toml(told.get("recipe")), "utf-8")
        command = [
            *(sys.executable, "-m", "chatapp.training", str(export), "--base", str(base)),
            *("--out", str(adapter), "--replace", "--seed", str(told.get("seed", 0))),
            *("--recipe", str(recipe), "--cache", str(home.cache / "training")),
        ]
        print(clean(shlex.join(command)))
        sys.stdout.flush()
        return subprocess.run(command, check=False).returncode


def _provenance(adapter: Path) -> dict[str, Any]:
    try:
        told = json.loads((adapter / "provenance.json").read_text("utf-8"))
    except (OSError, ValueError):
        told = None
    if not isinstance(told, dict):
        raise WeightsError(f"{adapter} does not say what it was trained on.")
    return told


def _base(args: argparse.Namespace, sha256: str) -> Path:
    from chatapp.engine.weights.library import Library

    home = home_of(args)
    library = Library(home.models, home.cache)
    for one in library.installed():
        if library.sha256(one.path) == sha256:
            return one.path
    raise WeightsError(f"The base that it was trained on is not here (SHA-256 {sha256[:16]}…).")


def _state(store: Any, sessions: Any, name: str) -> str:
    from chatapp.errors import StoreError

    try:
        return str(sessions.find(store, name).state)
    except StoreError:
        return "off"


def _toml(recipe: object) -> str:
    import tomli_w

    return tomli_w.dumps(recipe) if isinstance(recipe, dict) else ""
