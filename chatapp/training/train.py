"""From a plan to an adapter's numbers."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from chatapp.errors import TrainingError
from chatapp.training import dealing
from chatapp.training.machine import Machine, peak_bytes
from chatapp.training.model import computing, load
from chatapp.training.plan import Plan
from chatapp.training.processes import Processes
from chatapp.training.recipe import Recipe

Step = Callable[[int, int, dict[str, float], float], None]
"""Told the step, how many there may be, its losses, and the seconds that are left at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """``state`` maps PEFT's names to float32 arrays (out, in); empty unless the first process.

    ``tokens`` counts what the layers with adapters computed, shared beginnings once;
    ``tokens_below`` what the layers below them did. ``layers``: the first with an adapter, from 0,
    and how many there are in all. ``parameters``: the adapter's numbers. Seconds are of the steps
    alone.
    """

    state: Mapping[str, Any]
    steps: int
    reason: str
    stopped: bool
    seconds: float
    cpu_seconds: float
    peak_bytes: int
    parameters: int
    rows: int
    tokens: int
    tokens_below: int
    layers: tuple[int, int]


class Prepared(NamedTuple):
    """A model to train. ``held``: the base's distributions by row, ``hidden``: what the layers that
    are left out give, of ``tokens_below`` tokens; ``layers``: the first with an adapter, and how
    many there are."""

    model: Any
    held: dict[int, Any]
    hidden: dict[int, Any]
    layers: tuple[int, int]
    tokens_below: int


def load_libraries() -> None:
    """Import what training needs: some seconds, which can be used for something else as well."""
    import peft  # noqa: F401
    from transformers.models.llama import modeling_llama  # noqa: F401

    from chatapp.training import trainer  # noqa: F401


def train(
    plan: Plan,
    base: Path,
    recipe: Recipe,
    machine: Machine,
    processes: Processes,
    folder: Path,
    *,
    base_name: str,
    seed: int,
    resume: bool,
    tell: Callable[[str, int, int], None],
    step: Step,
) -> Trained:
    """Train; checkpoints and the log go to ``folder``. Raises :class:`TrainingError`."""
    from peft import get_peft_model_state_dict
    from safetensors import SafetensorError
    from transformers import AutoTokenizer

    from chatapp.training.trainer import Watch, make_trainer
    from chatapp.training.tree import size

    ready = prepared(plan, base, recipe, machine, seed=seed, tell=tell)
    watch = Watch(
        recipe.train,
        folder / "training.jsonl" if processes.first else None,
        step if processes.first else lambda *_: None,
        early=any(row.kind == "fact" for row in plan.rows),
    )
    dealer = dealing.Dealer(
        plan,
        share=recipe.train.worst,
        drift=recipe.train.stop_drift,
        loss=recipe.train.stop_loss,
    )
    checkpoints = folder / "checkpoints"
    trainer = make_trainer(
        ready.model,
        AutoTokenizer.from_pretrained(base),
        plan,
        ready.held,
        ready.hidden,
        recipe.train,
        checkpoints,
        watch,
        dealer,
        seed=seed,
        rank=processes.rank,
        world=processes.world,
        machine=machine,
    )
    check_spread(trainer.accelerator.distributed_type.value)
    last = last_checkpoint(checkpoints) if resume else None
    if last:
        dealer.load(last)
    started, cpu = time.monotonic(), time.process_time()
    try:
        trainer.train(resume_from_checkpoint=str(last) if last else None)
    except (OSError, RuntimeError, SafetensorError) as error:
        if not _cannot_write(error):
            raise
        raise TrainingError(
            f"A checkpoint cannot be written to {folder}: is the disk full? Make room, and go on "
            "with --resume."
        ) from error
    steps = trainer.state.global_step
    unwrapped = trainer.accelerator.unwrap_model(trainer.model)
    whole = trainer.accelerator.get_state_dict(trainer.model)  # gathers what is spread (FSDP)
    state = get_peft_model_state_dict(unwrapped, state_dict=whole, save_embedding_layers=False)
    if processes.first and not trainer.stop_asked:
        _save(unwrapped, state, folder / "peft", base_name)
    done = dealer.dealt[:steps]
    tokens = sum(size([plan.rows[index] for index in each]) for each in done)
    return Trained(
        state={name: value.detach().float().cpu().numpy() for name, value in state.items()},
        steps=steps,
        reason=watch.reason,
        stopped=trainer.stop_asked,
        seconds=time.monotonic() - started,
        cpu_seconds=time.process_time() - cpu,
        peak_bytes=peak_bytes(),
        parameters=sum(value.numel() for value in state.values()),
        rows=sum(map(len, done)),
        tokens=tokens,
        tokens_below=ready.tokens_below or tokens,
        layers=ready.layers,
    )


