"""``chatapp models list``: what is here, and what can be fetched."""

from __future__ import annotations

import json
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chatapp.cli import adapters as on_lines
from chatapp.cli.text import clean, count, size, training
from chatapp.engine.weights.adapter_list import Adapter, Adapters
from chatapp.engine.weights.catalogue import Entry
from chatapp.engine.weights.library import Installed, Library
from chatapp.errors import WeightsError

__all__ = ["show_list"]

_WIDTH = 80


@dataclass(frozen=True)
class _Row:
    entry: Entry | None
    installed: Installed | None
    chosen: bool

    @property
    def name(self) -> str:
        if self.entry is not None:
            return self.entry.name
        assert self.installed is not None
        return self.installed.path.name


def show_list(library: Library, chosen: str | None, as_json: bool) -> None:
    """Print the list. ``chosen`` is the settings' model, if one is set."""
    try:
        path: Path | None = library.resolve(chosen)
    except WeightsError:
        path = None
    installed = library.installed()
    here = {item.entry.name for item in installed if item.entry}
    rows = [_Row(item.entry, item, item.path == path) for item in installed]
    rows += [
        _Row(entry, None, False) for entry in library.catalogue.entries if entry.name not in here
    ]
    adapters = on_lines.sort(Adapters(library), installed)
    if as_json:
        models = [
            {**_as_json(row), "adapters": [on_lines.as_dict(one) for one in _under(row, adapters)]}
            for row in rows
        ]
        document = {
            "folder": str(library.models_dir),
            "chosen": str(path) if path else None,
            "models": models,
            "adapters_without_a_model": [on_lines.as_dict(one) for one in adapters.rest],
        }
        print(json.dumps(document, indent=2))
        return
    print(f"Models in {clean(str(library.models_dir))}\n")
    for row in rows:
        _print_row(row)
        for one in _under(row, adapters):
            print(_folded(on_lines.line(one)))
    if adapters.rest:
        print("\nAdapters that cannot be used here")
        for one in adapters.rest:
            print(_folded(on_lines.line(one)))
    print()
    if path is not None and path.parent != library.models_dir:
        print(f"Chosen is a file elsewhere: {clean(str(path))}")
    elif path is not None:
        print("* chatapp starts with this one.")
    elif chosen is not None:
        print(f"Chosen is {clean(chosen)}, which is not here.")
    print(
        "instruct: taught to converse.  base: only continues text.\n"
        "chatapp models pull NAME fetches one; chatapp models use NAME chooses one.\n"
        "Any .gguf file put into the folder works as well, or name one with -m FILE."
    )


def _under(row: _Row, adapters: on_lines.Sorted) -> list[Adapter]:
    return adapters.under.get(row.installed.path, []) if row.installed else []


def _folded(text: str) -> str:
    return textwrap.fill(text, _WIDTH, initial_indent="    ", subsequent_indent="      ")


def _print_row(row: _Row) -> None:
    entry, item = row.entry, row.installed
    head = f"{'*' if row.chosen else ' '} {clean(row.name)}"
    while len(head) > _WIDTH:
        print(head[:_WIDTH])
        head = "    " + head[_WIDTH:]
    if len(head) > 27:
        print(head)
        head = ""
    header = item.header if item else None
    if item is None:
        assert entry is not None
        state = f"can be had, {size(entry.bytes)}"
    else:
        state = f"here, {size(item.size)}"
    kind = entry.kind if entry else "-" if header is None else "base"
    if entry is None and header is not None and header.chat_template:
        kind = "instruct"
    licence = entry.licence if entry else (header.licence if header else None) or "no licence named"
    print(f"{head:<28}{state:<21}{kind:<10}{clean(licence)}"[:_WIDTH].rstrip())
    if entry is not None:
        print(f"    {count(entry.parameters)} numbers; {training(entry)}")
    elif header is not None:
        print(f"    {count(header.parameters)} numbers; training: not in the catalogue")
    if item is not None and item.error:
        print(f"    cannot be used: {clean(item.error)}")


def _as_json(row: _Row) -> dict[str, Any]:
    entry, item = row.entry, row.installed
    header = item.header if item else None
    about = header or entry
    return {
        "name": row.name,
        "here": item is not None,
        "chosen": row.chosen,
        "path": str(item.path) if item else None,
        "error": item.error if item else None,
        "bytes": item.size if item else entry.bytes if entry else None,
        "kind": entry.kind if entry else None,
        "licence": entry.licence if entry else header.licence if header else None,
        "parameters": about.parameters if about else None,
        "trained_context": about.trained_context if about else None,
        "training_tokens": entry.training_tokens if entry else None,
        "training_tokens_source": entry.training_tokens_source if entry else None,
        "training_cutoff": entry.training_cutoff if entry else None,
        "training_cutoff_source": entry.training_cutoff_source if entry else None,
        "note": entry.note if entry else "",
        "sha256": entry.sha256 if entry else None,
        "default": entry.default if entry else False,
    }
