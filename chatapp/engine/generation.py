"""One request answered: read the prompt, then one token at a time until the reply ends."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from chatapp.context.messages import Message, as_dicts
from chatapp.context.prompt import Prompt, build_prompt
from chatapp.context.template import TEXT_ALONE, ChatTemplate
from chatapp.engine.evaluation import Evaluator
from chatapp.engine.llama import Cancelled, Logits, Model
from chatapp.engine.probe import logits_hash
from chatapp.engine.protocol import (
    Alternative,
    Done,
    Event,
    Generate,
    Prefill,
    Reason,
    Sent,
    Token,
)
from chatapp.engine.reply import ReplyText
from chatapp.engine.sampling import Choice, choose, logsumexp, most_probable
from chatapp.errors import EngineError

Emit = Callable[[Event], None]


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn that has ended: all that was said, the reply included, for one scope."""

    messages: Sequence[Message]
    scope: str

    def leads_to(self, request: Mapping[str, Any]) -> bool:
        """Whether a request, as it came in, asks what comes after this turn."""
        said = request.get("messages")
        return (
            request.get("type") == "generate"
            and request.get("reuse") is not False
            and not request.get("plain")
            and request.get("scope", "") == self.scope
            and isinstance(said, list)
            and said[: len(self.messages)] == as_dicts(self.messages)
        )


