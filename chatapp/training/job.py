"""The whole job, from an export to a folder with an adapter and what was found about it."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from chatapp.engine.weights.adapters import BASE_KEY
from chatapp.errors import TrainingError
from chatapp.training import gate
from chatapp.training.adapter_gguf import write_adapter
from chatapp.training.answers import Answers
from chatapp.training.base import hf_folder, known_base, kv_heads, sha256_of
from chatapp.training.dataset import Export, check_source, read_export
from chatapp.training.engines import Engines
from chatapp.training.machine import Machine, check_memory, memory_kept, memory_told
from chatapp.training.merging import write_merged
from chatapp.training.nearby import nearby
from chatapp.training.output import ADAPTER, PROVENANCE, Output
from chatapp.training.plan import GENERAL_TOKENS, Draft, Plan, draft, unique
from chatapp.training.processes import Processes
from chatapp.training.progress import Progress
from chatapp.training.prompts import Prompts
from chatapp.training.recipe import Recipe
from chatapp.training.result import Result, as_text, card, evidence, provenance
from chatapp.training.speaking import Speaker
from chatapp.training.stopping import Stopped
from chatapp.training.train import Trained, load_libraries, train


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What was asked for. ``cache`` holds what can be made again from the base."""

    dataset: Path
    base: Path
    out: Path
    cache: Path
    recipe: Recipe
    seed: int
    any_source: bool = False
    resume: bool = False
    replace: bool = False
    merged: str | None = None
    command: str = ""


@dataclass(frozen=True, slots=True)
class _Given:
    """What the first process read and checked."""

    export: Export
    sha256: str


def run(job: Job, machine: Machine, processes: Processes, progress: Progress) -> Result | None:
    """Do it. The result in the first process, ``None`` in the others. Raises ``ChatappError``."""
    started = time.monotonic()
    output = Output(job.out)
    given = processes.from_first(lambda: _check(job, output, processes.world))
    corrections, styles = len(unique(given.export.corrections)), len(given.export.styles)
    job = dataclasses.replace(job, recipe=job.recipe.fitting(corrections, styles))
    progress.say(
        f"{len(given.export.corrections)} corrections and {len(given.export.styles)} marked "
        f"replies of export {given.export.id[:12]}, for {job.base.name} ({given.sha256[:12]})"
    )
    for why, count in given.export.left_out.items():
        progress.say(f"left out: {count} ({why})")
    progress.say(
        f"{processes.world} process{'es' if processes.world > 1 else ''}, {machine.threads} "
        f"thread{'s' if machine.threads > 1 else ''} each, {machine.precision} on {machine.device}"
    )
    plan = processes.from_first(
        partial(_plan, job, given, output, machine, processes.world, progress)
    )
    for why, count in plan.left_out.items():
        progress.say(f"left out: {count} ({why})")
    folder = processes.here(lambda: hf_folder(job.base, given.sha256, job.cache))
    trained = _trained(job, plan, folder, machine, processes, output, progress)
    if trained.stopped:
        raise Stopped(
            f"Stopped after {trained.steps} steps. What was trained so far is in {output.partial}; "
            "--resume goes on with it."
        )
    if not processes.first:
        return None
    progress.say(
        f"Trained {trained.steps} steps in {trained.seconds:.0f} s "
        f"({trained.cpu_seconds:.0f} CPU seconds): {trained.reason}."
    )
    return _finish(job, given, plan, trained, machine, processes.world, output, progress, started)


def _check(job: Job, output: Output, world: int) -> _Given:
    header = known_base(job.base)
    export = read_export(job.dataset)
    sha256 = sha256_of(job.base)
    if not job.any_source:
        check_source(export, sha256, job.base.name)
    check_memory(header.parameters)
    told = {
        "export_id": export.id,
        "base_sha256": sha256,
        "recipe": job.recipe.as_dict(),
        "seed": job.seed,
        "processes": world,
    }
    output.begin(told, resume=job.resume, replace=job.replace)
    return _Given(export, sha256)


def _plan(
    job: Job, given: _Given, output: Output, machine: Machine, world: int, progress: Progress
) -> Plan:
    if job.resume and (kept := output.read("plan.json")) is not None:
        return Plan.from_dict(kept)
    header, recipe = known_base(job.base), job.recipe.train
    prompts = Prompts(header)
    begun = draft(given.export, job.recipe, prompts, seed=job.seed, nearby=partial(nearby, header))

    async def ask() -> list[list[str]]:
        async with Engines(job.base, machine.cores) as engines:
            answers = Answers(engines, given.sha256, job.cache)
            wanted = [] if recipe.side_by_side else held
            said = [await answers.texts(texts, most, progress.part) for texts, most in wanted]
            await gate.ask_base(_questions(job, given, begun), answers, progress.part)
            answers.keep()
            return said

    def get_ready() -> Path:
        load_libraries()
        return hf_folder(job.base, given.sha256, job.cache)

    async def both() -> tuple[list[list[str]], Path]:
        # One core reads and unpacks while the engines answer on the others.
        said, folder = await asyncio.gather(ask(), asyncio.to_thread(get_ready))
        return said, folder

    held = (begun.alone, recipe.contrast_tokens), (begun.general, GENERAL_TOKENS)
    said, folder = asyncio.run(both())
    if recipe.side_by_side:
        speaker = Speaker(folder, prompts, machine, job.recipe.lora.targets, progress.part)
        with memory_told(), memory_kept():
            alone = speaker.say(begun.alone, recipe.contrast_tokens)
            said = [alone, speaker.say_once(begun.general, GENERAL_TOKENS)]
    alone, general = said
    plan = begun.finished(alone, general, world)
    output.write("plan.json", json.dumps(plan.as_dict()))
    return plan


