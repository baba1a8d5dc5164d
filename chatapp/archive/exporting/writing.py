"""Writing an export: rows in a stable order, as they come, with the same memory for any number."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chatapp.archive.exporting import card, manifest
from chatapp.archive.exporting.folder import written_aside
from chatapp.archive.exporting.formats import FORMATS, Content, Format
from chatapp.archive.exporting.lines import content_sha256, line_of
from chatapp.archive.exporting.records import (
    RECORDS_FILE,
    Item,
    Review,
    check_content,
    record_of,
    why_not,
)
from chatapp.archive.exporting.shards import (
    CONTAINERS,
    JSONL,
    PARQUET,
    SHARD_BYTES,
    LineFile,
    Shards,
    WrittenFile,
    described,
    require_parquet,
    write_text,
)
from chatapp.archive.exporting.split import SPLITS, Split, SplitName
from chatapp.archive.records import MANIFEST_FILE, Example, now
from chatapp.errors import ExportError

Progress = Callable[[int, int | None], None]
"""Told how many items were looked at, and of how many, if that is known."""
Moving = Callable[[Path, dict[str, Any]], AbstractContextManager[None]]
"""Given the folder that is complete but not yet in its place, and its manifest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What was written. ``removed_partial``: what a killed export to this folder had left."""

    folder: Path
    manifest: dict[str, Any]
    removed_partial: bool = False

    @property
    def rows(self) -> int:
        return int(self.manifest["counts"]["records"])

    @property
    def left_out(self) -> dict[str, int]:
        return dict(self.manifest["counts"]["left_out"])


def export(
    items: Iterable[Item],
    target: Path,
    *,
    format: str = "canonical",
    container: str = JSONL,
    split: Split = Split(),  # noqa: B008 (a frozen value)
    unreviewed: bool = False,
    replace: bool = False,
    at: str | None = None,
    total: int | None = None,
    progress: Progress | None = None,
    shard_bytes: int = SHARD_BYTES,
    moving: Moving = lambda *_: nullcontext(),
) -> Exported:
    """Write the export folder ``target``.

    ``items`` come in the order of (``created``, ``id``), both as text: the order of the rows.
    ``unreviewed`` lets out what nobody reviewed; what a review did not approve never leaves.
    ``replace`` allows ``target`` to be an earlier export. ``at`` is the manifest's time.
    Whatever ``progress`` or ``items`` raise ends the export and leaves ``target`` as it was.
    ``moving`` is entered when all is written, and left when it has been moved into its place.

    Raises :class:`ExportError` if nothing can be exported, or it cannot be written.
    """
    form = _chosen(format, container)
    with ExitStack() as around, written_aside(target, replace=replace) as (folder, found):
        run = _Run(folder, form, container, split, shard_bytes)
        try:
            run.take(items, unreviewed=unreviewed, total=total, progress=progress)
            made = run.finish(at or now())
        finally:
            run.abandon()
        around.enter_context(moving(folder, made))
    return Exported(folder=target, manifest=made, removed_partial=found)


def _chosen(name: str, container: str) -> Format:
    form = FORMATS.get(name)
    if form is None:
        raise ExportError(f"There is no format {name!r}. There are: {', '.join(FORMATS)}.")
    if container not in CONTAINERS:
        raise ExportError(f"Data are written as {' or '.join(CONTAINERS)}, not {container!r}.")
    if container == PARQUET:
        if not form.sharded:
            raise ExportError(f"{name} reads JSONL alone.")
        require_parquet()
    return form


class _Run:
    """One export that is being written into a folder."""

    def __init__(
        self, folder: Path, form: Format, container: str, split: Split, shard_bytes: int
    ) -> None:
        self.folder = folder
        self.form = form
        self.container = container
        self.split = split
        limit = shard_bytes if form.sharded else None
        self.shards: dict[SplitName, Shards] = {
            name: Shards(folder, container, form.fields, limit, name) for name in SPLITS
        }
        self.tally = manifest.Tally()
        self.records = LineFile(folder / RECORDS_FILE)

    def take(
        self,
        items: Iterable[Item],
        *,
        unreviewed: bool,
        total: int | None,
        progress: Progress | None,
    ) -> None:
        """Write the row and the record of each item that may leave and that the format holds."""
        last = ("", "")
        done = 0
        for done, (example, content, review) in enumerate(items, 1):
            key = (example.created, example.id)
            if key <= last:
                raise ExportError(f"Example {example.id} came out of order, or twice.")
            last = key
            check_content(example, content)
            why = why_not(example, review, unreviewed=unreviewed) or self.form.why_not(content)
            if why is not None or isinstance(review, str):
                self.tally.left_out[why or str(review)] += 1
            else:
                self._write(example, content, review)
            if progress and done % 1000 == 0:
                progress(done, total)
        if progress:
            progress(done, total)

    def _write(self, example: Example, content: Content, review: Review | None) -> None:
        split = self.split.of(example.session)
        row = self.form.row(example, content)
        try:
            line = line_of(row)
            content_hash = content_sha256(content)
            row_hash = hashlib.sha256(line).hexdigest()
            record = line_of(record_of(example, review, split, content_hash, row_hash))
        except TypeError as error:
            raise ExportError(
                f"Example {example.id!a} holds half a character, which no file can hold: edit it."
            ) from error
        self.shards[split].write(line, row)
        self.records.write(record)
        self.tally.add(example, review)

    def finish(self, created: str) -> dict[str, Any]:
        """Name the files and write what describes them."""
        rows: dict[str, int] = {name: self.shards[name].rows for name in SPLITS}
        if not any(rows.values()):
            raise ExportError(_nothing(self.tally.left_out))
        self.records.close()
        moved = not rows["train"]
        if moved:
            self._move_to_train()
            rows = {"train": rows["validation"], "validation": 0}
        files: list[WrittenFile] = []
        for name, prefix in zip(SPLITS, self.form.splits, strict=True):
            role: SplitName = "train" if moved else name
            files += self.shards[name].finish(self.form.splits[0] if moved else prefix, role)
        files.append(described(self.folder / RECORDS_FILE, "records", sum(rows.values())))
        made = manifest.build(
            form=self.form,
            container=self.container,
            split=self.split,
            everything_in_train=moved,
            rows=rows,
            tally=self.tally,
        )
        files += self._describe(made, files)
        whole = manifest.finished(made, files, created)
        write_text(self.folder / MANIFEST_FILE, manifest.as_text(whole))
        return whole

    def _describe(self, made: dict[str, Any], files: list[WrittenFile]) -> list[WrittenFile]:
        names = {split: [file.name for file in files if file.role == split] for split in SPLITS}
        texts = {"card": (card.CARD_FILE, card.text_of(made, self.form, files))}
        if self.form.config:
            name, text = self.form.config
            texts["config"] = (name, text(names["train"], names["validation"]))
        for name, text_ in texts.values():
            write_text(self.folder / name, text_)
        return [described(self.folder / name, role) for role, (name, _) in texts.items()]

    def _move_to_train(self) -> None:
        """No session fell into train: say so in the records as well."""
        path = self.folder / RECORDS_FILE
        aside = path.with_suffix(".part")
        path.rename(aside)
        again = LineFile(path)
        try:
            with aside.open("rb") as lines:
                for line in lines:
                    line = line.removesuffix(b"\n")
                    again.write(line.replace(b'"split":"validation"', b'"split":"train"', 1))
            again.close()
        finally:
            again.abandon()
        aside.unlink()

    def abandon(self) -> None:
        """Let go of files that are still open."""
        self.records.abandon()
        for shards in self.shards.values():
            shards.abandon()


def _nothing(left_out: dict[str, int]) -> str:
    if not left_out:
        return "There is nothing to export: no example was given."
    reasons = "; ".join(f"{count} × {why}" for why, count in sorted(left_out.items()))
    return f"There is nothing to export. Left out: {reasons}."
