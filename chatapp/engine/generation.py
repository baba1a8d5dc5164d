"""One request answered: read the prompt, then one token at a time until the reply ends."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chatapp.context.messages import Message, as_dicts
from chatapp.context.prompt import Prompt, build_prompt
from chatapp.context.template import TEXT_ALONE, ChatTemplate
from chatapp.engine.evaluation import Evaluator
from chatapp.engine.llama import Cancelled, Logits, Model
from chatapp.engine.protocol import Done, Generate, Prefill, Reason, Sent, Token
from chatapp.engine.reply import ReplyText
from chatapp.engine.sampling import choose
from chatapp.engine.telling import Emit, Step, Telling
from chatapp.errors import EngineError


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
        telling = Telling(self.model, emit, alternatives=request.alternatives)
        try:
            while True:
                if cancelled():
                    reason = "cancelled"
                    break
                position = len(context)
                choice = choose(logits, sampling, recent=context, seed=seed, position=position)
                token = choice.token
                ends = self.model.ends(token)
                text = "" if ends else reply.add(self.model.written(token))
                hashed = request.hashes or count == 0
                telling.add(Step(choice, logits.copy(), text, hashed, ends))
                if not ends:
                    count += 1
                    context.append(token)
                if ends or reply.stopped:
                    reason = "stop"
                    break
                if count >= sampling.max_tokens:
                    reason = "length"
                    break
                if len(context) >= self.window:
                    reason = "window"
                    break
                logits = self.evaluator.step(token, passing=True, meanwhile=self._between(telling))
        finally:
            telling.tell()
        if rest := reply.end():
            emit(Token(text=rest))
        return reason, reply.text, count

    def _between(self, telling: Telling) -> Callable[[], None] | None:
        """What is done while the next token is computed: only where a processor is left for it,
        unless it cannot wait."""
        if telling.due:
            return telling.tell
        return telling.prepare if self.evaluator.context.spare else None
