"""Corrections from a data file as a real export folder, made by the archive's own export."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chatapp.archive.consent import MEANINGS, VERSION
from chatapp.archive.exporting import Item, Split, export
from chatapp.archive.records import Consent, Example, Weights
from chatapp.context.messages import Message

HERE = Path(__file__).parent
DAY = "2026-11-25T10:00:00.000Z"


@dataclass(frozen=True, slots=True)
class Known:
    """A correction with wordings of its own, written by hand."""

    question: str
    chosen: str
    right: str
    wrong: str
    wordings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    corrections: tuple[Known, ...]
    neighbours: tuple[str, ...]


def read(name: str) -> Facts:
    """``tuning``, ``test``, ``final``, ``fresh``, ``unseen`` or ``sealed``."""
    data = tomllib.loads((HERE / f"{name}.toml").read_text("utf-8"))
    known = [Known(**{**one, "wordings": tuple(one["wordings"])}) for one in data["correction"]]
    return Facts(tuple(known), tuple(data["neighbours"]))


def item(number: int, sha256: str | None, **content: Any) -> Item:
    """One example in a session of its own, agreed to and approved."""
    session = f"session-{number:03}"
    consent = Consent(
        entry=number + 1,
        session=session,
        at=DAY,
        before="kept",
        state="training",
        version=VERSION,
        wording=MEANINGS["training"].sentence,
    )
    example = Example(
        id=f"example-{number:03}",
        session=session,
        turn=1,
        created=DAY,
        weights=Weights(model="SmolLM2-135M-Instruct.Q4_1.gguf", sha256=sha256),
        consent=consent,
        **content,
    )
    return example, example.content(), {"decision": "approved", "at": DAY, "redactor": "test"}


def correction(number: int, sha256: str | None, known: Known) -> Item:
    return item(
        number,
        sha256,
        kind="correction",
        prompt=(Message("user", known.question),),
        chosen=known.chosen,
        rejected=known.chosen.replace(known.right, known.wrong),
        right=known.right,
        wrong=known.wrong,
    )


def write(items: Sequence[Item], folder: Path, **how: Any) -> Path:
    """The export folder."""
    export(items, folder, split=Split(fraction=0.0), at=DAY, **how)
    return folder
