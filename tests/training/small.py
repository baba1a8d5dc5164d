"""A model of the base's kind that is small enough to compute by hand."""

from __future__ import annotations

import torch
from transformers import LlamaConfig, LlamaForCausalLM


def small_model(*, layers: int, attention: str) -> LlamaForCausalLM:
    """With random weights, always the same; a vocabulary of 40."""
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=40,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        attn_implementation=attention,
    )
    return LlamaForCausalLM(config).eval()
