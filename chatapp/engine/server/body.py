"""The body of a request for a chat completion: which settings a server takes, and by what name."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, Final, Literal

from chatapp.context.messages import as_dicts
from chatapp.engine.protocol import Generate

Family = Literal["llama.cpp", "vllm", "ollama", "other"]
"""Whose server it is, as far as its model list tells."""

EXTRAS: Final = ("top_k", "min_p", "repeat_penalty", "repetition_penalty")

_MAX_ALTERNATIVES = 20  # OpenAI's limit, and vLLM's default one
# What a server may refuse, and what goes with it. The messages and the temperature are not here:
# without them it would be another request.
_TOGETHER = (EXTRAS, ("logprobs", "top_logprobs"), ("stream_options",), ("seed",), ("max_tokens",))
_REFUSES = re.compile(
    r"unrecogni|unknown|unsupported|n[o']t\b.{0,20}\b(support|permit|allow|enable)|extra|unexpected"
    r"|forbid|invalid argument|unavailable",
    re.IGNORECASE,
)


def family_of(owner: object) -> Family:
    """The family behind a model entry's ``owned_by``."""
    known: dict[object, Family] = {
        "llamacpp": "llama.cpp",  # llama-server
        "me": "llama.cpp",  # llama-cpp-python's server
        "vllm": "vllm",
        "library": "ollama",
    }
    return known.get(owner if isinstance(owner, str) else None, "other")


def wanted(request: Generate, *, model: str, family: Family, seed: int) -> dict[str, Any]:
    """The body with every setting in it, the messages in full.

    Settings outside OpenAI's list go to known servers even when they are off, because "not sent"
    there means the server's own value (llama-cpp-python: a repeat penalty of 1.1).
    """
    sampling = request.sampling
    body: dict[str, Any] = {
        "model": model,
        "messages": as_dicts(request.messages),
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "max_tokens": sampling.max_tokens,
        "seed": seed,
    }
    if sampling.stop:
        body["stop"] = list(sampling.stop)
    if request.alternatives > 0:
        body["logprobs"] = True
        body["top_logprobs"] = min(request.alternatives, _MAX_ALTERNATIVES)
    known = family != "other"
    if known or sampling.top_k:
        # Every vLLM reads -1 as off; older ones refuse 0.
        body["top_k"] = -1 if family == "vllm" and not sampling.top_k else sampling.top_k
    if known or sampling.min_p:
        body["min_p"] = sampling.min_p
    if known or sampling.repeat_penalty != 1.0:
        if family != "vllm":
            body["repeat_penalty"] = sampling.repeat_penalty
        if family in ("vllm", "other"):
            body["repetition_penalty"] = sampling.repeat_penalty
    return body


def without(body: dict[str, Any], refused: Collection[str]) -> dict[str, Any]:
    """The body less what this server refuses."""
    found = {name: value for name, value in body.items() if name not in refused}
    if "max_tokens" in refused:
        found["max_completion_tokens"] = body["max_tokens"]
    return found


def left_out(body: dict[str, Any], refused: Collection[str]) -> tuple[str, ...]:
    """The settings of ``body`` that do not reach the model, one name each."""
    twins = ("repetition_penalty", "top_logprobs", "max_tokens")
    return tuple(name for name in body if name in refused and name not in twins)


def refusal(text: str, body: dict[str, Any]) -> frozenset[str]:
    """The fields of ``body`` that an error message calls unknown or unsupported."""
    if not _REFUSES.search(text):
        return frozenset()
    found: set[str] = set()
    for names in _TOGETHER:
        present = [name for name in names if name in body]
        if any(re.search(rf"\b{name}\b", text) for name in present):
            found.update(present)
    if "max_completion_tokens" not in text:
        found.discard("max_tokens")
    return frozenset(found)
