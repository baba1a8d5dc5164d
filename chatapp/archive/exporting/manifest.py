"""``manifest.json``: what an export is, and what it rests on.

::

    {"schema": "chatapp-export/1",
     "export_id": "…",             SHA-256 of the canonical JSON (sorted keys, no spaces, UTF-8) of
                                   this object without ``export_id`` and ``created``
     "created": "2026-11-25T10:00:00.000Z",       the only part that the time decides
     "chatapp": "0.3.0",           the version that wrote it
     "format": "trl-sft",
     "container": "jsonl",         or "parquet"
     "split": {"seed": 0, "fraction": 0.1,
               "everything_in_train": false},     true: no session fell into train by its hash, so
                                                  all of them were put there
     "counts": {"records": 8,
                "kinds": {"correction": 6, "liked": 2},
                "splits": {"train": 7, "validation": 1},
                "unreviewed": 0,                  exported without a review
                "left_out": {"not reviewed": 3}}, why, and how many
     "redactors": {"…": 8},        versions of the redactor, and how many records each prepared
     "consents": [{"version": "…", "wording": "…", "records": 8}],
     "sources": [{"model": "…", "sha256": "…", "adapter": null, "adapter_sha256": null,
                  "adapter_scale": null, "records": 8}],      the weights that gave the replies
     "files": [{"name": "train.jsonl", "role": "train", "rows": 7, "bytes": 2041,
                "sha256": "…"}]}   every other file of the folder, the data in the order of their
                                   rows; roles: train, validation, records, card, config

The list of records, each with its hashes, consent and review, is in ``records.jsonl`` (see
`records`): it may have a million lines, this file stays small.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any, NamedTuple

from chatapp import __version__
from chatapp.archive.exporting.folder import SCHEMA
from chatapp.archive.exporting.formats import Format, as_source
from chatapp.archive.exporting.records import Review
from chatapp.archive.exporting.shards import WrittenFile
from chatapp.archive.exporting.split import Split
from chatapp.archive.records import Example, Weights, canonical_json, sha256_of
from chatapp.errors import ExportError


class _Same(NamedTuple):
    """What many records have in common."""

    kind: str
    redactor: str | None
    version: str
    wording: str
    weights: Weights


class Tally:
    """What is counted while rows are written. It grows with what differs, not with the rows."""

    def __init__(self) -> None:
        self.left_out: Counter[str] = Counter()
        self._same: Counter[_Same] = Counter()

    def add(self, example: Example, review: Review | None) -> None:
        """Count an example that is exported."""
        consent = example.consent
        assert consent is not None
        redactor = review["redactor"] if review else None
        same = _Same(example.kind, redactor, consent.version, consent.wording, example.weights)
        self._same[same] += 1

    def by(self, part: str) -> dict[Any, int]:
        """How many records there are for each value of a part of :class:`_Same`."""
        counted: Counter[Any] = Counter()
        for same, count in self._same.items():
            counted[getattr(same, part)] += count
        return dict(counted)

    def wordings(self) -> dict[str, str]:
        """The wording of each version. Raises :class:`ExportError` if one has two."""
        found: dict[str, str] = {}
        for same in self._same:
            if found.setdefault(same.version, same.wording) != same.wording:
                raise ExportError(f"The ledger holds two wordings of consent {same.version}.")
        return found


def build(
    *,
    form: Format,
    container: str,
    split: Split,
    everything_in_train: bool,
    rows: Mapping[str, int],
    tally: Tally,
) -> dict[str, Any]:
    """The manifest without its files, its time and its id."""
    wordings = tally.wordings()
    redactors = tally.by("redactor")
    unreviewed = redactors.pop(None, 0)
    return {
        "schema": SCHEMA,
        "chatapp": __version__,
        "format": form.name,
        "container": container,
        "split": {
            "seed": split.seed,
            "fraction": split.fraction,
            "everything_in_train": everything_in_train,
        },
        "counts": {
            "records": sum(rows.values()),
            "kinds": dict(sorted(tally.by("kind").items())),
            "splits": dict(rows),
            "unreviewed": unreviewed,
            "left_out": dict(sorted(tally.left_out.items())),
        },
        "redactors": dict(sorted(redactors.items())),
        "consents": [
            {"version": version, "wording": wordings[version], "records": count}
            for version, count in sorted(tally.by("version").items())
        ],
        "sources": sorted(
            ({**as_source(each), "records": count} for each, count in tally.by("weights").items()),
            key=canonical_json,
        ),
    }


def finished(
    manifest: Mapping[str, Any], files: Iterable[WrittenFile], created: str
) -> dict[str, Any]:
    """The whole manifest."""
    whole = {**manifest, "files": [asdict(file) for file in files]}
    return {"export_id": export_id(whole), "created": created, **whole}


def export_id(manifest: Mapping[str, Any]) -> str:
    """What an export is known by: everything in its manifest but the time."""
    return sha256_of(
        {key: value for key, value in manifest.items() if key not in ("export_id", "created")}
    )


def as_text(manifest: Mapping[str, Any]) -> str:
    """The file's text, for people as well."""
    return json.dumps(manifest, indent=1, ensure_ascii=False) + "\n"
