"""The prefix cache that others use, for showing what is wrong with it. Nothing else uses it.

Whatever was evaluated is used again, entries left by generation included, and the rest is read in
blocks that begin wherever reuse ends. That is how llama.cpp's server and llama-cpp-python's
``Llama`` work by default. Entries computed one by one differ in their last bits from entries that
were read, so the answer to the same request depends on what was asked before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from chatapp.engine.evaluation import BLOCK, Evaluator
from chatapp.engine.llama import Cancelled, Logits


class OrdinaryEvaluator(Evaluator):
    """An :class:`Evaluator` that keeps every entry. ``held`` are the tokens of all of them."""

    canonical: ClassVar[bool] = False

    def reusable(self, tokens: Sequence[int]) -> int:
        shared = 0
        for held, token in zip(self.held, tokens[:-1], strict=False):
            if held != token:
                break
            shared += 1
        return shared if self.reuse else 0

    def read(
        self,
        tokens: Sequence[int],
        *,
        progress: Callable[[int, int], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
        reuse: bool = True,
    ) -> Logits:
        first = self.reusable(tokens) if reuse else 0
        self.back_to(first)
        for at in range(first, len(tokens), BLOCK):
            if cancelled and cancelled():
                raise Cancelled
            block = list(tokens[at : at + BLOCK])
            self.context.evaluate(block)
            self.held += block
            if progress:
                progress(at + len(block) - first, len(tokens) - first)
        return self.context.logits()

    def read_blocks(
        self,
        tokens: Sequence[int],
        *,
        cancelled: Callable[[], bool] | None = None,
        useless: Callable[[], bool] | None = None,
    ) -> None:
        """Nothing is read back: what generation left is what is used."""

    def step(
        self, token: int, *, passing: bool = False, meanwhile: Callable[[], None] | None = None
    ) -> Logits:
        self.held.append(token)
        return super().step(token, passing=passing, meanwhile=meanwhile)

    def back_to(self, position: int) -> bool:
        del self.held[position:]
        return super().back_to(position)

    def set_aside(self) -> None:
        """Nothing is set aside."""
