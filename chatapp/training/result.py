"""What a finished job knows of itself, and the JSON and Markdown that say it."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from chatapp import __version__
from chatapp.training.dataset import Export
from chatapp.training.gate import Found
from chatapp.training.machine import Machine
from chatapp.training.recipe import Recipe
from chatapp.training.train import Trained

VERSIONS: Final = ("torch", "transformers", "trl", "peft", "accelerate", "gguf", "llama-cpp-python")
SCHEMA: Final = "chatapp-adapter/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Everything that the written files say. ``created`` is UTC, ISO 8601."""

    name: str
    export: Export
    base: Path
    base_sha256: str
    base_bytes: int
    adapter_sha256: str
    recipe: Recipe
    seed: int
    machine: Machine
    world: int
    trained: Trained
    found: Found
    held: tuple[str, ...]
    log: tuple[Mapping[str, float], ...]
    created: str
    seconds: float
    command: str

    @property
    def status(self) -> str:
        return "accepted" if self.found.accepted else "rejected"


def versions() -> dict[str, str]:
    """Of what the numbers depend on."""
    found = {"chatapp": __version__, "python": platform.python_version()}
    for name in VERSIONS:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def provenance(result: Result) -> dict[str, Any]:
    """``provenance.json``: what the adapter rests on, for consent and for doing it again."""
    trained = result.trained
    return {
        "schema": SCHEMA,
        "status": result.status,
        "reasons": result.found.reasons,
        "export_id": result.export.id,
        "base": result.base.name,
        "base_sha256": result.base_sha256,
        "adapter_sha256": result.adapter_sha256,
        "records": [record.id for record in result.export.records],
        "sessions": sorted({record.session for record in result.export.records}),
        "left_out": dict(result.export.left_out),
        "held": list(result.held),
        "recipe": result.recipe.as_dict(),
        "seed": result.seed,
        "created": result.created,
        "versions": versions(),
        "training": {
            "steps": trained.steps,
            "ended": trained.reason,
            "rows": trained.rows,
            "tokens": trained.tokens,
            "tokens_below": trained.tokens_below,
            "layers": list(trained.layers),
            "parameters": trained.parameters,
            "seconds": round(trained.seconds, 1),
            "cpu_seconds": round(trained.cpu_seconds, 1),
            "whole_seconds": round(result.seconds, 1),
            "peak_bytes": trained.peak_bytes,
            "processes": result.world,
            "threads": result.machine.threads,
            "device": result.machine.device,
            "precision": result.machine.precision,
        },
        "evaluation": {one.says: one.found for one in result.found.criteria},
    }


def evidence(result: Result) -> dict[str, Any]:
    """``evaluation.json``, in the form of chatapp's evidence, so that its page shows it."""
    found = result.found
    checks = [
        {
            "kind": "check",
            "says": one.says,
            "held": one.held,
            "expected": one.expected,
            "found": one.found,
        }
        for one in found.criteria
    ]
    because = (
        "All thresholds were met, so a chat may use it." if found.accepted else found.reasons[0]
    )
    one = {
        "schema": 1,
        "name": f"adapter {result.name}",
        "title": f"The adapter {result.name}, before and after",
        "claim": "Base + adapter gives the right answers in fresh sessions, also to wordings that "
        "were never trained, and answers everything else as the base does.",
        "verdict": "held" if found.accepted else "failed",
        "because": because,
        "started": result.created,
        "seconds": round(result.seconds, 3),
        "command": result.command,
        "setting": _setting(result),
        "blocks": [*checks, _words(result), *_tables(found), _plot(result)],
    }
    return {"verdict": one["verdict"], "experiments": [one]}


def _setting(result: Result) -> dict[str, Any]:
    return {
        "weights": result.base.name,
        "sha256": result.base_sha256,
        "bytes": result.base_bytes,
        "chatapp": __version__,
        "llama_cpp": versions().get("llama-cpp-python", ""),
        "processor": platform.processor() or platform.machine(),
        "system": platform.system(),
        "python": platform.python_version(),
        "options": {
            "adapter SHA-256": result.adapter_sha256,
            "export": result.export.id,
            "seed": result.seed,
            "steps": result.trained.steps,
            "processes": result.world,
            "precision in training": result.machine.precision,
        },
    }


