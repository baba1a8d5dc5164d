"""Reading an export folder, from its files alone: nothing of the archive is imported.

Nothing is taken on trust: every file is hashed again, every record's row and content too, and each
record must name the consent that it rests on. Canonical exports in JSONL are read; the other
formats are for other trainers, and have lost what a correction is.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from chatapp.context.messages import Message
from chatapp.errors import ContextError, TrainingError

MANIFEST: Final = "manifest.json"
RECORDS: Final = "records.jsonl"
WITHDRAWN: Final = ".withdrawn.json"
"""A list of sessions whose consent was withdrawn after the export was made, if there are any."""
SCHEMA: Final = "chatapp-export/1"
_ROLES: Final = {"system", "user", "assistant"}
_CONTENT: Final = ("kind", "prompt", "chosen", "rejected", "reason", "wrong", "right")


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One example. ``prompt`` ends with the question; ``right`` are the decisive words.

    ``chosen`` is the right answer (``None``: a reply that was marked bad, nothing to train on).
    ``source`` is the SHA-256 of the weights that gave the reply, ``None`` if not known.
    """

    id: str
    kind: str
    session: str
    split: str
    prompt: tuple[Message, ...]
    chosen: str | None
    rejected: str | None
    right: str
    wrong: str
    source: str | None
    source_name: str | None

    @property
    def question(self) -> str:
        return self.prompt[-1].content

    @property
    def is_correction(self) -> bool:
        return self.kind == "correction" and self.chosen is not None and bool(self.right)


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """A checked export. ``left_out`` counts what cannot be trained on, with the reason."""

    folder: Path
    id: str
    records: tuple[Record, ...]
    left_out: Mapping[str, int] = field(default_factory=dict)

    @property
    def corrections(self) -> list[Record]:
        return [record for record in self.records if record.is_correction]

    @property
    def styles(self) -> list[Record]:
        """Replies that were marked good, and corrections without decisive words."""
        return [record for record in self.records if not record.is_correction]


def read_export(folder: Path) -> Export:
    """Read and check an export folder. Raises :class:`TrainingError` with one sentence."""
    try:
        manifest = _manifest(folder)
        _check_files(folder, manifest)
        found, left_out = [], Counter[str]()
        for record in _records(folder, manifest):
            if record.chosen is None:
                left_out["marked bad, without a right answer"] += 1
            elif not record.prompt or record.prompt[-1].role != "user":
                left_out["its context does not end with a question"] += 1
            else:
                found.append(record)
    except OSError as error:
        raise TrainingError(
            f"{error.filename or folder} cannot be read: {error.strerror}."
        ) from error
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise TrainingError(f"{folder} is not an export of the described form.") from error
    if not found:
        raise TrainingError(f"{folder} holds nothing to train on: no record has a right answer.")
    return Export(
        folder=folder, id=manifest["export_id"], records=tuple(found), left_out=dict(left_out)
    )


