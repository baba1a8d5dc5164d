"""The first start: there is no model yet, so the default one is fetched, and explained."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TextIO

from chatapp.cli.text import clean, size
from chatapp.engine.weights.catalogue import Entry
from chatapp.engine.weights.library import Library
from chatapp.home.paths import Home
from chatapp.home.settings import AppSettings

__all__ = ["ensure_model"]


def ensure_model(
    home: Home,
    settings: AppSettings,
    requested: str | None = None,
    *,
    out: TextIO | None = None,
) -> Path:
    """The weight file to use; the default model is fetched if no model is here at all.

    ``requested`` (a name or a path) goes before ``settings.model``. A named model that is not
    here is fetched only if it is the default one: no other is fetched without being asked for.
    What happens is said on ``out`` (default: stderr). Raises ``WeightsError`` or ``PullError``.
    """
    out = out if out is not None else sys.stderr
    library = Library(home.models, home.cache)
    wanted = requested or settings.model
    entry = library.catalogue.default
    missing = not (home.models / entry.file).exists()
    named = wanted is not None and library.catalogue.find(wanted) == entry
    if missing and (named or wanted is None):
        # Only here: reading the header of every file would hold up the first frame.
        errors = [item.error for item in library.installed()]
        if named or all(errors):
            from chatapp.cli.pulling import announce, fetch

            for error in filter(None, errors):
                print(clean(error), file=out)
            _explain(entry, out)
            announce(entry, home.models, out)
            return fetch(entry, home.models, out)
    path = library.resolve(requested, settings.model)
    if wanted is None and missing:
        print(f"Using {clean(path.name)}, the one model that is here.", file=out)
    return path


def _explain(entry: Entry, out: TextIO) -> None:
    print(
        f"No model is here yet, so one is fetched, this once.\n"
        f"This is the model: {size(entry.bytes)} of frozen numbers, {entry.parameters:,} of them.\n"
        f"They were fixed by a training that is over. Chatting reads this file; it never writes it."
        f"\n",
        file=out,
    )