def _words(result: Result) -> dict[str, Any]:
    return {
        "kind": "paragraph",
        "text": "Each question was asked in a new session at temperature 0, of the base and of "
        "base + adapter. The base's file is the same as before; the adapter is a new file.",
    }


def _tables(found: Found) -> list[dict[str, Any]]:
    titles = {
        "correction": "Corrections, in fresh sessions",
        "wording": "Wordings that were never trained",
        "neighbour": "Neighbours: nothing should have moved there",
        "general": "General questions",
    }
    made = []
    for kind, title in titles.items():
        rows = [row for row in found.asked if row.kind == kind]
        if rows:
            made.append(
                {
                    "kind": "table",
                    "title": title,
                    "columns": ["question", "looked for", "base", "base + adapter", "as wanted"],
                    "rows": [[r.question, r.words, r.base, r.adapter, r.ok] for r in rows],
                    "note": "",
                }
            )
    if found.compared:
        made.append(
            {
                "kind": "table",
                "title": "How improbable given answers are",
                "columns": ["question", "base (nats a token)", "base + adapter (nats a token)"],
                "rows": [[one.question, one.base, one.adapter] for one in found.compared],
                "note": "None of the general answers was trained.",
            }
        )
    return made


def _plot(result: Result) -> dict[str, Any]:
    return {
        "kind": "plot",
        "title": "The training, step by step",
        "shape": "lines",
        "labels": [str(int(line["step"])) for line in result.log],
        "series": {
            "loss on what is to be learnt": [line["learnt"] for line in result.log],
            "drift from the base elsewhere, worst included": [line["held"] for line in result.log],
        },
        "unit": "nats a token",
        "log": False,
        "mark": None,
        "mark_says": "",
    }


def card(result: Result) -> str:
    """``README.md``: the model card."""
    trained, lora = result.trained, result.recipe.lora
    lines = [
        "---",
        "library_name: peft",
        "tags: [lora, chatapp]",
        "---",
        "",
        f"# {result.name}",
        "",
        f"**{result.status.capitalize()}** by its evaluation. A LoRA adapter for "
        f"`{result.base.name}` (SHA-256 `{result.base_sha256}`), and for no other weights. The "
        "base's file was only read.",
        "",
    ]
    lines += [f"- Not met: {reason}" for reason in result.found.reasons]
    lines += [
        "",
        "| what was asked of base + adapter | found | wanted |",
        "|---|---|---|",
        *(f"| {one.says} | {one.found} | {one.expected} |" for one in result.found.criteria),
        "",
        "## What it rests on",
        "",
        f"- {len(result.export.records)} records of the export `{result.export.id}`, with the "
        "consent of those who wrote them; `provenance.json` lists each.",
        f"- Rank {lora.rank}, alpha {lora.alpha}, {trained.parameters:,} parameters; "
        f"{trained.steps} steps ({trained.reason}), seed {result.seed}, {result.world} "
        f"process{'es' if result.world > 1 else ''}, {result.machine.precision} on "
        f"{result.machine.device}.",
        f"- {trained.seconds:.0f} s of training ({trained.cpu_seconds:.0f} CPU seconds), "
        f"{trained.tokens:,} tokens computed, {trained.peak_bytes >> 20:,} MiB of memory at most.",
        "",
        "## Risks",
        "",
        "What was called right was checked by those who wrote it, and by no one else. A question "
        "that is near to a trained one may get its answer; the evaluation tries some of them.",
        "To forget a record: delete it, export again, and train again from the base.",
        "",
        "## Use",
        "",
        "`chatapp --adapter NAME`, or llama.cpp's `--lora adapter.gguf`; `peft/` is the same for "
        "PyTorch (on the base unpacked to float32).",
        "",
    ]
    return "\n".join(lines)


def as_text(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"
