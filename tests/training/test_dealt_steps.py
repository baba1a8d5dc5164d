"""The trainer tells a dealer what drifted, trains what is dealt, and keeps it by a checkpoint."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from peft import LoraConfig, get_peft_model
from transformers import AutoTokenizer

from chatapp.training import attention
from chatapp.training.dealing import Dealer
from chatapp.training.losses import base_distributions
from chatapp.training.machine import Machine
from chatapp.training.plan import Plan
from chatapp.training.prompts import Row
from chatapp.training.recipe import read_recipe
from chatapp.training.trainer import Trainer, Watch, make_trainer
from tests.training.small import small_model

STEPS = 8
PLAN = Plan(
    rows=[
        Row("fact", (1, 5, 6, 7), 2),
        *[Row("contrast", (1, 5, n, n + 1), 2) for n in range(8, 24)],
    ],
    steps=[[0, *range(1 + step % 4 * 4, 5 + step % 4 * 4)] for step in range(STEPS)],
    weights=[[1.0, *[0.1] * 4]] * STEPS,
)


def _trainer(folder: Path, tokenizer: Any) -> tuple[Trainer, Dealer]:
    model = small_model(layers=2, attention=attention.NAME)
    rows = [PLAN.rows[index] for index in PLAN.held]
    held = dict(zip(PLAN.held, base_distributions(model, rows, lambda *_: None), strict=True))
    config = LoraConfig(r=4, target_modules=["q_proj", "down_proj"], task_type="CAUSAL_LM")
    recipe = dataclasses.replace(read_recipe().train, learning_rate=0.05, save_steps=5)
    dealer = Dealer(PLAN, share=0.5, least=1e-4)
    watch = Watch(recipe, None, lambda *_: None, early=False)
    trainer = make_trainer(
        get_peft_model(model, config), tokenizer, PLAN, held, {}, recipe, folder, watch, dealer,
        seed=0, rank=0, world=1, machine=Machine("cpu", bf16=False, threads=1),
    )  # fmt: skip
    return trainer, dealer


def test_rows_that_drift_are_told_dealt_and_kept(unpacked: Path, tmp_path: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(unpacked)
    whole, dealer = _trainer(tmp_path / "whole", tokenizer)
    whole.train()
    assert len(dealer.dealt) == STEPS
    assert dealer.dealt[:3] == PLAN.steps[:3]  # nothing can have drifted so early
    assert dealer.dealt != PLAN.steps
    rest, again = _trainer(tmp_path / "rest", tokenizer)
    kept = tmp_path / "whole" / "checkpoint-5"
    again.load(kept)
    assert again.dealt == dealer.dealt[:5]
    rest.train(resume_from_checkpoint=str(kept))
    assert again.dealt == dealer.dealt
