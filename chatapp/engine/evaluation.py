"""Canonical evaluation: the logits of a prompt depend on the prompt alone, bit for bit.

Floating-point sums depend on their order, so a token read alone and the same token read among
others get different cache entries. Ordinary prefix caching mixes both kinds, and answers then
depend on what was asked before. Here a prompt is always evaluated in blocks of fixed size, aligned
to position 0, and only whole blocks *evaluated as prompt* are kept for reuse. Reuse changes speed
and nothing else: it is a cache of arithmetic, not a memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from chatapp.engine.llama import Cancelled, Context, Logits
from chatapp.engine.shelf import Shelf, common_blocks

BLOCK: Final = 64
"""Tokens per block. A turn evaluates its new text and at most one block again."""

_WORTH_SAVING: Final = 2
"""Blocks that would be lost, from which on a cache is set aside before it is cut."""


@dataclass(frozen=True, slots=True)
class _Read:
    """A prompt that was read to its end, and the logits after it."""

    tokens: list[int]
    logits: Logits


class Evaluator:
    """Evaluates prompts and single tokens on one llama.cpp context, canonically.

    ``held`` are the tokens of the whole prompt blocks in the cache, from position 0. Without
    ``reuse`` everything is computed afresh, with the same result.
    """

    canonical: ClassVar[bool] = True

    def __init__(self, context: Context, *, reuse: bool = True) -> None:
        self.context = context
        self.reuse = reuse
        self.held: list[int] = []
        self.shelf = Shelf()
        self._last: _Read | None = None
        self._scope = ""

    def enter(self, scope: str) -> None:
        """From now on only what was computed for ``scope`` is reused, and kept for it alone."""
        if scope == self._scope:
            return
        if len(self.held) >= _WORTH_SAVING * BLOCK:
            self.set_aside()
        self.empty()
        self._scope = scope

    def reusable(self, tokens: Sequence[int]) -> int:
        """How many leading tokens of a prompt need not be computed: whole blocks, or all.

        All where the very same prompt was the last one read: its logits are still there. Else at
        least one token is computed, as its logits are what the reply starts from.
        """
        if not self.reuse:
            return 0
        if self._is_last(tokens):
            return len(tokens)
        head = tokens[: max(len(tokens) - 1, 0)]
        set_aside, _ = self.shelf.best(head, BLOCK, self._scope)
        return max(common_blocks(self.held, head, BLOCK), set_aside)

    def read(
        self,
        tokens: Sequence[int],
        *,
        progress: Callable[[int, int], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
        reuse: bool = True,
    ) -> Logits:
        """Evaluate a prompt; the logits after its last token. Without ``reuse``, all of it.

        ``progress(done, total)`` counts the tokens to be computed. Raises :class:`Cancelled`;
        whole blocks read until then are kept.
        """
        last = self._last if reuse and self.reuse and self._is_last(tokens) else None
        if last is not None and self.context.cut(len(tokens)):
            return last.logits.copy()
        self._prefill(tokens, len(tokens), self._begin(tokens[:-1], reuse), progress, cancelled)
        logits = self.context.logits()
        self._last = _Read(list(tokens), logits.copy())
        return logits

    def _is_last(self, tokens: Sequence[int]) -> bool:
        return self._last is not None and self._last.tokens == list(tokens)

    def read_blocks(
        self,
        tokens: Sequence[int],
        *,
        cancelled: Callable[[], bool] | None = None,
        useless: Callable[[], bool] | None = None,
    ) -> None:
        """Read only the whole blocks of ``tokens`` into the cache, for a later prompt.

        Raises :class:`Cancelled`: between two blocks when ``cancelled``, in the middle of one only
        when what it computes is ``useless`` as well (default: always).
        """
        end = len(tokens) // BLOCK * BLOCK
        self._prefill(tokens, end, self._begin(tokens[:end]), None, cancelled, useless)

    def _begin(self, head: Sequence[int], reuse: bool = True) -> int:
        """Make the cache hold as many of the prompt's leading blocks as are known; how many."""
        self._last = None
        at = common_blocks(self.held, head, BLOCK) if self.reuse else 0
        shared, saved = (
            self.shelf.best(head, BLOCK, self._scope) if self.reuse and reuse else (0, None)
        )
        if len(self.held) - at >= _WORTH_SAVING * BLOCK:
            self.set_aside()
        at = at if reuse else 0
        if saved is not None and shared > at:
            at = shared if self.context.restore(self.shelf.take(saved)) else 0
            self.held = list(saved.tokens)
        if not self.context.cut(at):
            at = 0
            self.context.cut(0)
        del self.held[at:]
        return at

    def _prefill(
        self,
        tokens: Sequence[int],
        end: int,
        first: int,
        progress: Callable[[int, int], None] | None,
        cancelled: Callable[[], bool] | None,
        useless: Callable[[], bool] | None = None,
    ) -> None:
        at = first
        self.context.abort_when(useless or cancelled)
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

    def step(
        self, token: int, *, passing: bool = False, meanwhile: Callable[[], None] | None = None
    ) -> Logits:
        """Evaluate one generated token; the logits after it. Its entry is never reused.

        ``passing``: not a copy, so that the next evaluation writes over them. ``meanwhile`` is done
        on another thread while the network computes.
        """
        self.context.evaluate([token], meanwhile=meanwhile)
        return self.context.passing_logits() if passing else self.context.logits()

    def back_to(self, position: int) -> bool:
        """Drop single steps from ``position`` on (not below the prompt)."""
        return self.context.cut(position)

    def set_aside(self) -> None:
        """Save the cache's whole prompt blocks, so that it may be used for something else.

        Not for sliding-window models: cut back to what two prompts share, a saved cache would
        lack entries there, and bits would change.
        """
        self._last = None
        if not self.reuse or self.context.model.looks_back:
            return
        if self.held and self.context.cut(len(self.held)):
            self.shelf.put(self.held, self.context.save(), self._scope)

    def forget(self) -> None:
        """Forget all, what was set aside included: other weights compute from now on."""
        self.empty()
        self.shelf.clear()

    def empty(self) -> None:
        """Empty the cache; what was set aside stays."""
        self._last = None
        self.context.cut(0)
        self.held.clear()
