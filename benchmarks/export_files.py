"""Writing an export, against a bare loop that dumps the same rows with ``json`` into one file.

Each run is a process of its own. Ours splits, hashes each row and each content, writes the list of
records, the manifest and the card, and brings everything to the disk.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.plan import Plan
from benchmarks.quiet import rounds
from benchmarks.result import Aim, Figure, Result, paired
from chatapp.archive.exporting import FORMATS, Item, export
from chatapp.archive.records import Consent, Example, Weights
from chatapp.context.messages import Message

NAMES = ("trl-sft", "canonical")
ROWS = 1_000_000


def items(count: int) -> Iterator[Item]:
    """Corrections of four turns a session, some 900 bytes each, made as they are asked for."""
    system = Message("system", "You are a helpful AI assistant named SmolLM.")
    weights = Weights(model="SmolLM2-135M-Instruct", sha256="b1" * 32)
    for number in range(count):
        session = f"session-{number // 4:08}"
        consent = Consent(
            entry=number // 4,
            session=session,
            at="2026-11-25T09:00:00.000Z",
            before="kept",
            state="training",
            version="1",
            wording="May be exported.",
        )
        question = f"What is the capital of country {number}? Answer in one sentence, briefly."
        town = "which lies inland and has grown for a hundred years, or so the books say"
        example = Example(
            id=f"example-{number:08}",
            kind="correction",
            session=session,
            turn=number % 4 + 1,
            created="2026-11-25T10:00:00.000Z",
            prompt=(system, Message("user", question)),
            chosen=f"The capital of country {number} is town {number}, {town}.",
            rejected=f"The capital of country {number} is town {number + 1}, {town}.",
            wrong=f"town {number + 1}",
            right=f"town {number}",
            weights=weights,
            consent=consent,
        )
        review = {"decision": "approved", "at": "2026-11-25T11:00:00.000Z", "redactor": "1"}
        yield example, example.content(), review  # type: ignore[misc]


def bare(name: str, count: int, folder: Path) -> None:
    """What anyone would write first."""
    row_of = FORMATS[name].row
    with (folder / "rows.jsonl").open("w", encoding="utf-8") as file:
        for example, content, _ in items(count):
            file.write(json.dumps(row_of(example, content)) + "\n")
        file.flush()
        os.fsync(file.fileno())


def _run(kind: str, name: str, count: int) -> tuple[float, float]:
    """Seconds, and the process's largest memory in MB."""
    command = [sys.executable, "-m", "benchmarks.export_files", kind, name, str(count)]
    ran = subprocess.run(command, capture_output=True, check=True, text=True)
    seconds, peak = json.loads(ran.stdout)
    return seconds, peak


def measure(plan: Plan) -> Result:
    """Both by turns, in two formats; and the memory for a tenth of the rows."""
    rows = plan.some(ROWS, ROWS // 10)
    result = Result()
    for name in NAMES:

        async def pair(name: str = name) -> tuple[tuple[float, float], tuple[float, float]]:
            theirs = await asyncio.to_thread(_run, "bare", name, rows)
            ours = await asyncio.to_thread(_run, "ours", name, rows)
            plan.say(f"{name}: {ours[0]:.2f} s, bare {theirs[0]:.2f} s")
            return theirs, ours

        pairs = asyncio.run(rounds(plan, plan.some(3, 1), pair))
        theirs, ours = [each[0][0] for each in pairs], [each[1][0] for each in pairs]
        few, many = _run("ours", name, rows // 10)[1], max(each[1][1] for each in pairs)
        result.figures += [
            # Speeds: the bare loop's seconds over ours.
            paired(f"{name}: speed / bare loop", theirs, ours, aim=Aim("≥", 0.5),
                   beside=f"{rows:,} rows in {min(ours):.1f} s"),
            Figure(f"{name}: memory / a tenth", many / few, aim=Aim("≤", 1.2),
                   beside=f"{many:.0f} MB at most"),
        ]  # fmt: skip
    return result


def _main(kind: str, name: str, count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        if kind == "bare":
            bare(name, count, Path(folder))
        else:
            export(items(count), Path(folder) / "out", format=name)
        seconds = time.perf_counter() - started
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
    print(json.dumps([seconds, peak]))


if __name__ == "__main__":
    _main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