@dataclass(slots=True)
class Machine:
    """What answering needs: the weights, their template, and an evaluator with its cache."""

    model: Model
    template: ChatTemplate
    evaluator: Evaluator
    bare: ChatTemplate = field(default_factory=lambda: ChatTemplate(TEXT_ALONE))

    @property
    def window(self) -> int:
        return self.evaluator.context.window

    def prompt(
        self, messages: Sequence[Message], *, answer: bool = True, plain: bool = False
    ) -> Prompt:
        """What the model would receive. Raises ``TemplateError``."""
        template = self.bare if plain else self.template
        return build_prompt(messages, template, self.model, answer=answer)

    def read_back(
        self, turn: Turn, cancelled: Callable[[], bool], useless: Callable[[], bool]
    ) -> None:
        """Read a finished turn as prompt blocks, as the next turn will send it.

        Saves the next turn time and changes none of its bits. Raises :class:`Cancelled`, as
        :meth:`~chatapp.engine.evaluation.Evaluator.read_blocks` does.
        """
        tokens = self.prompt(turn.messages, answer=False).tokens
        if len(tokens) <= self.window:
            self.evaluator.enter(turn.scope)
            self.evaluator.read_blocks(tokens, cancelled=cancelled, useless=useless)

    def generate(self, request: Generate, emit: Emit, cancelled: Callable[[], bool]) -> Done:
        """Answer; everything up to the end is told to ``emit``, the end is returned."""
        prompt = self.prompt(request.messages, plain=request.plain)
        self.check_room(prompt, len(request.begun) + 1)
        self._check_tokens(request.begun)
        self.evaluator.enter(request.scope)
        reused = self.evaluator.reusable(prompt.tokens) if request.reuse else 0
        computed = len(prompt) - reused
        seed = request.sampling.seed
        seed = secrets.randbelow(2**32) if seed is None else seed
        emit(Sent(prompt=prompt, reused=reused, evaluate=computed, seed=seed))
        started = time.monotonic()
        try:
            logits = self.evaluator.read(
                prompt.tokens,
                progress=lambda done, total: emit(Prefill(done=done, total=total)),
                cancelled=cancelled,
                reuse=request.reuse,
            )
        except Cancelled:
            return Done(
                reason="cancelled",
                text="",
                prompt_tokens=len(prompt),
                reply_tokens=0,
                reused=reused,
                prefill_seconds=time.monotonic() - started,
            )
        read = time.monotonic()
        reason, text, count = self._decode(request, prompt, logits, seed, emit, cancelled)
        return Done(
            reason=reason,
            text=text,
            prompt_tokens=len(prompt),
            reply_tokens=count,
            reused=reused,
            evaluated=computed,
            prefill_seconds=read - started,
            decode_seconds=time.monotonic() - read,
        )

    def check_room(self, prompt: Prompt, more: int = 1) -> None:
        """Raise :class:`EngineError` (kind ``window``) unless ``more`` tokens fit behind it."""
        if len(prompt) + more > self.window:
            raise EngineError(
                f"The prompt has {len(prompt):,} tokens; the window holds {self.window:,} and must "
                "leave room for a reply. Nothing was cut off.",
                kind="window",
            )

    def _check_tokens(self, tokens: Sequence[int]) -> None:
        if not all(0 <= token < self.model.size for token in tokens):
            raise EngineError("'begun' must hold tokens of this vocabulary.", kind="request")

    def _decode(
        self,
        request: Generate,
        prompt: Prompt,
        logits: Logits,
        seed: int,
        emit: Emit,
        cancelled: Callable[[], bool],
    ) -> tuple[Reason, str, int]:
        sampling = request.sampling
        context = list(prompt.tokens)
        reply = ReplyText(sampling.stop)
        count = 0
        reason: Reason = "length"
        for token in request.begun:
            if cancelled():
                return "cancelled", reply.text, 0
            reply.add(self.model.written(token))
            context.append(token)
            logits = self.evaluator.step(token)
        while True:
            if cancelled():
                reason = "cancelled"
                break
            position = len(context)
            choice = choose(logits, sampling, recent=context, seed=seed, position=position)
            token = choice.token
            ends = self.model.ends(token)
            text = "" if ends else reply.add(self.model.written(token))
            told = partial(
                self._tell,
                emit,
                choice,
                logits.copy(),
                text,
                alternatives=request.alternatives,
                hashed=request.hashes or count == 0,
                ends=ends or None,
            )
            if not ends:
                count += 1
                context.append(token)
            if ends or reply.stopped:
                reason = "stop"
            elif count >= sampling.max_tokens:
                reason = "length"
            elif len(context) >= self.window:
                reason = "window"
            else:
                # What is told of this token is put together while the next one is computed.
                logits = self.evaluator.step(token, passing=True, meanwhile=told)
                continue
            told()
            break
        if rest := reply.end():
            emit(Token(text=rest))
        return reason, reply.text, count

    def _tell(
        self,
        emit: Emit,
        choice: Choice,
        logits: Logits,
        text: str,
        *,
        alternatives: int,
        hashed: bool,
        ends: bool | None,
    ) -> None:
        """Tell of a step: the text that it adds to the reply, and the numbers of its choice."""
        total = logsumexp(logits)
        token = Token(
            text=text,
            token=choice.token,
            logprob=float(logits[choice.token]) - total,
            share=choice.share,
            before=choice.before,
            draw=choice.draw,
            kept=choice.kept,
            logits=logits_hash(logits) if hashed else None,
            alternatives=self.top(logits, alternatives, choice, total),
            ends=ends,
        )
        emit(token)

    def top(
        self,
        logits: Logits,
        count: int,
        choice: Choice | None = None,
        total: float | None = None,
    ) -> tuple[Alternative, ...]:
        """The ``count`` most probable tokens; their share of the draw, where one was made.

        ``total``: :func:`logsumexp` of the logits, where it is known.
        """
        count = min(count, len(logits))
        if not count:
            return ()
        total = logsumexp(logits) if total is None else total
        tokens = most_probable(logits, count)
        ids: list[int] = tokens.tolist()
        logprobs: list[float] = (logits[tokens].astype(np.float64) - total).tolist()
        shares = choice.shares_of(ids) if choice else [None] * count
        return tuple(
            Alternative(
                token=token,
                text=self.model.piece(token).decode("utf-8", "replace"),
                logprob=logprob,
                share=share,
            )
            for token, logprob, share in zip(ids, logprobs, shares, strict=True)
        )
