"""Adapters on the command line: under the models that they fit, and one by itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from chatapp.cli.text import clean, count, size
from chatapp.engine.weights.adapter_list import Adapter, Adapters
from chatapp.engine.weights.library import Library

__all__ = ["as_dict", "info", "line"]


def line(adapter: Adapter) -> str:
    """One adapter below its model."""
    says = " ".join(filter(None, (adapter.withdrawn, adapter.sentence)))
    return f"+ {clean(adapter.name)}: {adapter.status}. {clean(says)}"


def as_dict(adapter: Adapter) -> dict[str, Any]:
    """One adapter as JSON."""
    file = adapter.file
    return {
        "name": adapter.name,
        "path": str(adapter.path),
        "status": adapter.status,
        "sentence": adapter.sentence,
        "withdrawn": adapter.withdrawn or None,
        "bytes": file.size if file else None,
        "sha256": file.sha256 if file else None,
        "base_sha256": file.base if file else None,
        "rank": file.rank if file else None,
        "alpha": file.alpha if file else None,
        "parameters": file.parameters if file else None,
        "provenance": dict(adapter.provenance) or None,
    }


def info(
    library: Library, name: str, base: Path, withdrawn: Callable[[Path], str] | None = None
) -> Iterator[str]:
    """All there is to know of an adapter, as seen from ``base``, line by line.

    Raises :class:`~chatapp.errors.AdapterError` if there is none of that name or path.
    """
    adapters = Adapters(library, withdrawn=withdrawn)
    adapter = adapters.look(adapters.find(name), base)
    rows = {"file": str(adapter.path), "state": adapter.status, "": adapter.sentence}
    if adapter.withdrawn:
        rows["consent"] = adapter.withdrawn
    if (file := adapter.file) is not None:
        rows |= {
            "base": base.name,
            "base SHA-256": file.base or "not said in the file",
            "size": f"{size(file.size)} ({file.size:,} bytes)",
            "numbers": f"{count(file.parameters)} ({file.parameters:,}), "
            f"added to {file.matrices} matrices",
            "rank, alpha": f"{file.rank}, {file.alpha:g}",
            "sha-256": file.sha256,
        }
    for label, value in rows.items():
        yield f"{label:<17}{clean(value)}"
    for key, value in adapter.provenance.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        text = text if len(text) <= 200 else f"{text[:199]}…"
        yield f"{clean(str(key)):<17}{clean(text)}"
