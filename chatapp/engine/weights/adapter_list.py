"""The adapters in ``models/adapters``: which fit a base, and why the others cannot be used.

The fine-tuning job leaves each in a folder of its own, with ``provenance.json`` beside it: what it
was trained on, and whether it passed its evaluation. Chatting only reads here.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from chatapp.engine.weights.adapters import FILE, AdapterFile, check_adapter, name_of
from chatapp.engine.weights.gguf import read_header
from chatapp.engine.weights.library import Library
from chatapp.errors import AdapterError, WeightsError

__all__ = ["Adapter", "Adapters", "Status"]

Status = Literal["usable", "rejected", "damaged", "other base"]
"""``rejected``: it fits, and did not pass its evaluation."""

_PROVENANCE: Final = "provenance.json"
_MOST: Final = 64 * 2**20
"""Bytes of a provenance file that are read; it lists records by their ids."""
_SENTENCE: Final = 300
"""Characters of a rejection's reasons that are shown."""


@dataclass(frozen=True, slots=True)
class Adapter:
    """One adapter, seen from one base. ``sentence`` says what there is to know for choosing.

    ``file`` is None where it cannot be used at all. ``provenance`` is as the job wrote it.
    """

    path: Path
    status: Status
    sentence: str
    file: AdapterFile | None
    provenance: Mapping[str, Any]
    withdrawn: str = ""
    """Says so if it rests on records whose consent was withdrawn."""

    @property
    def name(self) -> str:
        return name_of(self.path)

    @property
    def usable(self) -> bool:
        return self.status == "usable"


class Adapters:
    """The adapters beside the models of ``library``.

    ``withdrawn`` is asked for each: a sentence if its training data was withdrawn since.
    """

    def __init__(self, library: Library, *, withdrawn: Callable[[Path], str] | None = None) -> None:
        self.folder = library.models_dir / "adapters"
        self._library = library
        self._withdrawn = withdrawn

    def files(self) -> list[Path]:
        """Where each adapter's file is, or should be, by name. Raises :class:`WeightsError`."""
        try:
            names = sorted(os.listdir(self.folder), key=str.lower)
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise WeightsError(f"{self.folder} cannot be read: {error.strerror}.") from None
        found = []
        for name in names:
            path = self.folder / name
            if name.startswith("."):
                continue
            if path.is_dir():
                found.append(path / FILE)
            elif name.lower().endswith(".gguf"):
                found.append(path)
        return found

    def of(self, base: Path) -> list[Adapter]:
        """Every adapter here as seen from ``base``, those that can be used first."""
        found = [self.look(path, base) for path in self.files()]
        return sorted(found, key=lambda one: not one.usable)

    def look(self, path: Path, base: Path) -> Adapter:
        """One adapter as seen from ``base``."""
        provenance = _provenance(path)
        withdrawn = self._withdrawn(path) if self._withdrawn else ""
        try:
            header = read_header(base, with_vocabulary=False)
            file = check_adapter(path, header, lambda: self._library.sha256(base))
        except AdapterError as error:
            status: Status = "other base" if error.other_base else "damaged"
            return Adapter(path, status, str(error), None, provenance, withdrawn)
        except WeightsError as error:
            sentence = str(error) if path.exists() else f"Its file {path} is missing."
            return Adapter(path, "damaged", sentence, None, provenance, withdrawn)
        trained = provenance.get("adapter_sha256")
        if isinstance(trained, str) and trained != file.sha256:
            sentence = f"{file.name} is not the file that its provenance names: it was changed."
            return Adapter(path, "damaged", sentence, None, provenance, withdrawn)
        if provenance.get("status") == "rejected":
            sentence = "It did not pass its evaluation" + _reasons(provenance)
            return Adapter(path, "rejected", sentence, file, provenance, withdrawn)
        return Adapter(path, "usable", _fits(file), file, provenance, withdrawn)

    def resolve(self, name: str, base: Path) -> Path:
        """The file that ``name`` means: an adapter here, or a path (of a file, or its folder).

        Raises :class:`AdapterError` or another :class:`WeightsError` if there is none, or it
        cannot be used with ``base``. One that was rejected can only be named by its path.
        """
        path = self.find(name)
        found = self.look(path, base)
        if found.status == "rejected" and name.lower() == found.name.lower():
            raise AdapterError(
                f"{found.name}: {found.sentence} To try it all the same, name its file: {path}"
            )
        if found.file is None:
            raise AdapterError(found.sentence, other_base=found.status == "other base")
        return path

    def find(self, name: str) -> Path:
        """The file that ``name`` means, whatever its state. Raises :class:`AdapterError`."""
        known = {name_of(path).lower(): path for path in self.files()}
        path = known.get(name.lower()) or _path(name)
        if path is None:
            names = ", ".join(name_of(one) for one in known.values()) or "none"
            raise AdapterError(f"There is no adapter {name!r}. In {self.folder}: {names}.")
        return path


def _path(name: str) -> Path | None:
    try:
        path = Path(name).expanduser()
        path = path / FILE if path.is_dir() else path
        return path.absolute() if path.exists() else None
    except (OSError, ValueError, RuntimeError):  # too long, a NUL byte, an unknown ~user
        return None


def _fits(file: AdapterFile) -> str:
    if file.base is None:
        return "It fits by its sizes; which weights it was made for, it does not say."
    return "It was made for these very weights."


def _reasons(provenance: Mapping[str, Any]) -> str:
    reasons = provenance.get("reasons")
    texts = [text for text in reasons if isinstance(text, str)] if isinstance(reasons, list) else []
    if not texts:
        return "."
    text = "; ".join(text.rstrip(".") for text in texts)
    return f": {text if len(text) <= _SENTENCE else text[: _SENTENCE - 1] + '…'}."


def _provenance(path: Path) -> Mapping[str, Any]:
    """What the job wrote beside the adapter; empty if there is nothing readable."""
    try:
        with (path.parent / _PROVENANCE).open("rb") as file:
            value = json.loads(file.read(_MOST))
    except (OSError, ValueError, RecursionError):
        return {}
    return value if path.name == FILE and isinstance(value, dict) else {}
