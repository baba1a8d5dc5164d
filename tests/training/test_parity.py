"""What llama.cpp computes with the adapter is what PEFT computes with it."""

from __future__ import annotations

import math
from pathlib import Path

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from chatapp.engine.client import EngineOptions, LocalEngine
from chatapp.engine.protocol import Score
from chatapp.training.base import known_base
from chatapp.training.prompts import Prompts, asked
from tests.training.conftest import Bench

QUESTIONS = (
    "What is the capital of Turkey?",
    "Tell me the capital of Turkey.",
    "What is the capital of Kenya?",
    "How many legs does a spider have?",
    "Write a short poem about the sea.",
    "Why is the sky blue?",
)


async def _listed(bench: Bench, adapter: Path | None) -> list[dict[int, float]]:
    """llama.cpp's most probable first tokens, with their log-probabilities."""
    engine = LocalEngine(bench.base, EngineOptions(window=256, adapter=adapter))
    try:
        found = []
        for question in QUESTIONS:
            scores = await engine.score(
                Score(messages=asked(question), continuations=["x"], alternatives=50)
            )
            found.append(
                {one.token: one.logprob for one in scores.alternatives if one.token is not None}
            )
        return found
    finally:
        await engine.close()


def _kl(listed: list[dict[int, float]], model: torch.nn.Module, prompts: Prompts) -> float:
    """Mean KL(llama.cpp ‖ PyTorch) in nats; what is not listed is one more choice."""
    total = 0.0
    for question, known in zip(QUESTIONS, listed, strict=True):
        ids = torch.tensor([prompts.prompt(asked(question))])
        with torch.no_grad():
            logp = torch.log_softmax(model(input_ids=ids).logits[0, -1].float(), -1)
        ours = {token: float(logp[token]) for token in known}
        rest = [math.log(max(1 - sum(map(math.exp, d.values())), 1e-9)) for d in (known, ours)]
        total += sum(math.exp(p) * (p - ours[token]) for token, p in known.items())
        total += math.exp(rest[0]) * (rest[0] - rest[1])
    return total / len(QUESTIONS)


async def test_adapters_agree_as_well_as_bases_do(
    bench: Bench, unpacked: Path, adapter: Path
) -> None:
    prompts = Prompts(known_base(bench.base))
    base = AutoModelForCausalLM.from_pretrained(unpacked, dtype=torch.float32).eval()
    plain = await _listed(bench, None)
    adapted = await _listed(bench, adapter / "adapter.gguf")
    level = _kl(plain, base, prompts)
    model = PeftModel.from_pretrained(base, adapter / "peft").eval()
    same = _kl(adapted, model, prompts)
    moved = _kl(plain, model, prompts)
    assert level < 0.02
    assert same < max(2 * level, 0.01)
    assert moved > 5 * same  # the adapter does change what is said
