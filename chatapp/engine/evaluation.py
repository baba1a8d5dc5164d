"""Canonical evaluation: the logits of a prompt depend on the prompt alone, bit for bit.

Floating-point sums depend on their order, so a token read alone and the same token read among
others get different cache entries. Ordinary prefix caching mixes both kinds, and answers then
depend on what was asked before. Here a prompt is always evaluated in blocks of fixed size, aligned
to position 0, and only whole blocks *evaluated as prompt* are kept for reuse. Reuse changes speed
and nothing else: it is a cache of arithmetic, not a memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from chatapp.engine.llama import Cancelled, Context, Logits

BLOCK: Final = 64
"""Tokens per block. A turn evaluates its new text and at most one block again."""


class Evaluator:
    """Evaluates prompts and single tokens on one llama.cpp context, canonically.

    ``held`` are the tokens of the whole prompt blocks in the cache, from position 0.
    """

    def __init__(self, context: Context, *, reuse: bool = True) -> None:
        self.context = context
        self.reuse = reuse
        self.held: list[int] = []

    def reusable(self, tokens: Sequence[int]) -> int:
        """How many leading tokens of a prompt need not be computed (a multiple of BLOCK).

        At least one token is always computed: its logits are what the reply starts from.
        """
        if not self.reuse:
            return 0
        limit = min(len(self.held), (len(tokens) - 1) // BLOCK * BLOCK)
        at = 0
        while at < limit and self.held[at : at + BLOCK] == list(tokens[at : at + BLOCK]):
            at += BLOCK
        return at

    def read(
        self,
        tokens: Sequence[int],
        *,
        progress: Callable[[int, int], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Logits:
        """Evaluate a prompt; the logits after its last token.

        ``progress(done, total)`` counts the tokens to be computed. Raises :class:`Cancelled`;
        whole blocks read until then are kept.
        """
        start = self._prefill(tokens, len(tokens), progress, cancelled)
        assert start == len(tokens)
        return self.context.logits()

    def read_blocks(
        self, tokens: Sequence[int], *, cancelled: Callable[[], bool] | None = None
    ) -> None:
        """Read only the whole blocks of ``tokens`` into the cache, for a later prompt."""
        self._prefill(tokens, len(tokens) // BLOCK * BLOCK, None, cancelled)

    def _prefill(
        self,
        tokens: Sequence[int],
        end: int,
        progress: Callable[[int, int], None] | None,
        cancelled: Callable[[], bool] | None,
    ) -> int:
        first = at = self.reusable(tokens)
        if not self.context.cut(at):
            first = at = 0
            self.context.cut(0)
        del self.held[at:]
        self.context.abort_when(cancelled)
        try:
            while at < end:
                block = list(tokens[at : min(at + BLOCK, end)])
                if cancelled and cancelled():
                    raise Cancelled
                self.context.evaluate(block)
                at += len(block)
                if len(block) == BLOCK:
                    self.held += block
                if progress:
                    progress(at - first, end - first)
        finally:
            self.context.abort_when(None)
        return at

    def step(self, token: int) -> Logits:
        """Evaluate one generated token; the logits after it. Its entry is never reused."""
        self.context.evaluate([token])
        return self.context.logits()

    def forget(self) -> None:
        """Empty the cache."""
        self.context.cut(0)
        self.held.clear()
