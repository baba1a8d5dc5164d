"""The recipe: how to train, and when to accept what came out. Data, with every value checked."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Final

from chatapp.errors import TrainingError


@dataclass(frozen=True, slots=True, kw_only=True)
class Lora:
    """The adapter's form. ``targets`` are the layers' names in Hugging Face's models; ``upper`` is
    the share of the base's layers, from the top, that have them."""

    rank: int
    alpha: int
    targets: tuple[str, ...]
    upper: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Train:
    """Steps and what one is made of; see ``recipe.toml`` for each value."""

    learning_rate: float
    warmup_steps: int
    facts_per_step: int
    wordings_per_step: int
    styles_per_step: int
    general_per_step: int
    contrast_per_step: int
    worst: float
    general_prompts: int
    neighbours: int
    subjects_each: int
    about_each: int
    about_more: int
    contrast_tokens: int
    side_by_side: int
    kl_weight: float
    max_steps: int
    cycle: int
    enough: float
    decay: float
    min_steps: int
    stop_loss: float
    stop_drift: float
    stop_steps: int
    style_epochs: int
    max_tokens: int
    save_steps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """How much is asked, and thresholds: shares from 0 to 1, ``general_nll`` in nats a token."""

    neighbours: int
    wordings_each: int
    wordings_least: int
    general_prompts: int
    general_questions: int
    corrections: float
    wordings: float
    leaks: float
    general_nll: float
    keywords: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """``few``: how many corrections are few (``most``), and values of the other parts for these."""

    lora: Lora
    train: Train
    few: Mapping[str, float]
    gate: Gate

    def as_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    def fitting(self, corrections: int, styles: int) -> Recipe:
        """The recipe for so many corrections and marked replies."""
        if not 0 < corrections <= self.few["most"] or styles:
            return self

        def own(part: Lora | Train) -> dict[str, Any]:
            return {key: value for key, value in self.few.items() if hasattr(part, key)}

        return dataclasses.replace(
            self,
            lora=dataclasses.replace(self.lora, **own(self.lora)),
            train=dataclasses.replace(self.train, **own(self.train)),
        )


_PARTS: Final = {"lora": Lora, "train": Train, "few": dict, "gate": Gate}
_MAY_BE_ZERO: Final = frozenset(
    "warmup_steps general_per_step contrast_per_step general_prompts neighbours kl_weight "
    "cycle enough decay min_steps worst about_more side_by_side".split()
)


def read_recipe(path: Path | None = None) -> Recipe:
    """The recipe that comes with chatapp, with the values of a file in their place.

    Raises :class:`TrainingError` for a key that is not known or a value that makes no sense.
    """
    text = resources.files("chatapp.training").joinpath("recipe.toml").read_text("utf-8")
    return _recipe(tomllib.loads(text), _read(path) if path else {}, path.name if path else "")


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise TrainingError(f"The recipe {path} cannot be read: {error.strerror}.") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise TrainingError(f"The recipe {path} is not a TOML file: {error}.") from error


def _recipe(whole: Mapping[str, Any], other: Mapping[str, Any], name: str) -> Recipe:
    known = {**whole, "few": {**whole["lora"], **whole["train"], **whole["few"]}}
    for part, values in other.items():
        if part not in _PARTS or not isinstance(values, dict):
            raise TrainingError(f"{name}: there is no [{part}] in a recipe.")
        for key, value in values.items():
            if key not in known[part]:
                raise TrainingError(f"{name}: there is no '{key}' in [{part}].")
            _check(f"{name}: '{key}'", key, value, known[part][key], gate=part == "gate")
    # What a file says of all holds for few as well.
    said = {**other.get("lora", {}), **other.get("train", {})}
    ours = {**whole, "few": {key: v for key, v in whole["few"].items() if key not in said}}
    made: dict[str, Any] = {
        part: kind(
            **{
                key: _as(known[part][key], value)
                for key, value in {**ours[part], **other.get(part, {})}.items()
            }
        )
        for part, kind in _PARTS.items()
    }
    return Recipe(**made)


def _as(known: Any, value: Any) -> Any:
    """A value in the form of the one that is known."""
    if isinstance(known, list):
        return tuple(value)
    return float(value) if isinstance(known, float) else value


def _check(where: str, key: str, value: Any, known: Any, *, gate: bool) -> None:
    if isinstance(known, list):
        if not value or not isinstance(value, list) or any(type(v) is not str for v in value):
            raise TrainingError(f"{where} must be a list of layer names.")
    elif type(value) not in ((int, float) if isinstance(known, float) else (int,)):
        raise TrainingError(
            f"{where} must be a {'number' if isinstance(known, float) else 'whole number'}."
        )
    elif not gate and (value < 0 or (value == 0 and key not in _MAY_BE_ZERO)):
        raise TrainingError(f"{where} must be above zero.")
    elif gate and isinstance(known, int) and value < 0:  # so many questions
        raise TrainingError(f"{where} must not be below zero.")
    elif key in ("upper", "worst") and value > 1:
        raise TrainingError(f"{where} is a share: at most 1.")
