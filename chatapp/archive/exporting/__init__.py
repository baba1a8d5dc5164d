"""The export for training: a folder of files that a trainer reads, and what proves it.

::

    FOLDER/
    ├── train.jsonl          the rows (validation.jsonl as well, if any session fell there);
    │                        large sets: train-00000-of-00007.jsonl, …; or .parquet
    ├── records.jsonl        one line for each row: which record it is, what it rests on, hashes
    ├── manifest.json        the whole: counts, consents, source weights, SHA-256 of each file
    └── README.md            the dataset card

A trainer needs the rows alone. `records`, `manifest` and `formats` describe each file; nothing of
this package is needed to read them. Everything is a function of the items that are given: the same
items give the same bytes, but for the manifest's ``created``.
"""

from __future__ import annotations

from chatapp.archive.exporting.formats import FORMATS, Format
from chatapp.archive.exporting.reading import load
from chatapp.archive.exporting.records import Item, Review
from chatapp.archive.exporting.split import Split
from chatapp.archive.exporting.verify import Verified, verify
from chatapp.archive.exporting.writing import Exported, export

__all__ = [
    "FORMATS",
    "Exported",
    "Format",
    "Item",
    "Review",
    "Split",
    "Verified",
    "export",
    "load",
    "verify",
]
