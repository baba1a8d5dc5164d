"""The log, tried in a folder that is gone afterwards: what is on the disk in each state of consent.

The session in front is kept there and withdrawn again, by the same code that keeps sessions for
good; the person's own folder is not touched.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Final

from chatapp.archive import marks
from chatapp.archive.consent import MEANINGS
from chatapp.archive.records import State, Weights
from chatapp.archive.store import Store
from chatapp.errors import ChatappError
from chatapp.keeping.archive import Archive
from chatapp.keeping.keeper import Keeper
from chatapp.keeping.turns import Answered
from chatapp.lessons.outcome import Outcome
from chatapp.lessons.stage import Stage
from chatapp.lessons.words import Words
from chatapp.proofs.evidence import Cell, Table
from chatapp.proofs.files import file_hash

_STATES: Final[tuple[tuple[str, State], ...]] = (
    ("off", "off"),
    ("kept", "kept"),
    ("training", "training"),
    ("withdrawn", "off"),
)


async def kept_and_deleted(stage: Stage, words: Words) -> Outcome:
    """Off, kept, kept + training, and off again: is what was said on the disk, and may it train?

    Values: ``found_…`` whether the last message stands in a file, ``trains_…`` how many examples
    an export would hold, ``same_weights`` whether the weight file is the same before and after.
    """
    conversation, weights = stage.conversation, stage.lab.weights
    replies = [node for node in conversation.nodes if node.role == "assistant"]
    said = [node.content for node in conversation.nodes if node.role == "user"]
    if not replies:
        raise ChatappError("Nothing was said in this session yet, so there is nothing to keep.")
    before = await asyncio.to_thread(file_hash, weights)
    by = Answered(Weights(model=weights.stem, sha256=before), conversation.window)
    values: dict[str, str | int | float | bool | None] = {}
    rows: list[list[Cell]] = []
    with tempfile.TemporaryDirectory(prefix="chatapp-lesson-") as name:
        folder = Path(name)
        archive = Archive(folder)
        keeper = Keeper(archive, conversation, by=lambda: by)
        try:
            for label, state in _STATES:
                await keeper.set_state(state)
                if label == "kept":
                    await keeper.mark(replies[-1], "liked")
                found = await asyncio.to_thread(_found, folder, said[-1])
                trains = await archive.call(_trains) if archive.begun else 0
                values[f"found_{label}"], values[f"trains_{label}"] = found, trains
                rows.append([MEANINGS[state].label, found, trains])
        finally:
            await archive.close()
    values["same_weights"] = before == await asyncio.to_thread(file_hash, weights)
    return Outcome(
        values=values,
        blocks=[
            Table(
                title=words("view-log"),
                columns=[words(f"column-{name}") for name in ("log", "found", "trains")],
                rows=rows,
            )
        ],
    )


def _trains(store: Store) -> int:
    return sum(1 for _ in marks.examples(store))


def _found(folder: Path, text: str) -> bool:
    """Whether these bytes stand in any file of the folder, the store's own and its journal."""
    wanted = text.encode()
    return any(wanted in path.read_bytes() for path in folder.rglob("*") if path.is_file())