def _sha256_of(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    if not folder.is_dir():
        raise TrainingError(f"There is no folder {folder}.")
    if not path.is_file():
        raise TrainingError(f"{folder} is not an export: it has no {MANIFEST}.")
    try:
        manifest = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise TrainingError(f"{path} is damaged: it is not JSON.") from error
    if not isinstance(manifest, dict) or manifest.get("schema") != SCHEMA:
        raise TrainingError(f"{path} is not a manifest that this version reads ({SCHEMA}).")
    rest = {key: value for key, value in manifest.items() if key not in ("export_id", "created")}
    if _sha256_of(rest) != manifest["export_id"]:
        raise TrainingError(f"{path} was changed: its export id is not that of its content.")
    if manifest["format"] != "canonical" or manifest["container"] != "jsonl":
        raise TrainingError(
            f"{folder} holds {manifest['format']} in {manifest['container']}: this job reads "
            "canonical records in JSONL (chatapp export FOLDER)."
        )
    if manifest["counts"]["records"] < 1:
        raise TrainingError(f"{folder} is empty: its manifest counts no records.")
    return manifest


def _check_files(folder: Path, manifest: Mapping[str, Any]) -> None:
    for entry in manifest["files"]:
        name = entry["name"]
        if Path(name).name != name or name in ("", ".", ".."):
            raise ValueError
        path = folder / name
        if path.is_symlink() or not path.is_file():
            raise TrainingError(f"{folder} is not complete: {name} is missing.")
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest != entry["sha256"] or path.stat().st_size != entry["bytes"]:
            raise TrainingError(f"{path} was changed: its SHA-256 is not the manifest's.")


def _withdrawn(folder: Path) -> frozenset[str]:
    path = folder / WITHDRAWN
    if not path.exists():
        return frozenset()
    found = json.loads(path.read_bytes())
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise ValueError
    return frozenset(found)


def _records(folder: Path, manifest: Mapping[str, Any]) -> Iterator[Record]:
    wordings = {each["version"] for each in manifest["consents"] if each["wording"]}
    withdrawn = _withdrawn(folder)
    rows = {split: _rows(folder, manifest, split) for split in ("train", "validation")}
    if RECORDS not in {entry["name"] for entry in manifest["files"]}:
        raise TrainingError(f"{folder} is not complete: {RECORDS} is missing.")
    number = 0
    with (folder / RECORDS).open("rb") as lines:
        for number, line in enumerate(lines, 1):
            record = json.loads(line)
            where = f"Record {number} of {folder}"
            if record["session"] in withdrawn:
                raise TrainingError(
                    f"{where} must not be trained on: consent for its session was withdrawn after "
                    "the export. Export again."
                )
            consent = record["consent"]
            if not consent or not consent["at"] or consent["version"] not in wordings:
                raise TrainingError(f"{where} names no consent to training.")
            row = next(rows[record["split"]], None)
            if row is None:
                raise TrainingError(f"{where} has no row in {record['split']}.")
            if hashlib.sha256(row).hexdigest() != record["row_sha256"]:
                raise TrainingError(f"{where} has another row than the one that was exported.")
            yield _record(json.loads(row), record, where)
    if number != manifest["counts"]["records"] or any(next(each, None) for each in rows.values()):
        raise TrainingError(f"{folder} does not hold as many records as its manifest says.")


def _rows(folder: Path, manifest: Mapping[str, Any], split: str) -> Iterator[bytes]:
    for entry in manifest["files"]:
        if entry["role"] == split:
            with (folder / entry["name"]).open("rb") as lines:
                for line in lines:
                    yield line.removesuffix(b"\n")


def _record(row: Mapping[str, Any], record: Mapping[str, Any], where: str) -> Record:
    if _sha256_of({part: row[part] for part in _CONTENT}) != record["content_sha256"]:
        raise TrainingError(f"{where} has a content with another hash.")
    if row["id"] != record["id"] or row["session"] != record["session"]:
        raise TrainingError(f"{where} is not the record of its row.")
    consent = row["consent"]
    if any(consent[part] != record["consent"][part] for part in ("entry", "at", "version")):
        raise TrainingError(f"{where} names another consent than its row.")
    try:
        prompt = tuple(Message.from_dict(message) for message in row["prompt"])
    except ContextError as error:
        raise TrainingError(f"{where}: {error}") from error
    if not {message.role for message in prompt} <= _ROLES:
        raise TrainingError(f"{where} holds tools, which have no place in this job.")
    weights = row["weights"]
    texts = {part: row[part] for part in ("id", "kind", "session", "right", "wrong")}
    for value in (*texts.values(), row["chosen"] or "", row["rejected"] or ""):
        if not isinstance(value, str):
            raise ValueError
    return Record(
        **texts,
        split=record["split"],
        prompt=prompt,
        chosen=row["chosen"],
        rejected=row["rejected"],
        source=weights["sha256"],
        source_name=weights["model"],
    )


def check_source(export: Export, base_sha256: str, base_name: str) -> None:
    """Every reply must have come from the base. Raises :class:`TrainingError` if one did not."""
    other = [record for record in export.records if record.source != base_sha256]
    if not other:
        return
    known = {record.source_name for record in other if record.source}
    what = (
        f"other weights ({', '.join(sorted(filter(None, known)))})" if known else "unknown weights"
    )
    raise TrainingError(
        f"{len(other)} of {len(export.records)} records hold replies of {what}, not of "
        f"{base_name}. Choose the base that they came from, or say --any-source."
    )