def check_spread(used: str) -> None:
    """Refuse to go on where a launcher asked for FSDP and something else is used.

    accelerate uses it on GPUs and their kin alone, and says nothing elsewhere: each process would
    hold the whole base. Raises :class:`TrainingError`.
    """
    if os.environ.get("ACCELERATE_USE_FSDP", "").lower() == "true" and used != "FSDP":
        raise TrainingError(
            f"FSDP was asked for, and accelerate uses {used} here: each process would hold the "
            "whole base. (It spreads a model over GPUs alone; on processors use torchrun.)"
        )


def _cannot_write(error: Exception) -> bool:
    """Whether an error of any of the libraries means that a file could not be written."""
    marks = ("No space left", "File too large", "PytorchStreamWriter", "Disk quota", "Read-only")
    return isinstance(error, OSError) or any(mark in str(error) for mark in marks)


def _save(model: Any, state: Any, folder: Path, base_name: str) -> None:
    """The PEFT folder, without this machine's paths in it."""
    from safetensors import SafetensorError

    model.peft_config["default"].base_model_name_or_path = base_name
    try:
        model.save_pretrained(folder, state_dict=state, save_embedding_layers=False)
    except (OSError, SafetensorError) as error:
        raise TrainingError(f"{folder} cannot be written: {error}.") from error
    (folder / "README.md").unlink(missing_ok=True)  # PEFT's own: the card is beside it


def prepared(
    plan: Plan,
    base: Path,
    recipe: Recipe,
    machine: Machine,
    *,
    seed: int,
    tell: Callable[[str, int, int], None],
    once: bool = True,
) -> Prepared:
    """The base with an adapter that does nothing yet, and what the base says over held rows.

    Unless ``once`` is false, the layers below the adapter are computed now and left out.
    """
    from peft import LoraConfig, get_peft_model
    from peft.tuners.lora.layer import LoraLayer
    from transformers import set_seed

    from chatapp.training import attention, below
    from chatapp.training.losses import base_distributions

    model = load(base, machine, recipe.lora.targets, attention.NAME)
    count = model.config.num_hidden_layers
    first = below.first_layer(count, plan.upper)
    used = sorted({*plan.held, *(index for step in plan.steps for index in step)})
    rows = [plan.rows[index] for index in used]
    hidden: dict[int, Any] = {}
    with computing(machine):
        if once and first and below.can_be_kept(rows, model.config.hidden_size):
            found = below.compute(model, first, rows, tell, device=machine.device)
            hidden = dict(zip(used, found, strict=True))
            below.leave_out(model, first)
        kept = base_distributions(
            model,
            [plan.rows[index] for index in plan.held],
            tell,
            hidden=[hidden[index] for index in plan.held] if hidden else (),
            device=machine.device,
        )
    set_seed(seed)
    config = LoraConfig(
        r=recipe.lora.rank,
        lora_alpha=recipe.lora.alpha,
        target_modules=list(recipe.lora.targets),
        layers_to_transform=list(range(first, count)) if first else None,
        lora_dropout=0.0,
        bias="none",
        task_type="CAUSAL_LM",
    )
    try:
        adapted = get_peft_model(model, config)
    except ValueError as error:
        raise TrainingError(f"The recipe's layers do not fit this base: {error}") from error
    for module in adapted.modules():
        if isinstance(module, LoraLayer):  # autocast casts what is multiplied; twice is slow
            module.cast_input_dtype_enabled = not machine.bf16
    return Prepared(
        model=adapted,
        held=dict(zip(plan.held, kept, strict=True)),
        hidden=hidden,
        layers=(first, count),
        tokens_below=below.tokens(rows) if hidden else 0,
    )


def last_checkpoint(checkpoints: Path) -> Path | None:
    """The last checkpoint that is whole: one that was being written when the run ended is not."""
    numbered = sorted(
        checkpoints.glob("checkpoint-*"), key=lambda p: int(p.name.rsplit("-", 1)[1]), reverse=True
    )
    for path in numbered:
        try:
            for name in ("trainer_state.json", dealing.FILE):
                json.loads((path / name).read_bytes())
        except (OSError, ValueError):
            continue
        return path
    return None
