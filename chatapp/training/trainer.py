"""TRL's SFTTrainer with two losses in one step: answers to learn, and answers to leave alone.

Batches come in the order of the plan, rows as a tree of tokens (see :mod:`.tree`). One step is the
same sum over the same rows, however many processes share it.
"""

from __future__ import annotations

import json
import signal
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import TrainerCallback
from trl.trainer.sft_config import SFTConfig
from trl.trainer.sft_trainer import SFTTrainer

from chatapp.training.dealing import Dealer
from chatapp.training.losses import Held, answer_kl, answer_nll, predict, row_means
from chatapp.training.machine import Machine
from chatapp.training.plan import Plan
from chatapp.training.recipe import Train
from chatapp.training.tree import Tree, plant

LEARNT = ("fact", "style")


class Collator:
    """Turns a step's number into a tree of its rows, with the base's distributions beside it.

    ``hidden``: what the layers that are left out give for each row of the plan, if there are such.
    Of each step the process ``rank`` of ``world`` gets its part.
    """

    def __init__(
        self,
        plan: Plan,
        dealer: Dealer,
        held: Mapping[int, Held],
        hidden: Mapping[int, Tensor],
        *,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        self.plan, self.dealer, self.held, self.hidden = plan, dealer, held, hidden
        self.rank, self.world = rank, world

    def __call__(self, items: Sequence[dict[str, int]]) -> dict[str, Any]:
        step = items[0]["step"]
        mine = self.dealer.rows(step)[self.rank :: self.world]
        weights = self.plan.weights[step][self.rank :: self.world]
        rows = [self.plan.rows[index] for index in mine]
        tree = plant(rows, [self.hidden[index] for index in mine] if self.hidden else ())
        base = [self.held[index] for index in mine if index in self.held]
        return {
            **{name: getattr(tree, name) for name in Tree.__slots__},
            "step": step,
            "index": torch.tensor(mine),
            "weights": torch.tensor(weights),
            "kept": torch.tensor([index in self.held for index in mine]),
            "fact": torch.tensor([row.kind in LEARNT for row in rows]),
            "base_ids": torch.cat([one.ids for one in base]) if base else torch.empty(0, 1).long(),
            "base_logprobs": torch.cat([one.logprobs for one in base]) if base else None,
        }


class Trainer(SFTTrainer):
    """Computes the plan's loss. ``seen`` holds the last step's numbers, of all processes.

    ``held`` there is the mean KL to the base (nats a token), without its weight in the loss.
    """

    seen: dict[str, float]
    dealer: Dealer
    kl_weight = 1.0
    cycle = 0
    stop_asked = False

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
        """The learning rate over one cycle, and over each that follows."""
        cycle = self.cycle or num_training_steps
        scheduler: Any = super().create_scheduler(cycle, optimizer)
        scheduler.lr_lambdas = [
            lambda step, over=one: over(step % cycle) for one in scheduler.lr_lambdas
        ]
        return scheduler

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        tree = Tree(**{name: inputs[name] for name in Tree.__slots__})
        logp = predict(model, tree)
        rows = len(inputs["weights"])
        kept = inputs["kept"][tree.row]
        values = answer_nll(logp, tree)
        if inputs["base_logprobs"] is not None:
            held = Held(inputs["base_ids"], inputs["base_logprobs"])
            values = values.masked_scatter(kept, answer_kl(logp, tree, kept, held))
        means = row_means(values, tree.row, rows)
        self._note(inputs, means.detach())
        each = means * inputs["weights"]
        world = self.accelerator.num_processes
        # Gradients are averaged over the processes, so their number makes it the sum again.
        loss = each.sum() * world
        learnt = (each * inputs["fact"]).sum().detach() * world
        told = torch.stack([loss.detach(), learnt, loss.new_tensor(float(self.stop_asked))])
        told = self.accelerator.reduce(told, "mean").tolist()
        drift = (told[0] - told[1]) / (self.kl_weight or 1.0)
        self.seen = {"loss": told[0], "learnt": told[1], "held": drift}
        self.stop_asked = told[2] > 0
        return (loss, {}) if return_outputs else loss

    def _note(self, inputs: Any, means: Tensor) -> None:
        """Tell the dealer, on each process, how well all rows were learnt or held."""
        index, means = self.accelerator.gather((inputs["index"], means))
        seen = zip(index.tolist(), means.tolist(), strict=True)
        self.dealer.note(inputs["step"], dict(seen))

    def create_model_card(self, *_: Any, **__: Any) -> None:
        """The job writes its own card, once, with what the gate found."""


class Watch(TrainerCallback):
    """Early stop, Ctrl+C, the log, and a line of progress."""

    def __init__(
        self,
        recipe: Train,
        log: Path | None,
        tell: Callable[[int, int, dict[str, float], float], None],
        *,
        early: bool,
    ) -> None:
        self.recipe, self.log, self.tell, self.early = recipe, log, tell, early
        self.trainer: Trainer | None = None
        self.below = 0
        self.last: deque[float] = deque(maxlen=recipe.stop_steps)  # losses of the corrections
        self.reason = "the last planned step"
        self._before: Any = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.started, self.first, self.cpu = (
            time.monotonic(),
            state.global_step,
            time.process_time(),
        )
        if self.log:
            self._forget_after(state.global_step)
        if self.trainer is not None:
            trainer = self.trainer

            def ask(*_: Any) -> None:
                trainer.stop_asked = True

            try:
                self._before = signal.signal(signal.SIGINT, ask)
            except ValueError:  # not the main thread: Ctrl+C is somebody else's
                self._before = None

    def on_train_end(self, *_: Any, **__: Any) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        assert self.trainer is not None
        if state.is_world_process_zero:
            folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
            self.trainer.dealer.save(folder, state.global_step)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        assert self.trainer is not None
        seen, step = self.trainer.seen, state.global_step
        taken = time.monotonic() - self.started
        left = taken / (step - self.first) * (state.max_steps - step)
        self._count(seen)
        if self.log:
            line = {"step": step, **{key: round(value, 6) for key, value in seen.items()}}
            line |= {
                "seconds": round(taken, 3),
                "cpu_seconds": round(time.process_time() - self.cpu, 3),
            }
            with self.log.open("a") as file:
                file.write(json.dumps(line) + "\n")
        self.tell(step, state.max_steps, seen, left)
        if self.trainer.stop_asked:
            self.reason = "stopped by hand"
            control.should_save = control.should_training_stop = True
        elif self.early and step >= self.recipe.min_steps and self.below >= self.recipe.stop_steps:
            self.reason = (
                f"the loss stayed below {self.recipe.stop_loss:g}, the drift below "
                f"{self.recipe.stop_drift:g}"
            )
            control.should_training_stop = True
        elif self.early and self._cycle_is_enough(step):
            self.reason = (
                f"after a cycle of {self.recipe.cycle} steps the loss was below "
                f"{self.recipe.enough:g}"
            )
            control.should_training_stop = True

    def _cycle_is_enough(self, step: int) -> bool:
        """Whether a cycle ends here, with the corrections learnt well enough."""
        ended = self.recipe.cycle and step % self.recipe.cycle == 0
        return bool(ended) and sum(self.last) / len(self.last) < self.recipe.enough

    def _count(self, seen: dict[str, float]) -> None:
        self.below = self.below + 1 if self._enough(seen) else 0
        self.last.append(seen["learnt"])

    def _enough(self, seen: dict[str, float]) -> bool:
        """Whether the corrections are learnt, and the rest is as the base has it."""
        return seen["learnt"] < self.recipe.stop_loss and seen["held"] < self.recipe.stop_drift

    def _forget_after(self, step: int) -> None:
        """A run that is taken up again writes its later steps anew; count how it stood before."""
        assert self.log is not None
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        known = [line for line in lines if line and json.loads(line)["step"] <= step]
        self.log.write_text("".join(f"{line}\n" for line in known))
        for line in known:
            self._count(json.loads(line))


def make_trainer(
    model: Any,
    tokenizer: Any,
    plan: Plan,
    held: Mapping[int, Held],
    hidden: Mapping[int, Tensor],
    recipe: Train,
    folder: Path,
    watch: Watch,
    dealer: Dealer,
    *,
    seed: int,
    rank: int,
    world: int,
    machine: Machine,
) -> Trainer:
    """A trainer that is ready to run; checkpoints go to ``folder``."""
    from datasets import Dataset

    cycle = min(recipe.cycle or len(plan.steps), len(plan.steps))
    config = SFTConfig(
        output_dir=str(folder),
        per_device_train_batch_size=1,
        max_steps=len(plan.steps),
        learning_rate=recipe.learning_rate,
        warmup_steps=recipe.warmup_steps,
        lr_scheduler_type="warmup_stable_decay",
        lr_scheduler_kwargs={"num_decay_steps": int(cycle * recipe.decay)},
        weight_decay=0.0,
        optim="adamw_torch",
        train_sampling_strategy="sequential",
        save_strategy="steps",
        save_steps=recipe.save_steps,
        save_total_limit=2,
        logging_strategy="no",
        report_to=[],
        disable_tqdm=True,
        remove_unused_columns=False,
        dataset_kwargs={"skip_prepare_dataset": True},
        dataloader_pin_memory=False,
        gradient_checkpointing=False,
        bf16=machine.bf16,
        use_cpu=machine.device == "cpu",
        seed=seed,
        data_seed=seed,
        max_length=None,
    )
    if config.n_gpu > 1:  # one process would spread a batch over all GPUs; a tree is one piece
        config._n_gpu = 1
    trainer = Trainer(
        model=model,
        args=config,
        # Each process is handed the number of the step, and deals itself its part of the rows.
        train_dataset=Dataset.from_dict(
            {"step": [step for step in range(len(plan.steps)) for _ in range(world)]}
        ),
        data_collator=Collator(plan, dealer, held, hidden, rank=rank, world=world),
        processing_class=tokenizer,
        callbacks=[watch],
    )
    from transformers.trainer_callback import PrinterCallback

    trainer.remove_callback(PrinterCallback)
    trainer.dealer = dealer
    trainer.kl_weight = recipe.kl_weight
    trainer.cycle = cycle
    watch.trainer = trainer
    return trainer
