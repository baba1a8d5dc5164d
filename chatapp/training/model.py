"""The unpacked base as a model of PyTorch's, in the precision that the machine computes with."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from chatapp.training.machine import Machine


def load(base: Path, machine: Machine, targets: Sequence[str], attention: str = "sdpa") -> Any:
    """The model. ``targets``, its large layers, are in bfloat16 where the machine has that, and the
    output layer (a copy, where it is the embeddings): what a step would make of them each time."""
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    model: Any = AutoModelForCausalLM.from_pretrained(
        base, dtype=torch.float32, attn_implementation=attention
    )
    model.to(machine.device)
    if machine.bf16:
        for name, weight in model.named_parameters():
            if name.rsplit(".", 2)[-2] in targets:
                weight.data = weight.data.bfloat16()
        head = model.get_output_embeddings()
        head.weight = torch.nn.Parameter(head.weight.detach().bfloat16(), requires_grad=False)
    return model


def computing(machine: Machine) -> AbstractContextManager[Any]:
    """In which a loaded model computes."""
    import torch

    context: AbstractContextManager[Any] = torch.autocast(
        machine.device, torch.bfloat16, enabled=machine.bf16
    )
    return context
