"""Training throughput: the job's trainer against a bare PyTorch + PEFT loop on the same batches.

    python -m benchmarks.finetune.throughput --base models/SmolLM2-135M-Instruct.Q4_1.gguf

Both train the same rows of the same plan with the same losses and precision, from the same start.
The bare loop pads each batch to its longest row, as one does; the trainer computes shared
beginnings once. ``bare_tree`` does so as well: what is left is what the trainer itself costs.
Rows a second, wall and CPU, in turns so that all meet the same load.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.finetune.facts import correction, read, write
from chatapp.training import offline


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--base", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path("build/finetune"))
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--without", nargs="*", default=[], choices=("bare", "bare_tree"))
    parser.add_argument("--precision", choices=("auto", "float32", "bfloat16"), default="auto")
    args = parser.parse_args()
    threads = offline.prepare(args.threads)
    rows = compare(args, threads)
    print(json.dumps(rows, indent=1))


def compare(args: argparse.Namespace, threads: int) -> dict[str, Any]:
    """Seconds for the steps, both ways; ``ratio`` is our rows a second over the bare loop's."""
    from chatapp.training.base import hf_folder, known_base, sha256_of
    from chatapp.training.dataset import read_export
    from chatapp.training.machine import choose, peak_bytes
    from chatapp.training.plan import GENERAL_TOKENS, draft
    from chatapp.training.prompts import Prompts
    from chatapp.training.recipe import read_recipe
    from chatapp.training.speaking import Speaker

    machine = choose("cpu", args.precision, threads)
    sha256 = sha256_of(args.base)
    args.work.mkdir(parents=True, exist_ok=True)
    items = [correction(n, sha256, one) for n, one in enumerate(read("tuning").corrections)]
    export = read_export(write(items, args.work / "export-throughput", replace=True))
    recipe = read_recipe()

    base = hf_folder(args.base, sha256, args.work / "cache")
    prompts = Prompts(known_base(args.base))
    speaker = Speaker(base, prompts, machine, recipe.lora.targets)
    begun = draft(export, recipe, prompts, seed=0)
    alone = speaker.say(begun.alone, recipe.train.contrast_tokens)
    plan = begun.finished(alone, speaker.say(begun.general, GENERAL_TOKENS))
    ways = {"bare": bare, "bare_tree": bare_tree, "trainer": ours}
    ways = {name: run for name, run in ways.items() if name not in args.without}
    found: dict[str, list[float]] = {name: [] for name in ways}
    wall: dict[str, list[float]] = {name: [] for name in ways}
    losses: dict[str, list[float]] = {}
    for _ in range(args.rounds):
        for name, run in ways.items():
            seconds, cpu, seen = run(plan, base, recipe, machine, args.steps)
            found[name].append(cpu)
            wall[name].append(seconds)
            losses[name] = seen
    rows = sum(len(step) for step in plan.steps[: args.steps])
    return {
        "rows": rows,
        "cpu_seconds": found,
        "wall_seconds": wall,
        "rows_per_cpu_second": {name: rows / min(cpu) for name, cpu in found.items()},
        "ratio": {name: min(cpu) / min(found["trainer"]) for name, cpu in found.items()},
        "ratio_wall": {name: min(each) / min(wall["trainer"]) for name, each in wall.items()},
        "losses": losses,
        "precision": machine.precision,
        "threads": threads,
        "peak_mib": peak_bytes() >> 20,
    }


Timed = tuple[float, float, list[float]]


def _timed(work: Callable[[], list[float]]) -> Timed:
    started, cpu = time.monotonic(), time.process_time()
    seen = work()
    return time.monotonic() - started, time.process_time() - cpu, seen


def ours(plan: Any, base: Path, recipe: Any, machine: Any, steps: int) -> Timed:
    import dataclasses

    from transformers import AutoTokenizer

    from chatapp.training.dealing import Dealer
    from chatapp.training.train import prepared
    from chatapp.training.trainer import Watch, make_trainer

    part = dataclasses.replace(plan, steps=plan.steps[:steps], weights=plan.weights[:steps])
    ready = prepared(part, base, recipe, machine, seed=0, tell=lambda *_: None)
    seen: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        watch = Watch(
            recipe.train,
            None,
            lambda step, most, told, left: seen.append(told["loss"]),
            early=False,
        )
        trainer = make_trainer(
            ready.model,
            AutoTokenizer.from_pretrained(base),
            part,
            ready.held,
            ready.hidden,
            dataclasses.replace(recipe.train, save_steps=10_000),
            Path(folder),
            watch,
            # As planned: the bare loops know no other rows.
            Dealer(part, share=0.0, drift=0.0, loss=0.0),
            seed=0,
            rank=0,
            world=1,
            machine=machine,
        )

        def work() -> list[float]:
            trainer.train()
            return seen

        return _timed(work)


