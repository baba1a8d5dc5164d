"""Checking an export folder again, from its files alone. Each problem is one sentence."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from chatapp.archive.exporting.fields import check_of
from chatapp.archive.exporting.formats import FORMATS
from chatapp.archive.exporting.manifest import export_id
from chatapp.archive.exporting.reading import data_files, read_manifest, records_of, rows_of
from chatapp.archive.exporting.records import APPROVED
from chatapp.archive.exporting.shards import described
from chatapp.archive.exporting.split import SPLITS, Split
from chatapp.archive.records import MANIFEST_FILE, sha256_of
from chatapp.errors import ExportError

MOST_PROBLEMS: Final = 50
"""So many are told one by one; the rest is counted."""

_CONTENT: Final = ("kind", "prompt", "chosen", "rejected", "reason", "wrong", "right")

_record_fits: Final = check_of(
    {
        "id": "string",
        "split": "string",
        "session": "string",
        "turn": "int64",
        "kind": "string",
        "created": "string",
        "content_sha256": "string",
        "row_sha256": "string",
        "weights": FORMATS["canonical"].fields["weights"],
    }
)
"""What a record holds, but for consent and review."""


@dataclass(slots=True)
class Verified:
    """What was found. ``rows`` were compared with their records, ``files`` with their hashes."""

    folder: Path
    manifest: dict[str, Any] | None = None
    rows: int = 0
    files: int = 0
    problems: list[str] = field(default_factory=list)
    more_problems: int = 0

    @property
    def ok(self) -> bool:
        return not self.problems

    def problem(self, sentence: str) -> None:
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(sentence)
        else:
            self.more_problems += 1


def verify(folder: Path, progress: Callable[[int, int | None], None] | None = None) -> Verified:
    """Check hashes, rows, records, counts, consents and the split of an export.

    Never raises because of what the folder holds. ``progress`` is told how many rows were checked,
    and of how many as far as the manifest says.
    """
    found = Verified(folder)
    try:
        manifest = found.manifest = read_manifest(folder)
        if export_id(manifest) != manifest["export_id"]:
            found.problem(f"{MANIFEST_FILE} was changed: its export id is not that of its content.")
        _check_files(found, manifest)
        _Records(found, manifest).check(progress)
    except ExportError as error:
        found.problem(str(error))
    except OSError as error:
        found.problem(f"{error.filename or folder} cannot be read: {error.strerror}.")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        found.problem(f"{MANIFEST_FILE} is not of the described form.")
    return found


def _check_files(found: Verified, manifest: Mapping[str, Any]) -> None:
    named = {MANIFEST_FILE}
    for entry in manifest["files"]:
        path = found.folder / entry["name"]
        if entry["name"] in named:
            found.problem(f"{MANIFEST_FILE} names {entry['name']} twice.")
        named.add(entry["name"])
        if path.is_symlink() or not path.is_file():
            found.problem(f"{entry['name']} is missing.")
            continue
        found.files += 1
        seen = described(path, entry["role"])
        if seen.sha256 != entry["sha256"] or seen.bytes != entry["bytes"]:
            found.problem(f"{entry['name']} was changed: its SHA-256 is not the manifest's.")
    for other in sorted(each.name for each in found.folder.iterdir()):
        if other not in named and not other.startswith("."):
            found.problem(f"{other} is not named in {MANIFEST_FILE}.")


class _Records:
    """The walk through the records, with the rows of both splits beside it."""

    def __init__(self, found: Verified, manifest: Mapping[str, Any]) -> None:
        self.found = found
        self.manifest = manifest
        self.form = FORMATS.get(manifest["format"])
        self.row_fits = check_of(self.form.fields if self.form else {})
        split = manifest["split"]
        self.moved = split["everything_in_train"]
        self.split = Split(seed=split["seed"], fraction=split["fraction"])
        self.versions = {each["version"] for each in manifest["consents"] if each["wording"]}
        self.rows = {name: self._rows(name) for name in SPLITS}
        self.last = ("", "")
        self.counts: dict[str, Counter[str]] = {
            name: Counter() for name in ("kinds", "splits", "consents", "redactors", "sources")
        }
        self.unreviewed = 0

    def _rows(self, split: str) -> Iterator[tuple[str, bytes]]:
        for path in data_files(self.found.folder, self.manifest, split):
            if path.is_file():
                rows = 0
                for line in rows_of(path, self.manifest["container"]):
                    rows += 1
                    yield path.name, line
                said = next(
                    entry["rows"] for entry in self.manifest["files"] if entry["name"] == path.name
                )
                if rows != said:
                    self.found.problem(f"{path.name} holds {rows} rows; the manifest says {said}.")

    def check(self, progress: Callable[[int, int | None], None] | None) -> None:
        if self.form is None:
            self.found.problem(f"There is no format {self.manifest['format']!r} here.")
            return
        for number, line in enumerate(records_of(self.found.folder), 1):
            try:
                record = json.loads(line)
                self._check_record(record, f"Record {number}")
            except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
                self.found.problem(f"Record {number} is not of the described form.")
            if progress and number % 1000 == 0:
                progress(number, self.manifest["counts"]["records"])
        for split in SPLITS:
            if extra := sum(1 for _ in self.rows[split]):
                self.found.problem(f"{split} holds {extra} rows without a record.")
        self._check_counts()

    def _check_record(self, record: dict[str, Any], where: str) -> None:
        consent, review = record["consent"], record["review"]
        known = {key: value for key, value in record.items() if key not in ("consent", "review")}
        if not _record_fits(known) or record["split"] not in SPLITS:
            raise ValueError
        where = f"{where} ({record['id'][:40]!r})"
        key = (record["created"], record["id"])
        if key <= self.last:
            self.found.problem(f"{where} is out of order, or there twice.")
        self.last = key
        if not _consents(consent):
            self.found.problem(f"{where} names no consent.")
        elif consent["version"] not in self.versions:
            self.found.problem(f"{where} rests on a consent whose wording the manifest lacks.")
        else:
            self.counts["consents"][consent["version"]] += 1
        if review is None:
            self.unreviewed += 1
        else:
            self.counts["redactors"][review["redactor"]] += 1
            if review["decision"] not in APPROVED:
                self.found.problem(f"{where} was not approved in its review.")
        self.counts["kinds"][record["kind"]] += 1
        self.counts["splits"][record["split"]] += 1
        self.counts["sources"][sha256_of(record["weights"])] += 1
        self._check_split(record, where)
        self._check_row(record, where)

    def _check_split(self, record: Mapping[str, Any], where: str) -> None:
        # Decided by the session alone: where each is where it belongs, none can be in both.
        belongs = self.split.of(record["session"])
        if self.moved and belongs == "train":
            self.found.problem(f"{where} belongs in train, so not everything had to be put there.")
        elif record["split"] != ("train" if self.moved else belongs):
            self.found.problem(
                f"{where} is in {record['split']}; its session belongs in {belongs}."
            )

    def _check_row(self, record: Mapping[str, Any], where: str) -> None:
        name, line = next(self.rows[record["split"]], (None, b""))
        if name is None:
            self.found.problem(f"{where} has no row in {record['split']}.")
            return
        self.found.rows += 1
        if hashlib.sha256(line).hexdigest() != record["row_sha256"]:
            self.found.problem(f"{where}: its row in {name} is not the one that was exported.")
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        assert self.form is not None
        if not self.row_fits(row):
            self.found.problem(f"{where}: its row in {name} is not a row of {self.form.name}.")
        elif self.form.name == "canonical":
            self._check_canonical(row, record, f"{where}: its row in {name}")

    def _check_canonical(
        self, row: Mapping[str, Any], record: Mapping[str, Any], where: str
    ) -> None:
        for part in ("id", "session", "turn", "kind", "created", "weights"):
            if row[part] != record[part]:
                self.found.problem(f"{where} has another {part}.")
        if any(row["consent"][part] != record["consent"].get(part) for part in row["consent"]):
            self.found.problem(f"{where} names another consent.")
        if sha256_of({part: row[part] for part in _CONTENT}) != record["content_sha256"]:
            self.found.problem(f"{where} has a content with another hash.")

    def _check_counts(self) -> None:
        counts = self.manifest["counts"]
        said: dict[str, Mapping[str, int]] = {
            "kinds": counts["kinds"],
            "splits": counts["splits"],
            "redactors": self.manifest["redactors"],
            "consents": {each["version"]: each["records"] for each in self.manifest["consents"]},
            "sources": {
                sha256_of({key: value for key, value in each.items() if key != "records"}): each[
                    "records"
                ]
                for each in self.manifest["sources"]
            },
        }
        for name, counted in self.counts.items():
            if dict(counted) != {key: count for key, count in said[name].items() if count}:
                self.found.problem(f"The records' {name} are not those that the manifest counts.")
        if counts["records"] != self.counts["splits"].total():
            self.found.problem("There are not as many records as the manifest says.")
        if counts["unreviewed"] != self.unreviewed:
            self.found.problem("The records without a review are not as many as the manifest says.")


def _consents(consent: Any) -> bool:
    return (
        isinstance(consent, dict)
        and type(consent.get("entry")) is int
        and all(isinstance(consent.get(part), str) and consent[part] for part in ("at", "version"))
    )
