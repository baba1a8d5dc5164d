"""The rows of the models dialog: what is here, what can be had, and what cannot be used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from chatapp.engine.weights.adapter_list import Adapter, Adapters
from chatapp.engine.weights.catalogue import Catalogue, Entry
from chatapp.engine.weights.library import Installed, Library

__all__ = ["AdapterRow", "ModelRow", "long_number", "rows_from", "size_text"]

NOT_PUBLISHED = "not published"


@dataclass(frozen=True)
class AdapterRow:
    """A LoRA adapter that fits a model. ``refused``: why it cannot be chosen, or empty."""

    name: str
    path: str
    size: int
    sentence: str
    refused: str = ""


@dataclass(frozen=True)
class ModelRow:
    """One model. ``path`` is its file, or the file's name where it is not here yet.

    ``size`` is in bytes. ``trained_on`` and ``cutoff`` are as published, or say that nothing is.
    ``error`` is a sentence; a row that has one cannot be chosen.
    """

    name: str
    path: str
    kind: Literal["base", "instruct", ""]
    size: int
    licence: str
    trained_on: str
    cutoff: str
    installed: bool
    error: str = ""
    note: str = ""
    adapters: Sequence[AdapterRow] = ()


def rows_from(
    library: Library, catalogue: Catalogue, withdrawn: Callable[[Path], str] | None = None
) -> list[ModelRow]:
    """Every file in the models folder, with its adapters, and every catalogue model not there.

    Adapters that fit no model stand at the end. ``withdrawn`` says of an adapter's file that what
    it was trained on was withdrawn since. Raises :class:`~chatapp.errors.WeightsError` if the
    folder cannot be read.
    """
    found = library.installed()
    here = {item.path.name for item in found if not item.error}
    adapters = Adapters(library, withdrawn=withdrawn).sorted(found)
    rows = [
        replace(_installed(item), adapters=_adapters(adapters.under.get(item.path, ())))
        for item in found
    ]
    rows += [_entry(entry) for entry in catalogue.entries if entry.file not in here]
    rows.sort(key=lambda row: (bool(row.error), not row.installed))
    return [*rows, *map(_unusable, adapters.rest)]


def _adapters(found: Sequence[Adapter]) -> tuple[AdapterRow, ...]:
    rows = []
    for one in sorted(found, key=lambda one: not one.usable):
        assert one.file is not None
        rows.append(
            AdapterRow(
                name=one.name,
                path=str(one.path),
                size=one.file.size,
                sentence=" ".join(filter(None, (one.withdrawn, one.sentence))),
                refused="" if one.usable else one.status,
            )
        )
    return tuple(rows)


def _unusable(adapter: Adapter) -> ModelRow:
    """An adapter that fits no model here, for whatever reason."""
    return ModelRow(
        name=f"adapter {adapter.name}",
        path=str(adapter.path),
        kind="",
        size=0,
        licence="",
        trained_on="",
        cutoff="",
        installed=True,
        error=adapter.sentence,
    )


def _installed(item: Installed) -> ModelRow:
    entry, header = item.entry, item.header
    licence, kind = "", ""
    if header is not None:
        licence = header.licence or ""
        # Without a template nobody taught it where one speaker ends and the next begins.
        kind = "instruct" if header.chat_template else "base"
    return ModelRow(
        name=entry.name if entry else item.path.stem,
        path=str(item.path),
        kind=entry.kind if entry else kind,  # type: ignore[arg-type]
        size=item.size,
        licence=entry.licence if entry else licence,
        trained_on=_trained_on(entry),
        cutoff=_cutoff(entry),
        installed=True,
        error=item.error or "",
        note=entry.note if entry else "",
    )


def _entry(entry: Entry) -> ModelRow:
    return ModelRow(
        name=entry.name,
        path=entry.file,
        kind=entry.kind,
        size=entry.bytes,
        licence=entry.licence,
        trained_on=_trained_on(entry),
        cutoff=_cutoff(entry),
        installed=False,
        note=entry.note,
    )


def _trained_on(entry: Entry | None) -> str:
    if entry is None or entry.training_tokens is None:
        return NOT_PUBLISHED
    return f"{long_number(entry.training_tokens)} tokens"


def _cutoff(entry: Entry | None) -> str:
    return NOT_PUBLISHED if entry is None else entry.training_cutoff or NOT_PUBLISHED


def long_number(number: int) -> str:
    """A large number as it is said: 2 trillion, 1.5 billion."""
    for size, word in ((10**12, "trillion"), (10**9, "billion"), (10**6, "million")):
        if number >= size:
            return f"{number / size:.3g} {word}"
    return f"{number:,}"


def size_text(size: int) -> str:
    """A file's size in decimal units."""
    for unit, word in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if size >= unit:
            number = size / unit
            return f"{number:.1f} {word}" if number < 10 else f"{number:.0f} {word}"
    return f"{size} bytes"