def bare(plan: Any, base: Path, recipe: Any, machine: Any, steps: int) -> Timed:
    """The loop that one would write: padded batches, AdamW, clipped gradients."""
    import torch

    from chatapp.training.losses import rest_of
    from chatapp.training.train import prepared

    ready = prepared(plan, base, recipe, machine, seed=0, tell=lambda *_: None, once=False)
    model, held = ready.model, ready.held
    weights = [value for value in model.parameters() if value.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=recipe.train.learning_rate, weight_decay=0.0)
    warm = recipe.train.warmup_steps

    def work() -> list[float]:
        seen = []
        for number in range(steps):
            for group in optimizer.param_groups:
                group["lr"] = recipe.train.learning_rate * min(1.0, number / max(warm, 1))
            indices = plan.steps[number]
            rows = [plan.rows[index] for index in indices]
            longest = max(map(len, rows))
            tokens = torch.zeros(len(rows), longest, dtype=torch.long)
            mask = torch.zeros(len(rows), longest, dtype=torch.long)
            for at, row in enumerate(rows):
                tokens[at, : len(row)] = torch.tensor(row.tokens)
                mask[at, : len(row)] = 1
            with torch.autocast("cpu", torch.bfloat16, enabled=machine.bf16):
                logits = model(input_ids=tokens, attention_mask=mask, use_cache=False).logits
            loss = torch.zeros(())
            for at, (index, row) in enumerate(zip(indices, rows, strict=True)):
                logp = torch.log_softmax(logits[at, row.start - 1 : len(row) - 1].float(), -1)
                if index in held:
                    kept = held[index]
                    mine = logp.gather(1, kept.ids)
                    mine = torch.cat([mine, rest_of(mine)], -1)
                    each = (kept.logprobs.exp() * (kept.logprobs - mine)).sum(-1).mean()
                else:
                    target = torch.tensor(row.tokens[row.start :])
                    each = torch.nn.functional.nll_loss(logp, target)
                loss = loss + plan.weights[number][at] * each
            loss.backward()
            torch.nn.utils.clip_grad_norm_(weights, 1.0)
            optimizer.step()
            optimizer.zero_grad()
            seen.append(float(loss.detach()))
        return seen

    model.train()
    return _timed(work)


def bare_tree(plan: Any, base: Path, recipe: Any, machine: Any, steps: int) -> Timed:
    """The same loop over the trainer's own batches: no padding, and no Trainer around it."""
    import torch

    from chatapp.training.dealing import Dealer
    from chatapp.training.losses import Held, answer_kl, answer_nll, predict, row_means
    from chatapp.training.train import prepared
    from chatapp.training.trainer import Collator
    from chatapp.training.tree import Tree

    ready = prepared(plan, base, recipe, machine, seed=0, tell=lambda *_: None)
    model, held = ready.model, ready.held
    weights = [value for value in model.parameters() if value.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=recipe.train.learning_rate, weight_decay=0.0)
    warm, dealer = recipe.train.warmup_steps, Dealer(plan, share=0.0, drift=0.0, loss=0.0)
    collate = Collator(plan, dealer, held, ready.hidden)

    def work() -> list[float]:
        seen = []
        for number in range(steps):
            for group in optimizer.param_groups:
                group["lr"] = recipe.train.learning_rate * min(1.0, number / max(warm, 1))
            batch = collate([{"step": number}])
            tree = Tree(**{name: batch[name] for name in Tree.__slots__})
            with torch.autocast("cpu", torch.bfloat16, enabled=machine.bf16):
                logp = predict(model, tree)
            kept = batch["kept"][tree.row]
            values = answer_nll(logp, tree)
            base_says = Held(batch["base_ids"], batch["base_logprobs"])
            values = values.masked_scatter(kept, answer_kl(logp, tree, kept, base_says))
            means = row_means(values, tree.row, len(plan.steps[number]))
            loss = (means * batch["weights"]).sum()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(weights, 1.0)
            optimizer.step()
            optimizer.zero_grad()
            seen.append(float(loss.detach()))
        return seen

    model.train()
    return _timed(work)


if __name__ == "__main__":
    main()