def _questions(job: Job, given: _Given, plan: Plan | Draft) -> gate.Questions:
    """What the gate asks: the same before and after the training."""
    return gate.questions(
        unique(given.export.corrections),
        given.export.styles,
        plan.asked,
        job.recipe.gate,
        job.seed,
        plan.near,
        more=bool(job.recipe.train.about_more),
    )


def _trained(
    job: Job,
    plan: Plan,
    base: Path,
    machine: Machine,
    processes: Processes,
    output: Output,
    progress: Progress,
) -> Trained:
    """Train, or find what an earlier run trained before it ended."""
    kept = processes.from_first(lambda: output.read("trained.json") if job.resume else None)
    if kept is not None:
        from safetensors.numpy import load_file

        state = load_file(output.partial / "peft" / "adapter_model.safetensors")
        return Trained(state=state if processes.first else {}, **kept)
    with memory_told(), memory_kept():
        trained = train(
            plan,
            base,
            job.recipe,
            machine,
            processes,
            output.partial,
            base_name=job.base.name,
            seed=job.seed,
            resume=job.resume,
            tell=progress.part,
            step=progress.step,
        )
    if processes.first and not trained.stopped:
        told = {
            field.name: getattr(trained, field.name)
            for field in dataclasses.fields(trained)
            if field.name != "state"
        }
        output.write("trained.json", json.dumps(told))
    return trained


def _finish(
    job: Job,
    given: _Given,
    plan: Plan,
    trained: Trained,
    machine: Machine,
    world: int,
    output: Output,
    progress: Progress,
    started: float,
) -> Result:
    header = known_base(job.base)
    inside: dict[str, str | int] = {
        BASE_KEY: given.sha256,
        "chatapp.export.id": given.export.id,
        "chatapp.recipe": json.dumps(job.recipe.as_dict(), sort_keys=True),
        "chatapp.seed": job.seed,
    }
    path = output.partial / ADAPTER
    write_adapter(
        path,
        trained.state,
        heads=header.heads or 1,
        kv_heads=kv_heads(header),
        alpha=job.recipe.lora.alpha,
        name=output.target.name,
        told=inside,
    )
    what = _questions(job, given, plan)

    async def look() -> gate.Found:
        base, adapted = (Engines(job.base, machine.cores, one) for one in (None, path))
        async with base, adapted:
            answers = Answers(base, given.sha256, job.cache)
            return await gate.evaluate(what, job.recipe.gate, adapted, answers, progress.part)

    found = asyncio.run(look())
    if sha256_of(job.base) != given.sha256:
        raise TrainingError(f"{job.base} was changed while the job ran; nothing was written.")
    if job.merged:
        name = f"merged.{job.merged}.gguf"
        progress.say(f"Writing {name}…")
        write_merged(output.partial / name, job.base, path, job.merged, inside)
    result = Result(
        name=output.target.name,
        export=given.export,
        base=job.base,
        base_sha256=given.sha256,
        base_bytes=job.base.stat().st_size,
        adapter_sha256=sha256_of(path),
        recipe=job.recipe,
        seed=job.seed,
        machine=machine,
        world=world,
        trained=trained,
        found=found,
        held=tuple(plan.asked),
        log=tuple(_log(output)),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=time.monotonic() - started,
        command=job.command,
    )
    output.write(PROVENANCE, as_text(provenance(result)))
    output.write("evaluation.json", as_text(evidence(result)))
    output.write("README.md", card(result))
    _page(output, progress)
    output.finish()
    return result


def _log(output: Output) -> list[dict[str, Any]]:
    try:
        lines = (output.partial / "training.jsonl").read_text().splitlines()
    except OSError:
        return []
    return [json.loads(line) for line in lines]


def _page(output: Output, progress: Progress) -> None:
    """``evaluation.html``: another program makes it of the JSON, which holds everything."""
    source, target = output.partial / "evaluation.json", output.partial / "evaluation.html"
    done = subprocess.run(
        [sys.executable, "-m", "chatapp.proofs.report", str(source), str(target)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        progress.say(f"The report's page could not be made: {done.stderr.strip()}")
