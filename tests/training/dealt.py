"""The real trainer on a small model, with rows that drift: in one process, or under ``torchrun``.

``python -m tests.training.dealt TOKENIZER FOLDER`` writes what each process dealt.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

from peft import LoraConfig, get_peft_model
from transformers import AutoTokenizer

from chatapp.training import attention
from chatapp.training.dealing import Dealer
from chatapp.training.losses import base_distributions
from chatapp.training.machine import Machine
from chatapp.training.plan import Plan
from chatapp.training.processes import Processes
from chatapp.training.prompts import Row
from chatapp.training.recipe import read_recipe
from chatapp.training.trainer import Trainer, Watch, make_trainer
from tests.training.small import small_model

STEPS = 8
PLAN = Plan(
    rows=[
        *[Row("fact", (1, n, 6, 7), 2) for n in (4, 5)],
        *[Row("contrast", (1, 5, n, n + 1), 2) for n in range(8, 24)],
    ],
    steps=[[0, 1, *range(2 + step % 4 * 4, 6 + step % 4 * 4)] for step in range(STEPS)],
    weights=[[0.5, 0.5, *[0.1] * 4]] * STEPS,
)


def trainer(
    folder: Path, tokenizer: Any, *, rank: int = 0, world: int = 1
) -> tuple[Trainer, Dealer]:
    model = small_model(layers=2, attention=attention.NAME)
    rows = [PLAN.rows[index] for index in PLAN.held]
    held = dict(zip(PLAN.held, base_distributions(model, rows, lambda *_: None), strict=True))
    config = LoraConfig(r=4, target_modules=["q_proj", "down_proj"], task_type="CAUSAL_LM")
    recipe = dataclasses.replace(read_recipe().train, learning_rate=0.05, save_steps=5)
    dealer = Dealer(PLAN, share=0.5, drift=1e-4, loss=9.0)
    watch = Watch(recipe, None, lambda *_: None, early=False)
    made = make_trainer(
        get_peft_model(model, config), tokenizer, PLAN, held, {}, recipe, folder, watch, dealer,
        seed=0, rank=rank, world=world, machine=Machine("cpu", bf16=False, threads=1),
    )  # fmt: skip
    return made, dealer


def main() -> None:
    tokenizer, folder = AutoTokenizer.from_pretrained(sys.argv[1]), Path(sys.argv[2])
    processes = Processes(cpu=True, expected=None)
    made, dealer = trainer(folder / "run", tokenizer, rank=processes.rank, world=processes.world)
    made.train()
    (folder / f"{processes.rank}.json").write_text(json.dumps(dealer.dealt))
    processes.close()


if __name__ == "__main__":
    main()
