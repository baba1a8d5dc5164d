"""The whole job over several seeds, on facts, wordings and neighbours that it was not tuned on.

    python -m benchmarks.finetune.seeds --base models/SmolLM2-135M-Instruct.Q4_1.gguf
    python -m benchmarks.finetune.seeds --base … --facts 1          one correction alone
    python -m benchmarks.finetune.seeds --base … --set tuning       for changing the recipe

Each seed trains an adapter with ``chatapp-finetune`` and asks base + adapter through the engine. A
leak: a neighbour whose reply holds a correction's words, where the base's does not. The job chooses
what it holds by the base's own embeddings, and may choose some of these neighbours: they are told
(``held``), and the others counted for themselves (``leaks_not_held``). So are wordings that its
templates make as well (``trained``, ``wordings_not_trained``).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.finetune.facts import Facts, correction, read, write
from chatapp.engine.threads import thread_count
from chatapp.training import wordings
from chatapp.training.answers import Answers
from chatapp.training.base import sha256_of
from chatapp.training.engines import Ask, Engines, side_by_side
from chatapp.training.gate import says
from chatapp.training.prompts import asked

TOKENS = 32


async def look(base: Path, adapter: Path, facts: Facts, sha256: str, work: Path) -> dict[str, Any]:
    """What base + adapter say to the hand-written questions."""
    threads = thread_count()
    plain, adapted = Engines(base, threads), Engines(base, threads, adapter)
    texts = [(text, one.right) for one in facts.corrections for text in one.wordings]
    asks = [one.question for one in facts.corrections] + [text for text, _ in texts]
    asks += facts.neighbours
    async with plain, adapted:
        answers = Answers(plain, sha256, work)
        before = await answers.texts(facts.neighbours, TOKENS, lambda *_: None)
        answers.keep()
        replies = await side_by_side(
            [partial(adapted.ask, Ask(asked(text), TOKENS)) for text in asks], lambda _: None
        )
    said = [one.text for one in replies]
    count = len(facts.corrections)
    right = [says(new, one.right) for new, one in zip(said, facts.corrections, strict=False)]
    told = [(text, new, word) for (text, word), new in zip(texts, said[count:], strict=False)]
    after = said[count + len(texts) :]
    words = [one.right for one in facts.corrections]
    leaks = [
        (question, new)
        for question, old, new in zip(facts.neighbours, before, after, strict=True)
        if any(says(new, word) and not says(old, word) for word in words)
    ]
    return {
        "corrections": [sum(right), len(right)],
        "wordings": [sum(says(text, word) for _, text, word in told), len(told)],
        "leaks": [len(leaks), len(facts.neighbours)],
        "same_answers": [
            sum(a == b for a, b in zip(before, after, strict=True)),
            len(facts.neighbours),
        ],
        "missed": [one for one in told if not says(one[1], one[2])],
        "leaked": leaks,
    }


def run(args: argparse.Namespace, seed: int, facts: Facts, export: Path, sha256: str) -> Any:
    """One seed; its row."""
    out = args.work / f"{args.set}-{len(facts.corrections)}-{seed}"
    command = [sys.executable, "-m", "chatapp.training", str(export), "--base", str(args.base)]
    command += ["--out", str(out), "--cache", str(args.work / "cache"), "--seed", str(seed)]
    command += ["--replace"] + (["--threads", str(args.threads)] if args.threads else [])
    command += ["--recipe", str(args.recipe)] if args.recipe else []
    started = time.monotonic()
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True)
    if done.returncode not in (0, 3):
        raise SystemExit(done.returncode)
    told = json.loads((out / "provenance.json").read_text())
    found = asyncio.run(look(args.base, out / "adapter.gguf", facts, sha256, args.work))
    gate = list(told["evaluation"].items())
    held = set(told["held"]) & set(facts.neighbours)
    trained = {
        text
        for one in facts.corrections
        for text in wordings.trained(one.question, one.chosen.partition(one.right)[0].rstrip())
        if text in one.wordings
    }
    missed = {text for text, *_ in found["missed"]}
    count = found["wordings"][1] - len(trained)
    leaked = {question for question, _ in found["leaked"]}
    return {
        "seed": seed,
        **found,
        "trained": sorted(trained),
        "wordings_not_trained": [count - len(missed - trained), count],
        "held": sorted(held),
        "leaks_not_held": [len(leaked - held), len(facts.neighbours) - len(held)],
        "status": told["status"],
        "reasons": told["reasons"],
        "gate": dict(gate),
        **{key: told["training"][key] for key in ("steps", "seconds", "cpu_seconds")},
        "whole_seconds": told["training"]["whole_seconds"],
        "wall_seconds": round(time.monotonic() - started, 1),
        "peak_mib": told["training"]["peak_bytes"] >> 20,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--base", type=Path, required=True)
    sets = ("sealed", "unseen", "fresh", "final", "test", "tuning")
    parser.add_argument("--set", choices=sets, default=sets[0])
    parser.add_argument("--facts", type=int, default=8, help="so many corrections at once")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--work", type=Path, default=Path("build/finetune"))
    parser.add_argument("--threads", type=int)
    parser.add_argument("--recipe", type=Path)
    args = parser.parse_args()
    whole = read(args.set)
    facts = Facts(whole.corrections[: args.facts], whole.neighbours)
    args.work.mkdir(parents=True, exist_ok=True)
    sha256 = sha256_of(args.base)
    items = [correction(n, sha256, one) for n, one in enumerate(facts.corrections)]
    export = write(items, args.work / f"export-{args.set}-{args.facts}", replace=True)
    rows = []
    for seed in args.seeds:
        row = run(args, seed, facts, export, sha256)
        rows.append(row)
        print(json.dumps(row, ensure_ascii=False), flush=True)
    path = args.work / f"seeds-{args.set}-{args.facts}.json"
    path.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n")
    print(f"The rows are in {path}.")


if __name__ == "__main__":
    main()
