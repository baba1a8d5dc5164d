"""In the engine's process: which adapter is added to the weights, and changing it in place.

The base stays mapped read-only as it is; an adapter's numbers are a copy in memory beside it.
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

from chatapp.engine.evaluation import Evaluator
from chatapp.engine.probe import file_hash
from chatapp.engine.protocol import MAX_SCALE
from chatapp.engine.weights.adapters import AdapterFile, check_adapter
from chatapp.engine.weights.gguf import read_header
from chatapp.engine.weights.header import Header
from chatapp.errors import EngineError, GGUFError

__all__ = ["Adapting"]


class Adapting:
    """Adds one LoRA file at most to what an evaluator computes with."""

    def __init__(self, evaluator: Evaluator, weights: str) -> None:
        self.file: AdapterFile | None = None
        self.scale = 1.0
        self._evaluator = evaluator
        self._weights = weights
        self._pointer: Any = None
        self._header: Header | None = None
        self._sha256 = ""

    def use(self, path: str | None, scale: float = 1.0) -> None:
        """Add this file from now on, ``scale`` times; None: nothing.

        All that was computed is forgotten, as it came from other weights. Raises
        :class:`~chatapp.errors.WeightsError` or :class:`EngineError`; nothing has changed then.
        """
        if not math.isfinite(scale) or not 0 <= scale <= MAX_SCALE:
            raise EngineError(
                f"An adapter's scale must lie between 0 and {MAX_SCALE:g}.", kind="adapter"
            )
        file = None if path is None else self._checked(path)
        context, model = self._evaluator.context, self._evaluator.context.model
        pointer, old = None, self._pointer
        if file is not None:
            same = self.file is not None and self.file.sha256 == file.sha256
            pointer = old if same else model.adapter(str(file.path))
            if pointer is not old and not file.unchanged():
                model.free_adapter(pointer)
                raise GGUFError(f"{file.path} was changed while it was read.")
        context.add(pointer, scale)
        self._evaluator.forget()
        if old is not None and old is not pointer:
            model.free_adapter(old)
        self.file, self.scale, self._pointer = file, scale, pointer

    def said(self) -> dict[str, Any]:
        """What is active, as :class:`~chatapp.engine.protocol.Ready` says it."""
        return {
            "adapter": self.file.name if self.file else None,
            "adapter_sha256": self.file.sha256 if self.file else None,
            "adapter_scale": self.scale if self.file else None,
        }

    def _checked(self, path: str) -> AdapterFile:
        if self._header is None:
            self._header = read_header(self._weights, with_vocabulary=False)
        return check_adapter(Path(os.path.abspath(path)), self._header, self._base_sha256)

    def _base_sha256(self) -> str:
        """Read once: the first time that a file names its base."""
        self._sha256 = self._sha256 or file_hash(self._weights)
        return self._sha256
