"""Adapters on the command line: under the models that they fit, and one by itself."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chatapp.cli.text import clean, count, size
from chatapp.engine.weights.adapter_list import Adapter, Adapters
from chatapp.engine.weights.library import Installed, Library

__all__ = ["Sorted", "as_dict", "info", "line", "sort"]


@dataclass(frozen=True, slots=True)
class Sorted:
    """Adapters by the model that they fit, by its path; ``rest`` fit none that is here."""

    under: dict[Path, list[Adapter]]
    rest: list[Adapter]


def sort(adapters: Adapters, models: Sequence[Installed]) -> Sorted:
    """Hold every adapter against every model that can be used."""
    bases = [model.path for model in models if model.error is None]
    under: dict[Path, list[Adapter]] = {base: [] for base in bases}
    rest = []
    for path in adapters.files():
        seen = [(base, adapters.look(path, base)) for base in bases]
        fits = [(base, one) for base, one in seen if one.file is not None]
        for base, one in fits:
            under[base].append(one)
        if seen and not fits:
            # What is damaged is so for every base; else each says why it is not the one.
            rest.append(next((one for _, one in seen if one.status == "damaged"), seen[0][1]))
    return Sorted(under, rest)


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


def info(library: Library, name: str, base: Path) -> Iterator[str]:
    """All there is to know of an adapter, as seen from ``base``, line by line.

    Raises :class:`~chatapp.errors.AdapterError` if there is none of that name or path.
    """
    adapters = Adapters(library)
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
