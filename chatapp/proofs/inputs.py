"""All that an answer depends on, and the difference between two sets of it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chatapp.context.messages import Message, as_dicts
from chatapp.engine.protocol import Sampling


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """The arguments of the frozen function. Nothing else goes in.

    ``weights`` and ``adapter`` are SHA-256 hashes, ``scale`` what the adapter is multiplied by; the
    seed is one of ``sampling``'s fields.
    """

    weights: str
    messages: Sequence[Message]
    sampling: Sampling
    adapter: str | None = None
    scale: float | None = None

    @property
    def system(self) -> str:
        """The system prompt, where one is sent."""
        return "\n".join(m.content for m in self.messages if m.role == "system")

    @property
    def transcript(self) -> list[Message]:
        return [message for message in self.messages if message.role != "system"]

    def named(self) -> dict[str, Any]:
        """Each input by its name, as it is shown."""
        settings = dataclasses.asdict(self.sampling)
        seed = settings.pop("seed")
        turns = [f"{message.role}: {message.content}" for message in self.transcript]
        return {
            "weights": self.weights,
            "adapter": self.adapter,
            "adapter scale": self.scale,
            "system prompt": self.system,
            "transcript": "\n".join(turns),
            **{name.replace("_", " "): value for name, value in settings.items()},
            "seed": seed,
        }

    @property
    def sha256(self) -> str:
        """One hash over all inputs: equal only if every one is."""
        value = [
            self.weights,
            self.adapter,
            self.scale,
            as_dicts(self.messages),
            self.sampling.as_dict(),
        ]
        return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Difference:
    """One input that is not the same."""

    name: str
    one: Any
    other: Any


def differences(one: Inputs, other: Inputs) -> list[Difference]:
    """What differs, by name. At temperature 0 nothing is drawn, so seeds do not matter there."""
    mine, theirs = one.named(), other.named()
    found = [
        Difference(name, mine[name], theirs[name]) for name in mine if mine[name] != theirs[name]
    ]
    if one.sampling.temperature == other.sampling.temperature == 0:
        found = [difference for difference in found if difference.name != "seed"]
    return found
